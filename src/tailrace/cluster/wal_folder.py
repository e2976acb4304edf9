"""The folder that segments of the log are archived to."""

from tailrace.cluster.errors import NotWritable
from tailrace.cluster.owner import Owner
from tailrace.cluster.settings import WalArchive


def prepare(archive: WalArchive, owner: Owner) -> None:
    """Make the folders of an archive, so that the server of `owner` can write its log there.

    Errors: NotWritable where the server's user cannot get in.
    """
    archive.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    if not owner.can_enter(archive.folder.resolve()):
        raise NotWritable(archive.folder, user=owner.name)
    for folder in (archive.base, archive.wal):
        folder.mkdir(exist_ok=True, mode=0o700)
    # The base backups stay with us: only the log is written by the server's user.
    owner.take(archive.wal)
