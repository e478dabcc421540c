"""Background work on Postgres (procrastinate): a job commits with the record that needs it, and outlives its worker.

A room declares a task, `@jobs.task(name="import.run")`, on a synchronous function of a `Context` and JSON arguments,
and starts it by `jobs.defer(session, "import.run", job_id=str(id))` in its own transaction. A task may run more than
once: after an error it is tried again, and when its worker dies another one takes it (see `workers`). So each task must
find out by itself what is done already.
"""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ParamSpec

import procrastinate
import psycopg
from procrastinate.exceptions import JobAborted
from procrastinate.schema import SchemaManager
from sqlalchemy import text
from sqlmodel import Session

from toilet_api.kernel import workers
from toilet_api.kernel.database import Database, driver_url
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

logger = logging.getLogger(__name__)
P = ParamSpec("P")

HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 30.0
RESCUE_SECONDS = 15.0
# A running task gets this long to end by itself when the worker is asked to stop; it then sees `context.stopping`.
GRACE_SECONDS = 15.0
# Who can't tell a lost database what became of a job ends; the next worker finds it out.
CONNECTION_SECONDS = 5.0

_DEFER = text(
    """
    select unnest(procrastinate_defer_jobs_v1(array[
        row(:queue, :name, :priority, cast(:lock as text), null, cast(:args as jsonb), cast(:at as timestamptz))
        ::procrastinate_job_to_defer_v1
    ]))
    """
)


@dataclass(frozen=True)
class Context:
    """What a task works with."""

    database: Database
    vault: Vault
    objects: ObjectStore
    settings: Settings
    attempt: int = 1
    """The how-manieth run of this job it is, from 1."""
    stops: Callable[[], bool] = bool

    @property
    def stopping(self) -> bool:
        """Whether the worker is being stopped: a long task then ends at its next safe point by `give_way()`."""
        return self.stops()

    def give_way(self) -> None:
        """End the task here when the worker is being stopped; it is run again by the next worker."""
        if self.stopping:
            raise JobAborted


@dataclass(frozen=True)
class Task:
    """A kind of job: the function that does it and how often it is tried."""

    name: str
    run: Callable[..., None]
    queue: str = "default"
    attempts: int = 5
    cron: str | None = None
    failed: Callable[..., None] | None = None


@dataclass(frozen=True)
class Companion:
    """What a worker does beside the jobs: see `beside`."""

    name: str
    run: Callable[[Context, threading.Event], None]
    once: Callable[[Context], Any]


_tasks: dict[str, Task] = {}
_companions: dict[str, Companion] = {}


def task(
    *,
    name: str,
    queue: str = "default",
    attempts: int = 5,
    cron: str | None = None,
    failed: Callable[..., None] | None = None,
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Declare a task. `cron` (UTC) also starts it by the clock, once over all workers.

    `failed(context, error, **arguments)` is called when the last attempt has failed, or the worker died under each of
    them, so that the room can say so on its own record.
    """

    def declare(function: Callable[P, None]) -> Callable[P, None]:
        if name in _tasks:
            raise ValueError(f"the task {name} is declared twice")
        _tasks[name] = Task(name, function, queue, attempts, cron, failed)
        return function

    return declare


def beside(
    *, name: str, once: Callable[[Context], Any]
) -> Callable[[Callable[[Context, threading.Event], None]], Callable[[Context, threading.Event], None]]:
    """Declare what a worker does all the time beside its jobs, in a thread of its own, until the event is set.

    A worker that doesn't wait calls `once` instead, after the jobs. Several workers do the same at the same time: who
    needs to be alone must see to it. An exception is logged, and the work begun again after a pause.
    """

    def declare(
        function: Callable[[Context, threading.Event], None],
    ) -> Callable[[Context, threading.Event], None]:
        if name in _companions:
            raise ValueError(f"{name} is declared twice")
        _companions[name] = Companion(name, function, once)
        return function

    return declare


def schema_sql() -> str:
    """The DDL of the queue's tables and functions, for the current search_path."""
    return SchemaManager.get_schema()


def defer(
    session: Session,
    name: str,
    *,
    lock: str | None = None,
    at: datetime | None = None,
    priority: int = 0,
    **arguments: Any,
) -> int:
    """Queue a job in the caller's transaction, and answer its number. It exists when the transaction commits.

    Jobs of the same `lock` run one after the other; `at` holds it back until then; the arguments are JSON values,
    and never personal data, because they stand in logs.
    """
    known = _tasks[name]
    values = {"queue": known.queue, "name": name, "priority": priority, "lock": lock, "at": at}
    found = session.connection().execute(_DEFER, values | {"args": json.dumps(arguments)})
    return int(found.scalar_one())


def run_worker(
    settings: Settings,
    wait: bool = True,
    *,
    concurrency: int = 2,
    stalled_after: float = STALLED_SECONDS,
    database: Database | None = None,
) -> None:
    """Work on the queue until SIGINT or SIGTERM, or, without `wait`, until nothing is due any more.

    Connects as the owner, directly: LISTEN and session settings don't go through a pooler in transaction mode.
    `stalled_after` are the seconds without a heartbeat after which a worker counts as dead, whatever it holds.
    The jobs work on `database`, which is left open, where the caller has one; else on one of the worker's own.
    """
    own = Database(settings) if database is None else database
    context = Context(own, Vault(settings), ObjectStore(settings), settings)
    try:
        asyncio.run(_work(context, wait=wait, concurrency=concurrency, stalled_after=stalled_after))
    finally:
        if database is None:
            own.dispose()


async def _work(context: Context, *, wait: bool, concurrency: int, stalled_after: float) -> None:
    connecting: dict[str, Any] = {
        "conninfo": driver_url(context.settings.owner_url or "").replace("postgresql+psycopg://", "postgresql://", 1),
        "kwargs": {
            "options": f"-c search_path={context.settings.database_schema}",
            "application_name": "toilet-worker",
        },
    }
    # Who doesn't wait for more is never asked to stop: it has promised to do what there is, however long that takes.
    grace: dict[str, Any] = {"shutdown_graceful_timeout": GRACE_SECONDS} if wait else {}
    connect = psycopg.AsyncConnection.connect
    async with (
        _application(context, concurrency, connecting).open_async() as app,
        await connect(connecting["conninfo"], autocommit=True, **connecting["kwargs"]) as line,
    ):
        app.job_manager = workers.Lifeline(app.connector, line)
        await asyncio.to_thread(rescue, context, stalled_after)
        async with (
            _rescuing(context, stalled_after) if wait else contextlib.nullcontext(),
            _accompanied(context) if wait else contextlib.nullcontext(),
        ):
            await app.run_worker_async(
                wait=wait,
                listen_notify=wait,
                install_signal_handlers=wait,
                concurrency=concurrency,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=stalled_after,
                **grace,
            )
        if not wait:
            for companion in _companions.values():
                await asyncio.to_thread(companion.once, context)


def _application(context: Context, concurrency: int, connecting: dict[str, Any]) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        min_size=1, max_size=concurrency + 2, timeout=CONNECTION_SECONDS, **connecting
    )
    app = procrastinate.App(connector=connector)
    for known in _tasks.values():
        declared = app.task(name=known.name, queue=known.queue, pass_context=True, retry=_Retry(known.attempts))(
            _runner(context, known)
        )
        if known.cron:
            app.periodic(cron=known.cron, periodic_id=known.name)(declared)
    return app


