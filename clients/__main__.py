"""`python -m clients [lint | LANGUAGE …]`: lint the document, or build clients and have each do the main job."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from clients.demonstration import PASSWORD, served
from clients.languages import LANGUAGES
from clients.tools import DOCUMENT, ROOT, StepFailedError, Tools, install, run, say

TRANSCRIPT = r"""signed in: township_manager
uploaded: succeeded, 2 created, 1 rejected
rejected: row 4, bad_year
signed in: village_surveyor
household: under an id of our own, once
visit: submitted, tank_cracked
ledger: walked, nothing twice
changes: created
refused: 404 not_found, with a remedy
"""


def lint(tools: Tools) -> None:
    """Every warning is an error."""
    config = ROOT / "openapi" / "redocly.yaml"
    redocly = tools.npx("redocly")
    run(
        *(tools.node, redocly, "lint", "--config", config, "--format", "stylish", "--max-problems", "200", DOCUMENT),
        environment={"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"},
    )
    say(f"{DOCUMENT.relative_to(ROOT)}: redocly 无意见 / has nothing to say")


def play(names: list[str], tools: Tools) -> None:
    """The clients are built while the demonstration is loaded; then each does the main job, on its own."""
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        ready = pool.submit(stack.enter_context, served())
        commands = {}
        for name in names:
            commands[name] = LANGUAGES[name](tools)
            say(f"{name}: 已生成、检查、编译 / generated, checked, built")
        address = ready.result()
        say(f"演示县 / demonstration: {address}")
        for name, command in commands.items():
            said = run(*command, address, PASSWORD)
            if not re.fullmatch(TRANSCRIPT, said):
                raise StepFailedError(f"{name} played otherwise:\n{said}\nand should have:\n{TRANSCRIPT}")
            say(f"{name}: {len(said.splitlines())} 步全部完成 / steps, all done")


def main(arguments: list[str]) -> int:
    """The exit code."""
    try:
        tools = install()
        if arguments == ["lint"]:
            lint(tools)
        else:
            play(arguments or list(LANGUAGES), tools)
    except StepFailedError as failed:
        say(f"失败 / Failed: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
