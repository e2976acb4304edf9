"""Copying one open file into another: shared blocks where the file system has them, else bytes.

Source: ioctl_ficlone(2), copy_file_range(2), lseek(2) for the holes.
"""

import errno
import fcntl
import os

FICLONE = 0x40049409
"""Linux's request to share all blocks of another file."""
_PIECE = 16 << 20
_BUFFER = 1 << 20
_NO_REFLINK = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EPERM})
_NO_COPY_IN_KERNEL = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EPERM})


def reflink(source: int, target: int) -> bool:
    """Let `target` share the blocks of `source`; False where the file system cannot."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno in _NO_REFLINK:
            return False
        raise
    return True


def copy_bytes(source: int, target: int, *, size: int) -> int:
    """Copy the first `size` bytes, holes as holes; how many there were, should the file have been cut meanwhile."""
    position = 0
    while position < size:
        start, end = _next_data(source, position, size=size)
        position = _copy_range(source, target, start=start, end=end)
        if position < end:
            break
    # Where the file was cut meanwhile, whoever cut it logged that.
    size = min(size, os.fstat(source).st_size)
    os.ftruncate(target, size)
    return size


def _next_data(source: int, position: int, *, size: int) -> tuple[int, int]:
    """Where the next stretch of data begins and ends, of what lies between `position` and `size`."""
    if not hasattr(os, "SEEK_DATA"):
        return position, size
    try:
        start = os.lseek(source, position, os.SEEK_DATA)
        end = os.lseek(source, start, os.SEEK_HOLE)
    except OSError as error:
        # ENXIO: only a hole is left. Anything else: the file system knows nothing of holes.
        return (size, size) if error.errno == errno.ENXIO else (position, size)
    return min(start, size), min(end, size)


def _copy_range(source: int, target: int, *, start: int, end: int) -> int:
    """Copy the bytes from `start` to `end`; where that ended, which is before `end` if the file did."""
    position = start
    if hasattr(os, "copy_file_range"):
        try:
            while position < end:
                count = os.copy_file_range(source, target, min(end - position, _PIECE), position, position)
                if count == 0:
                    return position
                position += count
        except OSError as error:
            if error.errno not in _NO_COPY_IN_KERNEL:
                raise
    while position < end:
        data = os.pread(source, min(end - position, _BUFFER), position)
        if not data:
            break
        position += _write_whole(target, data, position)
    return position


def _write_whole(target: int, data: bytes, position: int) -> int:
    written = 0
    while written < len(data):
        written += os.pwrite(target, data[written:], position + written)
    return written
