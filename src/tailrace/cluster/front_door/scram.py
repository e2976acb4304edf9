"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, both sides of it.

The door is the server for its client. From the client's proof it learns the
ClientKey, and with that alone it is the client at the backend: the password is never
known here, and the backend needs no entry that trusts the door.

Source: RFC 5802, RFC 7677, RFC 5929 (tls-server-end-point). Pure: nonces are arguments.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from tailrace.cluster.front_door.refusal import Refusal, protocol_violation

SCRAM = "SCRAM-SHA-256"
SCRAM_PLUS = "SCRAM-SHA-256-PLUS"
MOCK_ITERATIONS = 4096
_BINDING_TYPE = b"tls-server-end-point"
_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Verifier:
    """What Postgres stores of a password."""

    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """The client's first message. `bare` is what goes into the proof; `header` what goes before it."""

    header: bytes
    bare: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """One mechanism as the client chose it, and the channel binding data of its TLS session, if there are any."""

    mechanism: str
    binding: bytes | None = field(repr=False)

    @property
    def header_allowed(self) -> tuple[bytes, ...]:
        if self.mechanism == SCRAM_PLUS:
            return (b"p=" + _BINDING_TYPE,)
        # A client that could bind but believes that the server cannot has been lied to on the way.
        return (b"n", b"y") if self.binding is None else (b"n",)

    @property
    def bound_data(self) -> bytes:
        return (self.binding or b"") if self.mechanism == SCRAM_PLUS else b""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: the ClientKey, ours to use at the backend, and the signature that the client waits for."""

    client_key: bytes = field(repr=False)
    server_final: bytes = field(repr=False)


def parse_verifier(text: str) -> Verifier | None:
    """Read `rolpassword`; None when it is no SCRAM verifier."""
    try:
        name, parameters, keys = text.split("$")
        iterations, salt = parameters.split(":")
        stored_key, server_key = (b64decode(key, validate=True) for key in keys.split(":"))
        verifier = Verifier(int(iterations), b64decode(salt, validate=True), stored_key, server_key)
    except (ValueError, binascii.Error):
        return None
    whole = len(stored_key) == len(server_key) == _KEY_LENGTH and verifier.iterations > 0
    return verifier if name == SCRAM and whole else None


def make_verifier(password: bytes, *, salt: bytes, iterations: int = MOCK_ITERATIONS) -> Verifier:
    """The verifier of a password that is prepared already (SASLprep leaves ASCII as it is)."""
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    client_key = _sign(salted, b"Client Key")
    return Verifier(iterations, salt, hashlib.sha256(client_key).digest(), _sign(salted, b"Server Key"))


def mock_verifier(user: bytes, secret: bytes) -> Verifier:
    """A verifier for a role that has none: always the same salt, so that nobody can tell, and no password fits."""
    salt = _sign(secret, b"salt" + user)[:16]
    return Verifier(MOCK_ITERATIONS, salt, _sign(secret, b"stored" + user), _sign(secret, b"server" + user))


def parse_client_first(message: bytes, offer: Offer) -> ClientFirst:
    """Errors: Refusal as Postgres makes it: 08P01 malformed, 28000 binding, 0A000 for what it does not do either."""
    flag, comma, rest = message.partition(b",")
    identity, second_comma, bare = rest.partition(b",")
    if not comma or not second_comma:
        raise _malformed("The message ends too early.")
    _check_header(flag, offer)
    if identity:
        raise Refusal("0A000", "client uses authorization identity, but it is not supported")
    user, _, after = bare.partition(b",")
    if user.startswith(b"m="):
        raise Refusal("0A000", "client requires an unsupported SCRAM extension")
    nonce = after.partition(b",")[0]
    if not user.startswith(b"n=") or not nonce.startswith(b"r=") or not _is_nonce(nonce[2:]):
        raise _malformed("A user name and a nonce were expected.")
    return ClientFirst(flag + b",,", bare, nonce[2:])


def _check_header(flag: bytes, offer: Offer) -> None:
    if flag in offer.header_allowed:
        return
    if flag == b"y" and offer.mechanism == SCRAM:
        raise Refusal(
            "28000",
            "SCRAM channel binding negotiation error",
            detail="The client supports SCRAM channel binding but thinks the server does not."
            " However, this server does support channel binding.",
        )
    if flag.startswith(b"p=") and offer.mechanism == SCRAM_PLUS:
        raise protocol_violation("unsupported SCRAM channel-binding type")
    raise _malformed("The channel binding does not go with the mechanism.")


def server_first(client: ClientFirst, verifier: Verifier, *, nonce: bytes) -> bytes:
    return b"r=%b%b,s=%b,i=%d" % (client.nonce, nonce, b64encode(verifier.salt), verifier.iterations)


@dataclass(frozen=True, slots=True)
class ServerExchange:
    """What was said before the client's proof."""

    offer: Offer
    client: ClientFirst
    verifier: Verifier
    server_first: bytes


