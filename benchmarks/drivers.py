"""Which driver, sync or async, and who builds the JSON? The measurement behind docs/decisions/0001.

A table of 22 columns, a page of 50 rows, 16 connections, one worker process, the scope set in each transaction.
"""

import multiprocessing
import socket
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, Session, SQLModel, select

from benchmarks.entry import Entry, interleaved, requests_per_second
from toilet_api.kernel.database import driver_url

COLUMNS = [f"field_{index}" for index in range(20)]
_SCOPE = "select set_config('bench.scope', '{360423}', true)"
_PAGE = (
    "select coalesce(json_agg(row_to_json(page)), '[]')::text from"
    " (select * from bench_row where code >= '360423' and code < '360424' order by id limit 50) page"
)


class BenchRow(SQLModel, table=True):
    """A row as wide as a toilet."""

    __tablename__ = "bench_row"
    id: int = Field(primary_key=True)
    code: str
    field_0: str
    field_1: str
    field_2: str
    field_3: str
    field_4: str
    field_5: str
    field_6: str
    field_7: str
    field_8: str
    field_9: str
    field_10: str
    field_11: str
    field_12: str
    field_13: str
    field_14: str
    field_15: str
    field_16: str
    field_17: str
    field_18: str
    field_19: str


class BenchPage(BaseModel):
    items: list[BenchRow]


def fill(url: str) -> None:
    """Two thousand rows behind a policy."""
    engine = create_engine(driver_url(url))
    with engine.begin() as connection:
        columns = ", ".join(f"{name} text not null" for name in COLUMNS)
        connection.execute(text(f'create table bench_row (id int primary key, code text collate "C", {columns})'))
        values = ", ".join("md5((n * 7)::text)" for _ in COLUMNS)
        connection.execute(
            text(f"insert into bench_row select n, '360423' || n % 900, {values} from generate_series(1, 2000) n")
        )
        connection.execute(text("create index on bench_row (code, id)"))
    engine.dispose()


def make_app(url: str) -> FastAPI:
    """The same page, five ways."""
    app = FastAPI()
    sync_engine = create_engine(driver_url(url), pool_size=16)
    async_engine = create_async_engine(driver_url(url), pool_size=16)
    pool = AsyncConnectionPool(url.replace("+psycopg", ""), min_size=16, max_size=16, open=False)

    @app.get("/empty")
    async def empty() -> Response:
        return Response(b"{}", media_type="application/json")

    @app.get("/orm")
    def orm() -> BenchPage:
        with Session(sync_engine) as session:
            session.connection().exec_driver_sql(_SCOPE)
            rows = session.exec(
                select(BenchRow)
                .where(BenchRow.code >= "360423", BenchRow.code < "360424")
                .order_by(BenchRow.id)
                .limit(50)  # type: ignore[arg-type]
            ).all()
            return BenchPage(items=list(rows))

    @app.get("/sqlalchemy-sync")
    def sync_page() -> Response:
        with sync_engine.begin() as connection:
            connection.exec_driver_sql(_SCOPE)
            return Response(connection.exec_driver_sql(_PAGE).scalar_one(), media_type="application/json")

    @app.get("/sqlalchemy-async")
    async def async_page() -> Response:
        async with async_engine.begin() as connection:
            await connection.exec_driver_sql(_SCOPE)
            found = await connection.exec_driver_sql(_PAGE)
            return Response(found.scalar_one(), media_type="application/json")

    @app.get("/psycopg-pipeline")
    async def pipeline_page() -> Response:
        if pool.closed:
            await pool.open()
        async with pool.connection() as connection, connection.pipeline(), connection.transaction():
            await connection.execute(_SCOPE)
            cursor: Any = connection.cursor(row_factory=tuple_row)
            await cursor.execute(_PAGE)
            row = await cursor.fetchone()
            return Response(row[0], media_type="application/json")

    return app


def _serve(url: str, port: int) -> None:
    uvicorn.run(make_app(url), host="127.0.0.1", port=port, log_level="warning")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until someone listens, at most 20 seconds."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")


def run(url: str) -> list[Entry]:
    """Requests per second of each way, the empty route as the ceiling and the plain SQLModel way as the floor."""
    fill(url)
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(url, port), daemon=True)
    process.start()
    try:
        wait_for(port)
        paths = ["/empty", "/orm", "/sqlalchemy-sync", "/sqlalchemy-async", "/psycopg-pipeline"]
        for path in paths:
            requests_per_second(port, path, {}, total=160)
        medians = interleaved({path: (lambda path=path: requests_per_second(port, path, {})) for path in paths})  # type: ignore[misc]
    finally:
        process.terminate()
        process.join()
    floor = medians["/orm"]
    return [Entry.rate(f"driver: page of 50 by {path[1:]}", medians[path], floor, "requests/s") for path in paths]
