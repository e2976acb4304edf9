"""The transaction-local settings of a request: who is asking, and what.

Source: PostgREST docs, references/transactions, "Transaction-Scoped Settings".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tailrace.engine.identifiers import QualifiedName, quote_identifier
from tailrace.engine.sql.fragment import encode_utf8
from tailrace.engine.statement import Statement

REQUEST_SETTINGS = (
    "role",
    "request.jwt.claims",
    "request.method",
    "request.path",
    "request.headers",
    "request.cookies",
)
READ_ONLY = ", set_config('transaction_read_only', 'on', true)"
"""Stands in for BEGIN READ ONLY; the last one, since nothing may be written after it."""

Settings = Sequence[tuple[str, str]]
"""Pairs of name and value."""


@dataclass(slots=True)
class SessionValues:
    """What each request sets: bytes as they are stored; claims, headers and cookies are JSON objects."""

    role: bytes
    claims: bytes
    method: bytes
    path: bytes
    headers: bytes
    cookies: bytes
    timezone: bytes | None = None


@dataclass(frozen=True, slots=True)
class SettingsTemplate:
    """The statement for all requests of one schema, role and kind of plan, but for what each request sets."""

    sql: bytes
    sql_with_timezone: bytes
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]

    def fill(self, values: SessionValues) -> Statement:
        request = (values.role, values.claims, values.method, values.path, values.headers, values.cookies)
        if values.timezone is None:
            return Statement(self.sql, (*self.before, *request, *self.after))
        return Statement(self.sql_with_timezone, (*self.before, *request, values.timezone, *self.after))


def prepare_settings(
    search_path: Sequence[str], *, role: Settings = (), transaction: Settings = (), read_only: bool = False
) -> SettingsTemplate:
    """Prepare the settings of requests for a schema, a role and a kind of plan.

    `search_path` is the request's schema and db-extra-search-path; `role` are
    the settings of the role that is assumed; `transaction` are those of the
    called function, then the ones of app.settings.
    """
    return SettingsTemplate(
        sql=settings_sql(len(role), len(transaction), has_timezone=False, read_only=read_only),
        sql_with_timezone=settings_sql(len(role), len(transaction), has_timezone=True, read_only=read_only),
        before=(encode_utf8(", ".join([quote_identifier(schema) for schema in search_path])), *flatten(role)),
        after=flatten(transaction),
    )


def flatten(settings: Settings) -> tuple[bytes, ...]:
    return tuple([encode_utf8(text) for pair in settings for text in pair])


def settings_sql(roles: int, transactions: int, *, has_timezone: bool, read_only: bool) -> bytes:
    """Settings of a role come before the role: only the authenticator may have been granted to set them."""
    constant = (*REQUEST_SETTINGS, "timezone") if has_timezone else REQUEST_SETTINGS
    names: list[str | None] = ["search_path", *[None] * roles, *constant, *[None] * transactions]
    calls, parameters = [], 0
    for name in names:
        if name is None:
            calls.append(f"set_config(${parameters + 1}, ${parameters + 2}, true)")
            parameters += 2
        else:
            calls.append(f"set_config('{name}', ${parameters + 1}, true)")
            parameters += 1
    return f"select {', '.join(calls)}{READ_ONLY if read_only else ''}".encode()


def render_pre_request(function: QualifiedName) -> Statement:
    """The call of db-pre-request."""
    return Statement(encode_utf8(f"select {function.quoted}()"))
