"""`jwt-secret` is a plain secret, a JSON Web Key or a set of them."""

import base64
import json
from typing import Any

import pytest

from tailrace.engine.jwt.algorithm import Algorithm, Family
from tailrace.engine.jwt.keys import parse_keys

SECRET = b"a secret that is long enough to be one"
OCTETS = base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode()


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_a_plain_secret_is_for_hs256_only() -> None:
    (key,) = parse_keys(SECRET).keys

    assert (key.family, key.algorithm, key.id) == (Family.HMAC, Algorithm.HS256, None)


def test_a_plain_secret_needs_32_bytes() -> None:
    with pytest.raises(ValueError, match="The JWT secret must be at least 32 characters long"):
        parse_keys(b"x" * 31)


def test_a_symmetric_key_without_alg_is_for_all_sizes_of_hmac() -> None:
    (key,) = parse_keys(as_json({"kty": "oct", "k": OCTETS, "kid": "one"})).keys

    assert key.suits(Algorithm.HS512, "one")
    assert key.suits(Algorithm.HS256, None)
    assert not key.suits(Algorithm.RS256, "one")


def test_a_key_id_that_is_not_the_keys_own_does_not_suit() -> None:
    (key,) = parse_keys(as_json({"kty": "oct", "k": OCTETS})).keys

    assert not key.suits(Algorithm.HS256, "other")


def test_members_of_a_set_that_cannot_verify_are_left_out() -> None:
    members = [
        {"kty": "oct", "k": OCTETS, "kid": "usable"},
        {"kty": "oct", "k": OCTETS, "use": "enc"},
        {"kty": "oct", "k": "not base64!"},
        {"kty": "oct", "k": ""},
        {"kty": "oct", "k": OCTETS, "alg": "A256KW"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "unheard of"},
        "no object",
    ]

    keys = parse_keys(as_json({"keys": members})).keys

    assert [key.id for key in keys] == ["usable"]


@pytest.mark.parametrize(
    "document",
    [
        {"keys": "none", "padding": "x" * 40},
        {"kty": "oct", "padding": "x" * 40},
        {"kty": "RSA", "n": "%", "e": "AQAB", "padding": "x" * 40},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "oct", "k": OCTETS, "kid": 1},
    ],
)
def test_broken_keys_are_an_error_and_never_a_plain_secret(document: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_keys(as_json(document))


def test_json_that_has_nothing_to_do_with_keys_is_a_plain_secret() -> None:
    secret = as_json({"pass": "phrase of more than thirty-two characters"})

    assert parse_keys(secret).keys[0].algorithm is Algorithm.HS256
