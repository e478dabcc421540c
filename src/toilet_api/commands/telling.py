"""What an operator can mend is told in a line or two, without a stack trace."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import typer
from alembic.util import CommandError
from procrastinate.exceptions import ConnectorException
from psycopg.errors import InsufficientPrivilege
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, ProgrammingError

from toilet_api.commands.children import GaveUpError
from toilet_api.commands.deployment import NotMigratedError
from toilet_api.divisions.loading import FileRefusedError
from toilet_api.kernel.embedded import EmbeddedPostgresError
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.vault import VaultError

_SPEAKING: tuple[type[Exception], ...] = (
    EmbeddedPostgresError,
    FileRefusedError,
    GaveUpError,
    NotMigratedError,
    VaultError,
)


@contextmanager
def told(*refusals: type[Exception]) -> Iterator[None]:
    """Around a command: ends the process with exit code 1 and the line. `refusals` say by themselves what is wrong."""
    try:
        yield
    except (*_SPEAKING, *refusals) as error:
        _fail(str(error))
    except Problem as error:
        _fail(_lines(error))
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


def _lines(problem: Problem) -> str:
    lines = list(dict.fromkeys([f"{problem.type.zh} / {problem.type.en}", " / ".join(problem.detail)]))
    lines += [f"{error.pointer}: {' / '.join(error.message)}" for error in problem.errors]
    return "\n".join(lines)


def _fail(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(1)
