"""`--dump-config` and `--example`: what they print can be read again."""

from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.config.config import Config, LogFormat
from tailrace.engine.config.dump import dump_config
from tailrace.engine.config.example import example_config
from tailrace.engine.config.file import load_file
from tailrace.engine.config.parse import Sources, parse_config
from tailrace.engine.config.settings import documented
from tailrace.engine.identifiers import QualifiedName


def read_again(text: str) -> Config:
    return parse_config(Sources(file=load_file("x", environ={}, read_text=lambda _: text)))


def test_the_dump_has_every_setting_of_postgrest_in_order_of_name() -> None:
    lines = dump_config(Config()).splitlines()

    names = [line.split(" = ")[0] for line in lines]
    assert names == [setting.name for setting in documented() if not setting.own]
    assert lines == sorted(lines)


def test_values_are_written_as_the_file_has_them() -> None:
    config = Config(
        app_settings=(("app.settings.x", 'say "hi"'),),
        db_max_rows=5,
        db_pre_request=QualifiedName("api", "check"),
        db_schemas=("one", "two"),
        db_tx_rollback_all=True,
        server_unix_socket_mode=0o600,
    )

    lines = dump_config(config).splitlines()

    assert r'app.settings.x = "say \"hi\""' in lines
    assert "db-max-rows = 5" in lines
    assert 'db-pre-request = "api.check"' in lines
    assert 'db-schemas = "one,two"' in lines
    assert 'db-tx-end = "rollback"' in lines
    assert 'server-unix-socket-mode = "600"' in lines
    assert 'admin-server-port = ""' in lines


def test_a_secret_is_written_in_base64_if_it_was_given_so() -> None:
    config = Config(jwt_secret=b"\x00\xff", jwt_secret_is_base64=True)

    assert 'jwt-secret = "AP8="' in dump_config(config).splitlines()


def test_the_dollar_sign_of_a_role_claim_key_is_doubled() -> None:
    assert 'jwt-role-claim-key = "$$.a[0]"' in dump_config(Config(jwt_role_claim_key="$.a[0]")).splitlines()


def test_settings_of_tailrace_alone_are_told_when_they_are_set() -> None:
    assert "log-format" not in dump_config(Config())
    assert 'log-format = "json"' in dump_config(Config(log_format=LogFormat.JSON)).splitlines()


@given(
    role=st.none() | st.text(alphabet="aä \"'.", min_size=1),
    rows=st.none() | st.integers(0, 10**9),
    schemas=st.lists(st.text(alphabet="abc_", min_size=1), min_size=1, max_size=3),
    enabled=st.booleans(),
)
def test_a_dump_read_again_is_the_same_configuration(
    role: str | None, rows: int | None, schemas: list[str], enabled: bool
) -> None:
    config = Config(db_anon_role=role, db_max_rows=rows, db_schemas=tuple(schemas), db_channel_enabled=enabled)

    assert read_again(dump_config(config)) == config


def test_the_example_file_says_nothing_but_defaults() -> None:
    assert read_again(example_config()) == Config()


def test_the_example_file_explains_every_setting() -> None:
    example = example_config()

    for setting in documented():
        assert f"{setting.name} = " in example
        assert f"# {setting.about}\n" in example
