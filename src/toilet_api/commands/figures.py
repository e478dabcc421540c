"""`statistics check`: whether the figures are what the records come to."""

from typing import Annotated

import typer

from toilet_api.commands.deployment import DataDir, deployment, require_migrated, say
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.reporting.statistics.recount import differences

statistics = typer.Typer(no_args_is_help=True, help="统计指标 / Live statistics.")

_SHOWN = 20


@statistics.command("check")
def check(
    data_dir: DataDir = None,
    shown: Annotated[int, typer.Option(min=1, help="至多显示几处 / How many differences to show.")] = _SHOWN,
) -> None:
    """逐条清点，与各级指标核对；不一致时以 1 退出 / Count the records anew and compare; ends with 1 if any differs."""
    with deployment(data_dir) as settings:
        require_migrated(settings)
        database = Database(settings)
        try:
            with database.snapshot(EVERYWHERE) as session:
                found = differences(session)
        finally:
            database.dispose()
    for one in found[:shown]:
        say(f"{one.subject} {one.division_code} {one.campaign_id or ''} {one.key}: {one.kept} ≠ {one.counted}")
    if found:
        say(f"{len(found)} 处不一致 / sums differ from the records")
        raise typer.Exit(1)
    say("各级指标与记录一致 / Every figure equals a count of the records")
