"""The command `toilet-api`."""

import sys

import psycopg
import typer
from alembic.util import CommandError
from procrastinate.exceptions import ConnectorException
from psycopg.errors import InsufficientPrivilege
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError

from toilet_api import __version__
from toilet_api.commands import accounts, data, document, figures, serve, transfer, vault
from toilet_api.commands.children import GaveUpError
from toilet_api.commands.deployment import NotMigratedError
from toilet_api.commands.logs import configure_logging
from toilet_api.demonstration import DemonstrationRefusedError
from toilet_api.divisions.loading import FileRefusedError
from toilet_api.kernel.embedded import EmbeddedPostgresError
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.vault import VaultError

cli = typer.Typer(
    name="toilet-api",
    help="农村户厕问题摸排整改接口 / The API of the survey and rectification of rural household toilets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command()(serve.serve)
cli.command()(data.worker)
cli.command()(data.migrate)
cli.command()(data.demo)
cli.command()(document.openapi)
cli.command()(transfer.upload)
cli.command()(transfer.download)
cli.add_typer(data.divisions, name="divisions")
cli.add_typer(figures.statistics, name="statistics")
cli.add_typer(accounts.users, name="users")
cli.add_typer(accounts.keys, name="keys")
cli.add_typer(vault.vault, name="vault")


@cli.command()
def version() -> None:
    """显示版本 / Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command. What an operator can mend is told in a line or two, without a stack trace."""
    configure_logging()
    try:
        cli()
    except (
        DemonstrationRefusedError,
        EmbeddedPostgresError,
        FileRefusedError,
        GaveUpError,
        NotMigratedError,
        VaultError,
    ) as error:
        _fail(str(error))
    except Problem as error:
        _fail(_told(error))
    except ValidationError as error:
        # Without the values: one of them may be a secret.
        _fail("\n".join(f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()))
    except (OperationalError, psycopg.OperationalError, ConnectorException) as error:
        _fail(f"数据库不可用 / The database is not available: {getattr(error, 'orig', error)}")
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        _fail(f"数据库权限不足；迁移须用 DATABASE_OWNER_URL / Not allowed; DATABASE_OWNER_URL migrates: {error.orig}")
    except CommandError as error:
        _fail(f"数据库版本与程序不符 / The database is of another version of this program: {error}")


def _told(problem: Problem) -> str:
    lines = list(dict.fromkeys([f"{problem.type.zh} / {problem.type.en}", " / ".join(problem.detail)]))
    lines += [f"{error.pointer}: {' / '.join(error.message)}" for error in problem.errors]
    return "\n".join(lines)


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(1)
