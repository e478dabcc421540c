"""`migrate`, `demo`, `divisions load`: what works on the database."""

from pathlib import Path
from typing import Annotated

import typer

import toilet_api.app  # noqa: F401 - its rooms declare the tasks
from toilet_api.commands import demo as demonstration
from toilet_api.commands import demo_password
from toilet_api.commands.deployment import DataDir, bring_up_to_date, deployment, part, prepare, say
from toilet_api.divisions import loading
from toilet_api.kernel import progress
from toilet_api.kernel.database import Database
from toilet_api.kernel.migrations import migrate as run_migrations

divisions = typer.Typer(no_args_is_help=True, help="区划 / The division tree.")


def migrate(
    with_divisions: Annotated[
        bool,
        typer.Option("--divisions", help="没有区划时装入随附的全国区划 / Load the shipped tree where there is none."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """建立或升级数据库结构 / Make or upgrade the tables, as DATABASE_OWNER_URL."""
    with deployment(data_dir) as settings:
        run_migrations(settings)
        if with_divisions:
            with progress.shown() as step:
                prepare(settings, step)
        say(f"数据库结构已是最新 / The schema {settings.database_schema} is up to date")


def demo(
    county: Annotated[
        str, typer.Option(help="六位县级区划代码 / County, 6 digits.", metavar="CODE")
    ] = demonstration.COUNTY,
    households: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="户数 / Households.")
    ] = demonstration.HOUSEHOLDS,
    seed: Annotated[
        int, typer.Option(help="相同的数得到相同的数据 / The same seed, the same data.")
    ] = demonstration.SEED,
    data_dir: DataDir = None,
) -> None:
    """在空库中装入演示县（人员均为虚构） / Load a synthetic county into an empty database."""
    with deployment(data_dir) as settings:
        with demonstration.alone(settings), progress.shown() as step:
            prepare(settings, step)
            demonstration.load(settings, county, households, seed, step)
        for login in demonstration.logins(settings):
            say(f"{login.username:<20} {login.roles:<38} {login.display_name}")
        say(demo_password.line(settings))


@divisions.command("load")
def load_divisions(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="code,name 的 CSV（可为 .xz）；省略则为随附的全国数据 / CSV."),
    ] = None,
    close_missing: Annotated[
        bool, typer.Option(help="关闭文件中没有的区划 / Close divisions below the file's topmost that it lacks.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """装入区划：全国随附数据，或一个县的新名单 / Load the shipped tree, or a county's newer list."""
    with deployment(data_dir) as settings:
        bring_up_to_date(settings)
        database = Database(settings)
        try:
            with progress.shown() as step:
                loaded = loading.load(database, file, part(step, "区划 / divisions"), close_missing=close_missing)
        finally:
            database.dispose()
        say(
            f"{loaded.rows} 行 / rows: 新增 added {loaded.added}, 更名 renamed {loaded.renamed}, "
            f"未变 unchanged {loaded.unchanged}, 保留 kept {loaded.kept + loaded.ended}, 关闭 closed {loaded.closed}, "
            f"{loaded.seconds} s"
        )
