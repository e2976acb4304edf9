"""One setting: everything that reading, dumping and documenting it needs to know."""

from dataclasses import dataclass
from typing import Any

from tailrace.engine.config.config import Config
from tailrace.engine.config.environment import variable_of
from tailrace.engine.config.kind import Kind


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    kind: Kind
    about: str
    """One sentence for the documentation and the example file."""
    aliases: tuple[str, ...] = ()
    """Names that are asked for as well, after its own."""
    alias_wins: bool = False
    """Whether the aliases are asked for first."""
    reloadable: bool = True
    in_database: bool = False
    sample: str | None = None
    """What the example file shows, where the default would say nothing."""
    own: bool = False
    """Whether PostgREST does not have it; such a one is dumped only when it is set."""
    internal: bool = False
    """Whether it is for tests only, neither documented nor dumped."""
    fields: tuple[str, ...] = ()
    """The fields of Config that hold it, where it is not one of its own name."""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they are asked for."""
        return (*self.aliases, self.name) if self.alias_wins else (self.name, *self.aliases)

    @property
    def variable(self) -> str:
        """The environment variable."""
        return variable_of(self.name)

    @property
    def database_name(self) -> str | None:
        """The Postgres parameter that sets it, for those that the database may set."""
        return f"pgrst.{self.name.replace('-', '_')}" if self.in_database else None

    def take(self, config: Config) -> Any:
        """Its value in a configuration; a tuple where several fields hold it."""
        if self.fields:
            return tuple(getattr(config, field) for field in self.fields)
        return getattr(config, self.name.replace("-", "_"))

    def give(self, value: Any) -> tuple[tuple[str, Any], ...]:
        """The fields of Config that say a value, with what they hold."""
        if self.fields:
            return tuple(zip(self.fields, value, strict=True))
        return ((self.name.replace("-", "_"), value),)

    def write(self, config: Config) -> str:
        """Its value as a configuration file has it."""
        return self.kind.write(self.take(config))
