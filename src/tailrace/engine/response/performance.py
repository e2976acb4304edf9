"""The Server-Timing header (server-timing-enabled; PostgREST docs, references/observability)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerTiming:
    """How long each stage of a request took, in milliseconds."""

    jwt: float
    parse: float
    plan: float
    transaction: float
    response: float

    @property
    def header(self) -> tuple[bytes, bytes]:
        return (
            b"Server-Timing",
            b"jwt;dur=%.1f, parse;dur=%.1f, plan;dur=%.1f, transaction;dur=%.1f, response;dur=%.1f"
            % (self.jwt, self.parse, self.plan, self.transaction, self.response),
        )