def _runner(context: Context, known: Task) -> Callable[..., None]:
    """The function that procrastinate runs in a thread for each job of a task."""

    def run(job: procrastinate.JobContext, **arguments: Any) -> None:
        if known.cron:
            arguments.pop("timestamp", None)  # procrastinate says which tick of the clock it was
        own = replace(context, attempt=job.job.attempts + 1, stops=job.should_abort)
        try:
            known.run(own, **arguments)
        except JobAborted:
            raise
        except Exception as error:
            if own.attempt >= known.attempts:
                _tell(own, known, error, arguments)
            raise

    return run


@dataclass(frozen=True)
class _Retry(procrastinate.BaseRetryStrategy):
    """Tried again after 2, 4, 8, ... seconds, at most five minutes; at once when it only gave way."""

    attempts: int

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, JobAborted):
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if job.attempts + 1 >= self.attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": min(300, 2 ** (job.attempts + 1))})


def rescue(context: Context, stalled_after: float = STALLED_SECONDS) -> int:
    """Queue the jobs of dead workers again, and answer how many; those that outlived too many workers fail."""

    def attempts(name: str) -> int | None:
        return _tasks[name].attempts if name in _tasks else None

    with context.database.transaction() as session:
        lost = workers.take_over(session.connection(), stalled_after, attempts)
    for job in lost:
        if job.given_up:
            _tell(context, _tasks[job.task], RuntimeError("the worker died during each attempt"), job.arguments)
    if lost:
        logger.warning("took over %d jobs of dead workers", len(lost))
    return len(lost)


def _tell(context: Context, known: Task, error: Exception, arguments: dict[str, Any]) -> None:
    if known.failed is None:
        return
    try:
        known.failed(context, error, **{name: value for name, value in arguments.items() if name != "timestamp"})
    except Exception:
        logger.exception("the failure of %s could not be noted", known.name)


@contextlib.asynccontextmanager
async def _rescuing(context: Context, stalled_after: float) -> AsyncIterator[None]:
    """While the worker works, look for jobs of dead workers now and then."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(RESCUE_SECONDS)
            try:
                await asyncio.to_thread(rescue, context, stalled_after)
            except Exception:
                logger.exception("looking for jobs of dead workers failed; it is tried again")

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


@contextlib.asynccontextmanager
async def _accompanied(context: Context) -> AsyncIterator[None]:
    """While the worker works, its companions do."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=_accompany, args=(one, context, stop), name=one.name, daemon=True)
        for one in _companions.values()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, GRACE_SECONDS)


def _accompany(companion: Companion, context: Context, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            companion.run(context, stop)
        except Exception:
            logger.exception("%s broke off; it is begun again", companion.name)
            stop.wait(RESCUE_SECONDS)


@task(name="kernel.housekeeping", cron="17 * * * *")
def housekeeping(context: Context) -> None:
    """Hourly: months ahead for the journal, finished jobs of a week and idempotency keys of two days ago away."""
    with context.database.transaction() as session:
        connection = session.connection()
        connection.execute(text("select ensure_months(3)"))
        connection.execute(text("delete from idempotency_key where created_at < now() - interval '2 days'"))
        connection.execute(text("delete from rate_use where window_start < extract(epoch from now()) - 600"))
        connection.execute(
            text(
                """
                delete from procrastinate_jobs job
                where job.status in ('succeeded', 'cancelled', 'aborted') and not exists (
                    select from procrastinate_events event
                    where event.job_id = job.id and event.at > now() - interval '7 days'
                )
                """
            )
        )
