"""What a Data API can be set to, and the PostgREST parameters that it means.

Source: the management API's `settings` object of a Data API, and PostgREST docs,
references/configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from tailrace.platform.data_apis.provisioning.errors import InvalidName, InvalidSetting, UnknownSetting
from tailrace.platform.data_apis.provisioning.quoting import check_name

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "pg_toast")
OPENAPI_MODES = ("disabled", "ignore-privileges")
CACHED_TOKENS = 1000
"""How many verified tokens a cache holds that is on; PostgREST since 14 bounds entries and not seconds."""
LARGEST_INTEGER = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one Data API; None leaves a parameter as PostgREST has it.

    Units: `db_max_rows` rows, `jwt_cache_max_lifetime` seconds. Errors: InvalidSetting.
    """

    db_schemas: tuple[str, ...] = ("public",)
    """The first one is the default."""
    db_anon_role: str | None = "anonymous"
    """None refuses requests without a token."""
    db_max_rows: int | None = None
    db_extra_search_path: str | None = None
    db_aggregates_enabled: bool = True
    jwt_role_claim_key: str = ".role"
    jwt_cache_max_lifetime: int | None = None
    openapi_mode: str = "disabled"
    server_cors_allowed_origins: str | None = None
    server_timing_enabled: bool = False

    def __post_init__(self) -> None:
        _check_schemas(self.db_schemas)
        if self.db_anon_role is not None:
            _check_name("db_anon_role", self.db_anon_role)
        _check_integer("db_max_rows", self.db_max_rows)
        _check_integer("jwt_cache_max_lifetime", self.jwt_cache_max_lifetime)
        for name in ("db_aggregates_enabled", "server_timing_enabled"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidSetting(name, "must be true or false")
        for name in ("db_extra_search_path", "server_cors_allowed_origins"):
            _check_text(name, getattr(self, name))
        _check_text("jwt_role_claim_key", self.jwt_role_claim_key)
        if not self.jwt_role_claim_key or self.jwt_role_claim_key[0] not in ".$":
            raise InvalidSetting("jwt_role_claim_key", "must begin with . or $")
        if self.openapi_mode not in OPENAPI_MODES:
            raise InvalidSetting("openapi_mode", f"must be one of {', '.join(OPENAPI_MODES)}")

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Read a settings object; fields that it lacks have their defaults.

        Errors: UnknownSetting and InvalidSetting, which name the field.
        """
        known = {field.name for field in fields(cls)}
        for name in given:
            if name not in known:
                raise UnknownSetting(name)
        values = dict(given)
        if "db_schemas" in values:
            if not isinstance(values["db_schemas"], list | tuple):
                raise InvalidSetting("db_schemas", "must be a list of schema names")
            values["db_schemas"] = tuple(values["db_schemas"])
        for name in ("jwt_role_claim_key", "openapi_mode"):
            if name in values and not isinstance(values[name], str):
                raise InvalidSetting(name, "must be a text")
        return cls(**values)

    def as_object(self) -> dict[str, Any]:
        """The settings object again, without what is unset by default; `parse` reads it back."""
        stated = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name: value for name, value in stated.items() if value is not None or name == "db_anon_role"}
        return kept | {"db_schemas": list(self.db_schemas)}

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Names and values for `set_config`, as PostgREST reads them from the database."""
        stated: tuple[tuple[str, str | int | bool | None], ...] = (
            ("db_schemas", ", ".join(self.db_schemas)),
            ("db_anon_role", self.db_anon_role),
            ("db_max_rows", self.db_max_rows),
            ("db_extra_search_path", self.db_extra_search_path),
            ("db_aggregates_enabled", self.db_aggregates_enabled),
            ("jwt_role_claim_key", self.jwt_role_claim_key),
            ("jwt_cache_max_entries", self._cached_tokens()),
            ("openapi_mode", self.openapi_mode),
            ("server_cors_allowed_origins", self.server_cors_allowed_origins),
            ("server_timing_enabled", self.server_timing_enabled),
        )
        return tuple((f"pgrst.{name}", _written(value)) for name, value in stated if value is not None)

    def _cached_tokens(self) -> int | None:
        if self.jwt_cache_max_lifetime is None:
            return None
        return CACHED_TOKENS if self.jwt_cache_max_lifetime else 0


def _written(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_schemas(schemas: tuple[str, ...]) -> None:
    if not schemas:
        raise InvalidSetting("db_schemas", "must name at least one schema")
    for schema in schemas:
        _check_name("db_schemas", schema)
        if schema in SYSTEM_SCHEMAS:
            raise InvalidSetting("db_schemas", f"the system schema {schema!r} cannot be exposed")
        if "," in schema or schema != schema.strip():
            raise InvalidSetting("db_schemas", f"{schema!r} has a comma or outer spaces, which a list cannot hold")
    if len(set(schemas)) < len(schemas):
        raise InvalidSetting("db_schemas", "names a schema twice")


def _check_name(field: str, name: object) -> None:
    if not isinstance(name, str):
        raise InvalidSetting(field, "must be a name")
    try:
        check_name(field, name)
    except InvalidName as error:
        raise InvalidSetting(field, str(error)) from None


def _check_text(field: str, text: object) -> None:
    if text is None:
        return
    if not isinstance(text, str):
        raise InvalidSetting(field, "must be a text")
    if not text.isprintable():
        raise InvalidSetting(field, "holds control characters")


def _check_integer(field: str, number: object) -> None:
    if number is None:
        return
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= LARGEST_INTEGER:
        raise InvalidSetting(field, f"must be a whole number between 0 and {LARGEST_INTEGER}")
