"""The lines that say in words what an event means; operators search their logs for these.

Source: PostgREST docs, references/observability, "Logs".
"""

import json
from typing import assert_never

from tailrace.engine.errors import ApiError, NoSchemaCache, PoolTimeout
from tailrace.engine.observe import events as e

UPGRADE_GUIDE = "https://github.com/PostgREST/postgrest/blob/main/CHANGELOG.md#migration-to-v16"


def describe(event: e.DiagnosticEvent) -> tuple[str, ...]:
    """The lines for an event, without a timestamp; answered requests have a format of their own."""
    if isinstance(event, e.PoolEvent):
        return (_describe_pool(event),)
    if isinstance(event, e.RequestEvent):
        return _describe_request(event)
    if isinstance(event, e.ServerEvent):
        return _describe_server(event)
    if isinstance(event, e.DatabaseEvent):
        return (_describe_database(event),)
    if isinstance(event, e.SchemaCacheEvent):
        return _describe_schema_cache(event)
    if isinstance(event, e.ListenerEvent):
        return (_describe_listener(event),)
    return _describe_config(event)


def error_json(error: ApiError) -> str:
    """An error as its JSON body, whatever client-error-verbosity says."""
    body = {"code": error.code, "details": error.details, "hint": error.hint, "message": error.message}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _describe_server(event: e.ServerEvent) -> tuple[str, ...]:
    match event:
        case e.ServerStarting(name, program):
            stands_in = "" if name == program else f" (this is {program}, which stands in for it)"
            return (f"Starting {name}...{stands_in}",)
        case e.ServerListening(address):
            return (f"API server listening on {address}",)
        case e.AdminListening(address):
            return (f"Admin server listening on {address}",)
        case e.AdminCrashed(reason):
            return (f"Admin server crashed unexpectedly: {_on_one_line(reason)}",)
        case e.HttpServerNotice(text):
            return (f"HTTP server: {text}",)
        case e.InternalFault(text):
            return ("This is a bug in Tailrace, please report it:", *text.splitlines())
        case e.WorkerEnded(process, exit_code):
            how = f"with exit code {exit_code}" if exit_code >= 0 else f"by signal {-exit_code}"
            return (f"Worker process {process} ended {how}, starting another one",)
        case e.WorkerSilent(process):
            return (f"Worker process {process} does not answer",)
        case e.TerminatedBySignal(signal):
            return (f"Received termination unix signal {signal}",)
        case e.StopHurried(signal):
            return (f"Received termination unix signal {signal} again, ending at once",)
        case e.StopTimedOut(seconds, clients):
            return (f"Stopping took longer than {seconds} seconds, giving up what {clients} clients wait for",)
        case e.TracingFailed(reason):
            return (f"Traces cannot be exported: {_on_one_line(reason)}",)
        case _:
            assert_never(event)


def _describe_database(event: e.DatabaseEvent) -> str:
    match event:
        case e.DatabaseConnected(version):
            return f"Successfully connected to {version}"
        case e.DatabaseUnsupported(version, minimum):
            return f"Cannot run in this PostgreSQL version ({version}), Tailrace needs at least {minimum}"
        case e.DatabaseFatal(cause, error):
            return f"{_explain(cause)} {error_json(error)}"
        case e.RecoveryDisabled():
            return "Automatic recovery disabled, exiting."
        case e.ConnectionRetry(delay):
            return f"Attempting to reconnect to the database in {delay} seconds..."
        case e.VersionQueryFailed(error):
            return f"Failed to query the PostgreSQL version. {error_json(error)}"
        case e.WakingFailed(reason):
            return f"Failed to wake the API. {_on_one_line(reason)}"
        case e.DatabaseErrorSevere(error):
            return error_json(error)
        case _:
            assert_never(event)


def _explain(cause: e.FatalCause) -> str:
    match cause:
        case e.FatalCause.AUTHENTICATION:
            return "Failed to establish a connection."
        case e.FatalCause.OUR_BUG:
            return "This is probably a bug in Tailrace, please report it."
        case e.FatalCause.TRANSACTION_POOLER:
            return (
                "If you are using connection poolers in transaction mode, try setting db-prepared-statements to false."
            )
        case e.FatalCause.STATEMENT_POOLER:
            return "Connection poolers in statement mode are not supported."


