"""The Content-Range header (PostgREST docs, references/api/pagination_count)."""


def content_range(first: int, last: int, total: int | None) -> bytes:
    """`0-9/100`; `*` stands for no rows, or for a total that was not counted."""
    if first <= last and total != 0:
        return b"%d-%d/*" % (first, last) if total is None else b"%d-%d/%d" % (first, last, total)
    return b"*/*" if total is None else b"*/%d" % total


def counted_only(total: int | None) -> bytes:
    """Of answers that hold no range: inserts and deletes."""
    return b"*/*" if total is None else b"*/%d" % total
