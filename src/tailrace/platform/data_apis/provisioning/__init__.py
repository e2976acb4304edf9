"""What enabling and disabling a Data API does inside the branch's database.

    asked = Provisioning(database="neondb", owner="alice", add_default_grants=True, authenticator_password="…")
    await enable(connection, asked)
    await update_settings(connection, Settings.parse({"db_max_rows": 100}))
    await disable(connection)

Each is one transaction. `render_sql(asked)` is the same installation as a script.
"""

from tailrace.platform.data_apis.provisioning.disabling import Disabled, Kept, disable
from tailrace.platform.data_apis.provisioning.enabling import Enabled, enable, provisioned, update_settings
from tailrace.platform.data_apis.provisioning.errors import (
    CannotLogIn,
    DatabaseBusy,
    ForeignSchema,
    InvalidName,
    InvalidSetting,
    MissingPrivileges,
    MissingRole,
    MissingSchema,
    NotProvisioned,
    PasswordNeeded,
    ProvisioningError,
    UnknownSetting,
    UnsafeRole,
    WrongDatabase,
)
from tailrace.platform.data_apis.provisioning.provisioning import PRE_CONFIG, Limits, Provisioning
from tailrace.platform.data_apis.provisioning.script import render_sql
from tailrace.platform.data_apis.provisioning.settings import Settings

__all__ = [
    "PRE_CONFIG",
    "CannotLogIn",
    "DatabaseBusy",
    "Disabled",
    "Enabled",
    "ForeignSchema",
    "InvalidName",
    "InvalidSetting",
    "Kept",
    "Limits",
    "MissingPrivileges",
    "MissingRole",
    "MissingSchema",
    "NotProvisioned",
    "PasswordNeeded",
    "Provisioning",
    "ProvisioningError",
    "Settings",
    "UnknownSetting",
    "UnsafeRole",
    "WrongDatabase",
    "disable",
    "enable",
    "provisioned",
    "render_sql",
    "update_settings",
]