def _describe_schema_cache(event: e.SchemaCacheEvent) -> tuple[str, ...]:
    match event:
        case e.SchemaCacheMissing():
            return (error_json(NoSchemaCache()),)
        case e.SchemaCacheFailed(schemas, path, error):
            return (
                f"Failed to load the schema cache using db-schemas={','.join(schemas)}"
                f" and db-extra-search-path={','.join(path)}. {error_json(error)}",
            )
        case e.SchemaCacheQueried(seconds, timings):
            queried = f"Schema cache queried in {_milliseconds(seconds)} milliseconds "
            if not timings:
                return (queried,)
            return (queried, ", ".join(f"{label}: {milliseconds:.3f} ms" for label, milliseconds in timings))
        case e.SchemaCacheLoaded(seconds, summary):
            return (
                f"Schema cache loaded {summary}",
                f"Schema cache loaded in {_milliseconds(seconds)} milliseconds",
            )
        case _:
            assert_never(event)


def _describe_listener(event: e.ListenerEvent) -> str:
    match event:
        case e.ListenerStarted(host, port, version, channel):
            address = (host or "") + (f":{port}" if port is not None else "")
            return (
                f'Listener connected to {version} on "{address}"'
                f' and listening for database notifications on the "{channel}" channel'
            )
        case e.ListenerFailed(channel, reason):
            explanation = "Connection error" if reason is None else _on_one_line(reason)
            return f'Failed listening for database notifications on the "{channel}" channel. {explanation}'
        case e.ListenerRetry(delay):
            return f"Retrying listening for database notifications in {delay} seconds..."
        case e.ListenerQueueRepaired():
            return (
                "This is likely a PostgreSQL bug in the notification queue,"
                " executing the following to try to solve it: SELECT pg_notification_queue_usage();"
            )
        case e.ListenerGotSchemaMessage(channel):
            return f'Received a schema cache reload message on the "{channel}" channel'
        case e.ListenerGotConfigMessage(channel):
            return f'Received a config reload message on the "{channel}" channel'
        case e.ListenerCleanupFailed(reason):
            return f"Failed during listener connection cleanup: {_on_one_line(reason)}"
        case _:
            assert_never(event)


def _describe_config(event: e.ConfigEvent) -> tuple[str, ...]:
    match event:
        case e.ConfigReadFailed(error):
            return (f"Failed to query database settings for the config parameters.{error_json(error)}",)
        case e.RoleSettingsReadFailed(error):
            return (f"Failed to query the role settings. {error_json(error)}",)
        case e.ConfigInvalid(reason):
            return (f"Failed reloading config: {reason}",)
        case e.ConfigReloaded():
            return ("Config reloaded",)
        case e.DeprecatedJSPath(path):
            return (
                f"WARNING: The config `jwt-role-claim-key={path}` is using the deprecated JSPath syntax.",
                f"Update `jwt-role-claim-key={path}` to the new JSONPath syntax as support for JSPath will be removed"
                f" in a future release. See the migration guide on how to update: {UPGRADE_GUIDE}",
            )
        case _:
            assert_never(event)


def _describe_pool(event: e.PoolEvent) -> str:
    match event:
        case e.PoolRequested():
            return "Trying to borrow a connection from pool"
        case e.PoolRequestFulfilled():
            return "Borrowed a connection from the pool"
        case e.ConnectionInUse(connection):
            return f"Connection {connection} is used"
        case e.ConnectionReady(connection, ready):
            return f"Connection {connection} is available due to {ready.value}"
        case e.ConnectionOpening(connection):
            return f"Connection {connection} is being established"
        case e.ConnectionClosed(connection, closed):
            return f"Connection {connection} is terminated due to {closed.value}"
        case e.PoolTimeout():
            return error_json(PoolTimeout())
        case e.PoolFlushed():
            return "Database connection pool flushed"
        case e.PoolCreated(size):
            return f"Connection Pool initialized with a maximum size of {size} connections"
        case _:
            assert_never(event)


def _describe_request(event: e.RequestEvent) -> tuple[str, ...]:
    match event:
        case e.QueryRun(statements):
            return tuple(" ".join(sql.decode(errors="replace").splitlines()) for sql in statements if sql)
        case e.JwtCacheLookup():
            return ("Looked up a JWT in JWT cache",)
        case e.JwtCacheEviction():
            return ("Evicted entry from JWT cache",)
        case e.LegacyTargetName(replacements, method, target):
            return (
                "WARNING: Embedded resource was referenced by relation name even though it has an alias."
                " This is deprecated and will stop working in a future release.",
                f"Update filters, orders or limits that use {replacements}"
                f" in `{method} {target.decode(errors='replace')}`",
            )
        case _:
            assert_never(event)


def _on_one_line(text: str) -> str:
    """libpq separates the attempts at several hosts by line breaks and tabs."""
    return " ".join(line.replace("\t", "") for line in text.splitlines())


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
