"""What a request may know: one moment's configuration, keys and schema, never a mixture of two."""

from dataclasses import dataclass, field

from tailrace.engine.config.config import Config
from tailrace.engine.data_api.jwt_cache import JwtCache
from tailrace.engine.data_api.plan_cache import PlanCache
from tailrace.engine.data_api.settings_cache import SettingsCache
from tailrace.engine.schema_cache.cache import SchemaCache


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Replaced whole on a reload; plans die with the schema they were made for."""

    config: Config
    jwt_cache: JwtCache
    schema_cache: SchemaCache | None
    """None until it is loaded for the first time."""
    pg_version: int = 0
    """As of server_version_num: 150004."""
    plans: PlanCache = field(default_factory=PlanCache)
    settings: SettingsCache = field(default_factory=SettingsCache)
