"""Configuration files (PostgREST docs, references/configuration, "Config File")."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.engine.config.error import ConfigError
from tailrace.engine.config.file import load_file
from tailrace.engine.config.value import Value


def load(text: str, *, environ: Mapping[str, str] | None = None, **others: str) -> Mapping[str, Value]:
    files = {"main.conf": text, **{f"{name}.conf": content for name, content in others.items()}}
    return load_file("main.conf", environ=environ or {}, read_text=files.__getitem__)


def test_values_are_text_numbers_booleans_and_lists() -> None:
    text = 'a = "x"\nb = 12\nc = 1.5e3\nd = on\ne = false\nf = [1, "two" , [true]]'

    values = load(text)

    assert values == {
        "a": "x",
        "b": Decimal(12),
        "c": Decimal(1500),
        "d": True,
        "e": False,
        "f": (Decimal(1), "two", (True,)),
    }


def test_comments_and_blank_lines_say_nothing() -> None:
    text = '# Überschrift\r\n\r\na = "x" # why\n\n  # more\nb = 1'

    assert load(text) == {"a": "x", "b": Decimal(1)}


def test_an_assignment_behind_a_comment_sign_and_a_semicolon_is_switched_off() -> None:
    assert load("a = 1\n#; b = 2\nc = 3") == {"a": Decimal(1), "c": Decimal(3)}


def test_a_switched_off_assignment_must_be_well_formed_all_the_same() -> None:
    with pytest.raises(ConfigError, match=r"main\.conf:1:8"):
        load("#; b = @")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a\"b\\c"', 'a"b\\c'),
        (r'"\n\t\r"', "\n\t\r"),
        (r'"\u00e9"', "é"),
        (r'"\ud83d\ude00"', "😀"),
        ('"two\nlines"', "two\nlines"),
        ('"# no comment"', "# no comment"),
    ],
)
def test_text_has_escapes(written: str, meant: str) -> None:
    assert load(f"a = {written}") == {"a": meant}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_written(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")

    assert load(f'a = "{escaped}"') == {"a": text}


def test_groups_are_a_shorter_way_to_write_names() -> None:
    values = load('app { settings { x = "1"\n y = "2" } }\napp.settings.z = "3"')

    assert values == {"app.settings.x": "1", "app.settings.y": "2", "app.settings.z": "3"}


def test_the_last_assignment_of_a_name_counts() -> None:
    assert load("a = 1\na = 2") == {"a": Decimal(2)}


def test_text_takes_values_from_the_environment() -> None:
    assert load('a = "x$(HOME)y"', environ={"HOME": "/root"}) == {"a": "x/rooty"}


def test_text_takes_values_from_settings_before_it_the_nearest_first() -> None:
    text = 'host = "outer"\nport = 80\ndb { host = "inner"\n uri = "$(host):$(port)" }'

    assert load(text)["db.uri"] == "inner:80"


def test_two_dollar_signs_are_one() -> None:
    assert load('a = "$$.role"') == {"a": "$.role"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('a = "$(NOWHERE)"', "no such variable: 'NOWHERE'"),
        ('a = true\nb = "$(a)"', "variable 'a' is not a string or number"),
        ('a = "x$y"', "<a>"),
        ('a = "$"', "<a>"),
        ('a = "$(unclosed"', "<a>"),
    ],
)
def test_an_interpolation_that_means_nothing_is_an_error(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(text)


def test_a_file_imports_others_relative_to_itself() -> None:
    files = {
        "/etc/api/main.conf": 'import "shared/base.conf"\nb = 2',
        "/etc/api/shared/base.conf": 'a = 1\nimport "/opt/more.conf"',
        "/opt/more.conf": "b = 1\nc = 3",
    }

    values = load_file("/etc/api/main.conf", environ={}, read_text=files.__getitem__)

    assert values == {"a": Decimal(1), "b": Decimal(2), "c": Decimal(3)}


def test_a_file_that_imports_itself_is_an_error() -> None:
    with pytest.raises(ConfigError, match="too many imports"):
        load('import "main.conf"')


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\nyaml:\n", "main.conf:2:5: unexpected ':', expecting '=' or '{'"),
        ("a = ", "main.conf:1:5: unexpected end of input"),
        ("a = yes", "main.conf:1:5"),
        ("a = 1 b = 2", "main.conf:1:7"),
        ('a = "open', "main.conf:1:10"),
        (r'a = "\x"', "main.conf:1:7"),
        (r'a = "\ud800"', "main.conf:1:12"),
        ("a = -1", "main.conf:1:5"),
        ("1a = 1", "main.conf:1:1"),
        ("a { b = 1", "main.conf:1:10"),
    ],
)
def test_an_error_names_line_and_column(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)

    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("text", ["a {" * 5000, "a = " + "[" * 5000, "#;" * 5000])
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    with pytest.raises(ConfigError):
        load(text)
