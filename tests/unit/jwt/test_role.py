"""`jwt-role-claim-key` says where in the claims the role is."""

from typing import Any

import pytest

from tailrace.engine.jwt.role import ABSENT, parse_role_path, role_text

CLAIMS = {
    "role": "author",
    "user": {"roles": ["reader", "web_editor"], "real-name": "Ada"},
    "https://example.com/role": "namespaced",
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.role", "author"),
        ("$.user.roles[1]", "web_editor"),
        ("$.user.roles[-1]", "web_editor"),
        ("$['https://example.com/role']", "namespaced"),
        ('$["user"]["real-name"]', "Ada"),
        ("$.none", None),
        ("$.user.roles[2]", ABSENT),
        ("$.role.inner", ABSENT),
        ("$.nowhere", ABSENT),
        ('$.user.roles[?(@ == "web_editor")]', "web_editor"),
        ('$.user.roles[?search(@, "^web_")]', "web_editor"),
        ('$.user.roles[?@ == "nobody"]', ABSENT),
        ("$..roles[0]", "reader"),
        ("$.user.roles[0:1]", "reader"),
    ],
)
def test_a_json_path_finds_the_first_match(path: str, found: Any) -> None:
    assert parse_role_path(path).find(CLAIMS) == found


@pytest.mark.parametrize(
    ("path", "found", "normal"),
    [
        (".role", "author", '."role"'),
        (".user.roles[1]", "web_editor", '."user"."roles"[1]'),
        ('."https://example.com/role"', "namespaced", '."https://example.com/role"'),
        ('.user.roles[?(@ == "reader")]', "reader", '."user"."roles"[?(@ == "reader")]'),
        ('.user.roles[?(@ != "reader")]', "web_editor", '."user"."roles"[?(@ != "reader")]'),
        ('.user.roles[?(@ ^== "web")]', "web_editor", '."user"."roles"[?(@ ^== "web")]'),
        ('.user.roles[?(@ ==^ "der")]', "reader", '."user"."roles"[?(@ ==^ "der")]'),
        ('.user.roles[?(@ *== "b_e")]', "web_editor", '."user"."roles"[?(@ *== "b_e")]'),
        ('.role[?(@ == "author")]', ABSENT, '."role"[?(@ == "author")]'),
        (".user.roles[7]", ABSENT, '."user"."roles"[7]'),
    ],
)
def test_a_deprecated_path_is_still_understood(path: str, found: Any, normal: str) -> None:
    parsed = parse_role_path(path)

    assert parsed.find(CLAIMS) == found
    assert (parsed.text, parsed.is_deprecated) == (normal, True)


@pytest.mark.parametrize(
    "path", ["", "role", "role.other", ".role##", "$.my_role;;domain", "@@.role", "1234", ".role[?(@ =)]", "$.a[?", "."]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="failed to parse role-claim-key value"):
        parse_role_path(path)


@pytest.mark.parametrize(
    ("value", "role"), [("author", "author"), ("", ""), (None, "null"), (5, "5"), (["x"], '["x"]'), (True, "true")]
)
def test_a_value_that_is_no_string_is_a_role_named_like_its_json(value: Any, role: str) -> None:
    assert role_text(value) == role
