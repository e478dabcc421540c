"""The command `toilet-api`."""

import typer

from toilet_api import __version__
from toilet_api.commands import accounts, data, document, figures, serve, transfer, vault, working
from toilet_api.commands.logs import configure_logging
from toilet_api.commands.telling import told
from toilet_api.demonstration.places import DemonstrationRefusedError

cli = typer.Typer(
    name="toilet-api",
    help="农村户厕问题摸排整改接口 / The API of the survey and rectification of rural household toilets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command()(serve.serve)
cli.command()(working.worker)
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
    """Run the command."""
    configure_logging()
    with told(DemonstrationRefusedError):
        cli()
