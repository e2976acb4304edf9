"""The settings of one Data API, read and validated.

Source: PostgREST docs, references/configuration; names are the settings' own,
with underscores for dashes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.log_level import LogFormat as LogFormat
from tailrace.engine.log_level import LogLevel as LogLevel
from tailrace.engine.statement import IsolationLevel


class Verbosity(Enum):
    """How much of an error a client is told: code and message, or details and hint as well."""

    MINIMAL = "minimal"
    VERBOSE = "verbose"


class OpenApiMode(Enum):
    FOLLOW_PRIVILEGES = "follow-privileges"
    IGNORE_PRIVILEGES = "ignore-privileges"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Times are in seconds, sizes in entries, socket modes as bits."""

    admin_server_host: str = "!4"
    admin_server_port: int | None = None
    admin_server_unix_socket: str | None = None
    admin_server_unix_socket_mode: int = 0o660
    app_settings: tuple[tuple[str, str], ...] = ()
    """Pairs of full name (`app.settings.x`) and value, in order of name."""
    client_error_verbosity: Verbosity = Verbosity.VERBOSE
    db_aggregates_enabled: bool = False
    db_anon_role: str | None = None
    db_channel: str = "pgrst"
    db_channel_enabled: bool = True
    db_config: bool = True
    db_extra_search_path: tuple[str, ...] = ("public",)
    db_hoisted_tx_settings: tuple[str, ...] = (
        "statement_timeout",
        "plan_filter.statement_cost_limit",
        "default_transaction_isolation",
    )
    db_max_rows: int | None = None
    db_plan_enabled: bool = False
    db_pool: int = 10
    db_pool_acquisition_timeout: int = 10
    db_pool_automatic_recovery: bool = True
    db_pool_max_idletime: int = 30
    db_pool_max_lifetime: int = 1800
    db_pre_config: QualifiedName | None = None
    db_pre_request: QualifiedName | None = None
    db_prepared_statements: bool = True
    db_root_spec: QualifiedName | None = None
    db_schemas: tuple[str, ...] = ("public",)
    db_tx_allow_override: bool = False
    """db-tx-end: whether `Prefer: tx=` may choose."""
    db_tx_rollback_all: bool = False
    """db-tx-end: whether transactions end with a rollback unless chosen otherwise."""
    db_uri: str = "postgresql://"
    file_path: str | None = None
    jwt_aud: str | None = None
    jwt_cache_max_entries: int = 1000
    jwt_role_claim_key: str = "$.role"
    """As written; `engine.jwt.role` reads it."""
    jwt_secret: bytes | None = None
    """Decoded from base64 and read from its file already: the secret's bytes, a JWK or a JWKS."""
    jwt_secret_is_base64: bool = False
    log_format: LogFormat = LogFormat.TEXT
    """Tailrace's own setting."""
    log_level: LogLevel = LogLevel.ERROR
    log_query: bool = False
    openapi_mode: OpenApiMode = OpenApiMode.FOLLOW_PRIVILEGES
    openapi_security_active: bool = False
    openapi_server_proxy_uri: str | None = None
    role_isolation: Mapping[str, IsolationLevel] = field(default_factory=dict)
    """Isolation level of the roles that set one (ALTER ROLE … SET default_transaction_isolation)."""
    role_settings: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Settings of the roles that the authenticator may become, for their transactions."""
    server_cors_allowed_origins: tuple[str, ...] = ()
    server_host: str = "!4"
    server_max_body_size: int = 268_435_456
    """Bytes; 0 for no limit. Tailrace's own setting."""
    server_max_header_size: int = 65_536
    """Bytes of the request line and all headers. Tailrace's own setting."""
    server_otel_enabled: bool = False
    """Tailrace's own setting."""
    server_port: int = 3000
    server_reuseport: bool = False
    server_stop_timeout: int = 20
    """Tailrace's own setting."""
    server_timing_enabled: bool = False
    server_trace_header: str | None = None
    server_unix_socket: str | None = None
    server_unix_socket_mode: int = 0o660
    server_workers: int = 1
    """Processes that answer requests. Tailrace's own setting."""
    url_use_legacy_target_names: bool = True
    internal_schema_cache_query_sleep: int | None = None
    """Milliseconds; PostgREST's test suite slows the schema cache's loading by it."""
    internal_schema_cache_query_sleep_before_queries: int | None = None
