"""The list of events is complete: whatever the rooms journal of these records has its name in it."""

import re
from pathlib import Path

import toilet_api
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.webhooks import events
from toilet_api.kernel.codes import CODE_LISTS

SOURCE = Path(toilet_api.__file__).parent
_LITERAL = re.compile(rf"""["']((?:{"|".join(events.VERBS)})\.[a-z][a-z_]*)["']""")
_NO_ACTIONS = {f"{subject}.{column}" for subject in events.VERBS for column in ("id", "division_code", "conf", "scope")}
_NO_ACTIONS |= {f"toilet.{view}" for view in ("mode", "year", "leader", "mode_year", "mode_leader", "year_leader")}
_NO_ACTIONS |= {"problem.cause", "problem.due"}  # views of the statistics, like those of toilets
_NO_ACTIONS |= {"problem.html", "division.html", "report.xlsx", "report.clock"}  # files, and a task
_SILENT = {"division.loaded", "household.revealed", "visit.removed"}
"""Noted in the audit trail alone."""


def test_every_action_that_is_journaled_has_its_name() -> None:
    found = {
        name
        for file in SOURCE.rglob("*.py")
        if "webhooks" not in file.parts
        for name in _LITERAL.findall(file.read_text())
    }
    actions = found - set(Permission) - _NO_ACTIONS - _SILENT
    assert len(actions) > 60
    assert actions - set(events.TYPES) == set()


def test_patterns() -> None:
    assert events.wanted(["*"], "problem.closed")
    assert events.wanted(["problem.*"], "problem.closed")
    assert events.wanted(["household.created", "problem.closed"], "problem.closed")
    assert not events.wanted(["problem_type.*", "problem.opened"], "problem.closed")
    assert events.subjects_of(["problem.*", "household.created"]) == {"problem", "household"}
    assert events.subjects_of(["problem.*", "*"]) == set(events.VERBS)
    assert {code.code for code in CODE_LISTS["webhook_event_type"]} == {*events.TYPES, events.PING}
