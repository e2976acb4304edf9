"""The settings of a transaction.

Source: PostgREST docs, references/transactions.
"""

from dataclasses import replace

from tailrace.engine.identifiers import QualifiedName
from tailrace.engine.sql.settings import SessionValues, prepare_settings, render_pre_request

SESSION = SessionValues(b"anonymous", b'{"role":"anonymous"}', b"GET", b"/films", b'{"a":"b"}', b"{}")


def test_settings_of_the_role_come_before_the_role() -> None:
    statement = prepare_settings(["films"], role=[("statement_timeout", "1s")]).fill(SESSION)

    assert statement.sql.startswith(
        b"select set_config('search_path', $1, true), set_config($2, $3, true), set_config('role', $4, true), "
    )
    assert statement.parameters[:4] == (b'"films"', b"statement_timeout", b"1s", b"anonymous")


def test_the_search_path_is_quoted() -> None:
    statement = prepare_settings(["films", 'my "own"']).fill(SESSION)

    assert statement.parameters[0] == b'"films", "my ""own"""'


def test_settings_of_function_and_app_come_last() -> None:
    template = prepare_settings(["films"], transaction=[("work_mem", "1MB"), ("app.settings.key", "s")])

    assert template.fill(SESSION).parameters[-4:] == (b"work_mem", b"1MB", b"app.settings.key", b"s")


def test_the_time_zone_is_set_if_it_is_asked_for() -> None:
    template = prepare_settings(["films"])
    in_tokyo = replace(SESSION, timezone=b"Asia/Tokyo")

    assert b"timezone" not in template.fill(SESSION).sql
    assert template.fill(in_tokyo).sql.endswith(b"set_config('timezone', $8, true)")
    assert template.fill(in_tokyo).parameters[-1] == b"Asia/Tokyo"


def test_a_transaction_becomes_read_only_at_the_end() -> None:
    statement = prepare_settings(["films"], transaction=[("work_mem", "1MB")], read_only=True).fill(SESSION)

    assert statement.sql.endswith(b", set_config('transaction_read_only', 'on', true)")


def test_the_text_is_the_same_for_all_requests_of_a_kind() -> None:
    template = prepare_settings(["films"])
    other = SessionValues(b"editor", b"{}", b"POST", b"/", b"{}", b"{}")

    assert template.fill(SESSION).sql is template.fill(other).sql


def test_the_pre_request_function_is_called_by_its_quoted_name() -> None:
    assert render_pre_request(QualifiedName("auth", 'check"it')).sql == b'select "auth"."check""it"()'
    assert render_pre_request(QualifiedName("", "check")).sql == b'select "check"()'
