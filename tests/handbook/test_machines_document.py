"""docs/state-machines.md is what the tables of the rooms say."""

from pathlib import Path

from toilet_api.handbook.machines_document import IN_ORDER, document
from toilet_api.kernel.machines import MACHINES

PAGE = Path(__file__).parents[2] / "docs" / "state-machines.md"


def test_the_page_is_fresh_and_leaves_no_machine_out() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: make docs"
    assert {machine.name for machine in IN_ORDER} == set(MACHINES)


def test_each_row_shows_step_role_guard_and_rule() -> None:
    page = document()
    for machine in IN_ORDER:
        assert f"## {machine.zh} `{machine.name}`" in page
        for step in machine.steps:
            parts = [
                f"| {step.zh} `{step.name}` |",
                f"| `{step.target}` |",
                step.rule,
                *(one.zh for one in step.guards),
            ]
            parts += [f"`{state}`" for state in step.sources]
            assert any(all(part in line for part in parts) for line in page.splitlines()), step
