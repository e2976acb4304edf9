"""The Warning header for names that stop working (PostgREST docs, url-use-legacy-target-names)."""

from collections.abc import Iterator

from tailrace.engine.plan.read_plan import ReadPlan
from tailrace.engine.response.headers import Header, header_text

AGENT = "PostgRESTv16.2"
"""The version whose behaviour is promised; clients see it as the warning's source."""


def legacy_name_warning(plan: ReadPlan) -> tuple[Header, ...]:
    """One header, or none if no embedding with an alias was filtered by its relation's name."""
    renamings = describe_renamings(plan)
    if renamings is None:
        return ()
    text = (
        "Embedded resource was referenced by relation name even though it has an alias."
        " This is deprecated and will stop working in a future release."
        f" Update {renamings} in query string filters, orders or limits."
    )
    return ((b"Warning", header_text(f'299 {AGENT} "{text}"')),)


def describe_renamings(plan: ReadPlan) -> str | None:
    """What to write instead: "`films` to `all_films`, `awards` to `prizes`"; None where all is well."""
    return ", ".join(f"`{name}` to `{alias}`" for name, alias in legacy_names(plan)) or None


def legacy_names(plan: ReadPlan) -> Iterator[tuple[str, str]]:
    """Relations that were named, with the aliases that should have been."""
    if plan.legacy_name_used and plan.alias is not None:
        yield plan.name, plan.alias
    for embedding in plan.embeddings:
        yield from legacy_names(embedding)
