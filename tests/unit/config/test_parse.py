"""How settings are read (PostgREST docs, references/configuration)."""

from decimal import Decimal
from typing import Any

import pytest

from tailrace.engine.config.config import Config, LogFormat, LogLevel, OpenApiMode, Verbosity
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.parse import Sources, parse_config
from tailrace.engine.config.value import Value
from tailrace.engine.identifiers import QualifiedName


def parse(**variables: str) -> Config:
    return parse_config(Sources(environ={f"PGRST_{name.upper()}": value for name, value in variables.items()}))


def parse_file(**values: Value) -> Config:
    return parse_config(Sources(file={name.replace("_", "-"): value for name, value in values.items()}))


def test_without_any_source_everything_has_its_default() -> None:
    assert parse_config(Sources()) == Config()


def test_the_environment_wins_over_the_file() -> None:
    sources = Sources(file={"db-anon-role": "file"}, environ={"PGRST_DB_ANON_ROLE": "environment"})

    assert parse_config(sources).db_anon_role == "environment"


def test_the_database_wins_over_the_environment() -> None:
    sources = Sources(
        environ={"PGRST_DB_SCHEMAS": "environment"}, database=DatabaseSettings({"db-schemas": "one, two"})
    )

    assert parse_config(sources).db_schemas == ("one", "two")


def test_an_empty_value_means_the_default_and_hides_what_other_sources_say() -> None:
    sources = Sources(file={"log-level": "info"}, environ={"PGRST_LOG_LEVEL": ""})

    assert parse_config(sources).log_level is LogLevel.ERROR


def test_an_empty_extra_search_path_is_empty() -> None:
    assert parse(db_extra_search_path="").db_extra_search_path == ()


@pytest.mark.parametrize(
    ("alias", "value", "field", "expected"),
    [
        ("db-schema", "tenant", "db_schemas", ("tenant",)),
        ("max-rows", Decimal(7), "db_max_rows", 7),
        ("pre-request", "check", "db_pre_request", QualifiedName("", "check")),
        ("root-spec", "api.root", "db_root_spec", QualifiedName("api", "root")),
        ("role-claim-key", "$.r", "jwt_role_claim_key", "$.r"),
        ("secret-is-base64", True, "jwt_secret_is_base64", True),
        ("db-pool-timeout", Decimal(5), "db_pool_max_idletime", 5),
        ("server-host", "::1", "admin_server_host", "::1"),
    ],
)
def test_older_names_still_work(alias: str, value: Value, field: str, expected: object) -> None:
    config = parse_config(Sources(file={alias: value}))

    assert getattr(config, field) == expected


def test_a_name_of_its_own_wins_over_an_older_one() -> None:
    assert parse_file(db_schemas="new", db_schema="old").db_schemas == ("new",)


def test_db_pool_timeout_wins_over_the_name_that_replaced_it() -> None:
    assert parse_file(db_pool_timeout="1", db_pool_max_idletime="2").db_pool_max_idletime == 1


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("FALSE", False),
        ('"true"', True),
        (" True ", True),
        ("1", True),
        ("2", True),
        ("0", False),
        ("-1", False),
        (True, True),
        ("yes", False),
        (Decimal(1), False),
    ],
)
def test_truth_is_written_in_many_ways_and_anything_else_is_the_default(written: Value, meant: bool) -> None:
    assert parse_file(db_plan_enabled=written).db_plan_enabled is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("50", 50),
        (" 50 ", 50),
        ("0x10", 16),
        ("0o17", 15),
        ("-3", -3),
        (Decimal("50.0"), 50),
        (Decimal("1e3"), 1000),
        ("1e3", None),
        ("+5", None),
        ("5.5", None),
        (Decimal("5.5"), None),
        (Decimal("1e999999999"), None),
        ("ten", None),
        (True, None),
        ("", None),
    ],
)
def test_whole_numbers_are_read_and_anything_else_is_the_default(written: Value, meant: int | None) -> None:
    assert parse_file(db_max_rows=written).db_max_rows == meant


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (False, "Bool False"),
        (Decimal("13"), "Number 13.0"),
        (Decimal("0.05"), "Number 5.0e-2"),
        (Decimal("12345678"), "Number 1.2345678e7"),
        (("a", Decimal(1)), 'List [String "a",Number 1.0]'),
    ],
)
def test_what_is_not_text_says_so_where_text_is_asked_for(written: Value, text: str) -> None:
    assert parse_config(Sources(file={"app.settings.x": written})).app_settings == (("app.settings.x", text),)


