"""The worker's process: all that the jobs need, and nothing that only answers requests."""

import re
from pathlib import Path

from toilet_api.commands import working

SOURCES = Path(working.__file__).parents[1]
DECLARES = re.compile(r"^@(?:jobs\.(?:task|beside)|on_\w+)\b", re.MULTILINE)
"""A task, what goes on beside the jobs, and what a room does when a record of another changes."""


def test_the_worker_loads_every_module_that_declares_something_to_be_done() -> None:
    modules = [path.relative_to(SOURCES.parent) for path in SOURCES.rglob("*.py") if DECLARES.search(path.read_text())]
    names = {".".join(path.with_suffix("").parts) for path in modules}
    loaded = set(re.findall(r"^import (toilet_api\.\S+)", Path(working.__file__).read_text(), re.MULTILINE))
    assert loaded == names
