"""Settings in the database (PostgREST docs, references/configuration and references/transactions)."""

from dataclasses import dataclass

from tailrace.engine.config.database import (
    decode_role_settings,
    decode_settings,
    role_settings_statement,
    settings_statement,
)
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.statement import IsolationLevel


@dataclass
class FakeRows:
    rows: list[tuple[bytes | None, ...]]

    @property
    def ntuples(self) -> int:
        return len(self.rows)

    def get_value(self, row_number: int, column_number: int) -> bytes | None:
        return self.rows[row_number][column_number]


def test_parameters_become_settings_of_their_own_name() -> None:
    rows = FakeRows([(b"pgrst.db_schemas", b"a, b"), (b"pgrst.jwt_aud", b"")])

    assert decode_settings(rows) == {"db-schemas": "a, b", "jwt-aud": ""}


def test_only_settings_that_the_database_may_have_are_asked_for() -> None:
    (names,) = settings_statement(None).parameters

    assert names is not None
    assert b"pgrst.db_schemas" in names
    assert b"pgrst.db_uri" not in names
    assert b"pgrst.server_port" not in names


def test_the_pre_config_function_is_called_by_its_quoted_name() -> None:
    sql = settings_statement(QualifiedName("my schema", 'pre"config')).sql

    assert b'"my schema"."pre""config"()' in sql


def test_role_settings_are_kept_by_role_and_isolation_levels_apart() -> None:
    rows = FakeRows(
        [
            (b"web", b"statement_timeout", b"5s"),
            (b"web", b"work_mem", b"1MB"),
            (b"web", b"default_transaction_isolation", b"REPEATABLE READ"),
            (b"bank", b"default_transaction_isolation", b"serializable"),
            (b"odd", b"default_transaction_isolation", b"read uncommitted"),
        ]
    )

    settings, isolation = decode_role_settings(rows)

    assert settings == {"web": (("statement_timeout", "5s"), ("work_mem", "1MB"))}
    assert isolation == {
        "web": IsolationLevel.REPEATABLE_READ,
        "bank": IsolationLevel.SERIALIZABLE,
        "odd": IsolationLevel.READ_COMMITTED,
    }


def test_granted_parameters_are_looked_at_where_postgres_has_them() -> None:
    assert b"has_parameter_privilege" in role_settings_statement(150_000).sql
    assert b"has_parameter_privilege" not in role_settings_statement(140_011).sql