def test_app_settings_come_from_file_and_environment_in_order_of_name() -> None:
    sources = Sources(
        file={"app.settings.b": "file", "app.settings.a": "file", "app.settings.too.deep": "no"},
        environ={"PGRST_APP_SETTINGS_b": "environment", "PGRST_APP_SETTINGS_C": "environment"},
    )

    assert parse_config(sources).app_settings == (
        ("app.settings.C", "environment"),
        ("app.settings.a", "file"),
        ("app.settings.b", "environment"),
    )


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("client_error_verbosity", "minimal", "client_error_verbosity", Verbosity.MINIMAL),
        ("openapi_mode", "disabled", "openapi_mode", OpenApiMode.DISABLED),
        ("log_format", "json", "log_format", LogFormat.JSON),
        ("db_hoisted_tx_settings", "work_mem , x", "db_hoisted_tx_settings", ("work_mem", "x")),
        ("server_unix_socket_mode", "777", "server_unix_socket_mode", 0o777),
        (
            "server_cors_allowed_origins",
            "https://a, https://b",
            "server_cors_allowed_origins",
            ("https://a", "https://b"),
        ),
        ("jwt_aud", "me", "jwt_aud", "me"),
        ("jwt_aud", "https://example.com/x?y#z", "jwt_aud", "https://example.com/x?y#z"),
        ("jwt_aud", "urn:example:api", "jwt_aud", "urn:example:api"),
        ("jwt_secret", "geheim", "jwt_secret", b"geheim"),
        ("openapi_server_proxy_uri", "HTTPS://a.b:8443/base", "openapi_server_proxy_uri", "HTTPS://a.b:8443/base"),
        ("server_workers", "4", "server_workers", 4),
    ],
)
def test_each_setting_has_its_own_form(name: str, value: str, field: str, expected: object) -> None:
    assert getattr(parse(**{name: value}), field) == expected


@pytest.mark.parametrize(
    ("written", "rollback", "override"),
    [
        ("commit", False, False),
        ("commit-allow-override", False, True),
        ("rollback", True, False),
        ("rollback-allow-override", True, True),
    ],
)
def test_db_tx_end_is_two_decisions(written: str, rollback: bool, override: bool) -> None:
    config = parse(db_tx_end=written)

    assert (config.db_tx_rollback_all, config.db_tx_allow_override) == (rollback, override)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"client_error_verbosity": "some"}, "Invalid client-error-verbosity. Check your configuration."),
        ({"db_schemas": "public, pg_catalog"}, "db-schemas does not allow schema: 'pg_catalog'"),
        ({"db_schemas": "information_schema"}, "db-schemas does not allow schema: 'information_schema'"),
        ({"db_tx_end": "perhaps"}, "Invalid transaction termination. Check your configuration."),
        ({"jwt_aud": "http://%%x.invalid"}, "jwt-aud should be a string or a valid URI"),
        ({"log_level": "never"}, "Invalid logging level. Check your configuration."),
        ({"openapi_mode": "follow-"}, "Invalid openapi-mode. Check your configuration."),
        ({"server_unix_socket_mode": "800"}, "Invalid server-unix-socket-mode: not an octal"),
        ({"server_unix_socket_mode": "599"}, "Invalid server-unix-socket-mode: needs to be between 600 and 777"),
        ({"admin_server_unix_socket_mode": "1000"}, "Invalid admin-server-unix-socket-mode: needs to be between"),
        ({"admin_server_port": "3000"}, "admin-server-port cannot be the same as server-port"),
        ({"server_workers": "0"}, "Invalid server-workers: needs to be a whole number, at least 1"),
        ({"server_stop_timeout": "0"}, "Invalid server-stop-timeout: needs to be a whole number, at least 1"),
        ({"log_format": "xml"}, "Invalid log-format. Check your configuration."),
    ],
)
def test_a_wrong_setting_is_refused_in_words(variables: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace(".", r"\.")):
        parse(**variables)


@pytest.mark.parametrize(
    "uri",
    [
        "htp://example.com",
        "https://",
        "https:example.com",
        "/docs",
        "https://user@example.com",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://example.com:0",
        "https://example.com:65536",
        "https://example.com:",
        "https://exa mple.com",
    ],
)
def test_a_proxy_uri_is_http_with_nothing_but_host_port_and_path(uri: str) -> None:
    with pytest.raises(ConfigError, match="Malformed proxy uri"):
        parse(openapi_server_proxy_uri=uri)


def test_unknown_settings_do_not_matter() -> None:
    assert parse_file(not_existing="x") == Config()
