"""What the tests of copies share: a folder, a parent with accounts, and people who move money."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tailrace.cluster import ClusterSpec, RunningCluster, WalArchive

PASSWORD = "a password for tests"
ACCOUNTS = 200
MONEY = ACCOUNTS * 100
_MOVE = """
    with moved as (select 1 + (random() * 199)::int as giver, 1 + (random() * 199)::int as taker, 5 as amount)
    update accounts set balance = balance + case id when giver then -amount else amount end
    from moved where giver <> taker and id in (giver, taker)
"""


def spec(data_dir: Path, *, archive: WalArchive | None = None) -> ClusterSpec:
    return ClusterSpec(data_dir=data_dir, password=PASSWORD, durable=False, archive=archive)


def ask(cluster: RunningCluster, statement: str) -> Any:
    """The first value of the first row."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        return None if row is None else row[0]


def write(cluster: RunningCluster, *statements: str) -> None:
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def open_accounts(cluster: RunningCluster) -> None:
    write(
        cluster,
        "create table accounts (id int primary key, balance int not null)",
        f"insert into accounts select n, 100 from generate_series(1, {ACCOUNTS}) n",
        "create table moves (id bigint generated always as identity primary key, note text)",
    )


@dataclass(slots=True)
class Movers:
    """Threads that move money between accounts until they are stopped."""

    failures: list[Exception] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def move(self, dsn: str) -> None:
        try:
            with psycopg.connect(dsn) as connection:
                while not self.ended.is_set():
                    try:
                        connection.execute(_MOVE)
                        connection.execute("insert into moves (note) values (repeat('moved ', 200))")
                        connection.commit()
                    except psycopg.errors.DeadlockDetected:
                        connection.rollback()
        except Exception as error:
            self.failures.append(error)


@contextmanager
def money_moving(cluster: RunningCluster, *, movers: int = 3) -> Iterator[Movers]:
    load = Movers()
    threads = [threading.Thread(target=load.move, args=(cluster.dsn(),)) for _ in range(movers)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.ended.set()
        for thread in threads:
            thread.join()


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    waiting = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not happen in time")
