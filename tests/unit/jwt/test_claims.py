"""A token is good from `nbf` and `iat` to `exp`, give or take 30 seconds, and for its audience."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.errors import ApiError, ClaimsRejected
from tailrace.engine.json_document import parse_json
from tailrace.engine.jwt.claims import check_claims, expiry_of, parse_claims

NOW = 1_700_000_000.9
SECOND = 1_700_000_000


def refusal(claims: dict[str, Any], audience: str | None = None) -> str:
    with pytest.raises(ClaimsRejected) as caught:
        check_claims(parse_json(json.dumps(claims)), audience, NOW)
    assert (caught.value.status, caught.value.code) == (401, "PGRST303")
    return caught.value.message


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": SECOND - 30, "nbf": SECOND + 30, "iat": SECOND + 30},
        {"exp": None, "nbf": None, "iat": None, "aud": None},
        {"exp": float(SECOND)},
        {"aud": "anyone"},
        {"aud": []},
    ],
)
def test_claims_within_their_time_are_accepted(claims: dict[str, Any]) -> None:
    check_claims(parse_json(json.dumps(claims)), None, NOW)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": SECOND - 31}, "JWT expired"),
        ({"nbf": SECOND + 31}, "JWT not yet valid"),
        ({"iat": SECOND + 31}, "JWT issued at future"),
        ({"exp": SECOND + 0.5}, "JWT expired"),
        ({"exp": 10**30}, "JWT expired"),
        ({"exp": "soon"}, "The JWT 'exp' claim must be a number"),
        ({"nbf": True}, "The JWT 'nbf' claim must be a number"),
        ({"iat": [1]}, "The JWT 'iat' claim must be a number"),
        ({"aud": 5}, "The JWT 'aud' claim must be a string or an array of strings"),
        ({"aud": ["a", None]}, "The JWT 'aud' claim must be a string or an array of strings"),
        ({"exp": 0, "nbf": "x"}, "JWT expired"),
    ],
)
def test_the_first_claim_that_is_wrong_is_named(claims: dict[str, Any], message: str) -> None:
    assert refusal(claims) == message


@pytest.mark.parametrize("audience", ["api", ["other", "api"], [], None])
def test_a_token_for_the_configured_audience_or_for_none_is_accepted(audience: Any) -> None:
    check_claims({"aud": audience}, "api", NOW)


@pytest.mark.parametrize("audience", ["other", "API", ["other"], ""])
def test_a_token_for_others_is_refused(audience: Any) -> None:
    assert refusal({"aud": audience}, "api") == "JWT not in audience"


@pytest.mark.parametrize("payload", [b"", b"not json", b'"text"', b"[1]", b"null", b"\xff", b'{"a":"\\ud800"}'])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(ClaimsRejected, match="Parsing claims failed"):
        parse_claims(payload)


def test_a_repeated_claim_has_its_first_value() -> None:
    assert parse_claims(b'{"role":"one","role":"two"}') == {"role": "one"}


@pytest.mark.parametrize(("claims", "expiry"), [({"exp": 5}, 5.0), ({}, None), ({"exp": None}, None)])
def test_the_time_of_expiry_is_known_for_caches(claims: dict[str, Any], expiry: float | None) -> None:
    assert expiry_of(claims) == expiry


@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat", "aud"]),
        st.none()
        | st.integers()
        | st.decimals(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.lists(st.text()),
    ),
    st.none() | st.text(),
)
def test_no_claims_raise_anything_but_an_answer(claims: dict[str, Any], audience: str | None) -> None:
    with contextlib.suppress(ApiError):
        check_claims(claims, audience, NOW)
