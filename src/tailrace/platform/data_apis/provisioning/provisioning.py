"""What is asked for, and the names that every Data API has in its database."""

from dataclasses import dataclass, field

from tailrace.platform.data_apis.provisioning.errors import InvalidName
from tailrace.platform.data_apis.provisioning.quoting import check_name
from tailrace.platform.data_apis.provisioning.settings import Settings

AUTHENTICATOR = "authenticator"
"""Logs in and becomes one of the others for each request."""
AUTHENTICATED = "authenticated"
ANONYMOUS = "anonymous"
AUTH_SCHEMA = "auth"
CONFIG_SCHEMA = "pgrst"
PRE_CONFIG = "pgrst.pre_config"
"""What the engine's db-pre-config has to name."""
CHANNEL = "pgrst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """A Data API for one database.

    `owner` is the role whose future tables the default grants are for.
    `authenticator_password` None keeps the password of an authenticator that exists.
    Errors: InvalidName.
    """

    database: str
    owner: str
    add_default_grants: bool = False
    skip_auth_schema: bool = False
    settings: Settings = field(default_factory=Settings)
    authenticator_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_name("database", self.database)
        check_name("owner", self.owner)
        if self.authenticator_password is not None and (
            not self.authenticator_password or "\0" in self.authenticator_password
        ):
            raise InvalidName("authenticator_password", "it is empty or holds a NUL")

    @property
    def api_roles(self) -> tuple[str, ...]:
        """The roles that the authenticator may become."""
        anonymous = self.settings.db_anon_role
        extra = () if anonymous in (None, ANONYMOUS, AUTHENTICATED) else (anonymous,)
        return (AUTHENTICATED, ANONYMOUS, *(role for role in extra if role is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds that one lock is waited for and that one statement may take."""

    lock_timeout: float = 5.0
    statement_timeout: float = 30.0
