"""Why a Data API could not be installed, changed or removed. Nothing is left half made by any of them.

ProvisioningError
|-- InvalidName        a name that Postgres could not hold
|-- InvalidSetting     a setting's value is wrong
|   `-- UnknownSetting no setting has this name
|-- WrongDatabase      connected to another database than the one meant
|-- MissingRole        a role that should exist does not
|-- MissingSchema      the same for a schema
|-- UnsafeRole         a role would step over Row-Level Security
|-- CannotLogIn        the authenticator exists and may not log in
|-- PasswordNeeded     the authenticator has to be made and no password was given
|-- ForeignSchema      a schema of this name exists and is somebody else's
|-- MissingPrivileges  the connecting role may not do what is asked
|-- NotProvisioned     there is no Data API in the database
`-- DatabaseBusy       a lock did not come free, or a statement took too long
"""


class ProvisioningError(Exception):
    """Its text is one sentence for the person who asked."""


class InvalidName(ProvisioningError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} is no name that Postgres can hold: {reason}.")
        self.field = field


class InvalidSetting(ProvisioningError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"settings.{field}: {reason}")
        self.field = field
        self.reason = reason


class UnknownSetting(InvalidSetting):
    def __init__(self, field: str) -> None:
        super().__init__(field, "unknown setting")


class WrongDatabase(ProvisioningError):
    def __init__(self, *, meant: str, connected: str) -> None:
        super().__init__(f"The Data API of database {meant!r} was asked for on a connection to {connected!r}.")


class MissingRole(ProvisioningError):
    def __init__(self, role: str) -> None:
        super().__init__(f"The role {role!r} does not exist.")
        self.role = role


class MissingSchema(ProvisioningError):
    def __init__(self, schema: str) -> None:
        super().__init__(f"The schema {schema!r} does not exist.")
        self.schema = schema


class UnsafeRole(ProvisioningError):
    """`attribute` is SUPERUSER or BYPASSRLS, the role's own or that of a role it may become."""

    def __init__(self, role: str, attribute: str) -> None:
        super().__init__(f"The role {role!r} has or may assume {attribute}: requests would see every row.")
        self.role = role
        self.attribute = attribute


class CannotLogIn(ProvisioningError):
    def __init__(self, role: str) -> None:
        super().__init__(f"The role {role!r} exists but may not log in: ALTER ROLE it to LOGIN, or drop it.")
        self.role = role


class PasswordNeeded(ProvisioningError):
    def __init__(self, role: str) -> None:
        super().__init__(f"The role {role!r} has to be created and needs a password.")
        self.role = role


class ForeignSchema(ProvisioningError):
    def __init__(self, schema: str) -> None:
        super().__init__(f"The schema {schema!r} exists already and was not made by a Data API.")
        self.schema = schema


class MissingPrivileges(ProvisioningError):
    """`missing` names each privilege on its own."""

    def __init__(self, role: str, missing: tuple[str, ...]) -> None:
        super().__init__(f"The role {role!r} lacks: {'; '.join(missing)}.")
        self.role = role
        self.missing = missing


class NotProvisioned(ProvisioningError):
    def __init__(self, database: str) -> None:
        super().__init__(f"The database {database!r} has no Data API.")
        self.database = database


class DatabaseBusy(ProvisioningError):
    def __init__(self, reason: str) -> None:
        super().__init__(f"The database is busy, try again: {reason}.")
        self.reason = reason
