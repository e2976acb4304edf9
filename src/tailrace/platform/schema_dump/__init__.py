"""A database's schema: as SQL, as JSON, and the difference of two."""

from tailrace.platform.schema_dump.compare import compare
from tailrace.platform.schema_dump.dump import DumpFailed, FindProgram, dump_schema
from tailrace.platform.schema_dump.tables import Column, Constraint, Table, read_tables, to_json

__all__ = [
    "Column",
    "Constraint",
    "DumpFailed",
    "FindProgram",
    "Table",
    "compare",
    "dump_schema",
    "read_tables",
    "to_json",
]
