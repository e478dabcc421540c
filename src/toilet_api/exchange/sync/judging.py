"""Whether an item may be applied on top of what others have done to its record since the version it is based on."""

from typing import Any

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync import merging
from toilet_api.exchange.sync.problems import SYNC_VERSION_AHEAD
from toilet_api.exchange.sync.work import Desk, Outcome, Work
from toilet_api.kernel.errors import MATCH_REQUIRED, Problem
from toilet_api.kernel.fields import Position
from toilet_api.registry import households, toilets, unsealing, views
from toilet_api.registry.merging import changes_of
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import visit_views
from toilet_api.survey.tables import Visit
from toilet_api.survey.visits import active_findings

_DERIVED = {"counted"}
"""What follows from other fields; nobody writes it."""


def judge(desk: Desk, caller: Caller, work: Work) -> None:
    """Note that the item merges, or give it the outcome `conflict`.

    Raises `match_required` without a base for a record that isn't the device's own, `sync_version_ahead`.
    """
    row = desk.row(work.subject)
    if row is None or not caller.scope.covers(row.division_code) or row.removed_at is not None:
        return  # the room's function says what is wrong
    own = desk.own.get(work.subject, set())
    base = work.item.base_version
    if base is None:
        if work.item.op != "update":
            return  # a step is taken on what is there, as its route does without If-Match
        if 1 not in own:
            raise MATCH_REQUIRED.problem(
                (
                    "修改须写明 base_version（本机新建的除外）。",
                    "A change says its base_version, unless this device made the record.",
                ),
                version=row.version,
            )
        base = 1
    held = desk.held.get(work.subject)
    if held is None:  # made by this very batch
        return
    if base > row.version:
        raise SYNC_VERSION_AHEAD.problem(version=row.version)
    later = desk.later.get(work.subject, {})
    if work.item.op == "update":
        mine = merging.fields_of(changes_of(work.body))
        verdict = merging.judge(base, held, own, later, mine)
        clashing = differing(desk, row, work) & verdict.clashing if verdict.clashing else set()
    else:
        # A step is taken on the whole record: whatever somebody else has changed was not seen.
        told = set().union(*later.values(), merging.EVERYTHING)
        verdict = merging.judge(base, held, own, later, told)
        clashing = set(verdict.clashing) - _DERIVED
    work.merges = verdict.merges
    if clashing:
        work.outcome = Outcome(
            "conflict", version=row.version, fields=sorted(clashing), server=shown(desk, caller, work)
        )


def differing(desk: Desk, row: Household | Toilet | Visit, work: Work) -> set[str]:
    """The fields of an update whose value isn't the record's already."""
    if isinstance(row, Household):
        return _of_household(desk, row, work)
    if isinstance(row, Toilet):
        copy = Toilet(**row.model_dump())
        try:
            return set(merging.journaled_fields("toilet.updated", dict.fromkeys(toilets.alter(copy, work.body))))
        except Problem:
            return merging.fields_of(changes_of(work.body))
    return _of_visit(desk, row, work.body.changes())


def _of_household(desk: Desk, row: Household, work: Work) -> set[str]:
    changes = changes_of(work.body)
    village = changes.pop("division_code", row.division_code)
    found = households.alter(desk.vault, row, changes, lambda: unsealing.unseal(desk.session, desk.vault, row))
    fields = set() if found is None else merging.journaled_fields("household.updated", found.becomes)
    return fields | ({"division_code"} if village != row.division_code else set())


def _of_visit(desk: Desk, row: Visit, changes: dict[str, Any]) -> set[str]:
    found = set()
    for name, value in changes.items():
        if name == "position":
            position: Position | None = value
            there = (row.longitude, row.latitude)
            differs = there != ((None, None) if position is None else position.to_wgs84())
        elif name == "findings":
            standing = [(kind.code, one.note, one.photo_ids) for one, kind in active_findings(desk.session, row)]
            differs = standing != [(one.problem_type, one.note, one.photo_ids) for one in value]
        else:
            differs = getattr(row, name) != value
        if differs:
            found.add(name)
    return found


def shown(desk: Desk, caller: Caller, work: Work) -> dict[str, Any] | None:
    """The record as its own route shows it to the caller, masked; None where it isn't to be seen."""
    kind, record_id = work.subject
    try:
        if kind == "household":
            return views.show_household(desk.session, caller, record_id).model_dump(mode="json")
        if kind == "toilet":
            return views.show_toilet(desk.session, caller, record_id).model_dump(mode="json")
        row = desk.visits.get(record_id)
        if kind == "visit" and row is not None:
            return visit_views.present(desk.session, caller, row).model_dump(mode="json")
    except Problem:
        return None
    return None
