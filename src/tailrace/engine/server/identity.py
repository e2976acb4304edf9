"""What a server calls itself: to clients, to Postgres and in its log.

Source: PostgREST docs, references/connection_pool ("application name"). Operators
filter `pg_stat_activity` and their proxies' logs by these names, so the executable
`postgrest` has PostgREST's; Tailrace's own commands have Tailrace's.
"""

from dataclasses import dataclass

from tailrace import __version__

COMPATIBLE_WITH = "16.2"
"""The version of PostgREST that is stood in for."""


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    """As Postgres and the log have it: `PostgREST`."""
    token: str
    """As the Server header has it: `postgrest`."""
    version: str

    @property
    def application_name(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def server_header(self) -> str:
        return f"{self.token}/{self.version}"


TAILRACE = Identity("tailrace", "tailrace", __version__)
POSTGREST = Identity("PostgREST", "postgrest", COMPATIBLE_WITH)


def identity_of(program: str) -> Identity:
    """Of the command that was called: `postgrest`, `tailrace rest`."""
    return POSTGREST if program == POSTGREST.token else TAILRACE
