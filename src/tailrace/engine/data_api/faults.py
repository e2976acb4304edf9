"""What went wrong on the database's side, as the documented errors."""

from tailrace.engine.errors import ApiError, DatabaseClientError, InternalError, PoolTimeout
from tailrace.engine.postgres.sqlstate import connection_error, database_error
from tailrace.engine.statement import AcquisitionTimeout, ConnectionFailed, ConnectionLost, PostgresError


def documented(error: Exception | None, *, authenticated: bool) -> Exception:
    """The documented error for a fault of the database; anything else as it is."""
    match error:
        case PostgresError():
            return database_error(error, authenticated=authenticated)
        case ConnectionFailed():
            return connection_error(str(error))
        case ConnectionLost():
            return DatabaseClientError(str(error))
        case AcquisitionTimeout():
            return PoolTimeout()
        case None:
            return InternalError()
        case _:
            return error


def is_severe(error: Exception) -> bool:
    """Whether an operator may have to hear of it: Postgres reported it, or went away in the middle."""
    return isinstance(error, PostgresError | ConnectionLost)


def as_api_error(error: Exception) -> ApiError:
    fault = documented(error, authenticated=False)
    return fault if isinstance(fault, ApiError) else InternalError()
