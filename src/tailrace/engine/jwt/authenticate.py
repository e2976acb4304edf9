"""From the Authorization header to the role and the claims of a request.

Source: PostgREST docs, references/auth. Three steps, so that a cache by token can
keep the dear ones: `verified_claims` (signature), `check_claims` (time and audience,
to be judged at each use) and `caller_of` (role).
"""

from dataclasses import dataclass

from tailrace.engine.config.config import Config
from tailrace.engine.errors import ClaimsRejected, NoJwtSecret, TokenRequired
from tailrace.engine.json_document import write_json
from tailrace.engine.jwt.claims import Claims, check_claims, expiry_of, parse_claims
from tailrace.engine.jwt.keys import KeySet
from tailrace.engine.jwt.role import ABSENT, RolePath, parse_role_path, role_text
from tailrace.engine.jwt.verify import verify

BLANKS = b" \t\n\v\f\r\xa0"


@dataclass(frozen=True, slots=True)
class JwtSettings:
    role_path: RolePath
    anonymous_role: str | None = None
    """Role of requests whose claims name none, so of those without a token, too."""
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class AuthResult:
    role: str
    claims_json: bytes
    """The claims for request.jwt.claims, always with the role."""
    authenticated: bool
    """Whether the role is another than the anonymous one."""
    expires: float | None
    """The `exp` claim in seconds since 1970; the token is good for 30 s more."""


def jwt_settings(config: Config) -> JwtSettings:
    """Errors: ValueError for a jwt-role-claim-key that is no path."""
    return JwtSettings(parse_role_path(config.jwt_role_claim_key), config.db_anon_role, config.jwt_aud)


def authenticate(authorization: bytes | None, keys: KeySet | None, settings: JwtSettings, now: float) -> AuthResult:
    """Decide who asks; `now` is in seconds since 1970.

    Errors: TokenUndecodable, ClaimsRejected, TokenRequired (401), NoJwtSecret (500).
    """
    token = bearer_token(authorization)
    claims = {} if token is None else verified_claims(token, keys)
    check_claims(claims, settings.audience, now)
    return caller_of(claims, settings)


def bearer_token(authorization: bytes | None) -> bytes | None:
    """The token of an Authorization header; None if it is of another scheme, which makes the request anonymous.

    `Bearer` alone has an empty token, which is refused later.
    """
    if authorization is None or authorization[:6].lower() != b"bearer":
        return None
    rest = authorization[6:]
    if rest and rest[0] not in BLANKS:
        return None
    return rest.lstrip(BLANKS)


def verified_claims(token: bytes, keys: KeySet | None) -> Claims:
    """Claims of a token that one of the keys has signed; they depend on nothing else, so they may be kept.

    Errors: NoJwtSecret (500), TokenUndecodable, ClaimsRejected (401).
    """
    if keys is None:
        raise NoJwtSecret
    return parse_claims(verify(token, keys))


def caller_of(claims: Claims, settings: JwtSettings) -> AuthResult:
    """The role that checked claims stand for. Errors: TokenRequired (401) if there is none."""
    value = settings.role_path.find(claims)
    if value is not ABSENT:
        role = role_text(value)
    elif settings.anonymous_role is not None:
        role = settings.anonymous_role
    else:
        raise TokenRequired
    if "\0" in role:
        raise ClaimsRejected("The role in the JWT must not contain a NUL character")
    claims_json = write_json({**claims, "role": role}).encode()
    return AuthResult(role, claims_json, role != settings.anonymous_role, expiry_of(claims))
