"""The secrets of one data folder, made once and readable by its owner only."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tailrace.app.private_file import write_private
from tailrace.app.refusal import CannotStart

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    jwt_secret: str = field(repr=False)
    superuser_password: str = field(repr=False)
    authenticator_password: str = field(repr=False)


def keep_secrets(file: Path) -> Secrets:
    """The secrets in `file`, which is made with new ones where it is missing."""
    if not file.exists():
        made = Secrets(*(secrets.token_urlsafe(_BYTES) for _ in fields(Secrets)))
        write_private(file, json.dumps(asdict(made), indent=2) + "\n", replace=False)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Secrets(**{entry.name: str(found[entry.name]) for entry in fields(Secrets)})
    except (ValueError, TypeError, KeyError):
        raise CannotStart(
            f"The file {file} is damaged: restore it from a backup, or choose another data folder."
        ) from None
    except PermissionError:
        raise CannotStart(
            f"The file {file} belongs to another user: run as that user, or choose another data folder."
        ) from None
