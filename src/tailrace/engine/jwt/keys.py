"""The keys that tokens are verified with: `jwt-secret` as a secret, a JWK or a JWK set.

Source: PostgREST docs, references/auth; RFC 7517 and RFC 7518, 6. PyJWT, and
with it the cryptography package, is imported here only, when there is a public key.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tailrace.engine.json_document import JsonValue, parse_json
from tailrace.engine.jwt.algorithm import Algorithm, Family, find_algorithm
from tailrace.engine.jwt.base64url import decode_base64url

SHORTEST_SECRET = 32

SignatureCheck = Callable[[Algorithm, bytes, bytes], bool]
"""Of an algorithm, what was signed, and the signature."""


@dataclass(frozen=True, slots=True)
class Key:
    family: Family
    verifies: SignatureCheck
    id: str | None = None
    algorithm: Algorithm | None = None
    """The one algorithm that the key is for; without it, any of the family."""

    def suits(self, algorithm: Algorithm, key_id: str | None) -> bool:
        """Whether a token with this header may be verified with the key; no `kid` fits every key."""
        return (
            self.family is algorithm.family
            and self.algorithm in (None, algorithm)
            and (key_id is None or key_id == self.id)
        )


@dataclass(frozen=True, slots=True)
class KeySet:
    keys: tuple[Key, ...]


def parse_keys(secret: bytes) -> KeySet:
    """Read `jwt-secret`, decoded from base64 already.

    A plain secret verifies HS256 and nothing else. Members of a JWK set that
    cannot be used for signatures are left out, as RFC 7517, 5 asks.

    Errors: ValueError when a plain secret is shorter than 32 bytes, and when JSON
    that looks like keys cannot be read. (PostgREST takes such JSON for a plain
    secret; but a key set is often public, and whoever can read it could then sign.)
    """
    match _json_object(secret):
        case {"keys": list(members)}:
            return KeySet(tuple(key for member in members if (key := _usable_key(member)) is not None))
        case {"keys": _}:
            raise ValueError("The 'keys' of a JSON Web Key Set must be an array.")
        case {"kty": _} as member:
            key = _read_key(member)
            return KeySet(() if key is None else (key,))
    if len(secret) < SHORTEST_SECRET:
        raise ValueError("The JWT secret must be at least 32 characters long.")
    return KeySet((Key(Family.HMAC, _hmac_check(secret), algorithm=Algorithm.HS256),))


def _json_object(secret: bytes) -> Mapping[str, JsonValue]:
    try:
        document = parse_json(secret.decode())
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _usable_key(member: JsonValue) -> Key | None:
    try:
        return _read_key(member) if isinstance(member, dict) else None
    except ValueError:
        return None


def _read_key(member: Mapping[str, JsonValue]) -> Key | None:
    """One JWK; None if it is for encryption or of a type or algorithm that is not supported."""
    algorithm = find_algorithm(member.get("alg"))
    if member.get("use") not in (None, "sig") or (member.get("alg") is not None and algorithm is None):
        return None
    key_id = member.get("kid")
    if key_id is not None and not isinstance(key_id, str):
        raise ValueError("The 'kid' of a JSON Web Key must be a string.")
    match member.get("kty"):
        case "oct":
            return Key(Family.HMAC, _hmac_check(_octets(member)), key_id, algorithm)
        case "RSA":
            return Key(Family.RSA, _rsa_check(member), key_id, algorithm)
        case "EC" if member.get("crv") in ("P-256", "P-384", "P-521"):
            return Key(Family.EC, _ec_check(member), key_id, algorithm)
        case "OKP" if member.get("crv") in ("Ed25519", "Ed448"):
            return Key(Family.EDWARDS, _edwards_check(member), key_id, algorithm)
        case _:
            return None


def _octets(member: Mapping[str, JsonValue]) -> bytes:
    text = member.get("k")
    if not isinstance(text, str) or not text:
        raise ValueError("A symmetric JSON Web Key needs 'k'.")
    return decode_base64url(text.encode())


def _hmac_check(secret: bytes) -> SignatureCheck:
    def check(algorithm: Algorithm, signed: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.digest(secret, signed, algorithm.digest), signature)

    return check


def _rsa_check(member: Mapping[str, JsonValue]) -> SignatureCheck:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt.algorithms import RSAAlgorithm
    from jwt.exceptions import PyJWTError

    try:
        key = RSAAlgorithm.from_jwk(dict(member))
    except (PyJWTError, TypeError, AttributeError) as error:
        raise ValueError(f"Not an RSA key: {error}") from error
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    hashes = {"sha256": RSAAlgorithm.SHA256, "sha384": RSAAlgorithm.SHA384, "sha512": RSAAlgorithm.SHA512}

    def check(algorithm: Algorithm, signed: bytes, signature: bytes) -> bool:
        return RSAAlgorithm(hashes[algorithm.digest]).verify(signed, public, signature)

    return check


def _ec_check(member: Mapping[str, JsonValue]) -> SignatureCheck:
    """RFC 7518, 3.4: each algorithm has its own curve; a key of another curve verifies nothing."""
    from jwt.algorithms import ECAlgorithm
    from jwt.exceptions import PyJWTError

    try:
        key = ECAlgorithm.from_jwk(dict(member))
    except (PyJWTError, TypeError, AttributeError) as error:
        raise ValueError(f"Not an elliptic curve key: {error}") from error
    match member["crv"]:
        case "P-256":
            only, verifier = Algorithm.ES256, ECAlgorithm(ECAlgorithm.SHA256)
        case "P-384":
            only, verifier = Algorithm.ES384, ECAlgorithm(ECAlgorithm.SHA384)
        case _:
            only, verifier = Algorithm.ES512, ECAlgorithm(ECAlgorithm.SHA512)

    def check(algorithm: Algorithm, signed: bytes, signature: bytes) -> bool:
        return algorithm is only and verifier.verify(signed, key, signature)

    return check


def _edwards_check(member: Mapping[str, JsonValue]) -> SignatureCheck:
    from jwt.algorithms import OKPAlgorithm
    from jwt.exceptions import PyJWTError

    try:
        key = OKPAlgorithm.from_jwk(dict(member))
    except (PyJWTError, TypeError, AttributeError) as error:
        raise ValueError(f"Not an Edwards curve key: {error}") from error

    def check(_: Algorithm, signed: bytes, signature: bytes) -> bool:
        return OKPAlgorithm().verify(signed, key, signature)

    return check
