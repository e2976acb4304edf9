"""How much the log shows, and in which form.

Source: PostgREST docs, references/configuration, "log-level".
"""

from enum import Enum


class LogLevel(Enum):
    CRIT = "crit"
    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"

    @property
    def lowest_status(self) -> int:
        """The lowest HTTP status of the answers that are logged at this level."""
        match self:
            case LogLevel.CRIT:
                return 1000
            case LogLevel.ERROR:
                return 500
            case LogLevel.WARN:
                return 400
            case LogLevel.INFO | LogLevel.DEBUG:
                return 0


class LogFormat(Enum):
    TEXT = "text"
    """Lines as PostgREST writes them: Apache's common log for requests, sentences for the rest."""
    JSON = "json"
    """One JSON object a line."""
