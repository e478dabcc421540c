"""`vault reseal`: what older keys have sealed, sealed with the key that is first in VAULT_KEYS."""

from typing import Annotated

import typer

from toilet_api.commands.deployment import DataDir, deployment, require_migrated, say
from toilet_api.commands.resealing import BATCH, reseal
from toilet_api.kernel import progress
from toilet_api.kernel.database import Database
from toilet_api.kernel.vault import Vault

vault = typer.Typer(no_args_is_help=True, help="加密保管的数据 / What is kept sealed.")
_SHOWN = 20


@vault.command("reseal")
def reseal_all(
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="每个事务的行数 / Rows of one transaction.")] = BATCH,
    data_dir: DataDir = None,
) -> None:
    """以现用密钥重新加密旧密钥加密的数据，可随时中断、重来 / Seal anew, with the first of VAULT_KEYS.

    Exit code 1 where something is left.
    """
    left = 0
    with deployment(data_dir) as settings:
        require_migrated(settings)
        database, keys = Database(settings), Vault(settings)
        try:
            with progress.shown() as step:
                found = list(reseal(database, keys, step, batch))
        finally:
            database.dispose()
    for one in found:
        say(f"{one.table}: 重新加密 sealed anew {one.anew}, 剩余 left {one.left}")
        for key, why in list(one.closed.items())[:_SHOWN]:
            say(f"  {key}: {why}")
        if len(one.closed) > _SHOWN:
            say(f"  …… 共 {len(one.closed)} 行打不开 / rows that can't be opened")
        left += one.left
    if left:
        say("未全部完成：旧密钥仍须保留，稍后重新运行 / Something is left: keep the old keys, and run it again")
        raise typer.Exit(1)
    say(f"全部由密钥 {keys.writing_key} 加密 / Everything is sealed with the key {keys.writing_key}")
