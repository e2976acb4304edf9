"""APIs sleep until they are asked, and again when nobody asks."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tailrace.gateway import GatewayOptions
from tests.gateway.running import running, spec
from tests.support.postgres import Database


def sessions(database: Database) -> int:
    [(count,)] = database.query("select count(*) from pg_stat_activity where usename = 'authenticator'")
    return int(count)


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_an_api_that_nobody_asks_opens_nothing(bakery: Database, florist: Database) -> None:
    with running() as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist))
        gateway.get("/bakery/goods")

        assert florist.query("select 1 from pg_stat_activity where datname = %s", florist.name) != []
        others = "select count(*) from pg_stat_activity where usename = 'authenticator' and datname = %s"
        assert florist.query(others, florist.name) == [(0,)]
        assert florist.query(others, bakery.name) != [(0,)]


def test_requests_wait_while_the_schema_cache_is_loaded(bakery: Database) -> None:
    with running() as gateway, ThreadPoolExecutor(16) as crowd:
        gateway.add(spec("bakery", bakery))

        statuses = list(crowd.map(lambda _: gateway.get("/bakery/goods").status, range(16)))

    assert statuses == [200] * 16


def test_an_idle_api_leaves_the_database_and_comes_back_with_what_is_new(bakery: Database) -> None:
    with running(GatewayOptions(idle_timeout=0.2, cache_timeout=60)) as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.get("/bakery/goods")

        assert eventually(lambda: sessions(bakery) == 0)
        [hosted] = gateway.gateway.hosted()
        assert hosted.keeps_cache
        bakery.execute("create table api.new_things (id int); grant select on api.new_things to anonymous")
        assert gateway.get("/bakery/new_things").json() == []


def test_the_schema_cache_goes_later_than_the_connections(bakery: Database) -> None:
    with running(GatewayOptions(idle_timeout=0.1, cache_timeout=0.2)) as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.get("/bakery/goods")
        [hosted] = gateway.gateway.hosted()

        assert eventually(lambda: hosted.api is None and not hosted.keeps_cache)
        assert gateway.get("/bakery/goods").status == 200


def test_an_api_with_a_request_under_way_is_not_idle(bakery: Database) -> None:
    with running(GatewayOptions(idle_timeout=0.05)) as gateway:
        gateway.add(spec("bakery", bakery))

        assert gateway.get("/bakery/rpc/slow").json() == 1


def test_more_apis_than_connections_take_turns(bakery: Database) -> None:
    with running(GatewayOptions(connections=4)) as gateway:
        for number in range(6):
            gateway.add(spec(f"shop{number}", bakery))
        most = 0

        for number in [*range(6), *range(6)]:
            assert gateway.get(f"/shop{number}/goods").status == 200
            most = max(most, gateway.open_connections())

    assert most <= 4


def test_who_finds_no_room_in_time_is_told_as_by_a_full_pool(bakery: Database) -> None:
    with running(GatewayOptions(connections=2)) as gateway, ThreadPoolExecutor(2) as crowd:
        gateway.add(spec("one", bakery))
        gateway.add(spec("two", bakery, db_pool_acquisition_timeout=1))
        gateway.get("/one/goods")

        slow = crowd.submit(gateway.get, "/one/rpc/slow?seconds=2")
        time.sleep(0.2)
        refused = gateway.get("/two/goods")

        assert (refused.status, refused.json()["code"]) == (504, "PGRST003")
        assert slow.result().json() == 1
        assert gateway.get("/two/goods").status == 200


def test_shares_grow_when_others_leave_and_shrink_when_they_come(bakery: Database, florist: Database) -> None:
    with running(GatewayOptions(connections=8)) as gateway, ThreadPoolExecutor(8) as crowd:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist))

        list(crowd.map(lambda _: gateway.get("/bakery/rpc/slow"), range(7)))
        alone = gateway.open_connections()
        gateway.get("/florist/goods")
        list(crowd.map(lambda _: gateway.get("/bakery/rpc/slow"), range(7)))
        together = gateway.open_connections()

    assert alone == 8
    assert together <= 8


def test_the_compute_is_woken_before_the_first_request(bakery: Database) -> None:
    woken: list[str] = []

    async def wake(name: str) -> None:
        await asyncio.sleep(0.05)
        woken.append(name)

    with running(wake=wake) as gateway:
        gateway.add(spec("bakery", bakery))
        statuses = [gateway.get("/bakery/goods").status for _ in range(3)]
        assert gateway.rest("bakery")
        statuses.append(gateway.get("/bakery/goods").status)

    assert statuses == [200] * 4
    assert woken == ["bakery", "bakery"]


def test_a_compute_that_cannot_be_woken_is_a_503_that_tells_nothing_of_why(bakery: Database, florist: Database) -> None:
    async def wake(name: str) -> None:
        if name == "bakery":
            raise RuntimeError("a secret of the platform")

    with running(wake=wake) as gateway:
        gateway.add(spec("bakery", bakery))
        gateway.add(spec("florist", florist))

        refused, good = gateway.get("/bakery/goods"), gateway.get("/florist/goods")

    assert (refused.status, refused.json()["code"], refused.headers["Retry-After"]) == (503, "TLR503", "1")
    assert "secret" not in refused.text
    assert good.status == 200


def test_a_compute_that_takes_too_long_is_waited_for_no_longer_than_allowed(bakery: Database) -> None:
    async def wake(name: str) -> None:
        await asyncio.sleep(60)

    with running(GatewayOptions(start_timeout=0.2), wake=wake) as gateway:
        gateway.add(spec("bakery", bakery))

        assert gateway.get("/bakery/goods").status == 503
