"""`users create` and `keys rotate`: the first administrator, and new signing keys."""

import sys
from typing import Annotated

import typer

from toilet_api.accounts.keys import rotate
from toilet_api.accounts.people import create_person
from toilet_api.accounts.permissions import Role
from toilet_api.accounts.rules import temporary_password
from toilet_api.accounts.schemas import GrantMade, UserCreate
from toilet_api.commands import demo
from toilet_api.commands.deployment import DataDir, bring_up_to_date, deployment, say
from toilet_api.kernel.database import EVERYWHERE, Actor, Database
from toilet_api.kernel.vault import Vault

users = typer.Typer(no_args_is_help=True, help="账号 / People.")
keys = typer.Typer(no_args_is_help=True, help="令牌签名密钥 / Signing keys of tokens.")

COMMAND_LINE = Actor(None, "system", "command line")


@users.command("create")
def create_user(
    username: Annotated[str, typer.Argument(help="登录名 / Login name.")],
    role: Annotated[Role, typer.Option(help="角色 / Role.")],
    division: Annotated[str, typer.Option(help="区划代码 / Division code of the grant.")],
    name: Annotated[str | None, typer.Option(help="显示名 / Name that others see.")] = None,
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="从标准输入读密码；否则生成一个 / Read the password, else make one."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """建立账号，首次登录须改密码 / Create a person with one grant, who must change the password at first login."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else temporary_password()
    # Held to what the interface takes.
    wanted = UserCreate(
        username=username,
        display_name=name or username,
        password=password,
        grants=[GrantMade(role=role, division_code=division)],
    )
    with deployment(data_dir) as settings:
        bring_up_to_date(settings)
        demo.adopt(settings)
        database = Database(settings)
        try:
            with database.transaction(EVERYWHERE, COMMAND_LINE) as session:
                person = create_person(
                    session,
                    settings,
                    username=wanted.username,
                    display_name=wanted.display_name,
                    password=password,
                    grants=[(role, division)],
                )
                created = person.username
        finally:
            database.dispose()
    say(f"已建立账号 / Created {created} ({role} @ {division})")
    if not password_stdin:
        say(f"一次性密码 / One-time password: {password}")


@keys.command("rotate")
def rotate_keys(
    withdraw: Annotated[
        bool,
        typer.Option("--withdraw", help="旧密钥已泄露，立即作废 / The old keys are known to others: no longer valid."),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """换新的签名密钥，旧令牌到期前仍有效 / Sign with a new key; tokens of the old one stay valid until they expire."""
    with deployment(data_dir) as settings:
        bring_up_to_date(settings)
        database = Database(settings)
        try:
            with database.transaction(EVERYWHERE, COMMAND_LINE) as session:
                made = rotate(session, Vault(settings), withdraw=withdraw)
        finally:
            database.dispose()
    say(f"新密钥 / New key: {made}")
