"""A primary and a streaming standby: reading from the standby, listening on the primary, and failing over.

Source: PostgREST docs, references/connection_pool ("read replicas") and references/listener.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tailrace.cluster import ClusterSpec
from tailrace.cluster.installation import find_installation
from tailrace.cluster.owner import choose_owner
from tailrace.cluster.process import free_port
from tests.support.postgres import PASSWORD
from tests.support.serve import HOST, Api, Response
from tests.support.standalone import FRUIT, OwnCluster, own_cluster, running_server, scratch_folder, until

DELIVER = "do $$ begin perform pg_notify('pgrst', 'reload schema'); end $$"


class Pair:
    """Two clusters, the second a copy that follows the first."""

    def __init__(self, primary: OwnCluster, standby: OwnCluster) -> None:
        self.primary = primary
        self.standby = standby
        self._ports = f"{HOST}:{primary.port},{HOST}:{standby.port}"

    def address(self, wanted: str, *, standby_first: bool = False) -> str:
        """Both hosts, of which `wanted` (target_session_attrs) is taken."""
        places = ",".join(reversed(self._ports.split(","))) if standby_first else self._ports
        login = self.primary_login.partition("@")[0]
        return f"{login}@{places}/postgres?target_session_attrs={wanted}&connect_timeout=2"

    @property
    def primary_login(self) -> str:
        running = self.primary.running or self.standby.running
        assert running is not None
        return running.dsn(user="authenticator", password=PASSWORD)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with scratch_folder() as home, own_cluster(home, FRUIT) as primary:
        data_dir = home / "standby"
        owner = choose_owner(primary.spec.data_dir)
        copy = ("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", f"--dbname={primary.dsn}")
        # Made as root, so that it need not write beside the folder.
        data_dir.mkdir(mode=0o700)
        owner.take(data_dir)
        subprocess.run(
            [find_installation(owner).program("pg_basebackup"), f"--pgdata={data_dir}", *copy],
            check=True,
            capture_output=True,
            cwd="/",
            **owner.identity(),
        )
        standby = OwnCluster(ClusterSpec(data_dir=data_dir, password=PASSWORD, durable=False, port=free_port()))
        try:
            yield Pair(primary, standby)
        finally:
            standby.stop(immediate=True)


def test_reads_come_from_the_standby_while_the_listener_is_on_the_primary(pair: Pair) -> None:
    address = pair.address("read-only", standby_first=True)
    with running_server(address, db_schemas="api", log_level="info") as api:
        assert api.get("/rpc/seen").json()["is_standby"] is True
        write = api.post("/fruit", {"id": 3})
        until(lambda: f'on "{HOST}:{pair.primary.port}" and listening' in api.log)

        pair.primary.execute(
            "create table api.vegetable (id int); insert into api.vegetable values (7);"
            "grant select on api.vegetable to anonymous"
        )
        until(lambda: pair.standby.query("select to_regclass('api.vegetable')") != [(None,)])
        pair.primary.execute(DELIVER)

        assert (write.status, write.json()["code"]) == (405, "25006")
        assert until(lambda: api.get("/vegetable").status == 200)


def until_status(api: Api, status: int) -> Response:
    answers: list[Response] = []

    def comes() -> bool:
        answers.append(api.get("/fruit"))
        return answers[-1].status == status

    until(comes)
    return answers[-1]


def test_after_a_failover_the_promoted_standby_is_used_without_a_restart(pair: Pair) -> None:
    address = pair.address("read-write")
    with running_server(address, db_schemas="api", log_level="info") as api:
        assert api.post("/fruit", {"id": 3}).status == 201
        assert api.get("/rpc/seen").json()["is_standby"] is False
        until(lambda: pair.standby.query("select id from api.fruit where id = 3"))

        pair.primary.stop(immediate=True)
        away = until_status(api, 503)
        live = api.admin.get("/live").status
        pair.standby.query("select pg_promote()")
        until(lambda: api.post("/fruit", {"id": 4}).status == 201)

        assert away.json()["code"] in ("PGRST000", "PGRST001", "57P01")
        assert set(away.json()) == {"code", "message", "details", "hint"}
        assert live == 200
        assert api.get("/fruit?id=gte.3&select=id&order=id").json() == [{"id": 3}, {"id": 4}]
        assert until(lambda: api.admin.get("/ready").status == 200)
        assert until(lambda: f'on "{HOST}:{pair.standby.port}" and listening' in api.log)
        assert "Traceback" not in api.log
        assert PASSWORD not in api.log
