"""Toilets of a wave, set-based; at most one of each household, as `ordering` gives them."""

from typing import Any

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync.in_sets import alike, conclude, entry, written
from toilet_api.exchange.sync.many_households import refresh
from toilet_api.exchange.sync.work import Desk, Work
from toilet_api.kernel.errors import Problem
from toilet_api.registry import counting, toilets
from toilet_api.registry.merging import difference
from toilet_api.registry.schemas import ToiletOptions
from toilet_api.registry.tables import Toilet
from toilet_api.survey.records import journal_many

_COLUMNS = (
    *("mode", *ToiletOptions.model_fields, "longitude", "latitude", "position_system", "position_accuracy_m"),
    *("version", "updated_at", "updated_by"),
)


def create(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Add toilets to households that are held."""
    undone: list[Work] = []
    made: list[tuple[Work, Toilet]] = []
    for work in works:
        household = desk.households.get(work.body.household_id)
        known = work.item.record_id in desk.toilets
        if (
            known
            or household is None
            or household.removed_at is not None
            or not caller.scope.covers(household.division_code)
        ):
            undone.append(work)
            continue
        made.append((work, toilets.built(desk.vault, caller, household, work.body)))
    if made and not written(desk, lambda: _insert(desk, [toilet for _, toilet in made])):
        return works
    for work, toilet in made:
        desk.toilets[toilet.id] = toilet
        conclude(desk, work, toilet, made=True)
    return undone


def _insert(desk: Desk, rows: list[Toilet]) -> None:
    desk.session.add_all(rows)
    desk.session.flush()
    _count(desk, rows)
    journal_many(desk.session, [entry("toilet", "created", row, "create", None, toilets.document(row)) for row in rows])


def _count(desk: Desk, rows: list[Toilet]) -> None:
    counting.recount(desk.session, {row.household_id for row in rows}, written=[row.id for row in rows])
    refresh(desk, rows)


def update(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Apply patches to toilets that are held."""
    altered: list[tuple[Work, Toilet, dict[str, Any]]] = []

    def write() -> None:
        for work in works:
            toilet = desk.toilets.get(work.item.record_id)
            if toilet is None or toilet.removed_at is not None or not caller.scope.covers(toilet.division_code):
                continue
            before = toilets.document(toilet)
            try:
                changed = toilets.alter(toilet, work.body)
            except Problem:
                desk.session.expire(toilet)  # what the patch has written so far is forgotten
                continue
            if changed:
                altered.append((work, toilet, before))
            else:
                conclude(desk, work, toilet, made=False)
        if altered:
            _write(desk, caller, altered)

    if written(desk, write):
        for work, toilet, _ in altered:
            conclude(desk, work, toilet, made=True)
    return [work for work in works if work.outcome is None]


def _write(desk: Desk, caller: Caller, altered: list[tuple[Work, Toilet, dict[str, Any]]]) -> None:
    rows = [toilet for _, toilet, _ in altered]
    for row in rows:
        row.touch(caller.id)
    alike(rows, _COLUMNS)
    desk.session.flush()
    _count(desk, rows)
    journal_many(
        desk.session,
        [
            entry("toilet", "updated", toilet, "update", *difference(before, toilets.document(toilet)))
            for _, toilet, before in altered
        ],
    )
