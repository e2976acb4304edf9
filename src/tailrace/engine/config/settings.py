"""The table of all settings. Parsing, `--dump-config`, `--example` and the documentation are made from it.

Source: PostgREST docs, references/configuration, "List of parameters".
"""

from collections.abc import Iterator

from tailrace.engine.config import kind
from tailrace.engine.config.config import LogFormat, LogLevel, OpenApiMode, Verbosity
from tailrace.engine.config.kind import choice, count, file_mode
from tailrace.engine.config.setting import Setting

CLIENT_SETTINGS = (
    Setting(
        "client-error-verbosity",
        choice(Verbosity, "Invalid client-error-verbosity. Check your configuration."),
        "How much an error tells a client: verbose, or minimal for its code and message only.",
        in_database=True,
    ),
)

DATABASE_SETTINGS = (
    Setting(
        "db-aggregates-enabled",
        kind.BOOLEAN,
        "Whether requests may use aggregate functions.",
        in_database=True,
    ),
    Setting(
        "db-anon-role",
        kind.TEXT,
        "The role of requests without a token; without one they are refused.",
        in_database=True,
        sample="anon",
    ),
    Setting("db-channel", kind.TEXT, "The channel on which NOTIFY asks for a reload."),
    Setting("db-channel-enabled", kind.BOOLEAN, "Whether to listen on that channel; off behind a transaction pooler."),
    Setting(
        "db-extra-search-path",
        kind.LIST_OR_EMPTY,
        "Schemas on the search_path of every request besides the exposed ones, separated by commas.",
        in_database=True,
    ),
    Setting(
        "db-hoisted-tx-settings",
        kind.LIST,
        "Settings of functions (SET of CREATE FUNCTION) that hold for the whole transaction.",
        in_database=True,
    ),
    Setting(
        "db-max-rows",
        kind.INTEGER,
        "The most rows that a response has.",
        aliases=("max-rows",),
        in_database=True,
        sample="1000",
    ),
    Setting(
        "db-plan-enabled",
        kind.BOOLEAN,
        "Whether clients may ask for execution plans (Accept: application/vnd.pgrst.plan).",
        in_database=True,
    ),
    Setting("db-pool", kind.INTEGER, "The most connections to the database.", reloadable=False),
    Setting(
        "db-pool-acquisition-timeout",
        kind.INTEGER,
        "Seconds that a request waits for a connection before it is answered with 504.",
        reloadable=False,
    ),
    Setting("db-pool-max-lifetime", kind.INTEGER, "Seconds after which a connection is replaced.", reloadable=False),
    Setting(
        "db-pool-max-idletime",
        kind.INTEGER,
        "Seconds after which a connection that nobody uses is closed.",
        aliases=("db-pool-timeout",),
        alias_wins=True,
        reloadable=False,
    ),
    Setting(
        "db-pool-automatic-recovery", kind.BOOLEAN, "Whether to connect again when the database could not be reached."
    ),
    Setting(
        "db-pre-request",
        kind.NAME,
        "A function that is called before every request, in its transaction.",
        aliases=("pre-request",),
        in_database=True,
        sample="api.check_request",
    ),
    Setting(
        "db-prepared-statements",
        kind.BOOLEAN,
        "Whether statements are prepared; off behind a transaction pooler.",
        in_database=True,
    ),
    Setting(
        "db-root-spec",
        kind.NAME,
        "A function that answers requests to the root path, instead of the OpenAPI document.",
        aliases=("root-spec",),
        in_database=True,
        sample="api.root",
    ),
    Setting(
        "db-schemas",
        kind.SCHEMAS,
        "The schemas that the API exposes, separated by commas; the first one is the default.",
        aliases=("db-schema",),
        in_database=True,
    ),
    Setting("db-config", kind.BOOLEAN, "Whether the database may hold settings."),
    Setting(
        "db-pre-config",
        kind.NAME,
        "A function that sets `pgrst.*` parameters, called before the configuration is read from the database.",
        in_database=True,
        sample="api.pre_config",
    ),
    Setting(
        "db-tx-end",
        kind.TRANSACTION_END,
        "How transactions end: commit, commit-allow-override (Prefer: tx=rollback), rollback, rollback-allow-override.",
        reloadable=False,
        in_database=True,
        fields=("db_tx_rollback_all", "db_tx_allow_override"),
    ),
    Setting(
        "db-uri",
        kind.TEXT,
        "The connection string, or @filename; what it leaves out comes from PGHOST, PGUSER and so on.",
        reloadable=False,
    ),
)

TOKEN_SETTINGS = (
    Setting(
        "jwt-aud",
        kind.AUDIENCE,
        "The audience that tokens must be for, if they name one.",
        in_database=True,
        sample="https://example.com",
    ),
    Setting(
        "jwt-role-claim-key",
        kind.ROLE_PATH,
        "Where in a token the role is (JSONPath; a file has $$ for $).",
        aliases=("role-claim-key",),
        in_database=True,
    ),
    Setting(
        "jwt-secret",
        kind.SECRET,
        "What tokens are verified with: a secret of at least 32 characters, a JWK, a JWK set, or @filename.",
        in_database=True,
        sample="@/run/secrets/jwt-secret",
    ),
    Setting(
        "jwt-secret-is-base64",
        kind.BOOLEAN,
        "Whether the secret is written in base64.",
        aliases=("secret-is-base64",),
        in_database=True,
    ),
    Setting(
        "jwt-cache-max-entries",
        kind.INTEGER,
        "How many verified tokens are remembered; 0 for none.",
        in_database=True,
    ),
)

