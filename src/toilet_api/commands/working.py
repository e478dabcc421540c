"""`worker`: does the jobs. Its process loads what they need, and no routes: a third of the memory less.

Each module that declares a task, something beside the jobs, or what a room does when another's record changes, stands
here by name.
"""

from typing import Annotated

import typer

import toilet_api.exchange.changes.housekeeping
import toilet_api.exchange.exports.job
import toilet_api.exchange.imports.job
import toilet_api.exchange.sync.housekeeping
import toilet_api.exchange.uploads.housekeeping
import toilet_api.exchange.webhooks.housekeeping
import toilet_api.exchange.webhooks.working
import toilet_api.rectification.acceptances
import toilet_api.rectification.close_outs
import toilet_api.rectification.task_life
import toilet_api.reporting.reports.clock
import toilet_api.reporting.statistics.folding  # noqa: F401
from toilet_api.commands.deployment import DataDir, deployment, require_migrated
from toilet_api.kernel import jobs


def worker(
    data_dir: DataDir = None,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="同时处理的任务数 / Jobs at a time.")] = 2,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="处理完即退出 / --no-wait: end when nothing is due.")
    ] = True,
) -> None:
    """运行后台任务（导入等） / Work on background jobs, until SIGTERM."""
    with deployment(data_dir) as settings:
        require_migrated(settings)
        jobs.run_worker(settings, wait=wait, concurrency=concurrency)
