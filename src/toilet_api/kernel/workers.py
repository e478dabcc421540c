"""Which workers live, and the jobs of those that don't.

A worker holds a lock on its number over one connection, its lifeline. When its process dies, the server lets go of the
lock at once, and whoever looks next takes its jobs: after a restart nobody waits. A machine or a line that falls silent
holds its lock until the server gives the connection up; for those there is the heartbeat.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.manager import JobManager
from sqlalchemy import Connection, text

_NUMBER = "hashtextextended(current_schema() || '.procrastinate_workers.' || {}, 0)"
_HOLD = f"select pg_advisory_lock({_NUMBER.format('%s::bigint')})"
_BEAT = "select procrastinate_update_heartbeat_v1(%s)"
_ONE_RESCUER = text("select pg_advisory_xact_lock(hashtextextended(current_schema() || '.procrastinate_jobs', 0))")
_LOST = text(
    f"""
    select job.id, job.task_name, job.attempts, job.args
    from procrastinate_jobs job left join procrastinate_workers worker on worker.id = job.worker_id
    where job.status = 'doing'
      and case
          when worker.id is null then true
          when worker.last_heartbeat < clock_timestamp() - make_interval(secs => :seconds) then true
          else pg_try_advisory_xact_lock({_NUMBER.format("worker.id")})
          end
    order by job.id
    """
)
_AGAIN = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)")
_GIVE_UP = text("select procrastinate_finish_job_v1(:id, 'failed', false)")


class LostJob(NamedTuple):
    """A job whose worker has died, and whether that was its last attempt."""

    task: str
    arguments: dict[str, Any]
    given_up: bool


def take_over(connection: Connection, stalled_after: float, attempts: Callable[[str], int | None]) -> list[LostJob]:
    """Queue the jobs of dead workers again; those that have had all `attempts` of their task fail.

    `stalled_after`: seconds without a heartbeat after which a worker counts as dead, whatever it holds.
    """
    # Two at once could take a job back from the worker that has just got it.
    connection.execute(_ONE_RESCUER)
    return list(_again(connection, connection.execute(_LOST, {"seconds": stalled_after}).all(), attempts))


def _again(connection: Connection, rows: Any, attempts: Callable[[str], int | None]) -> Iterator[LostJob]:
    for row in rows:
        most = attempts(row.task_name)
        given_up = most is not None and row.attempts + 1 >= most
        connection.execute(_GIVE_UP if given_up else _AGAIN, {"id": row.id})
        yield LostJob(row.task_name, row.args, given_up)


class Lifeline(JobManager):
    """The manager of a worker's jobs that also holds the worker's lock, as long as `line` lives.

    The heartbeat goes over the same line: when it is lost, the beat fails, and the worker ends as it would without
    its database; another one is started.
    """

    def __init__(self, connector: BaseConnector, line: psycopg.AsyncConnection[Any]) -> None:
        super().__init__(connector)
        self._line = line

    async def register_worker(self) -> int:
        """A new worker's number, held."""
        number = await super().register_worker()
        await self._line.execute(_HOLD, [number])
        return number

    async def update_heartbeat(self, worker_id: int) -> None:
        """The sign of life for others."""
        await self._line.execute(_BEAT, [worker_id])
