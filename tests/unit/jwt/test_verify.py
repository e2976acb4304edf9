"""A token is believed if a key of the configuration has signed it, in the way that the key is for."""

import base64
import json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tailrace.engine.errors import ApiError, TokenUndecodable
from tailrace.engine.jwt.keys import KeySet, parse_keys
from tailrace.engine.jwt.verify import verify
from tests.support.tokens import SECRET, sign

KEYS = parse_keys(SECRET.encode())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
CLAIMS = {"role": "author"}

NO_KEY = "No suitable key or wrong key type"
UNREADABLE = "JWT cryptographic operation failed"


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_set(*members: tuple[dict[str, Any], dict[str, Any]]) -> KeySet:
    return parse_keys(json.dumps({"keys": [jwk | more for jwk, more in members]}).encode())


def rsa_key(**more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), {"key_ops": ["verify"]} | more


def refusal(token: str | bytes, keys: KeySet = KEYS) -> tuple[str, str | None]:
    with pytest.raises(TokenUndecodable) as caught:
        verify(token if isinstance(token, bytes) else token.encode(), keys)
    assert (caught.value.status, caught.value.code) == (401, "PGRST301")
    return caught.value.message, caught.value.details


def test_a_token_signed_with_the_secret_gives_its_payload() -> None:
    payload = verify(sign(CLAIMS).encode(), KEYS)

    assert json.loads(payload) == CLAIMS


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_an_rsa_key_without_alg_verifies_all_sizes_of_hash(algorithm: str) -> None:
    token = pyjwt.encode(CLAIMS, RSA, algorithm=algorithm)

    assert json.loads(verify(token.encode(), public_set(rsa_key()))) == CLAIMS


def test_elliptic_and_edwards_curve_keys_verify_too() -> None:
    keys = public_set(
        (ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), {"kid": "ec"}),
        (OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), {"kid": "ed"}),
    )

    for algorithm, key, key_id in (("ES256", EC, "ec"), ("EdDSA", ED, "ed")):
        token = pyjwt.encode(CLAIMS, key, algorithm=algorithm, headers={"kid": key_id})
        assert json.loads(verify(token.encode(), keys)) == CLAIMS


def test_a_private_key_in_the_configuration_verifies_as_its_public_half() -> None:
    keys = parse_keys(json.dumps(RSAAlgorithm.to_jwk(RSA, as_dict=True)).encode())

    assert verify(pyjwt.encode(CLAIMS, RSA, algorithm="RS256").encode(), keys)


def test_a_public_key_is_never_taken_for_an_hmac_secret() -> None:
    document = json.dumps(rsa_key()[0])
    forged = sign(CLAIMS, secret=document)

    assert refusal(forged, parse_keys(document.encode())) == (NO_KEY, "No suitable key was found to decode the JWT")


def test_a_plain_secret_refuses_other_sizes_of_hmac() -> None:
    token = pyjwt.encode(CLAIMS, SECRET * 2, algorithm="HS512")

    assert refusal(token, parse_keys(SECRET.encode() * 2)) == (NO_KEY, "No suitable key was found to decode the JWT")


def test_a_curve_verifies_its_own_algorithm_only() -> None:
    keys = public_set((ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), {}))
    signed, _, signature = pyjwt.encode(CLAIMS, EC, algorithm="ES256").rpartition(".")
    other = f"{part({'alg': 'ES384'})}.{signed.split('.')[1]}.{signature}"

    assert refusal(other, keys) == (NO_KEY, "None of the keys was able to decode the JWT")


def test_a_key_id_chooses_among_the_keys() -> None:
    keys = public_set(rsa_key(kid="one"), rsa_key(kid="two"))

    assert verify(pyjwt.encode(CLAIMS, RSA, algorithm="RS256", headers={"kid": "two"}).encode(), keys)
    assert refusal(pyjwt.encode(CLAIMS, RSA, algorithm="RS256", headers={"kid": "three"}), keys)[0] == NO_KEY


def test_a_key_id_is_refused_by_a_plain_secret() -> None:
    assert refusal(sign(CLAIMS, header={"kid": "mine"})) == (NO_KEY, "No suitable key was found to decode the JWT")


def test_another_secret_is_not_able_to_decode() -> None:
    assert refusal(sign(CLAIMS, secret="x" * 40)) == (NO_KEY, "None of the keys was able to decode the JWT")


def test_a_token_with_a_critical_extension_is_refused() -> None:
    token = pyjwt.encode(CLAIMS, SECRET, headers={"crit": ["bound-to"], "bound-to": "elsewhere"})

    assert refusal(token) == (UNREADABLE, None)


def test_an_unsecured_token_is_refused_whatever_its_signature() -> None:
    for signature in ("", "c2ln", "???"):
        message, details = refusal(f"{part({'alg': 'none'})}.{part(CLAIMS)}.{signature}")
        assert message == "Wrong or unsupported encoding algorithm"
        assert details == "JWT is unsecured but expected 'alg' was not 'none'"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "Empty JWT is sent in Authorization header"),
        ("one", "Expected 3 parts in JWT; got 1"),
        ("a.b", "Expected 3 parts in JWT; got 2"),
        ("a.b.c.d.e", "Expected 3 parts in JWT; got 5"),
        ("..", UNREADABLE),
        (f"{part({'alg': 'HS256'})}.{part(CLAIMS)}.sig=", UNREADABLE),
        (f"{part({'alg': 'hs256'})}.{part(CLAIMS)}.", UNREADABLE),
        (f"{part({'alg': 'PS256'})}.{part(CLAIMS)}.", UNREADABLE),
        (f"{part({'alg': 'HS256', 'kid': 1})}.{part(CLAIMS)}.", UNREADABLE),
        (f"{part({'alg': 'HS256', 'enc': 'A128GCM'})}.{part(CLAIMS)}.", UNREADABLE),
        (f"{part(['HS256'])}.{part(CLAIMS)}.", UNREADABLE),
        (f"{part(b'no json')}.{part(CLAIMS)}.", UNREADABLE),
    ],
)
def test_what_is_no_signed_token_is_refused_with_the_reason(token: str, message: str) -> None:
    assert refusal(token) == (message, None)


def test_white_space_and_padding_are_no_part_of_a_token() -> None:
    for changed in (sign(CLAIMS) + " ", sign(CLAIMS) + "=", sign(CLAIMS).replace(".", ".\n", 1)):
        assert refusal(changed)[0] == UNREADABLE


@given(st.binary() | st.lists(st.binary(max_size=20), min_size=3, max_size=3).map(b".".join))
def test_no_token_raises_anything_but_an_answer(token: bytes) -> None:
    with pytest.raises(ApiError):  # nobody signed this
        verify(token, KEYS)


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "enc", "cty"]), st.none() | st.text() | st.integers()))
def test_no_header_makes_an_unsigned_token_good(header: dict[str, Any]) -> None:
    with pytest.raises(TokenUndecodable):
        verify(f"{part(header)}.{part(CLAIMS)}.{part(b'x')}".encode(), KEYS)
