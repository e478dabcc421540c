"""Databases in the states that an operator meets."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.conftest import make_settings, on, plain
from tests.delivery.running import Run, run
from toilet_api.settings import Settings

_numbers = itertools.count()


@pytest.fixture
def empty(server: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a database without anything in it."""
    with _database(server, "template0") as url:
        yield make_settings(url, tmp_path)


@pytest.fixture
def unpeopled(server: str, divided: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a migrated database with a few divisions, and nobody."""
    with _database(server, divided) as url:
        yield make_settings(url, tmp_path)


@contextmanager
def _database(server: str, template: str) -> Iterator[str]:
    name = f"delivery_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy".encode())
        yield on(server, name)
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def command(settings: Settings) -> Run:
    """The command on this test's clone of the template, which has divisions and people."""
    return commanding(settings)


def commanding(settings: Settings) -> Run:
    """The command with a database of its own by DATABASE_URL."""

    def run_there(*arguments: str | Path, stdin: str = "", **variables: str):
        there = {
            "DATABASE_URL": settings.database_url or "",
            "DATA_DIR": str(settings.data_dir),
            "SECRET_KEY": settings.secret_key or "",
        }
        return run(*arguments, stdin=stdin, **(there | variables))

    return run_there
