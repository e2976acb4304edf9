"""Logging in, twice: the client at the door, and the door for it at the backend."""

import secrets
from base64 import b64encode
from dataclasses import dataclass

from tailrace.cluster.front_door.link import Link, LinkEnded
from tailrace.cluster.front_door.messages import (
    HEAD,
    MAX_BACKEND_MESSAGE,
    MAX_CLIENT_MESSAGE,
    Authentication,
    Message,
    authentication,
    initial_response,
    offer_mechanisms,
    parse_authentication,
    parse_head,
    parse_initial_response,
    parse_mechanisms,
    response,
)
from tailrace.cluster.front_door.refusal import internal_error, protocol_violation, wrong_password
from tailrace.cluster.front_door.roles import StoredPassword
from tailrace.cluster.front_door.scram import (
    SCRAM,
    SCRAM_PLUS,
    ClientExchange,
    Offer,
    Proof,
    ServerExchange,
    Verifier,
    check_client_final,
    mock_verifier,
    parse_client_first,
    server_first,
)
from tailrace.cluster.front_door.startup import Startup, encode_request

_MD5 = (
    "The password is stored as md5, which this endpoint does not take:"
    " set it again with password_encryption = 'scram-sha-256'."
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the door needs to log in at the backend as the client, and to answer the client afterwards."""

    proof: Proof
    verifier: Verifier


async def authenticate(client: Link, user: bytes, stored: StoredPassword, *, mock_secret: bytes) -> Keys:
    """Have the client prove that it knows the password. It is not told of its success yet.

    A role without a usable password goes through the same motions.
    Errors: Refusal; LinkEnded.
    """
    name = user.decode("utf-8", "replace")
    if stored.md5:
        raise wrong_password(name, detail=_MD5)
    verifier = stored.verifier or mock_verifier(user, mock_secret)
    binding = client.binding
    mechanisms = (SCRAM,) if binding is None else (SCRAM_PLUS, SCRAM)
    client.send(offer_mechanisms(mechanisms))
    mechanism, first = parse_initial_response(await _read_response(client))
    if mechanism not in mechanisms:
        raise protocol_violation("client selected an invalid SASL authentication mechanism")
    if first is None:
        client.send(authentication(Authentication.SASL_CONTINUE))
        first = await _read_response(client)
    offer = Offer(mechanism, binding)
    client_first = parse_client_first(first, offer)
    challenge = server_first(client_first, verifier, nonce=_nonce())
    client.send(authentication(Authentication.SASL_CONTINUE, challenge))
    exchange = ServerExchange(offer, client_first, verifier, challenge)
    proof = check_client_final(await _read_response(client), exchange)
    if proof is None or stored.verifier is None:
        raise wrong_password(name)
    return Keys(proof, verifier)


async def log_in(client: Link, backend: Link, startup: Startup, keys: Keys) -> None:
    """Open the client's session at the backend, as its role, and tell the client that it is in.

    When the backend refuses, the client gets the backend's own words, and LinkEnded is raised.
    """
    backend.send(encode_request(startup))
    exchange = ClientExchange(keys.proof.client_key, keys.verifier.server_key, _nonce())
    expected: bytes | None = None
    while True:
        message = await _read(backend, limit=MAX_BACKEND_MESSAGE)
        if message.kind != b"R":
            client.send(message.encode())
            if message.kind == b"E":
                raise LinkEnded
            continue
        kind, data = parse_authentication(message.body)
        if kind == Authentication.SASL and SCRAM in parse_mechanisms(data):
            backend.send(initial_response(SCRAM, exchange.first()))
        elif kind == Authentication.SASL_CONTINUE:
            final, expected = exchange.final(data)
            backend.send(response(final))
        elif kind == Authentication.SASL_FINAL and expected is not None and secrets.compare_digest(data, expected):
            continue
        elif kind == Authentication.OK:
            break
        else:
            raise internal_error()
    client.send(authentication(Authentication.SASL_FINAL, keys.proof.server_final) + message.encode())


async def _read_response(client: Link) -> bytes:
    message = await _read(client, limit=MAX_CLIENT_MESSAGE)
    if message.kind != b"p":
        raise protocol_violation(f"expected SASL response, got message type {message.kind[0]}")
    return message.body


async def _read(link: Link, *, limit: int) -> Message:
    kind, length = parse_head(await link.read(HEAD), limit=limit)
    return Message(kind, await link.read(length))


def _nonce() -> bytes:
    return b64encode(secrets.token_bytes(18))
