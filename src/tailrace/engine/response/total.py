"""How many rows there are in all, from a count, from the planner, or from both.

Source: PostgREST docs, references/api/pagination_count, "exact, planned and estimated count".
"""

from tailrace.engine.json_document import bounded_integer, parse_json
from tailrace.engine.request.preferences import Count


def planned_rows(explanation: bytes) -> int | None:
    """The number of rows that EXPLAIN (FORMAT JSON) expects; None if it does not say."""
    match parse_json(explanation.decode()):
        case [{"Plan": {"Plan Rows": rows}}, *_]:
            return bounded_integer(rows)
        case _:
            return None


def total_rows(
    preferred: Count | None, counted: int | None, planned: int | None, *, max_rows: int | None
) -> int | None:
    """The total of a read. An estimate is the count, up to db-max-rows; beyond it the planner may know of more."""
    match preferred:
        case Count.PLANNED:
            return planned
        case Count.ESTIMATED:
            if counted is None or (max_rows is not None and counted <= max_rows):
                return counted
            return None if planned is None else max(counted, planned)
        case _:
            return counted
