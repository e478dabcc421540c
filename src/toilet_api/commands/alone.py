"""One command without loading the others, some of which load the whole house: for what runs long, or starts often."""

from collections.abc import Callable
from typing import Any

import typer

from toilet_api.commands.logs import configure_logging
from toilet_api.commands.telling import told
from toilet_api.demonstration.places import DemonstrationRefusedError


def run(command: Callable[..., Any]) -> None:
    """As `toilet-api` runs it."""
    configure_logging()
    commands = typer.Typer(
        name="toilet-api",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    commands.command()(command)
    commands.callback()(_named)
    with told(DemonstrationRefusedError):
        commands()


def _named() -> None:
    """Where there is a callback, the command keeps its name even if it is the only one."""
