"""`toilet-api`, and `python -m toilet_api`."""

import gc
import sys
from collections.abc import Callable
from functools import partial


def main() -> None:
    """Run the command. What only talks to a server over HTTP doesn't load one, which takes seconds."""
    if sys.argv[1:2] in (["upload"], ["download"]):
        from toilet_api.commands import transfer

        transfer.main()
        return
    # What is loaded now stays to the end: looking through it for what could be thrown away takes a third as long.
    gc.disable()
    command = _named(*sys.argv[1:3])
    gc.freeze()
    gc.enable()
    command()


def _named(name: str = "", descriptor: str = "") -> Callable[[], None]:
    """The command, loaded; those that stay for long without what only others need."""
    if name == "web" and descriptor.isdecimal():  # a child of `serve`, not for people
        from toilet_api.commands import web

        return partial(web.serve, int(descriptor))
    if name not in ("serve", "worker"):
        from toilet_api import cli

        return cli.main
    from toilet_api.commands import alone
    from toilet_api.commands.telling import told
    from toilet_api.demonstration.places import DemonstrationRefusedError

    within = told(DemonstrationRefusedError)
    if name == "worker":
        from toilet_api.commands.working import worker

        return partial(alone.run, worker, within=within)
    from toilet_api.commands.serve import serve

    return partial(alone.run, serve, within=within)


if __name__ == "__main__":
    main()