LOG_SETTINGS = (
    Setting(
        "log-level",
        choice(LogLevel, "Invalid logging level. Check your configuration."),
        "Which requests are logged: crit none, error those with 5xx, warn 4xx too, info all, debug and more.",
    ),
    Setting("log-query", kind.BOOLEAN, "Whether the SQL of a logged request is logged, too."),
    Setting(
        "log-format",
        choice(LogFormat, "Invalid log-format. Check your configuration."),
        "The form of the log: text, or json for one JSON object a line.",
        reloadable=False,
        own=True,
    ),
)

OPENAPI_SETTINGS = (
    Setting(
        "openapi-mode",
        choice(OpenApiMode, "Invalid openapi-mode. Check your configuration."),
        "What the OpenAPI document shows: follow-privileges, ignore-privileges, or nothing (disabled).",
        in_database=True,
    ),
    Setting(
        "openapi-security-active",
        kind.BOOLEAN,
        "Whether the OpenAPI document says that requests carry a token.",
        in_database=True,
    ),
    Setting(
        "openapi-server-proxy-uri",
        kind.PROXY_URI,
        "The address of the API as its clients know it.",
        reloadable=False,
        in_database=True,
        sample="https://api.example.com/v1",
    ),
)

SERVER_SETTINGS = (
    Setting(
        "server-cors-allowed-origins",
        kind.LIST,
        "Origins that browsers may send requests from, separated by commas; without any, all may.",
        reloadable=False,
        in_database=True,
        sample="https://example.com",
    ),
    Setting(
        "server-host",
        kind.TEXT,
        "The address to listen on; * *4 !4 *6 !6 stand for all addresses.",
        reloadable=False,
    ),
    Setting("server-port", kind.INTEGER, "The port to listen on; 0 for a free one.", reloadable=False),
    Setting(
        "server-reuseport",
        kind.BOOLEAN,
        "Whether other processes may listen on the same port, too (SO_REUSEPORT).",
        reloadable=False,
    ),
    Setting(
        "server-trace-header",
        kind.TEXT,
        "The header of a request that its response repeats.",
        in_database=True,
        sample="X-Request-Id",
    ),
    Setting("server-timing-enabled", kind.BOOLEAN, "Whether responses have a Server-Timing header.", in_database=True),
    Setting(
        "server-unix-socket",
        kind.TEXT,
        "A Unix socket to listen on instead of a port.",
        reloadable=False,
        sample="/run/tailrace.sock",
    ),
    Setting(
        "server-unix-socket-mode",
        file_mode("server-unix-socket-mode"),
        "Who may use that socket, between 600 and 777.",
        reloadable=False,
    ),
    Setting(
        "server-workers",
        count("server-workers", least=1),
        "How many processes answer requests.",
        reloadable=False,
        own=True,
    ),
    Setting(
        "server-max-body-size",
        count("server-max-body-size", least=0),
        "The most bytes that a request's body has; 0 for no limit.",
        reloadable=False,
        own=True,
    ),
    Setting(
        "server-max-header-size",
        count("server-max-header-size", least=1024),
        "The most bytes that a request's first line and headers have together.",
        reloadable=False,
        own=True,
    ),
    Setting(
        "server-otel-enabled",
        kind.BOOLEAN,
        "Whether requests are traced: a span for each goes to an OpenTelemetry collector (see OTEL_*).",
        reloadable=False,
        own=True,
    ),
    Setting(
        "server-stop-timeout",
        count("server-stop-timeout", least=1),
        "Seconds that a stopping server waits for requests under way; then it cancels their statements.",
        reloadable=False,
        own=True,
    ),
    Setting(
        "url-use-legacy-target-names",
        kind.BOOLEAN,
        "Whether filters may name an embedded relation that has an alias by its own name.",
        in_database=True,
    ),
)

ADMIN_SETTINGS = (
    Setting(
        "admin-server-host",
        kind.TEXT,
        "The address of the admin server (/live, /ready, /metrics); that of the API unless set.",
        aliases=("server-host",),
        reloadable=False,
        sample="127.0.0.1",
    ),
    Setting(
        "admin-server-port",
        kind.INTEGER,
        "The port of the admin server; without one it does not run.",
        reloadable=False,
        sample="3001",
    ),
    Setting(
        "admin-server-unix-socket",
        kind.TEXT,
        "A Unix socket for the admin server instead of a port.",
        reloadable=False,
        sample="/run/tailrace-admin.sock",
    ),
    Setting(
        "admin-server-unix-socket-mode",
        file_mode("admin-server-unix-socket-mode"),
        "Who may use that socket, between 600 and 777.",
        reloadable=False,
    ),
)

INTERNAL_SETTINGS = (
    Setting("internal-schema-cache-query-sleep-before-queries", kind.INTEGER, "", internal=True),
    Setting("internal-schema-cache-query-sleep", kind.INTEGER, "", internal=True),
)

SETTINGS = (
    *CLIENT_SETTINGS,
    *DATABASE_SETTINGS,
    *TOKEN_SETTINGS,
    *LOG_SETTINGS,
    *OPENAPI_SETTINGS,
    *SERVER_SETTINGS,
    *ADMIN_SETTINGS,
    *INTERNAL_SETTINGS,
)
"""In the order in which they are read, so the first wrong one is what an error is about."""


def documented() -> Iterator[Setting]:
    """The settings that operators may know of, by name."""
    return (setting for setting in sorted(SETTINGS, key=lambda setting: setting.name) if not setting.internal)
