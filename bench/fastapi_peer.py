"""The by-key endpoint as a careful team writes it by hand with FastAPI and asyncpg.

It lets Postgres build the JSON, which is the quickest such a team can do: a
model per row would cost more. Role and claims are set in the transaction, as
Row-Level Security needs them.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]  # it ships no types
from fastapi import FastAPI, Request, Response

SETTINGS = (
    "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), "
    "set_config('request.method', $3, true), set_config('request.path', $4, true)"
)
BY_KEY = "select coalesce(json_agg(r), '[]')::text from (select * from orchards where id = $1) r"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the pool while the server runs; its DSN comes from the environment."""
    async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orchards/{orchard_id}")
async def one_orchard(orchard_id: int, request: Request) -> Response:
    """Answer one orchard as a JSON array of one row."""
    async with app.state.pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.fetch(SETTINGS, "bench_anon", '{"role":"bench_anon"}', request.method, request.url.path)
        body = await connection.fetchval(BY_KEY, orchard_id)
    return Response(body, media_type="application/json; charset=utf-8")
