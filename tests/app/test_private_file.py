"""Files with secrets are whole or absent, and for their owner only."""

import stat
from pathlib import Path

from tailrace.app.private_file import write_private


def test_a_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret"

    write_private(file, "text")

    assert file.read_text() == "text"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_can_be_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first")

    write_private(file, "second", replace=False)

    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]
