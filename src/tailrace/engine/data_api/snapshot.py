"""What a request may know: one moment's configuration, keys and schema, never a mixture of two."""

from dataclasses import dataclass, field

from tailrace.engine.config.config import Config
from tailrace.engine.data_api.jwt_cache import JwtCache
from tailrace.engine.data_api.plan_cache import PlanCache
from tailrace.engine.data_api.root_documents import RootDocuments
from tailrace.engine.data_api.settings_cache import SettingsCache
from tailrace.engine.jwt.authenticate import jwt_settings
from tailrace.engine.jwt.keys import parse_keys
from tailrace.engine.observe import events
from tailrace.engine.response.openapi.fragment import OpenApiFragments
from tailrace.engine.schema_cache.cache import SchemaCache

NO_SCHEMA = SchemaCache({}, {}, {})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Replaced whole on a reload; plans die with the schema they were made for."""

    config: Config
    jwt_cache: JwtCache
    schema_cache: SchemaCache | None
    """None until it is loaded for the first time."""
    pg_version: int
    """As of server_version_num: 150004."""
    openapi: OpenApiFragments
    plans: PlanCache = field(default_factory=PlanCache)
    settings: SettingsCache = field(default_factory=SettingsCache)
    documents: RootDocuments = field(default_factory=RootDocuments)


def first_snapshot(config: Config, emit: events.Emit) -> Snapshot:
    return Snapshot(config, make_jwt_cache(config, emit), None, 0, OpenApiFragments(NO_SCHEMA))


def with_config(before: Snapshot, config: Config, emit: events.Emit) -> Snapshot:
    """A snapshot of the same schema under another configuration."""
    jwt_cache = before.jwt_cache if is_jwt_alike(before.config, config) else make_jwt_cache(config, emit)
    return Snapshot(config, jwt_cache, before.schema_cache, before.pg_version, before.openapi)


def with_schema(before: Snapshot, schema_cache: SchemaCache, pg_version: int) -> Snapshot:
    return Snapshot(before.config, before.jwt_cache, schema_cache, pg_version, OpenApiFragments(schema_cache))


def make_jwt_cache(config: Config, emit: events.Emit) -> JwtCache:
    keys = None if config.jwt_secret is None else parse_keys(config.jwt_secret)
    return JwtCache(keys, jwt_settings(config), size=config.jwt_cache_max_entries, emit=emit)


def is_jwt_alike(one: Config, other: Config) -> bool:
    return (
        one.jwt_secret == other.jwt_secret
        and one.jwt_aud == other.jwt_aud
        and one.jwt_role_claim_key == other.jwt_role_claim_key
        and one.jwt_cache_max_entries == other.jwt_cache_max_entries
        and one.db_anon_role == other.db_anon_role
    )
