"""Loads the configuration from its file, the environment and what the database says; at start and at every reload."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from tailrace.engine.config.config import Config
from tailrace.engine.config.database import DatabaseSettings
from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.file import load_file
from tailrace.engine.config.parse import Sources, parse_config
from tailrace.engine.config.secret import resolve_files
from tailrace.engine.config.value import Value
from tailrace.engine.jwt.keys import parse_keys
from tailrace.engine.jwt.role import parse_role_path
from tailrace.engine.statement import IsolationLevel

ReadFile = Callable[[str], bytes]
"""Reads a file whole; raises OSError."""

STANDARD_INPUT = "/dev/stdin"

Pairs = Iterable[tuple[str, str]]
RoleSettings = Mapping[str, tuple[tuple[str, str], ...]]


class ConfigLoader:
    """Knows where the configuration comes from; every `load` reads it anew."""

    def __init__(self, file_path: str | None, environ: Mapping[str, str], read_file: ReadFile) -> None:
        self._file_path = file_path
        self._environ = environ
        self._read_file = read_file
        self._standard_input: bytes | None = None
        self._db_uri: str | None = None

    def to_document(self) -> dict[str, Any]:
        """What another process needs to load the same configuration, as JSON can hold it."""
        standard_input = self._standard_input
        return {
            "file_path": self._file_path,
            "environ": dict(self._environ),
            "standard_input": None if standard_input is None else standard_input.decode("latin-1"),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], read_file: ReadFile) -> "ConfigLoader":
        loader = cls(document["file_path"], document["environ"], read_file)
        standard_input = document["standard_input"]
        loader._standard_input = None if standard_input is None else standard_input.encode("latin-1")
        return loader

    def load(
        self,
        database_settings: Mapping[str, str] | Pairs = (),
        role_settings: RoleSettings | None = None,
        role_isolation: Mapping[str, IsolationLevel] | None = None,
    ) -> Config:
        """Read and check everything; `database_settings` are by the setting's name, as `db-schemas`.

        db-uri stays what it was at the first load, since the pool is bound to it.
        Errors: ConfigError.
        """
        database = DatabaseSettings(dict(database_settings), role_settings or {}, role_isolation or {})
        try:
            config = self._parse(database)
        except ConfigError as error:
            raise ConfigError(f"Error in config {error}") from None
        if self._db_uri is not None:
            config = replace(config, db_uri=self._db_uri)
        config = resolve_files(config, self._read_bytes)
        _check_secret(config)
        self._db_uri = config.db_uri
        return config

    def _parse(self, database: DatabaseSettings) -> Config:
        file: Mapping[str, Value] = {}
        if self._file_path is not None:
            file = load_file(self._file_path, environ=self._environ, read_text=self._read_text)
        config = parse_config(Sources(file, self._environ, database), file_path=self._file_path)
        try:
            role_path = parse_role_path(config.jwt_role_claim_key)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        return replace(config, jwt_role_claim_key=role_path.text)

    def _read_text(self, path: str) -> str:
        try:
            return self._read_bytes(path).decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None

    def _read_bytes(self, path: str) -> bytes:
        """The standard input can be read only once, so it is kept for reloads."""
        if path == STANDARD_INPUT and self._standard_input is not None:
            return self._standard_input
        try:
            content = self._read_file(path)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from None
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from None
        if path == STANDARD_INPUT:
            self._standard_input = content
        return content


def _check_secret(config: Config) -> None:
    if config.jwt_secret is not None:
        try:
            parse_keys(config.jwt_secret)
        except ValueError as error:
            raise ConfigError(str(error)) from None
