from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tailrace.cluster import RunningCluster
from tailrace.cluster.front_door import Backend, FrontDoorSpec, TlsSpec
from tests.cluster.front_door.support import PASSWORD, ROLE, OpenDoor, backend_of

OpenWith = Callable[..., OpenDoor]


@pytest.fixture(scope="module")
def guest(cluster: RunningCluster) -> Iterator[str]:
    """A role that may log in, with a password that a URI must quote."""
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login password {}").format(sql.Identifier(ROLE), sql.Literal(PASSWORD))
        )
        yield ROLE
        connection.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", [ROLE])
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(ROLE)))


@pytest.fixture(scope="module")
def open_with(cluster: RunningCluster, guest: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWith]:
    """Opens doors with settings of the test's choice; closed after the module."""
    folder: Path = tmp_path_factory.mktemp("door") / "authority"
    opened: list[OpenDoor] = []

    async def wake() -> Backend:
        return backend_of(cluster)

    def open_one(**settings: Any) -> OpenDoor:
        tls = TlsSpec(folder=folder, hosts=("localhost", "127.0.0.1"))
        one = OpenDoor(folder)
        one.open(FrontDoorSpec(**{"wake": wake, "tls": tls, **settings}))
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def door(open_with: OpenWith) -> OpenDoor:
    """A door with the settings that most want: TLS only."""
    return open_with()
