"""`toilet-api`, and `python -m toilet_api`."""

import gc
import sys


def main() -> None:
    """Run the command. What only talks to a server over HTTP doesn't load one, which takes seconds."""
    if sys.argv[1:2] in (["upload"], ["download"]):
        from toilet_api.commands import transfer

        transfer.main()
        return
    # What is loaded now stays to the end: looking through it for what could be thrown away takes a third as long.
    gc.disable()
    if sys.argv[1:2] == ["worker"]:
        from toilet_api.commands.working import main as command
    else:
        from toilet_api.cli import main as command
    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    main()
