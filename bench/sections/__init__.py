"""The parts of the bench. Each is a module with one `SECTION`, and its place in the report is its place here."""

from bench.context import Section
from bench.sections import body, growth, key, large_result, large_schema, many_apis, mixed, start, works

SECTIONS: tuple[Section, ...] = (
    key.SECTION,
    works.SECTION,
    mixed.SECTION,
    large_result.SECTION,
    body.SECTION,
    start.SECTION,
    large_schema.SECTION,
    many_apis.SECTION,
    growth.SECTION,
)
