"""Files that hold secrets: whole or absent, and for their owner's eyes only."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(file: Path, text: str, *, replace: bool = True) -> None:
    """Write `file` with mode 0600, so that nobody ever sees half of it.

    With `replace` off a file that is there already stays as it is.
    """
    # mkstemp gives the mode 0600, whatever the umask.
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as temporary:
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        if replace:
            os.replace(name, file)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(name, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
