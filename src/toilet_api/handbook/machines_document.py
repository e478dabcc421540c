"""docs/state-machines.md, written from the tables: `python -m toilet_api.handbook.machines_document`."""

import sys

from toilet_api.accounts.permissions import ROLES
from toilet_api.accounts.rules import CLIENT_STATES, USER_STATES
from toilet_api.exchange.sharing.rules import DATASET_GRANT, DATASET_REQUEST
from toilet_api.kernel.machines import MACHINES, Machine, Step
from toilet_api.oversight.rules import FALSIFICATION, SAMPLE
from toilet_api.rectification.rules import ACCEPTANCE, PLAN, POSTPONEMENT, TASK
from toilet_api.reporting.assessment.rules import ASSESSMENT, CALL_IN, FORMULA
from toilet_api.reporting.reports.rules import REPORT
from toilet_api.survey.rules import CAMPAIGN, PROBLEM, VISIT

IN_ORDER = (
    *(CAMPAIGN, VISIT, PROBLEM, PLAN, TASK, POSTPONEMENT, ACCEPTANCE, SAMPLE, FALSIFICATION),
    *(REPORT, FORMULA, ASSESSMENT, CALL_IN),
    *(DATASET_REQUEST, DATASET_GRANT),
    *(USER_STATES, CLIENT_STATES),
)
"""As the work goes; a test holds that none is left out."""

_HEAD = """\
# 状态机 / State machines

Written from the tables in each room's `rules.py`, on `kernel/machines.py`; don't edit it here (`make docs`).
`make test` fails when it is stale.

Each row of a table is (state, step, role, guard, next). From these rows come the error `wrong_state` with its rule and
what is possible instead, `allowed_actions` of every record (in SQL, so that lists have them too), the page
`/docs/roles`, the diagrams below, and the property tests. A step in brackets with the name of another record isn't
asked for here: that record's own step takes it along, in the same transaction.
"""


def document() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(machine) for machine in IN_ORDER)


def _section(machine: Machine) -> str:
    rows = "".join(_row(step) for step in machine.steps)
    return (
        f"\n## {machine.zh} `{machine.name}`\n\n```mermaid\n{machine.mermaid()}\n```\n\n"
        "| state 原状态 | step 步骤 | role 角色 | guard 条件 | next 新状态 | rule 依据 |\n|---|---|---|---|---|---|\n"
        + rows
    )


def _row(step: Step) -> str:
    states = ", ".join(f"`{state}`" for state in sorted(step.sources))
    roles = "、".join(rule.zh for rule in ROLES.values() if step.permission in rule.permissions)
    guards = "；".join(guard.zh for guard in step.guards)
    if step.driven_by:
        guards = "；".join(filter(None, [guards, f"随{MACHINES[step.driven_by].zh}变动"]))
    return f"| {states} | {step.zh} `{step.name}` | {roles} | {guards} | `{step.target}` | {step.rule} |\n"


if __name__ == "__main__":
    sys.stdout.write(document())
