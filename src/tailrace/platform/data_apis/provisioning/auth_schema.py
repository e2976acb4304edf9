"""The functions of schema `auth`: what policies and defaults know of the request's token.

They read the setting `request.jwt.claims` and never raise, whatever stands in it. Each is
one expression, so Postgres inlines it: a policy that says `auth.user_id() = owner_id` costs
no function call. Bodies in the form of the SQL standard bind every name when they are made,
so no search_path can change their meaning.

Before Postgres 16 a cast that may fail cannot be tried without an exception, and an
exception block cannot run in a parallel worker. There a function checks the claims first.
"""

from tailrace.platform.data_apis.provisioning.quoting import dollar_quoted

VERSION = 1
SOFT_CASTS_SINCE = 160_000
"""The `server_version_num` that has pg_input_is_valid()."""
FUNCTIONS = ("user_id", "uid", "session", "jwt", "organization", "organization_id")
PARSER = "parse_claims"
MARKER = "Tailrace Data API: auth"

_SETTING = "pg_catalog.current_setting('request.jwt.claims', true)"
_SIZE = "pg_catalog.octet_length"
# Thousands of brackets within each other exhaust the stack, which is an error even of pg_input_is_valid().
_SHALLOW = (
    f"({_SIZE}({_SETTING}) < 4000 OR {_SIZE}({_SETTING}) - {_SIZE}(pg_catalog.translate({_SETTING}, '[{{', '')) < 1000)"
)
_SOFT = (
    f"CASE WHEN {_SHALLOW} AND pg_catalog.pg_input_is_valid({_SETTING}, 'jsonb') THEN {_SETTING}::pg_catalog.jsonb END"
)
_CHECKED = f"auth.{PARSER}({_SETTING})"

_HEX = "[0-9a-fA-F]"
_UUID = f"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_WHOLE_UUID = f"^(?:{_UUID}|\\{{{_UUID}\\}}|{_HEX}{{32}})$"

_UNIT = f"0(?:0(?:0[1-9a-fA-F]|[1-9a-fA-F]{_HEX})|[1-9a-fA-F]{_HEX}{{2}})|[1-9a-cA-CeEfF]{_HEX}{{3}}"
_PAIR = f"[dD][89abAB]{_HEX}{{2}}\\\\u[dD][c-fC-F]{_HEX}{{2}}"
_ESCAPE = f'\\\\(?:["\\\\/bfnrt]|u(?:{_UNIT}|[dD][0-7]{_HEX}{{2}}|{_PAIR}))'
_STRING = f'"(?:[^"\\\\\\u0001-\\u001f]|{_ESCAPE})*"'
_PLAIN_STRING = '"[^"\\\\\\u0001-\\u001f]*"'
_SCALAR = "true|false|null|-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]{1,3})?"
_SPACE = "[ \\t\\n\\r]*"
_VALUE = f'{_SPACE}(?:0|""){_SPACE}'
_PAIR_OF_OBJECT = f'{_SPACE}""{_SPACE}:{_VALUE}'
_CONTAINER = f"\\[(?:{_SPACE}|{_VALUE}(?:,{_VALUE})*)\\]|\\{{(?:{_SPACE}|{_PAIR_OF_OBJECT}(?:,{_PAIR_OF_OBJECT})*)\\}}"

_FLAT_MEMBER = f"{_PLAIN_STRING}:[ ]?(?:{_PLAIN_STRING}|true|false|null|0|-?[1-9][0-9]{{0,17}})"
_FLAT_OBJECT = f"\\{{(?:{_FLAT_MEMBER}(?:,[ ]?{_FLAT_MEMBER})*)?\\}}"

# Most claims are a flat object, which one match tells. Else: a text is JSON if it can be folded,
# strings to "", other scalars to 0, then innermost arrays and objects to 0.
_PARSER_BODY = f"""
DECLARE
  shape text;
  folded text;
BEGIN
  IF claims ~ '^{_FLAT_OBJECT}$' THEN
    RETURN claims::jsonb;
  END IF;
  IF strpos(claims, '\\') = 0 THEN
    shape := regexp_replace(claims, '{_PLAIN_STRING}', '""', 'g');
  ELSE
    shape := regexp_replace(claims, '{_STRING}', '""', 'g');
  END IF;
  IF shape ~ '[0-9]{{250}}' OR (getdatabaseencoding() <> 'UTF8' AND claims ~ '\\\\u') THEN
    RETURN NULL;
  END IF;
  shape := regexp_replace(shape, '{_SCALAR}', '0', 'g');
  FOR depth IN 1..100 LOOP
    folded := regexp_replace(shape, '{_CONTAINER}', '0', 'g');
    EXIT WHEN folded = shape;
    shape := folded;
  END LOOP;
  RETURN CASE WHEN shape ~ '^{_VALUE}$' THEN claims::jsonb END;
END"""


def marker(server_version: int) -> str:
    """The comment on the schema by which it is known as ours, and as up to date."""
    dialect = "soft casts" if server_version >= SOFT_CASTS_SINCE else "checked casts"
    return f"{MARKER}, version {VERSION}, {dialect}"


def names(server_version: int) -> tuple[str, ...]:
    """The functions that a server of this version gets."""
    return FUNCTIONS if server_version >= SOFT_CASTS_SINCE else (PARSER, *FUNCTIONS)


def functions(server_version: int) -> tuple[str, ...]:
    """Statements that create the functions or bring them up to date."""
    if server_version >= SOFT_CASTS_SINCE:
        return _accessors(_SOFT)
    return (_parser(), *_accessors(_CHECKED))


def _parser() -> str:
    return (
        f"CREATE OR REPLACE FUNCTION auth.{PARSER}(claims pg_catalog.text) RETURNS pg_catalog.jsonb\n"
        "  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = ''\n"
        f"  AS {dollar_quoted(_PARSER_BODY)}"
    )


def _accessors(claims: str) -> tuple[str, ...]:
    claims = f"({claims})"
    user_id = _text(f"{claims} -> 'sub'")
    whole = f"coalesce({_object(claims)}, 'null'::pg_catalog.jsonb)"
    organization = _object(f"{claims} -> 'o'")
    return (
        _function("user_id", "text", user_id),
        _function("uid", "uuid", _uuid(user_id)),
        _function("session", "jsonb", whole),
        _function("jwt", "jsonb", whole),
        _function("organization", "jsonb", organization),
        _function("organization_id", "uuid", _uuid(_text(f"{claims} -> 'o' -> 'id'"))),
    )


def _function(name: str, returns: str, expression: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION auth.{name}() RETURNS pg_catalog.{returns}\n"
        f"  LANGUAGE sql STABLE PARALLEL SAFE\n  RETURN {expression}"
    )


def _text(value: str) -> str:
    return f"""pg_catalog.jsonb_path_query_first({value}, 'strict $ ? (@.type() == "string")') #>> '{{}}'"""


def _object(value: str) -> str:
    return f"""pg_catalog.jsonb_path_query_first({value}, 'strict $ ? (@.type() == "object")')"""


def _uuid(text: str) -> str:
    return f"pg_catalog.substring({text}, '{_WHOLE_UUID}')::pg_catalog.uuid"
