"""What a person sees of a transfer: a bar with rate and remaining time on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TextIO

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress import Task as Bar
from rich.table import Table
from rich.text import Text

from toilet_api.client import ImportJob, ImportRow, Progress

PLAIN_SECONDS = 5.0
_NAMES = {
    "hashing": "校验 / hashing",
    "sending": "上传 / sending",
    "importing": "导入 / importing",
    "exporting": "导出 / exporting",
    "receiving": "下载 / receiving",
}
_COUNTS = (
    ("rows_in", "台账行数 / rows"),
    ("created", "新增 / created"),
    ("updated", "更新 / updated"),
    ("unchanged", "无变化 / unchanged"),
    ("rejected", "拒绝 / rejected"),
)


@contextmanager
def shown(stream: TextIO | None = None) -> Iterator[tuple[Callable[[Progress], None], Callable[[str], None]]]:
    """While the block runs: what shows progress, and what shows a notice, both on `stream` (standard error)."""
    out = stream or sys.stderr
    if not out.isatty():
        yield _Plain(out).tell, lambda line: print(line, file=out, flush=True)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), _Rate(), TimeRemainingColumn())
    with Bars(*columns, console=Console(file=out)) as bars:
        known: dict[str, TaskID] = {}

        def tell(step: Progress) -> None:
            if step.phase not in known:
                known[step.phase] = bars.add_task(_NAMES[step.phase], total=None, unit=step.unit)
            bars.update(known[step.phase], completed=step.done, total=step.total)

        yield tell, lambda line: bars.console.print(line, markup=False, highlight=False)


class _Amount(ProgressColumn):
    def render(self, task: Bar) -> Text:
        return Text(amount(task.completed, task.total, task.fields["unit"]))


class _Rate(ProgressColumn):
    def render(self, task: Bar) -> Text:
        return Text(rate(task.finished_speed or task.speed or 0, task.fields["unit"]))


def amount(done: float, total: float | None, unit: str) -> str:
    """How much of how much: bytes, rows, or a share."""
    if unit == "permille":
        return f"{done / 10:.0f}%"
    if unit == "bytes":
        return f"{decimal(int(done))}/{decimal(int(total))}" if total is not None else decimal(int(done))
    return f"{done:,.0f}/{total:,.0f} 行" if total is not None else f"{done:,.0f} 行"


def rate(speed: float, unit: str) -> str:
    """How much a second; nothing while it isn't known."""
    if speed <= 0 or unit == "permille":
        return ""
    return f"{decimal(int(speed))}/s" if unit == "bytes" else f"{speed:,.0f} 行/s"


class _Plain:
    """A line at the start and the end of each phase, and every few seconds between."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._phase = ""
        self._ended = False
        self._began = self._told = 0.0
        self._first = 0

    def tell(self, step: Progress) -> None:
        now = time.monotonic()
        if step.phase != self._phase:
            self._phase, self._began, self._first, self._ended = step.phase, now, step.done, False
        elif self._ended or (now - self._told < PLAIN_SECONDS and step.done != step.total):
            return
        self._told, self._ended = now, step.done == step.total
        speed = (step.done - self._first) / max(now - self._began, 0.001)
        parts = [amount(step.done, step.total, step.unit), rate(speed, step.unit)]
        if step.total is not None and speed > 0 and not self._ended:
            parts.append(f"还需 / left {timedelta(seconds=round((step.total - step.done) / speed))}")
        print(f"{_NAMES[step.phase]}: {', '.join(part for part in parts if part)}", file=self._out, flush=True)


def summary(job: ImportJob, faulty: list[ImportRow]) -> None:
    """How many rows came to what, why rows were rejected, and the first of them."""
    counts = dict(job["counts"])
    table = Table()
    table.add_column("结果 / outcome")
    table.add_column("行 / rows", justify="right")
    for name, label in _COUNTS:
        table.add_row(label, f"{counts[name]:,}")
    for reason, count in sorted(job["counts"]["reasons"].items(), key=lambda one: -one[1]):
        table.add_row(f"  {reason}", f"{count:,}")
    typer.echo(f"{job['file']['name']}: {job['state']}" + ("（试运行 / dry run）" if job["dry_run"] else ""))
    Console(file=sys.stdout).print(table)
    for row in faulty:
        for fault in row["errors"]:
            where = " ".join(filter(None, [row["sheet"], f"第 {row['row']} 行", fault["cell"]]))
            typer.echo(f"{where}: {fault['message'] or fault['reason']}；应为 {fault['expected']}")


def say(line: str = "") -> None:
    """A line for the person, beside what a program reads from standard output."""
    typer.echo(line, err=True)
