"""Values written in Postgres's text format."""

from tailrace.engine.schema_cache.text_format import identifier_array, text_array


def test_every_element_of_an_array_is_quoted() -> None:
    assert text_array(["api", "NULL", "a,b", ""]) == b'{"api","NULL","a,b",""}'


def test_quotes_and_backslashes_in_an_array_are_escaped() -> None:
    assert text_array(['a"b', "c\\d"]) == b'{"a\\"b","c\\\\d"}'


def test_names_in_an_array_are_quoted_as_identifiers() -> None:
    assert identifier_array(["api", 'My "own"']) == b'{"\\"api\\"","\\"My \\"\\"own\\"\\"\\""}'


def test_no_elements_are_an_empty_array() -> None:
    assert text_array([]) == b"{}"
