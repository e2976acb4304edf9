"""Settings that a real Postgres holds (PostgREST docs, references/configuration, "In-Database Configuration")."""

from collections.abc import Mapping

import psycopg
import pytest
from psycopg import pq

from tailrace.engine.config.database import (
    decode_role_settings,
    decode_settings,
    role_settings_statement,
    settings_statement,
)
from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.statement import IsolationLevel, Rows, Statement
from tests.support.postgres import CreateDatabase, Database


def rows_of(database: Database, statement: Statement) -> Rows:
    """What the authenticator gets for a statement, sent as the server sends it."""
    connection = pq.PGconn.connect(database.authenticator_dsn.encode())
    result = connection.exec_params(statement.sql, statement.parameters)
    connection.finish()
    assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
    return result


def settings_of(database: Database, pre_config: QualifiedName | None = None) -> Mapping[str, str]:
    return decode_settings(rows_of(database, settings_statement(pre_config)))


PRE_CONFIG = """
    create schema hidden;
    grant usage on schema hidden to authenticator;
    create function hidden.pre_config() returns void language sql as $$
        select set_config('pgrst.db_schemas', 'from function', true),
               set_config('pgrst.db_anon_role', 'from function', true),
               set_config('pgrst.db_uri', 'from function', true);
    $$;
"""


@pytest.fixture
def database(create_database: CreateDatabase) -> Database:
    return create_database(PRE_CONFIG)


def test_without_any_there_are_none(database: Database) -> None:
    database.execute("alter role authenticator reset all")

    assert settings_of(database) == {}


def test_the_role_in_this_database_wins_over_the_role_and_that_over_the_function(database: Database) -> None:
    database.execute(
        f"""
        alter role authenticator set pgrst.db_schemas = 'role';
        alter role authenticator set pgrst.jwt_aud = 'role = a';
        alter role authenticator in database {database.name} set pgrst.jwt_aud = 'role in database';
        """
    )

    assert settings_of(database, QualifiedName("hidden", "pre_config")) == {
        "db-anon-role": "from function",
        "db-schemas": "role",
        "jwt-aud": "role in database",
    }


def test_what_another_database_says_and_what_no_database_may_set_does_not_count(
    database: Database, create_database: CreateDatabase
) -> None:
    other = create_database("")
    database.execute(
        f"""
        alter role authenticator reset all;
        alter role authenticator in database {other.name} set pgrst.db_max_rows = '1';
        alter role authenticator set pgrst.db_uri = 'postgres://elsewhere';
        alter database {database.name} set pgrst.db_max_rows = '7';
        alter role authenticator set pgrst.jwt_aud = 'a=b=c';
        """
    )

    assert settings_of(database) == {"jwt-aud": "a=b=c"}


def test_a_function_that_does_not_exist_is_an_error_of_postgres(database: Database) -> None:
    statement = settings_statement(QualifiedName("", "nowhere"))

    with psycopg.connect(database.authenticator_dsn) as connection:
        result = connection.pgconn.exec_params(statement.sql, statement.parameters)

    assert b"function nowhere() does not exist" in result.error_message


def test_settings_of_the_roles_that_may_be_assumed_are_read(database: Database) -> None:
    database.execute(
        """
        create role stranger;
        alter role stranger set statement_timeout = '1s';
        alter role anonymous set statement_timeout = '2s';
        alter role anonymous set search_path = 'a', 'b';
        alter role anonymous set log_min_duration_statement = '1ms';
        alter role authenticated set default_transaction_isolation = 'serializable';
        """
    )
    version = int(database.query("show server_version_num")[0][0])

    settings, isolation = decode_role_settings(rows_of(database, role_settings_statement(version)))

    assert settings == {"anonymous": (("statement_timeout", "2s"), ("search_path", "a, b"))}
    assert isolation == {"authenticated": IsolationLevel.SERIALIZABLE}


def test_a_setting_for_superusers_counts_once_it_is_granted(database: Database) -> None:
    database.execute(
        """
        alter role anonymous reset all;
        alter role anonymous set log_min_duration_statement = '1ms';
        grant set on parameter log_min_duration_statement to authenticator;
        """
    )

    settings, _ = decode_role_settings(rows_of(database, role_settings_statement(150_000)))
    database.execute("revoke set on parameter log_min_duration_statement from authenticator")

    assert settings == {"anonymous": (("log_min_duration_statement", "1ms"),)}
