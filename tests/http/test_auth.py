"""Who asks, and what they may see. PostgREST docs, references/auth."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.serve import Api, Response, Serve
from tests.support.tokens import SECRET, bearer, sign

OUTSIDER = "create role outsider nologin;"
NOTEBOOK = """
create schema notebook;
create table notebook.notices (id int primary key, line text);
create table notebook.notes (id int primary key, owner text not null, line text);
create table notebook.locked (id int primary key);
insert into notebook.notices values (1, 'open');
insert into notebook.notes values (1, 'ann', 'first'), (2, 'bob', 'second'), (3, 'ann', 'third');
alter table notebook.notes enable row level security;
create policy own on notebook.notes
  using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub')
  with check (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
create function notebook.whoami() returns text language sql stable as 'select current_user::text';
create function notebook.claims() returns json language sql stable as
  $$ select current_setting('request.jwt.claims', true)::json $$;
create function notebook.check_caller() returns void language plpgsql as $$
begin
  if current_setting('request.jwt.claims', true)::json ->> 'sub' = 'eve' then
    raise exception 'Not you' using hint = 'Ask the owner';
  end if;
end $$;
grant usage on schema notebook to anonymous, authenticated;
grant select on notebook.notices to anonymous, authenticated;
grant select, insert, update, delete on notebook.notes to authenticated;
"""


@pytest.fixture(scope="module")
def notebook(serve: Serve) -> Api:
    return serve(OUTSIDER + NOTEBOOK, db_schemas="notebook", db_tx_end="rollback")


def whoami(api: Api, headers: Mapping[str, str] | None = None) -> Response:
    return api.get("/rpc/whoami", headers=headers)


# ---------------------------------------------------------------- roles


def test_without_a_token_the_anonymous_role_asks(notebook: Api) -> None:
    assert whoami(notebook).json() == "anonymous"
    assert notebook.get("/notices").json() == [{"id": 1, "line": "open"}]


def test_a_token_names_the_role(notebook: Api) -> None:
    assert whoami(notebook, bearer("authenticated")).json() == "authenticated"


def test_a_token_without_a_role_stays_anonymous(notebook: Api) -> None:
    assert whoami(notebook, bearer(None, sub="ann")).json() == "anonymous"


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(notebook: Api, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {sign({'role': 'authenticated'})}"}

    assert whoami(notebook, headers).json() == "authenticated"


def test_another_scheme_is_no_token(notebook: Api) -> None:
    assert whoami(notebook, {"authorization": "Basic YW5uOnNlY3JldA=="}).json() == "anonymous"


def test_what_the_anonymous_role_may_not_do_is_401(notebook: Api) -> None:
    response = notebook.post("/notices", {"id": 2})

    assert response.status == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {
        "code": "42501",
        "details": None,
        "hint": None,
        "message": "permission denied for table notices",
    }


def test_what_another_role_may_not_do_is_403(notebook: Api) -> None:
    response = notebook.post("/notices", {"id": 2}, headers=bearer("authenticated"))

    assert response.status == 403
    assert response.headers["www-authenticate"] is None
    assert response.json()["code"] == "42501"


def test_a_role_that_does_not_exist_is_401(notebook: Api) -> None:
    response = whoami(notebook, bearer("nobody_knows"))

    assert response.status == 401
    assert response.json()["code"] == "22023"
    assert response.json()["message"] == 'role "nobody_knows" does not exist'


def test_a_role_that_the_server_may_not_take_is_403(notebook: Api) -> None:
    response = whoami(notebook, bearer("outsider"))

    assert response.status == 403
    assert response.json()["code"] == "42501"
    assert response.json()["message"] == 'permission denied to set role "outsider"'


# ---------------------------------------------------------------- tokens that are not accepted


def test_what_is_no_token_is_refused(notebook: Api) -> None:
    response = whoami(notebook, {"authorization": "Bearer nonsense"})

    assert response.status == 401
    assert response.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="Expected 3 parts in JWT; got 1"'
    )
    assert response.json() == {
        "code": "PGRST301",
        "details": None,
        "hint": None,
        "message": "Expected 3 parts in JWT; got 1",
    }


def test_an_empty_token_is_refused(notebook: Api) -> None:
    response = whoami(notebook, {"authorization": "Bearer "})

    assert response.status == 401
    assert response.json()["message"] == "Empty JWT is sent in Authorization header"


def test_a_token_of_another_secret_is_refused(notebook: Api) -> None:
    token = sign({"role": "authenticated"}, secret="another secret that is long enough")

    response = whoami(notebook, {"authorization": f"Bearer {token}"})

    assert response.status == 401
    assert response.json()["code"] == "PGRST301"


def test_an_unsigned_token_is_refused(notebook: Api) -> None:
    token = jwt.encode({"role": "authenticated"}, "", algorithm="none")

    response = whoami(notebook, {"authorization": f"Bearer {token}"})

    assert response.status == 401
    assert response.json()["code"] == "PGRST301"
    assert response.json()["message"] == "Wrong or unsupported encoding algorithm"


def test_a_bad_token_is_refused_before_anything_else_is_looked_at(notebook: Api) -> None:
    response = notebook.get("/nowhere?select=(", headers={"authorization": "Bearer nonsense"})

    assert response.status == 401


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": -31}, "JWT expired"),
        ({"nbf": 60}, "JWT not yet valid"),
        ({"iat": 60}, "JWT issued at future"),
    ],
)
def test_times_in_a_token_are_kept(notebook: Api, claims: dict[str, int], message: str) -> None:
    moments = {name: int(time.time()) + seconds for name, seconds in claims.items()}

    response = whoami(notebook, bearer("authenticated", **moments))

    assert response.status == 401
    assert response.json() == {"code": "PGRST303", "details": None, "hint": None, "message": message}


@pytest.mark.parametrize("claims", [{"exp": -20}, {"nbf": 20}, {"iat": 20}, {"exp": 3600}])
def test_clocks_may_differ_by_half_a_minute(notebook: Api, claims: dict[str, int]) -> None:
    moments = {name: int(time.time()) + seconds for name, seconds in claims.items()}

    assert whoami(notebook, bearer("authenticated", **moments)).status == 200


def test_a_time_that_is_no_number_is_refused(notebook: Api) -> None:
    response = whoami(notebook, bearer("authenticated", exp="tomorrow"))

    assert response.status == 401
    assert response.json()["message"] == "The JWT 'exp' claim must be a number"


def test_a_token_that_was_accepted_expires_all_the_same(notebook: Api) -> None:
    headers = bearer("authenticated", exp=int(time.time()) - 28)

    first = whoami(notebook, headers)
    time.sleep(4)
    later = whoami(notebook, headers)

    assert (first.status, later.status) == (200, 401)
    assert later.json()["message"] == "JWT expired"


# ---------------------------------------------------------------- settings


def test_without_an_anonymous_role_everybody_needs_a_token(serve: Serve) -> None:
    api = serve(NOTEBOOK, db_schemas="notebook", db_anon_role=None)

    refused = [api.get("/notices"), api.options("/notices"), api.get("/")]

    for response in refused:
        assert response.status == 401
        assert response.json()["code"] == "PGRST302"
        assert response.json()["message"] == "Anonymous access is disabled"
    assert whoami(api, bearer("authenticated")).json() == "authenticated"


def test_without_a_secret_no_token_can_be_checked(serve: Serve) -> None:
    api = serve(NOTEBOOK, db_schemas="notebook", jwt_secret=None)

    response = whoami(api, bearer("authenticated"))

    assert response.status == 500
    assert response.json()["code"] == "PGRST300"
    assert response.json()["message"] == "Server lacks JWT secret"
    assert whoami(api).status == 200


@pytest.mark.parametrize(
    ("audience", "status"),
    [("lending", 200), (["other", "lending"], 200), ("other", 401), (["other"], 401), ([], 200), (None, 200)],
)
def test_the_audience_must_be_ours_if_it_is_named(serve: Serve, audience: object, status: int) -> None:
    api = serve(NOTEBOOK, db_schemas="notebook", jwt_aud="lending")

    response = whoami(api, bearer("authenticated", aud=audience))

    assert response.status == status
    if status == 401:
        assert response.json()["message"] == "JWT not in audience"


def test_a_secret_may_be_base64(serve: Serve) -> None:
    api = serve(
        NOTEBOOK,
        db_schemas="notebook",
        jwt_secret=base64.b64encode(SECRET.encode()).decode(),
        jwt_secret_is_base64=True,
    )

    assert whoami(api, bearer("authenticated")).json() == "authenticated"


@pytest.mark.parametrize("path", ["$.realm.roles[1]", ".realm.roles[1]"], ids=["JSON Path", "older syntax"])
def test_the_role_may_stand_elsewhere_in_the_claims(serve: Serve, path: str) -> None:
    api = serve(NOTEBOOK, db_schemas="notebook", jwt_role_claim_key=path)

    headers = bearer(None, realm={"roles": ["reader", "authenticated"]})

    assert whoami(api, headers).json() == "authenticated"
    assert whoami(api, bearer("authenticated")).json() == "anonymous"


# ---------------------------------------------------------------- asymmetric keys

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def keyed(serve: Serve) -> Api:
    """A server that knows an RSA key `one` and an elliptic curve key `two`."""
    one = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True) | {"kid": "one", "alg": "RS256"}
    two = ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True) | {"kid": "two", "alg": "ES256"}
    key_set = {"keys": [one, two]}
    return serve(NOTEBOOK, db_schemas="notebook", jwt_secret=json.dumps(key_set))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA_KEY, "RS256", "one"), (RSA_KEY, "RS256", None), (EC_KEY, "ES256", "two"), (EC_KEY, "ES256", None)],
    ids=["RS256 by kid", "RS256", "ES256 by kid", "ES256"],
)
def test_keys_of_a_set_check_their_tokens(keyed: Api, key: Any, algorithm: str, kid: str | None) -> None:
    token = jwt.encode({"role": "authenticated"}, key, algorithm=algorithm, headers={"kid": kid} if kid else None)

    assert whoami(keyed, {"authorization": f"Bearer {token}"}).json() == "authenticated"


@pytest.mark.parametrize(
    ("algorithm", "kid"), [("RS256", "three"), ("RS256", "two")], ids=["unknown kid", "kid of another key"]
)
def test_a_kid_must_name_the_key_that_signed(keyed: Api, algorithm: str, kid: str) -> None:
    token = jwt.encode({"role": "authenticated"}, RSA_KEY, algorithm=algorithm, headers={"kid": kid})

    response = whoami(keyed, {"authorization": f"Bearer {token}"})

    assert response.status == 401
    assert response.json()["code"] == "PGRST301"


def test_a_public_key_is_no_hmac_secret(keyed: Api) -> None:
    modulus = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)["n"]
    token = sign({"role": "authenticated"}, secret=modulus, header={"kid": "one"})

    assert whoami(keyed, {"authorization": f"Bearer {token}"}).status == 401


# ---------------------------------------------------------------- what the database does with it


def test_a_policy_sees_the_claims(notebook: Api) -> None:
    ann = notebook.get("/notes?select=id&order=id", headers=bearer("authenticated", sub="ann"))
    bob = notebook.get("/notes?select=id&order=id", headers=bearer("authenticated", sub="bob"))

    assert ann.json() == [{"id": 1}, {"id": 3}]
    assert bob.json() == [{"id": 2}]


def test_a_policy_guards_writes(notebook: Api) -> None:
    headers = bearer("authenticated", sub="ann") | {"prefer": "return=representation"}

    own = notebook.patch("/notes?id=lte.2&select=id", {"line": "changed"}, headers=headers)
    foreign = notebook.post("/notes", {"id": 9, "owner": "bob", "line": "forged"}, headers=headers)

    assert own.json() == [{"id": 1}]
    assert foreign.status == 403
    assert foreign.json()["message"] == 'new row violates row-level security policy for table "notes"'


def test_functions_see_all_claims_and_the_role(notebook: Api) -> None:
    with_token = notebook.get("/rpc/claims", headers=bearer("authenticated", sub="ann", tags=["a", {"b": None}]))
    without = notebook.get("/rpc/claims")

    assert with_token.json() == {"role": "authenticated", "sub": "ann", "tags": ["a", {"b": None}]}
    assert without.json() == {"role": "anonymous"}


def test_a_function_before_each_request_may_turn_callers_away(serve: Serve) -> None:
    api = serve(
        NOTEBOOK,
        db_schemas="notebook",
        db_pre_request="notebook.check_caller",
    )

    refused = api.get("/notices", headers=bearer("authenticated", sub="eve"))

    assert refused.status == 400
    assert refused.json() == {"code": "P0001", "details": None, "hint": "Ask the owner", "message": "Not you"}
    assert api.get("/notices", headers=bearer("authenticated", sub="ann")).status == 200
