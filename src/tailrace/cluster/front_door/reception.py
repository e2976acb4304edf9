"""The first words with a client: TLS or not, and what it came for."""

import time

from tailrace.cluster.front_door.certificates import ALPN, Authority, TlsIdentity
from tailrace.cluster.front_door.link import Link, LinkEnded
from tailrace.cluster.front_door.refusal import protocol_violation
from tailrace.cluster.front_door.startup import (
    TLS_HANDSHAKE,
    CancelRequest,
    GssRequest,
    Request,
    Startup,
    TlsRequest,
    parse_length,
    parse_request,
)
from tailrace.cluster.front_door.tls import TlsSession

_YES, _NO = b"S", b"N"


class Certificate:
    """The certificate of a door, replaced by a new one before it expires."""

    def __init__(self, authority: Authority, hosts: tuple[str, ...]) -> None:
        self.authority = authority
        self.hosts = hosts
        self._identity = authority.issue(hosts, now=time.time())

    def identity(self) -> TlsIdentity:
        """The one to serve a new connection with; those that are open keep theirs."""
        now = time.time()
        if now >= self._identity.renew_at:
            self._identity = self.authority.issue(self.hosts, now=now)
        return self._identity


async def receive(client: Link, certificate: Certificate | None) -> Startup | CancelRequest:
    """Agree on TLS, if the client wants it, and read what it came for.

    Errors: Refusal for what Postgres would refuse too; LinkEnded.
    """
    if await client.peek() == TLS_HANDSHAKE:
        await _start_direct_tls(client, certificate)
    gss_asked = False
    while True:
        request = await _read_request(client)
        match request:
            case TlsRequest() if client.binding is None:
                await _answer_tls_request(client, certificate)
            case GssRequest() if not gss_asked and client.binding is None:
                gss_asked = True
                client.send(_NO)
            case TlsRequest() | GssRequest():
                raise protocol_violation("an encryption request came where none was expected")
            case Startup() | CancelRequest():
                return request


async def _start_direct_tls(client: Link, certificate: Certificate | None) -> None:
    if certificate is None:
        raise LinkEnded
    session = TlsSession(certificate.identity())
    await client.start_tls(session)
    if session.alpn != ALPN:  # as Postgres demands: else it could be another protocol's client
        raise LinkEnded


async def _answer_tls_request(client: Link, certificate: Certificate | None) -> None:
    if client.has_unread:
        # Somebody on the way may have put it there, to be taken for what came encrypted (CVE-2021-23214).
        raise protocol_violation("received unencrypted data after SSL request")
    if certificate is None:
        client.send(_NO)
        return
    client.send(_YES)
    await client.start_tls(TlsSession(certificate.identity()))


async def _read_request(client: Link) -> Request:
    return parse_request(await client.read(parse_length(await client.read(4))))
