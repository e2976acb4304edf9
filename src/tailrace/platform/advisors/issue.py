"""What an advisor's check found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any


class Level(IntEnum):
    """How bad it is; greater is worse. The name is the word of the wire."""

    INFO = 1
    WARN = 2
    ERROR = 3


class Category(Enum):
    SECURITY = "SECURITY"
    PERFORMANCE = "PERFORMANCE"


class Facing(Enum):
    """Who can mend it: the database's owner, or the one who runs the platform."""

    EXTERNAL = "EXTERNAL"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One object of the database that one check objects to.

    `remediation` is the address of the check's section in the documentation. `fix`
    is SQL that mends exactly this object and may be run as it is, where there is such.
    """

    name: str
    title: str
    level: Level
    facing: Facing
    categories: tuple[Category, ...]
    description: str
    detail: str
    remediation: str
    metadata: Mapping[str, Any]
    cache_key: str
    fix: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object of the management API; the fix is in the metadata, since the API has no field for it."""
        return {
            "name": self.name,
            "title": self.title,
            "level": self.level.name,
            "facing": self.facing.value,
            "categories": [category.value for category in self.categories],
            "description": self.description,
            "detail": self.detail,
            "remediation": self.remediation,
            "metadata": dict(self.metadata) | ({} if self.fix is None else {"fix": self.fix}),
            "cache_key": self.cache_key,
        }
