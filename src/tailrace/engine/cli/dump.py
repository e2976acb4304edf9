"""`--dump-config` and `--dump-schema`.

Source: PostgREST docs, references/cli.
"""

import sys
import time

from tailrace.engine.config.config import Config
from tailrace.engine.config.dump import dump_config
from tailrace.engine.data_api.faults import as_api_error
from tailrace.engine.observe.events import ConfigReadFailed, Event, SchemaCacheFailed
from tailrace.engine.observe.log import Log, LogOptions
from tailrace.engine.server.config_loader import ConfigLoader
from tailrace.engine.statement import AcquisitionTimeout, ConnectionFailed, PostgresError


def print_config(loader: ConfigLoader) -> int:
    """Print the configuration, with what the database adds to it. Errors: ConfigError."""
    _print(dump_config(_load(loader)).encode(errors="surrogateescape"))
    return 0


def print_schema(loader: ConfigLoader) -> int:
    """Print the schema cache as JSON; 1 if it could not be read. Errors: ConfigError."""
    from tailrace.engine.data_api.offline import read_schema_cache
    from tailrace.engine.schema_cache.dump import dump_schema_cache

    config = _load(loader)
    try:
        cache = read_schema_cache(config)
    except (PostgresError, ConnectionFailed, AcquisitionTimeout) as fault:
        _log(config, SchemaCacheFailed(config.db_schemas, config.db_extra_search_path, as_api_error(fault)))
        return 1
    _print(dump_schema_cache(cache) + b"\n")
    return 0


def _load(loader: ConfigLoader) -> Config:
    """The whole configuration; a database that cannot be asked is reported and adds nothing."""
    config = loader.load()
    if not config.db_config:
        return config
    from tailrace.engine.data_api.offline import read_database_settings

    try:
        found = read_database_settings(config)
    except (PostgresError, ConnectionFailed, AcquisitionTimeout) as fault:
        _log(config, ConfigReadFailed(as_api_error(fault)))
        return config
    return loader.load(found.settings, found.role_settings, found.role_isolation)


def _log(config: Config, event: Event) -> None:
    options = LogOptions(level=lambda: config.log_level, clock=time.time, format=config.log_format)
    Log(options, out=sys.stdout.buffer, err=sys.stderr.buffer).observe(event)


def _print(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
