"""Callers by their Authorization header, so that a token's signature is checked once.

Source: PostgREST docs, references/auth, "JWT cache". Bounded, least recently used
first out. What is kept is never used past the token's expiry; keys and settings
that change get a new cache.
"""

from collections import OrderedDict
from types import MappingProxyType

from tailrace.engine.jwt.authenticate import (
    AuthResult,
    JwtSettings,
    bearer_token,
    caller_of,
    verified_claims,
)
from tailrace.engine.jwt.claims import LEEWAY, Claims, check_claims
from tailrace.engine.jwt.keys import KeySet
from tailrace.engine.observe import events

NO_CLAIMS: Claims = MappingProxyType({})


class JwtCache:
    """Authenticates requests under one set of keys and settings."""

    def __init__(self, keys: KeySet | None, settings: JwtSettings, *, size: int, emit: events.Emit) -> None:
        self._keys = keys
        self._settings = settings
        self._size = size
        self._emit = emit
        self._callers: OrderedDict[bytes, tuple[AuthResult, Claims]] = OrderedDict()
        self._anonymous: AuthResult | None = None

    def caller(self, authorization: bytes | None, now: float) -> AuthResult:
        """Who asks; `now` is in seconds since 1970. Errors: as of `jwt.authenticate`."""
        token = bearer_token(authorization)
        if token is None or authorization is None:
            if self._anonymous is None:
                self._anonymous = caller_of(NO_CLAIMS, self._settings)
            return self._anonymous
        if self._size <= 0 or self._keys is None:
            return self._check(verified_claims(token, self._keys), now)
        known = self._callers.get(token)
        self._emit(events.JwtCacheLookup(known is not None))
        if known is None:
            return self._remember(token, now)
        caller, claims = known
        self._callers.move_to_end(token)
        # Once good, a token can only become bad by expiring
        if caller.expires is not None and now > caller.expires + LEEWAY:
            check_claims(claims, self._settings.audience, now)
        return caller

    def _remember(self, token: bytes, now: float) -> AuthResult:
        claims = verified_claims(token, self._keys)
        caller = self._check(claims, now)
        if len(self._callers) >= self._size:
            self._callers.popitem(last=False)
            self._emit(events.JwtCacheEviction())
        self._callers[token] = (caller, claims)
        return caller

    def _check(self, claims: Claims, now: float) -> AuthResult:
        check_claims(claims, self._settings.audience, now)
        return caller_of(claims, self._settings)
