"""Tiny reads of one turn of the loop share a connection, and the write that they leave in."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg
import pytest
from psycopg import pq

from tailrace.engine.postgres import connection as connections
from tailrace.engine.postgres.connection import BATCH
from tailrace.engine.postgres.pipeline_sync import SyncRefused, send_pipeline_sync, sync_sender
from tailrace.engine.postgres.pool import Pool, PoolOptions
from tailrace.engine.statement import TINY, Cost, PostgresError, Rows, Statement, Transaction
from tests.support.postgres import CreateDatabase

WHO = Statement(b"select pg_backend_pid()")
FAILURE = Statement(b"select 1/0")
NAP = Statement(b"select pg_sleep(0.5)")
T = TypeVar("T")


def test_the_libpq_of_the_wheel_can_send_a_sync_without_writing() -> None:
    assert send_pipeline_sync() is not None


def test_tiny_reads_of_one_turn_share_connections(create_database: CreateDatabase) -> None:
    async def measure(pool: Pool) -> set[bytes]:
        results = await asyncio.gather(*(pool.execute(read(costs=TINY / 2)) for _ in range(2 * BATCH)))
        return {backend_of(rows) for rows in results}

    backends = asyncio.run(with_warm_pool(create_database("").dsn, measure))

    assert len(backends) == 2


def test_reads_that_are_not_tiny_spread_over_the_idle_connections(create_database: CreateDatabase) -> None:
    async def measure(pool: Pool) -> set[bytes]:
        results = await asyncio.gather(*(pool.execute(read(costs=TINY * 2)) for _ in range(4)))
        return {backend_of(rows) for rows in results}

    backends = asyncio.run(with_warm_pool(create_database("").dsn, measure))

    assert len(backends) == 4


@pytest.mark.parametrize("is_deferred", [True, False], ids=["libpq 17", "an older libpq"])
def test_an_error_in_a_batch_is_that_request_s_alone(
    create_database: CreateDatabase, monkeypatch: pytest.MonkeyPatch, is_deferred: bool
) -> None:
    if not is_deferred:
        monkeypatch.setattr(connections, "sync_sender", lambda pgconn: pgconn.pipeline_sync)

    async def measure(pool: Pool) -> Sequence[object]:
        transactions = [read(costs=TINY / 2, statement=FAILURE if n == 3 else WHO) for n in range(BATCH)]
        return await asyncio.gather(*map(pool.execute, transactions), return_exceptions=True)

    outcomes = asyncio.run(with_warm_pool(create_database("").dsn, measure))

    assert [isinstance(outcome, PostgresError) for outcome in outcomes] == [n == 3 for n in range(BATCH)]


def test_a_closed_connection_takes_no_sync(create_database: CreateDatabase) -> None:
    pgconn = pq.PGconn.connect(create_database("").dsn.encode())
    pgconn.enter_pipeline_mode()
    send = sync_sender(pgconn)

    pgconn.finish()

    with pytest.raises(SyncRefused):
        send()


def read(*, costs: float, statement: Statement = WHO) -> Transaction:
    cost = Cost()
    cost.observe(costs)
    return Transaction((statement,), cost=cost)


def backend_of(results: Sequence[Rows]) -> bytes:
    pid = results[0].get_value(0, 0)
    assert pid is not None
    return pid


async def with_warm_pool(dsn: str, measure: Callable[[Pool], Awaitable[T]]) -> T:
    """Measure on a pool whose four connections are open and idle."""
    options = PoolOptions(dsn, size=4, acquisition_timeout=10, max_lifetime=60, max_idletime=60, prepare=True)
    pool = Pool(options, asyncio.get_running_loop(), lambda event: None)
    try:
        await asyncio.gather(*(pool.execute(Transaction((Statement(b"select pg_sleep(0.2)"),))) for _ in range(4)))
        return await measure(pool)
    finally:
        await pool.close()


def test_a_locked_table_keeps_nobody_from_other_tables(create_database: CreateDatabase) -> None:
    database = create_database("create table a (id int); create table b (id int)")

    async def measure(pool: Pool) -> float:
        with psycopg.connect(database.dsn) as locking:
            locking.execute("lock a")
            stuck = asyncio.ensure_future(pool.execute(read(costs=TINY / 2, statement=Statement(b"table a"))))
            began = asyncio.get_running_loop().time()
            await pool.execute(read(costs=TINY / 2, statement=Statement(b"table b")))
            seconds = asyncio.get_running_loop().time() - began
            assert not stuck.done()
        await stuck
        return seconds

    assert asyncio.run(with_warm_pool(database.dsn, measure)) < 5


def test_a_flush_leaves_nobody_behind_a_locked_table(create_database: CreateDatabase) -> None:
    database = create_database("create table a (id int); create table b (id int)")

    async def measure(pool: Pool) -> None:
        with psycopg.connect(database.dsn) as locking:
            locking.execute("lock a")
            stuck = asyncio.ensure_future(pool.execute(read(costs=TINY / 2, statement=Statement(b"table a"))))
            behind = asyncio.ensure_future(pool.execute(read(costs=TINY / 2, statement=Statement(b"table b"))))
            await asyncio.sleep(0)
            pool.flush()
            async with asyncio.timeout(5):
                await behind
            assert not stuck.done()
        await stuck

    asyncio.run(with_warm_pool(database.dsn, measure))


def test_a_refusal_does_not_make_a_slow_read_tiny(create_database: CreateDatabase) -> None:
    cost = Cost()
    cost.observe(0.3)

    async def measure(pool: Pool) -> None:
        for _ in range(30):
            with pytest.raises(PostgresError):
                await pool.execute(Transaction((FAILURE,), cost=cost))

    asyncio.run(with_warm_pool(create_database("").dsn, measure))

    assert cost.seconds == pytest.approx(0.3)


def test_flushes_under_load_keep_to_the_size_of_the_pool(create_database: CreateDatabase) -> None:
    async def measure(pool: Pool) -> int:
        most, naps = 0, []
        for _ in range(3):
            naps += [asyncio.ensure_future(pool.execute(Transaction((NAP,)))) for _ in range(4)]
            await asyncio.sleep(0.1)
            pool.flush()
            await asyncio.sleep(0.1)
            most = max(most, pool.open_count)
        await asyncio.gather(*naps)
        return most

    assert asyncio.run(with_warm_pool(create_database("").dsn, measure)) == 4
