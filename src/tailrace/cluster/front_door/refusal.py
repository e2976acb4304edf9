"""What the door tells a client that it does not let in: an error in Postgres's own form."""


class Refusal(Exception):
    """A FATAL error for the client. `sqlstate` is Postgres's five characters; nothing in it is secret.

    Source: PostgreSQL docs, appendix A, "PostgreSQL Error Codes".
    """

    def __init__(self, sqlstate: str, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint


def protocol_violation(message: str, *, detail: str = "") -> Refusal:
    return Refusal("08P01", message, detail=detail)


def wrong_password(user: str, *, detail: str = "") -> Refusal:
    """The same for an unknown role, a role without a password, an expired one and a wrong password."""
    return Refusal("28P01", f'password authentication failed for user "{user}"', detail=detail)


def insecure_connection() -> Refusal:
    return Refusal("28000", "connection is insecure", hint="Connect with sslmode=require.")


def address_not_allowed(address: str) -> Refusal:
    return Refusal(
        "28000",
        f"This IP address {address} is not allowed to connect to this endpoint.",
        hint="Add the address to the project's IP allow list.",
    )


def replication_not_allowed() -> Refusal:
    return Refusal("28000", "replication connections are not allowed at this endpoint")


def too_many_clients() -> Refusal:
    return Refusal("53300", "sorry, too many clients already")


def not_available(message: str) -> Refusal:
    return Refusal("57P03", message, hint="Try again in a moment.")


def too_slow() -> Refusal:
    return Refusal("57014", "canceling authentication due to timeout")


def internal_error() -> Refusal:
    return Refusal("XX000", "internal error while connecting to the compute")
