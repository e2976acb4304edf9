"""`jwt-secret` and `db-uri` from files, and base64 (PostgREST docs, references/configuration)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.config.config import Config
from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.secret import decode_base64, resolve_files


def test_a_secret_is_read_from_its_file_without_the_last_line_break() -> None:
    config = resolve_files(Config(jwt_secret=b"@/run/secret"), {"/run/secret": b"geheim\n\n"}.__getitem__)

    assert config.jwt_secret == b"geheim\n"


def test_the_connection_string_is_read_from_its_file_without_blanks_around_it() -> None:
    config = resolve_files(Config(db_uri="@uri"), {"uri": b" postgres://x \n"}.__getitem__)

    assert config.db_uri == "postgres://x"


def test_a_file_may_hold_the_secret_in_base64() -> None:
    config = resolve_files(Config(jwt_secret=b"@s", jwt_secret_is_base64=True), {"s": b"AP8=\n"}.__getitem__)

    assert config.jwt_secret == b"\x00\xff"


@given(st.binary())
def test_both_alphabets_of_base64_are_understood(secret: bytes) -> None:
    assert decode_base64(base64.b64encode(secret)) == secret
    assert decode_base64(base64.urlsafe_b64encode(secret).replace(b"=", b".")) == secret


@pytest.mark.parametrize("text", [b"no base-64!", b"abc", b"ab=c", b"YQ==YQ=="])
def test_what_is_not_base64_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigError, match="not valid base64"):
        decode_base64(text)
