"""A running server's side of a backup: one session that begins it, keeps the log, and ends it.

Source: PostgreSQL docs, "Making a Base Backup Using the Low Level API".
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg import sql

from tailrace.cluster.errors import ClusterBroken, NotCopyable
from tailrace.cluster.process import RunningCluster
from tailrace.cluster.wal_position import Lsn, Segment

# Whatever the cluster's owner set for sessions must not end this one.
_PATIENT = (
    "-c statement_timeout=0 -c idle_session_timeout=0 -c lock_timeout=0 -c transaction_timeout=0"
    " -c default_transaction_read_only=off -c synchronous_commit=local -c search_path=pg_catalog"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupEnd:
    """`label` and `tablespace_map` go into the copy; it needs the log from `first` to `last`."""

    label: bytes
    tablespace_map: bytes
    start: Lsn
    stop: Lsn
    first: Segment
    last: Segment
    finished_at: datetime
    segment_size: int


@contextmanager
def session(parent: RunningCluster) -> Iterator[psycopg.Connection]:
    """A superuser's session.

    Errors: ClusterBroken in place of those of psycopg.
    """
    try:
        with psycopg.connect(parent.socket_dsn(), autocommit=True, options=_PATIENT) as connection:
            yield connection
    except psycopg.Error as error:
        raise ClusterBroken(f"The server on {parent.spec.data_dir} did not allow a copy: {error}") from error


def answer(connection: psycopg.Connection, statement: sql.SQL | sql.Composed, *values: object) -> tuple[Any, ...]:
    row = connection.execute(statement, values or None).fetchone()
    if row is None:
        raise ClusterBroken("The server gave no answer.")
    return row


class BackupSession:
    """Begun when made. A connection that ends before `stop` ends the backup without a trace."""

    def __init__(self, connection: psycopg.Connection, parent: RunningCluster, start: Lsn) -> None:
        self._connection = connection
        self._parent = parent
        self._start = start

    @classmethod
    def begin(cls, connection: psycopg.Connection, parent: RunningCluster) -> Self:
        """Errors: NotCopyable when there are tablespaces elsewhere, psycopg's."""
        cls._refuse_tablespaces(connection, parent)
        name = f"tailrace_copy_{secrets.token_hex(8)}"
        # A slot of this session's keeps the log from its last checkpoint until we have copied it.
        connection.execute("select pg_create_physical_replication_slot(%s, true, true)", (name,))
        (start,) = answer(connection, sql.SQL("select pg_backup_start(%s, fast => true)::text"), name)
        return cls(connection, parent, Lsn.parse(start))

    def stop(self) -> BackupEnd:
        stop, label, tablespace_map = answer(
            self._connection,
            sql.SQL("select lsn::text, labelfile, spcmapfile from pg_backup_stop(wait_for_archive => false)"),
        )
        # Replaying the creation of a tablespace would reach into the parent's.
        self._refuse_tablespaces(self._connection, self._parent)
        first, last, finished_at, size = answer(
            self._connection,
            sql.SQL(
                "select pg_walfile_name(%s::pg_lsn), pg_walfile_name(%s::pg_lsn), clock_timestamp(),"
                " (select setting::bigint from pg_settings where name = 'wal_segment_size')"
            ),
            f"{Lsn(self._start.position + 1)}",
            stop,
        )
        return BackupEnd(
            label=label.encode(),
            tablespace_map=(tablespace_map or "").encode(),
            start=self._start,
            stop=Lsn.parse(stop),
            first=Segment.parse(first, size=size),
            last=Segment.parse(last, size=size),
            finished_at=finished_at,
            segment_size=size,
        )

    @staticmethod
    def _refuse_tablespaces(connection: psycopg.Connection, parent: RunningCluster) -> None:
        found = connection.execute(
            "select spcname from pg_tablespace where pg_tablespace_location(oid) like '/%%' limit 1"
        ).fetchone()
        if found is not None:
            raise NotCopyable(parent.spec.data_dir, part=f"the tablespace {found[0]}")
