"""Files are copied by shared blocks where that is possible, else byte by byte, holes as holes; positions have names."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.cluster.backup_files import wanted
from tailrace.cluster.copy_file import FICLONE, copy_bytes, reflink
from tailrace.cluster.wal_position import Lsn, Segment

MIB = 1 << 20
SIZES = st.sampled_from([MIB << shift for shift in range(11)])


def copied(source: Path, target: Path, *, size: int | None = None) -> int:
    with source.open("rb") as old, target.open("wb") as new:
        return copy_bytes(old.fileno(), new.fileno(), size=source.stat().st_size if size is None else size)


@pytest.fixture(params=["in the kernel", "in this process"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in this process":

        def refuse(*_: int) -> int:
            raise OSError(errno.EXDEV, "another file system")

        monkeypatch.setattr(os, "copy_file_range", refuse)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("size", [0, 1, 8192, 3 * MIB + 5])
def test_all_bytes_are_copied(tmp_path: Path, size: int) -> None:
    (tmp_path / "old").write_bytes(os.urandom(size))

    assert copied(tmp_path / "old", tmp_path / "new") == size
    assert (tmp_path / "new").read_bytes() == (tmp_path / "old").read_bytes()


@pytest.mark.usefixtures("way")
def test_holes_stay_holes(tmp_path: Path) -> None:
    with (tmp_path / "old").open("wb") as file:
        file.seek(8 * MIB)
        file.write(b"an island")
        file.truncate(64 * MIB)

    copied(tmp_path / "old", tmp_path / "new")

    assert (tmp_path / "new").read_bytes() == (tmp_path / "old").read_bytes()
    assert (tmp_path / "new").stat().st_blocks * 512 < MIB


@pytest.mark.usefixtures("way")
def test_a_file_cut_short_meanwhile_is_copied_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"12345")

    assert copied(tmp_path / "old", tmp_path / "new", size=MIB) == 5
    assert (tmp_path / "new").read_bytes() == b"12345"


@pytest.mark.usefixtures("way")
def test_what_a_file_grew_by_is_left_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"12345")

    assert copied(tmp_path / "old", tmp_path / "new", size=3) == 3
    assert (tmp_path / "new").read_bytes() == b"123"


def test_blocks_are_shared_by_the_request_that_linux_has_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr("fcntl.ioctl", lambda target, request, source: asked.append((target, request, source)))

    assert reflink(3, 4)
    assert asked == [(4, FICLONE, 3)]


@pytest.mark.parametrize(
    ("said", "means"), [(errno.EOPNOTSUPP, "cannot"), (errno.EXDEV, "cannot"), (errno.ENOSPC, "full")]
)
def test_a_file_system_that_cannot_share_is_told_from_one_that_is_full(
    monkeypatch: pytest.MonkeyPatch, said: int, means: str
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(said, os.strerror(said))

    monkeypatch.setattr("fcntl.ioctl", refuse)

    if means == "cannot":
        assert not reflink(3, 4)
    else:
        with pytest.raises(OSError, match="No space"):
            reflink(3, 4)


def test_of_a_running_server_neither_temporary_nor_unlogged_tables_are_taken() -> None:
    names = ["1259", "1259_fsm", "700", "700.1", "700_vm", "700_init", "7000", "t3_900", "t3_900_fsm", "pgsql_tmp1.2"]

    assert wanted(("base", "5"), names, running=True) == ["1259", "1259_fsm", "700_init", "7000"]
    assert wanted(("base", "5"), names, running=False) == names[:-1]


@given(st.integers(0, 2**64 - 1))
def test_a_position_survives_being_written_and_read(position: int) -> None:
    assert Lsn.parse(str(Lsn(position))) == Lsn(position)


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**44 - 1), SIZES)
def test_a_segment_survives_being_written_and_read(timeline: int, number: int, size: int) -> None:
    number %= 2**64 // size

    assert Segment.parse(Segment(timeline, number).name(size=size), size=size) == Segment(timeline, number)


@given(st.text())
def test_other_text_is_refused(text: str) -> None:
    for parse in (Lsn.parse, lambda name: Segment.parse(name, size=MIB)):
        try:
            parse(text)
        except ValueError:
            continue
        assert "/" in text or len(text) == 24
