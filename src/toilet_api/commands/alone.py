"""A command or two without the others, some of which load the whole house: for what runs long, or starts often."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import typer

from toilet_api.commands.logs import configure_logging


def run(*commands: Callable[..., Any], within: AbstractContextManager[None] | None = None) -> None:
    """As `toilet-api` runs them. `within`: what tells an operator what went wrong."""
    configure_logging()
    alone = typer.Typer(
        name="toilet-api",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in commands:
        alone.command()(command)
    alone.callback()(_named)
    with within or nullcontext():
        alone()


def _named() -> None:
    """Where there is a callback, a command keeps its name even if it is the only one."""
