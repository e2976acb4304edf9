"""Everything that the engine has to tell its operator, one value for each kind of event.

The rooms that do I/O emit events; `observe.log` and `observe.metrics` are two
consumers of the same values and decide each for itself which ones it shows.
Durations are in seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tailrace.engine.errors import ApiError

# The process and its servers ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerStarting:
    name: str
    """What the process calls itself, with its version: `PostgREST 16.2`."""
    program: str
    """What it is: `Tailrace 0.1.0`."""


@dataclass(frozen=True, slots=True)
class ServerListening:
    address: str
    """`127.0.0.1:3000`, `[::1]:3000` or the path of a socket."""


@dataclass(frozen=True, slots=True)
class AdminListening:
    address: str


@dataclass(frozen=True, slots=True)
class AdminCrashed:
    reason: str


@dataclass(frozen=True, slots=True)
class HttpServerNotice:
    """Something that the HTTP layer noticed, such as a connection that broke off."""

    text: str


@dataclass(frozen=True, slots=True)
class InternalFault:
    """A bug of ours met a request, which is answered with 500."""

    text: str
    """The traceback, of many lines."""


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """A worker process ended without being asked to; another one takes its place."""

    process: int
    exit_code: int
    """Negative for a signal."""


@dataclass(frozen=True, slots=True)
class WorkerSilent:
    """A worker process did not tell the admin server how it is."""

    process: int


@dataclass(frozen=True, slots=True)
class TerminatedBySignal:
    signal: str
    """`SIGINT` or `SIGTERM`."""


@dataclass(frozen=True, slots=True)
class StopHurried:
    """A second signal: what is under way is given up."""

    signal: str


@dataclass(frozen=True, slots=True)
class StopTimedOut:
    """Requests were still under way when server-stop-timeout was over."""

    seconds: int
    clients: int
    """Whose requests were given up."""


@dataclass(frozen=True, slots=True)
class TracingFailed:
    """Spans were lost; told once in a while only."""

    reason: str


# The database ------------------------------------------------------------------------------


class FatalCause(Enum):
    """Why a fault of the database ends the process."""

    AUTHENTICATION = "authentication"
    OUR_BUG = "our bug"
    TRANSACTION_POOLER = "transaction pooler"
    STATEMENT_POOLER = "statement pooler"


@dataclass(frozen=True, slots=True)
class DatabaseConnected:
    version: str
    """The whole of `version()`."""


@dataclass(frozen=True, slots=True)
class DatabaseUnsupported:
    version: str
    minimum: str


@dataclass(frozen=True, slots=True)
class DatabaseFatal:
    cause: FatalCause
    error: ApiError


@dataclass(frozen=True, slots=True)
class RecoveryDisabled:
    """The process ends, since db-pool-automatic-recovery is off."""


@dataclass(frozen=True, slots=True)
class ConnectionRetry:
    delay: int
    """Whole seconds until the next attempt."""


@dataclass(frozen=True, slots=True)
class VersionQueryFailed:
    error: ApiError


@dataclass(frozen=True, slots=True)
class WakingFailed:
    """An API that slept could not be woken: its compute does not run, or it cannot be opened."""

    reason: str


@dataclass(frozen=True, slots=True)
class DatabaseErrorSevere:
    """An error of the database that clients see as a 5xx."""

    error: ApiError


# The schema cache --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SchemaCacheMissing:
    """A request came while there is no schema cache (PGRST002)."""


@dataclass(frozen=True, slots=True)
class SchemaCacheFailed:
    schemas: tuple[str, ...]
    extra_search_path: tuple[str, ...]
    error: ApiError


@dataclass(frozen=True, slots=True)
class SchemaCacheQueried:
    seconds: float
    timings: tuple[tuple[str, float], ...] = ()
    """Label of each catalog query and its milliseconds, where they were measured."""


@dataclass(frozen=True, slots=True)
class SchemaCacheLoaded:
    seconds: float
    """From the first catalog query until requests see the cache."""
    summary: str
    """`12 Relations, 4 Relationships, …`."""


# The listener ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListenerStarted:
    host: str | None
    port: str | None
    version: str
    channel: str


@dataclass(frozen=True, slots=True)
class ListenerFailed:
    channel: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ListenerRetry:
    delay: int


@dataclass(frozen=True, slots=True)
class ListenerQueueRepaired:
    """The notification queue was corrupt; asking for its usage mends it."""


@dataclass(frozen=True, slots=True)
class ListenerGotSchemaMessage:
    channel: str


@dataclass(frozen=True, slots=True)
class ListenerGotConfigMessage:
    channel: str


@dataclass(frozen=True, slots=True)
class ListenerCleanupFailed:
    reason: str


# The configuration -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigReadFailed:
    error: ApiError


@dataclass(frozen=True, slots=True)
class RoleSettingsReadFailed:
    error: ApiError


@dataclass(frozen=True, slots=True)
class ConfigInvalid:
    reason: str


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    pass


@dataclass(frozen=True, slots=True)
class DeprecatedJSPath:
    """jwt-role-claim-key is written in the syntax before v16."""

    path: str
    """As it is dumped: `."roles"[0]`."""


# The connection pool -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PoolCreated:
    size: int


@dataclass(frozen=True, slots=True)
class PoolFlushed:
    pass


@dataclass(frozen=True, slots=True)
class PoolRequested:
    """A transaction asks for a connection; told at log level debug only."""


@dataclass(frozen=True, slots=True)
class PoolRequestFulfilled:
    """The transaction of one PoolRequested ended, well or not."""


@dataclass(frozen=True, slots=True)
class PoolTimeout:
    """Nobody gave a connection back within db-pool-acquisition-timeout."""


@dataclass(frozen=True, slots=True)
class ConnectionOpening:
    connection: str


class ReadyReason(Enum):
    ESTABLISHED = "connection establishment"
    SESSION_FAILED = "session failure"
    SESSION_SUCCEEDED = "session success"


@dataclass(frozen=True, slots=True)
class ConnectionReady:
    connection: str
    reason: ReadyReason


@dataclass(frozen=True, slots=True)
class ConnectionInUse:
    connection: str


class CloseReason(Enum):
    AGE = "max lifetime"
    IDLENESS = "max idletime"
    RELEASE = "release"
    NETWORK = "network error"
    INITIALIZATION = "init failure"


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    connection: str
    reason: CloseReason


# Requests ----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class RequestAnswered:
    """One answer; not frozen, because a frozen one takes four times as long to make."""

    role: str | None
    method: str
    target: bytes
    """Path and query as sent, with the `?`."""
    http_version: str
    """`1.1`."""
    status: int
    length: int | None
    """Bytes of the body, where that was known beforehand."""
    remote_address: str
    """`-` for a Unix socket."""
    user_agent: bytes = b""
    referer: bytes = b""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QueryRun:
    """The statements of one request, in order; emitted only with log-query."""

    statements: tuple[bytes, ...]
    status: int


@dataclass(frozen=True, slots=True)
class LegacyTargetName:
    """A filter names an embedding by its relation, although it has an alias (url-use-legacy-target-names)."""

    replacements: str
    """Ready to print: "`films` to `all_films`, …"."""
    method: str
    target: bytes


@dataclass(frozen=True, slots=True)
class JwtCacheLookup:
    hit: bool


@dataclass(frozen=True, slots=True)
class JwtCacheEviction:
    pass


# Unions ------------------------------------------------------------------------------------

ServerEvent = (
    ServerStarting
    | ServerListening
    | AdminListening
    | AdminCrashed
    | HttpServerNotice
    | InternalFault
    | WorkerEnded
    | WorkerSilent
    | TerminatedBySignal
    | StopHurried
    | StopTimedOut
    | TracingFailed
)
DatabaseEvent = (
    DatabaseConnected
    | DatabaseUnsupported
    | DatabaseFatal
    | RecoveryDisabled
    | ConnectionRetry
    | VersionQueryFailed
    | WakingFailed
    | DatabaseErrorSevere
)
SchemaCacheEvent = SchemaCacheMissing | SchemaCacheFailed | SchemaCacheQueried | SchemaCacheLoaded
ListenerEvent = (
    ListenerStarted
    | ListenerFailed
    | ListenerRetry
    | ListenerQueueRepaired
    | ListenerGotSchemaMessage
    | ListenerGotConfigMessage
    | ListenerCleanupFailed
)
ConfigEvent = ConfigReadFailed | RoleSettingsReadFailed | ConfigInvalid | ConfigReloaded | DeprecatedJSPath
ConnectionEvent = ConnectionOpening | ConnectionReady | ConnectionInUse | ConnectionClosed
PoolEvent = PoolCreated | PoolFlushed | PoolRequested | PoolRequestFulfilled | PoolTimeout | ConnectionEvent
RequestEvent = QueryRun | LegacyTargetName | JwtCacheLookup | JwtCacheEviction

DiagnosticEvent = (
    ServerEvent | DatabaseEvent | SchemaCacheEvent | ListenerEvent | ConfigEvent | PoolEvent | RequestEvent
)
"""What is told in sentences."""

Event = RequestAnswered | DiagnosticEvent

Emit = Callable[[Event], None]
