"""From the sources of a configuration to the value that the engine works with.

Source: PostgREST docs, references/configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.engine.config.config import Config
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.config.environment import app_settings_of, variable_of
from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.setting import Setting
from tailrace.engine.config.settings import SETTINGS
from tailrace.engine.config.value import Value, as_text

APP_SETTINGS = "app.settings."


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from; the database wins over the environment, and that over the file."""

    file: Mapping[str, Value] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)

    def find(self, name: str) -> Value | None:
        """What the first source that has the setting says."""
        found: Value | None = self.database.settings.get(name)
        if found is None:
            found = self.environ.get(variable_of(name))
        return self.file.get(name) if found is None else found


def parse_config(sources: Sources, *, file_path: str | None = None) -> Config:
    """Read all settings. `@filename` stays as it is (see `secret.resolve_files`).

    Errors: ConfigError about the first setting that is wrong.
    """
    fields: dict[str, Any] = {}
    for setting in SETTINGS:
        value = _read(setting, sources)
        if value is not None:
            fields.update(setting.give(value))
    config = Config(
        **fields,
        app_settings=_app_settings(sources),
        file_path=file_path,
        role_settings=sources.database.role_settings,
        role_isolation=sources.database.role_isolation,
    )
    if config.admin_server_port is not None and config.admin_server_port == config.server_port:
        raise ConfigError("admin-server-port cannot be the same as server-port")
    return config


def _read(setting: Setting, sources: Sources) -> Any:
    """The value under the first of a setting's names that says something; None for the default."""
    for name in setting.names:
        raw = sources.find(name)
        if raw is not None:
            value = setting.kind.read(raw)
            if value is not None:
                return value
    return None


def _app_settings(sources: Sources) -> tuple[tuple[str, str], ...]:
    found = {
        name: as_text(value)
        for name, value in sources.file.items()
        if name.startswith(APP_SETTINGS) and "." not in name[len(APP_SETTINGS) :]
    }
    found.update(app_settings_of(sources.environ))
    return tuple(sorted(found.items()))
