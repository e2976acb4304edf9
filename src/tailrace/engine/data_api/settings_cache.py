"""Prepared settings statements by what they depend on: schema, role, kind of plan."""

from tailrace.engine.config.config import Config
from tailrace.engine.schema_cache.routine import Routine
from tailrace.engine.sql.settings import SettingsTemplate, prepare_settings

MAX_TEMPLATES = 1000


class SettingsCache:
    """Bounded; roles come from tokens, so their number is the clients' to choose."""

    __slots__ = ("_templates",)

    def __init__(self) -> None:
        self._templates: dict[tuple[object, ...], SettingsTemplate] = {}

    def find(
        self, config: Config, *, schema: str, role: str, routine: Routine | None, read_only: bool
    ) -> SettingsTemplate:
        key = (schema, role, read_only, None if routine is None else routine.settings)
        template = self._templates.get(key)
        if template is None:
            if len(self._templates) >= MAX_TEMPLATES:
                self._templates.clear()
            template = prepare_settings(
                (schema, *config.db_extra_search_path),
                role=config.role_settings.get(role, ()),
                transaction=(*(() if routine is None else routine.settings), *config.app_settings),
                read_only=read_only,
            )
            self._templates[key] = template
        return template
