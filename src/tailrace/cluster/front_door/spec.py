"""What a front door is asked to be."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.cluster.front_door.allow_list import AllowList


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The Postgres behind the door, and the superuser that reads the roles' verifiers there."""

    socket_dir: Path
    port: int
    password: str = field(repr=False)
    superuser: str = "postgres"
    database: str = "postgres"
    """Where the superuser connects; it is held for some seconds after a login, so it cannot be dropped then."""

    @property
    def socket(self) -> str:
        return str(self.socket_dir / f".s.PGSQL.{self.port}")


Wake = Callable[[], Awaitable[Backend]]
"""Starts the compute unless it runs, and says where it is. Called for every session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSpec:
    """The folder of the certificate authority, made when missing, and the names and IPs that clients connect to."""

    folder: Path
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoorSpec:
    """One door of one compute. Times in seconds.

    `port` 0 takes a free one. `tls` None offers none, and then `allow_plain` must be set.
    """

    wake: Wake
    host: str = "127.0.0.1"
    port: int = 0
    tls: TlsSpec | None = None
    allow_plain: bool = False
    allow_replication: bool = False
    allowed: AllowList = field(default_factory=AllowList)
    max_sessions: int = 500
    max_pending: int = 1000
    """Connections that have not yet logged in; more are closed at once."""
    handshake_timeout: float = 15.0
    """For the client's first packet with TLS, and again for its password."""
    wake_timeout: float = 30.0
    mock_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Makes the salts of unknown roles; without `tls` only, else the authority's key does."""


@dataclass(frozen=True, slots=True)
class Activity:
    """For suspending what nobody uses. `last_traffic` is the event loop's time, in seconds."""

    sessions: int
    pending: int
    last_traffic: float
    bytes_passed: int
