"""The Authorization header decides who asks; whoever sends no bearer token is anonymous."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.config.config import Config
from tailrace.engine.errors import ApiError, ClaimsRejected, NoJwtSecret, TokenRequired, TokenUndecodable
from tailrace.engine.jwt.authenticate import AuthResult, JwtSettings, authenticate, bearer_token, jwt_settings
from tailrace.engine.jwt.keys import parse_keys
from tailrace.engine.jwt.role import parse_role_path
from tests.support.tokens import SECRET, sign

KEYS = parse_keys(SECRET.encode())
SETTINGS = JwtSettings(parse_role_path("$.role"), anonymous_role="anon")
CLOSED = JwtSettings(parse_role_path("$.role"))
NOW = 1_700_000_000.0


def caller(claims: dict[str, Any], settings: JwtSettings = SETTINGS) -> AuthResult:
    return authenticate(b"Bearer " + sign(claims).encode(), KEYS, settings, NOW)


def test_the_tokens_role_is_assumed_and_its_claims_are_handed_on() -> None:
    result = caller({"sub": "ada", "role": "author", "exp": 1_800_000_000})

    assert result.role == "author"
    assert result.authenticated
    assert result.expires == 1_800_000_000
    assert result.claims_json == b'{"exp":1800000000,"role":"author","sub":"ada"}'


@pytest.mark.parametrize(
    "header", [None, b"", b"Basic dTpw", b"Token abc", b"Bearer,abc", b"Bearerabc", b"abc.def.ghi"]
)
def test_without_a_bearer_token_the_request_is_anonymous(header: bytes | None) -> None:
    result = authenticate(header, KEYS, SETTINGS, NOW)

    assert result == AuthResult("anon", b'{"role":"anon"}', False, None)


def test_without_an_anonymous_role_a_token_is_required() -> None:
    with pytest.raises(TokenRequired) as caught:
        authenticate(None, KEYS, CLOSED, NOW)

    assert (caught.value.status, caught.value.headers) == (401, (("WWW-Authenticate", "Bearer"),))


@pytest.mark.parametrize("header", [b"Bearer", b"bearer ", b"BEARER \t "])
def test_a_bearer_without_a_token_is_refused(header: bytes) -> None:
    with pytest.raises(TokenUndecodable, match="Empty JWT is sent in Authorization header"):
        authenticate(header, KEYS, SETTINGS, NOW)


@pytest.mark.parametrize("prefix", [b"Bearer ", b"bearer ", b"bEaReR\t", b"Bearer   "])
def test_the_scheme_is_case_insensitive_and_blanks_before_the_token_do_not_count(prefix: bytes) -> None:
    assert bearer_token(prefix + b"a.b.c ") == b"a.b.c "


def test_a_token_without_a_secret_to_check_it_with_is_our_fault() -> None:
    with pytest.raises(NoJwtSecret):
        authenticate(b"Bearer a.b.c", None, SETTINGS, NOW)


def test_a_token_that_names_no_role_is_anonymous_but_keeps_its_claims() -> None:
    result = caller({"sub": "ada"})

    assert (result.role, result.authenticated) == ("anon", False)
    assert json.loads(result.claims_json) == {"sub": "ada", "role": "anon"}


def test_a_null_role_is_a_role() -> None:
    assert caller({"role": None}).role == "null"


def test_the_anonymous_role_in_a_token_is_not_authenticated() -> None:
    assert not caller({"role": "anon"}).authenticated


def test_the_role_found_elsewhere_replaces_the_claim_named_role() -> None:
    settings = JwtSettings(parse_role_path("$.roles[0]"), anonymous_role="anon")

    result = caller({"role": "mine", "roles": ["yours"]}, settings)

    assert json.loads(result.claims_json) == {"role": "yours", "roles": ["yours"]}


def test_an_expired_token_is_refused_before_its_role_is_looked_for() -> None:
    with pytest.raises(ClaimsRejected, match="JWT expired") as caught:
        caller({"exp": 1}, CLOSED)

    assert caught.value.headers == (
        ("WWW-Authenticate", 'Bearer error="invalid_token", error_description="JWT expired"'),
    )


def test_the_settings_come_from_the_configuration() -> None:
    settings = jwt_settings(Config(jwt_role_claim_key="$.app.role", db_anon_role="guest", jwt_aud="api"))

    assert (settings.role_path.text, settings.anonymous_role, settings.audience) == ("$.app.role", "guest", "api")


@given(st.binary() | st.binary().map(b"Bearer ".__add__))
def test_no_header_raises_anything_but_an_answer(header: bytes) -> None:
    with contextlib.suppress(ApiError):
        assert authenticate(header, KEYS, SETTINGS, NOW).role == "anon"


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.integers() | st.text('ab"\\\n'))
)
def test_claims_reach_the_database_as_they_were(claims: dict[str, Any]) -> None:
    claims = {name: value for name, value in claims.items() if name not in ("exp", "nbf", "iat", "aud", "role")}

    result = caller(claims)

    assert json.loads(result.claims_json) == claims | {"role": "anon"}