def check_client_final(message: bytes, exchange: ServerExchange) -> Proof | None:
    """The keys that follow from the client's last message; None when the password is wrong.

    Errors: Refusal 08P01 malformed, 28000 when the client is bound to another TLS session.
    """
    without_proof, separator, proof_text = message.rpartition(b",p=")
    attributes = without_proof.split(b",")
    proof = _decode(proof_text)
    if not separator or len(attributes) < 2 or proof is None or len(proof) != _KEY_LENGTH:
        raise _malformed("A channel binding, a nonce and a proof were expected.")
    expected = b"c=" + b64encode(exchange.client.header + exchange.offer.bound_data)
    if not hmac.compare_digest(attributes[0], expected):
        raise Refusal("28000", "SCRAM channel binding check failed")
    whole_nonce = exchange.server_first.partition(b",")[0]
    if not hmac.compare_digest(attributes[1], whole_nonce):
        raise protocol_violation("invalid SCRAM response", detail="Nonce does not match.")
    said = b",".join((exchange.client.bare, exchange.server_first, without_proof))
    client_key = _xor(proof, _sign(exchange.verifier.stored_key, said))
    if not hmac.compare_digest(hashlib.sha256(client_key).digest(), exchange.verifier.stored_key):
        return None
    return Proof(client_key, b"v=" + b64encode(_sign(exchange.verifier.server_key, said)))


@dataclass(frozen=True, slots=True)
class ClientExchange:
    """The client's side, with keys in the place of a password."""

    client_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    nonce: bytes

    @property
    def _bare(self) -> bytes:
        # Postgres takes the role from the startup packet and ignores the name here.
        return b"n=,r=" + self.nonce

    def first(self) -> bytes:
        return b"n,," + self._bare

    def final(self, server_first: bytes) -> tuple[bytes, bytes]:
        """The client's last message, and the one that a server which knows the role answers.

        Errors: Refusal (08P01) when the server's nonce does not continue ours.
        """
        whole_nonce = server_first.partition(b",")[0]
        if not whole_nonce.startswith(b"r=" + self.nonce):
            raise protocol_violation("invalid SCRAM challenge")
        without_proof = b"c=biws," + whole_nonce
        said = b",".join((self._bare, server_first, without_proof))
        stored_key = hashlib.sha256(self.client_key).digest()
        proof = _xor(self.client_key, _sign(stored_key, said))
        return without_proof + b",p=" + b64encode(proof), b"v=" + b64encode(_sign(self.server_key, said))


def _sign(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _decode(text: bytes) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return None


def _is_nonce(text: bytes) -> bool:
    return bool(text) and all(0x21 <= byte <= 0x7E and byte != 0x2C for byte in text)


def _malformed(detail: str) -> Refusal:
    return protocol_violation("malformed SCRAM message", detail=detail)
