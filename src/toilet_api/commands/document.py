"""`openapi`: the document of the interface, as the app generates it."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from toilet_api.app import create_app
from toilet_api.commands.deployment import say
from toilet_api.settings import Settings


def document() -> str:
    """The document as it is committed. Needs no database, and nothing of the environment shows in it."""
    with tempfile.TemporaryDirectory() as nowhere:
        settings = Settings(
            database_url="postgresql://nobody@127.0.0.1:1/none", data_dir=Path(nowhere), secret_key="x" * 32
        )
        return json.dumps(create_app(settings).openapi(), ensure_ascii=False, indent=2) + "\n"


def openapi(
    output: Annotated[Path | None, typer.Option(help="写入文件，否则打印 / Write to a file, else print.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="核对文件是否最新，过期则退出码 1 / Exit code 1 where this file is stale.")
    ] = None,
) -> None:
    """输出 OpenAPI 3.1 文档 / Print, write or check the OpenAPI document."""
    made = document()
    if check is not None:
        if not check.exists() or check.read_text(encoding="utf-8") != made:
            say(f"{check} 已过期，请运行 make openapi / is stale; run make openapi")
            raise typer.Exit(1)
        say(f"{check} 是最新的 / is up to date")
    elif output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(made, encoding="utf-8")
        say(f"已写入 / Written: {output}")
    else:
        typer.echo(made, nl=False)
