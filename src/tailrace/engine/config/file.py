"""Configuration files: imports, groups and interpolation resolved to one flat mapping.

Source: PostgREST docs, references/configuration, "Config File".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.file_syntax import Assignment, Directive, Group, Import, parse_file
from tailrace.engine.config.value import Value

ReadText = Callable[[str], str]
"""Reads a file as UTF-8; raises ConfigError."""

MAX_IMPORT_DEPTH = 20
INTERPOLATION = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^)]+)\))?")


def load_file(path: str, *, environ: Mapping[str, str], read_text: ReadText) -> Mapping[str, Value]:
    """Read a file and what it imports; of several assignments to a name the last one counts.

    Errors: ConfigError.
    """
    loading = _Loading(environ, read_text)
    loading.load(path, prefix="", depth=0)
    return loading.values


@dataclass(slots=True)
class _Loading:
    environ: Mapping[str, str]
    read_text: ReadText
    values: dict[str, Value] = field(default_factory=dict)

    def load(self, path: str, *, prefix: str, depth: int) -> None:
        if depth > MAX_IMPORT_DEPTH:
            raise ConfigError(f"{path}: too many imports within imports")
        for directive in parse_file(self.read_text(path), path):
            self._apply(directive, path, prefix=prefix, depth=depth)

    def _apply(self, directive: Directive, path: str, *, prefix: str, depth: int) -> None:
        match directive:
            case Assignment(name, str(text)):
                self.values[prefix + name] = self._interpolate(text, prefix + name, prefix)
            case Assignment(name, value):
                self.values[prefix + name] = value
            case Group(name, members):
                for member in members:
                    self._apply(member, path, prefix=f"{prefix}{name}.", depth=depth)
            case Import(other):
                self.load(_relative_to(path, other), prefix=prefix, depth=depth + 1)

    def _interpolate(self, text: str, name: str, prefix: str) -> str:
        """`$(x)` is the setting x assigned before, in this group or one around it, or else a variable of the
        environment; `$$` is a dollar sign."""

        def replace(found: re.Match[str]) -> str:
            if found["dollar"]:
                return "$"
            if found["name"] is None:
                raise ConfigError(f"<{name}>:\nunexpected '$': write '$$' for a dollar sign, or '$(NAME)'\n")
            return self._lookup(found["name"], name, prefix)

        return INTERPOLATION.sub(replace, text)

    def _lookup(self, variable: str, name: str, prefix: str) -> str:
        groups = [group for group in prefix.split(".") if group]
        for length in range(len(groups), -1, -1):
            value = self.values.get(".".join((*groups[:length], variable)))
            if isinstance(value, str):
                return value
            if isinstance(value, Decimal):
                return str(int(value)) if value == value.to_integral_value() else str(float(value))
            if value is not None:
                raise ConfigError(f"<{name}>:\nvariable '{variable}' is not a string or number\n")
        if variable not in self.environ:
            raise ConfigError(f"<{name}>:\nno such variable: '{variable}'\n")
        return self.environ[variable]


def _relative_to(path: str, other: str) -> str:
    """Imports are relative to the directory of the file that has them."""
    directory, slash, _ = path.rpartition("/")
    return other if other.startswith("/") else f"{directory}{slash}{other}"
