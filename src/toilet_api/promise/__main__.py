"""`python -m toilet_api.promise`: hold a document to the released one, write the changelog, release."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from toilet_api.promise import compare
from toilet_api.promise.changelog import released, written
from toilet_api.promise.changes import breaking
from toilet_api.promise.schemas import Json

app = typer.Typer(no_args_is_help=True, add_completion=False, help="v1 的承诺 / The promise of v1.")
Old = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="已发布的文档 / The released document.")]
New = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="现在的文档 / The document of now.")]
Page = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="变更记录 / The changelog.")]


@app.command()
def check(old: Old, new: New) -> None:
    """有破坏性改动则退出码 1 / Exit code 1 where something breaks a client."""
    changes = compare(_read(old), _read(new))
    found = breaking(changes)
    for change in found:
        typer.echo(str(change))
    typer.echo(f"{len(found)} 处破坏性改动，{len(changes) - len(found)} 处兼容 / breaking, and the rest compatible")
    if found:
        raise typer.Exit(1)


@app.command()
def changelog(
    old: Old,
    new: New,
    page: Page,
    verify: Annotated[bool, typer.Option("--verify", help="只核对，过期则退出码 1 / Only check.")] = False,
) -> None:
    """写出自上次发布以来的改动 / Write what changed since the release."""
    was = page.read_text(encoding="utf-8")
    now = written(was, _read(old), _read(new))
    if was == now:
        typer.echo(f"{page} 是最新的 / is up to date")
    elif verify:
        typer.echo(f"{page} 已过期，请运行 make contract-changelog / is stale; run make contract-changelog")
        raise typer.Exit(1)
    else:
        page.write_text(now, encoding="utf-8")
        typer.echo(f"已写入 / Written: {page}")


@app.command()
def release(old: Old, new: New, page: Page) -> None:
    """把现在的文档定为基线；有破坏性改动则拒绝 / Make the document of now the baseline, unless it breaks a client."""
    check(old, new)
    page.write_text(
        released(page.read_text(encoding="utf-8"), _read(old), _read(new), date.today()),  # noqa: DTZ011 - who releases it reads it
        encoding="utf-8",
    )
    old.write_text(new.read_text(encoding="utf-8"), encoding="utf-8")
    typer.echo(f"已发布 / Released: {old}")


def _read(path: Path) -> Json:
    document: Json = json.loads(path.read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    app()
