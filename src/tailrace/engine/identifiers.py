"""Names of database objects, and how they are quoted in SQL."""

from typing import NamedTuple


def quote_identifier(name: str) -> str:
    """Quote one name for SQL; what follows a NUL is dropped, as Postgres could not hold it."""
    name = name.partition("\0")[0]
    return '"' + name.replace('"', '""') + '"'


class QualifiedName(NamedTuple):
    """A schema and an object's name; an empty schema means "whatever search_path finds"."""

    schema: str
    name: str

    @property
    def quoted(self) -> str:
        if self.schema:
            return f"{quote_identifier(self.schema)}.{quote_identifier(self.name)}"
        return quote_identifier(self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def parse_qualified_name(text: str) -> QualifiedName:
    """Read `schema.name` or `name`, the form that settings such as db-pre-request use."""
    schema, dot, name = text.partition(".")
    return QualifiedName(schema, name) if dot else QualifiedName("", schema)
