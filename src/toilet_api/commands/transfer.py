"""`toilet-api upload` and `toilet-api download`: the client at the command line. Nothing of the server is loaded."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

import typer

from toilet_api.client import (
    Client,
    ClientError,
    JobFailedError,
    Progress,
)
from toilet_api.client.answers import Dataset, Format, Kind, Mode, OnConflict, Personal
from toilet_api.commands import alone
from toilet_api.commands import transfer_outcome as outcome
from toilet_api.commands.transfer_view import shown

Reading = Callable[[str], Any]


def _number(text: str) -> Any:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else text


def _truth(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


ONE_VALUE: dict[str, Reading] = {
    "built_year_from": _number,
    "built_year_to": _number,
    "campaign_id": str,
    "date_from": str,
    "date_to": str,
    "has_toilet": _truth,
    "overdue": _truth,
    "problem_class": str,
    "standing": _truth,
    "updated_since": str,
}
"""The filters of exports that have one value, and how it is read; the others take several, all of them texts.

What can't be read goes to the server as it is, which says what it expects.
"""

Url = Annotated[str, typer.Option("--url", envvar="TOILET_URL", help="服务地址 / Address of the server.")]
Username = Annotated[
    str | None,
    typer.Option(
        "--username", envvar="TOILET_USERNAME", help="登录名，口令取 TOILET_PASSWORD / Password by environment."
    ),
]
ClientId = Annotated[
    str | None,
    typer.Option("--client-id", envvar="TOILET_CLIENT_ID", help="对接系统，密钥取 TOILET_CLIENT_SECRET / A system."),
]
Division = Annotated[str | None, typer.Option(help="区划代码，缺省为本账号的 / Division; by default your own.")]
AsJson = Annotated[bool, typer.Option("--json", help="结果以一个 JSON 输出 / The result as one JSON document.")]
Retries = Annotated[int, typer.Option(min=0, max=100, help="失败后重试次数 / Attempts after a failure.")]


def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="台账文件 / The file.")],
    url: Url,
    username: Username = None,
    client_id: ClientId = None,
    kind: Annotated[Kind, typer.Option(help="内容 / What the file holds.")] = "households",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只出报告，不写入 / Report only, write nothing.")] = False,
    on_conflict: Annotated[OnConflict, typer.Option(help="与已登记的不同时 / What to do with what differs.")] = "fail",
    mode: Annotated[Mode, typer.Option(help="逐行，或全部成功才写入 / Row by row, or all or nothing.")] = "row_by_row",
    division: Division = None,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="列对应的 JSON 文件 / JSON file: heading to field."),
    ] = None,
    remember_mapping: Annotated[
        bool, typer.Option("--remember-mapping", help="记住列对应 / Keep the mapping for later files.")
    ] = False,
    report_folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="报告存于何处，缺省在文件旁 / Default: beside the file."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="等待导入结束 / Wait for the import to end.")] = True,
    retries: Retries = 6,
    as_json: AsJson = False,
) -> None:
    """上传台账：断点续传，报告存于文件旁 / Upload a file: resumable, with the reports saved beside it."""
    columns = _mapping(mapping)

    def work(client: Client, tell: Tell) -> outcome.Done:
        report = client.upload(
            file,
            kind,
            dry_run=dry_run,
            on_conflict=on_conflict,
            mode=mode,
            division=division,
            mapping=columns,
            remember_mapping=remember_mapping,
            wait=wait,
            report_folder=report_folder,
            progress=tell,
        )
        return outcome.imported(
            client, report.job, report.files, outcome.REJECTED if report.counts["rejected"] else outcome.OK
        )

    _run(
        work,
        url,
        username,
        client_id,
        retries,
        as_json=as_json,
        resume="再次运行同一命令即从中断处继续 / Run the same command again to go on",
    )


def download(
    dataset: Annotated[Dataset, typer.Argument(help="数据集 / The data set.")],
    url: Url,
    username: Username = None,
    client_id: ClientId = None,
    format: Annotated[Format, typer.Option(help="格式 / Format.")] = "csv",  # noqa: A002 - the option's name
    output: Annotated[Path, typer.Option(help="文件或已有的文件夹 / A file, or a folder that is there.")] = Path(),
    division: Division = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="NAME=VALUE", help="筛选，可多次 / A filter; several may be given."),
    ] = None,
    personal: Annotated[Personal, typer.Option(help="个人信息 / Personal data.")] = "masked",
    purpose: Annotated[
        str | None, typer.Option(help="用途；导出个人信息原文时必填 / What for; needed for plain personal data.")
    ] = None,
    bom: Annotated[bool | None, typer.Option("--bom/--no-bom", help="CSV 的 BOM / Byte-order mark of a CSV.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="接续上次未完的下载 / Go on with an earlier download.")
    ] = False,
    retries: Retries = 6,
    as_json: AsJson = False,
) -> None:
    """导出并下载：断点续传，校验 SHA-256 / Export and download: resumable, checked by its SHA-256."""
    wanted = _filters(filters or [])
    if not output.is_dir() and not output.absolute().parent.is_dir():
        raise typer.BadParameter(f"没有这个文件夹 / There is no folder {output.absolute().parent}")

    def work(client: Client, tell: Tell) -> outcome.Done:
        path = client.download(
            dataset,
            format,
            output,
            division=division,
            filters=wanted,
            personal=personal,
            purpose=purpose,
            bom=bom,
            resume=resume,
            progress=tell,
        )
        return outcome.Done(outcome.OK, {"path": str(path), "bytes": path.stat().st_size}, lambda: typer.echo(path))

    _run(
        work,
        url,
        username,
        client_id,
        retries,
        as_json=as_json,
        resume="加 --resume 再次运行即从中断处继续 / Run it again with --resume to go on",
    )


def main() -> None:
    """The two commands alone, in a fraction of the time that loading the server takes."""
    alone.run(upload, download)


Tell = Callable[[Progress], None]


def _run(
    work: Callable[[Client, Tell], outcome.Done],
    url: str,
    username: str | None,
    client_id: str | None,
    retries: int,
    *,
    as_json: bool,
    resume: str,
) -> NoReturn:
    """Do the work, signed in, and end with its exit code; whatever goes wrong is told, and has a code of its own."""
    who = _credentials(username, client_id)
    try:
        with shown() as (tell, notice):
            if url.lower().startswith("http://") and not _is_here(url):
                notice("注意：http:// 不加密，口令和数据可被窃听 / Beware: http:// is not encrypted")
            client = _client(url, retries, notice, who)
            with client:
                try:
                    done = work(client, tell)
                except JobFailedError as error:
                    done = outcome.failed(client, error)
    except KeyboardInterrupt:
        done = outcome.stopped(f"已中断 / Stopped. {resume}")
    except (ClientError, OSError) as error:
        done = outcome.refused(error, resume)
    if as_json:
        typer.echo(json.dumps({"exit_code": done.code} | done.document, ensure_ascii=False, indent=1))
    else:
        done.show()
    raise typer.Exit(done.code)


def _client(url: str, retries: int, notice: Callable[[str], None], who: dict[str, str]) -> Client:
    try:
        return Client(url, retries=retries, notice=notice, **who)  # type: ignore[arg-type]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None


def _credentials(username: str | None, client_id: str | None) -> dict[str, str]:
    """Who signs in. Secrets come from the environment or a person's fingers: an argument is seen by all (`ps`)."""
    if username and client_id:
        raise typer.BadParameter("--username 与 --client-id 只能用一个 / only one of --username and --client-id")
    if username:
        return {"username": username, "password": _secret("TOILET_PASSWORD", "口令 / Password")}
    if client_id:
        return {"client_id": client_id, "client_secret": _secret("TOILET_CLIENT_SECRET", "密钥 / Client secret")}
    if token := os.environ.get("TOILET_TOKEN"):
        return {"token": token}
    raise typer.BadParameter("须有 --username、--client-id 或 TOILET_TOKEN / --username, --client-id or TOILET_TOKEN")


def _secret(name: str, asked: str) -> str:
    given = os.environ.get(name)
    if given:
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"须设置环境变量 {name} / the environment lacks {name}")
    return str(typer.prompt(asked, hide_input=True, err=True))


def _mapping(file: Path | None) -> dict[str, str | None] | None:
    if file is None:
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint="--mapping") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file}: 须为 JSON 对象 / a JSON object is needed", param_hint="--mapping")
    return found


def _filters(given: list[str]) -> dict[str, Any] | None:
    """NAME=VALUE pairs; a name that comes twice has several values."""
    found: dict[str, list[str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"须为 NAME=VALUE / NAME=VALUE is needed: {one}", param_hint="--filter")
        found.setdefault(name, []).append(value)
    return {
        name: ONE_VALUE[name](values[0]) if name in ONE_VALUE and len(values) == 1 else values
        for name, values in found.items()
    } or None


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
