"""Where the columns of a view come from, as its definition tells."""

from tailrace.engine.schema_cache.catalog_view import Origin, PackedViews, read_origins, resolve_origins
from tests.unit.schema_cache.result import rows


def entry(number: int, relation: int, column: int, expression: str = "{VAR :varno 1}", name: str = "x") -> str:
    origin = f":resorigtbl {relation} :resorigcol {column}"
    return (
        f"{{TARGETENTRY :expr {expression} :resno {number} :resname {name} :ressortgroupref 0 {origin} :resjunk false}}"
    )


def query(*entries: str, tables: str = "<>") -> str:
    return f"{{QUERY :commandType 1 :rtable {tables} :targetList ({' '.join(entries)}) :override 0 :limitCount <>}}"


def tree(text: str) -> bytes:
    return f"({text})".encode()


def test_each_entry_of_the_target_list_names_its_column() -> None:
    assert read_origins(tree(query(entry(1, 500, 2), entry(2, 501, 1)))) == (Origin(1, 500, 2), Origin(2, 501, 1))


def test_an_expression_comes_from_no_column() -> None:
    assert read_origins(tree(query(entry(1, 0, 0), entry(2, 500, 1)))) == (Origin(2, 500, 1),)


def test_a_query_within_from_does_not_count() -> None:
    inner = query(entry(1, 900, 9))
    definition = query(entry(1, 500, 1), tables=f"({{RANGETBLENTRY :subquery {inner}}})")

    assert read_origins(tree(definition)) == (Origin(1, 500, 1),)


def test_a_query_within_a_column_does_not_count() -> None:
    inner = query(entry(1, 900, 9))
    definition = query(entry(1, 0, 0, f"{{SUBLINK :subselect {inner}}}"), entry(2, 500, 1))

    assert read_origins(tree(definition)) == (Origin(2, 500, 1),)


def test_braces_and_blanks_in_names_do_not_confuse() -> None:
    named = entry(1, 500, 1, "{VAR :alias a\\{\\{b\\ :targetList\\ c}", name="odd\\ \\}name")

    assert read_origins(tree(query(named, entry(2, 500, 2)))) == (Origin(1, 500, 1), Origin(2, 500, 2))


def test_the_target_list_alone_is_read_the_same_way() -> None:
    whole = query(entry(1, 500, 1), entry(2, 500, 2))
    rest = whole.partition(" :targetList ")[2]

    assert read_origins(rest.encode()) == read_origins(tree(whole))


def test_columns_are_followed_through_views() -> None:
    views = {1: [Origin(1, 500, 7)], 2: [Origin(1, 1, 1)]}

    assert list(resolve_origins(2, views)) == [Origin(1, 1, 1), Origin(1, 500, 7)]


def test_views_that_read_each_other_come_to_an_end() -> None:
    views = {1: [Origin(1, 2, 1)], 2: [Origin(1, 1, 1)]}

    assert Origin(1, 2, 1) in resolve_origins(1, views)


def test_origins_are_kept_for_each_view() -> None:
    definition = tree(query(entry(1, 500, 2), entry(2, 501, 1)))

    views = PackedViews(rows(("7", definition), ("8", tree(query(entry(1, 0, 0))))))

    assert dict(views) == {7: read_origins(definition), 8: ()}
