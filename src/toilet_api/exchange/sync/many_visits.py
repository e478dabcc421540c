"""Visits of a wave, set-based: what they refer to is read for all together, and the survey's rules look at each."""

from typing import Any

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync.in_sets import alike, conclude, entry, written
from toilet_api.exchange.sync.work import Desk, Work
from toilet_api.kernel.errors import Problem
from toilet_api.registry.merging import difference
from toilet_api.survey import expected, visit_content, visits
from toilet_api.survey.records import journal_many
from toilet_api.survey.tables import Visit
from toilet_api.survey.visit_content import Around, Changes, Written, content_of

_COLUMNS = (
    *visit_content.PLAIN,
    *("toilet_id", "longitude", "latitude", "position_system", "position_accuracy_m", "photo_ids"),
    *("surveyor_signature_ids", "household_signature_ids", "version", "updated_at", "updated_by"),
)


def create(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Drafts at households that are held; the caller is their surveyor."""
    given: list[tuple[Work, Visit, Changes]] = []
    for work in works:
        household = desk.households.get(work.body.household_id)
        if (
            work.item.record_id not in desk.visits
            and household is not None
            and household.removed_at is None
            and caller.scope.covers(household.division_code)
            and desk.stands(household.division_code)
        ):
            given.append((work, visits.built(caller, household, work.body), visits.said(work.body)))
    ready: list[tuple[Work, Visit, Written, dict[str, Any]]] = []

    def write() -> None:
        around = visit_content.read(desk.session, [(visit, changes) for _, visit, changes in given], new=True)
        for work, visit, changes in given:
            try:
                beside = visit_content.apply(around, visit, changes, desk.now, may_follow=True)
            except Problem:
                continue
            ready.append((work, visit, beside, content_of(visit, around.active(visit.id))))
        desk.session.add_all(visit for _, visit, _, _ in ready)
        desk.session.flush()
        _write_beside(desk, [(visit, beside) for _, visit, beside, _ in ready])
        entries = [entry("visit", "created", visit, "create", None, after) for _, visit, _, after in ready]
        journal_many(desk.session, entries)

    if given and written(desk, write):
        for work, visit, _, _ in ready:
            desk.visits[visit.id] = visit
            conclude(desk, work, visit, made=True)
    return [work for work in works if work.outcome is None]


def update(desk: Desk, caller: Caller, works: list[Work]) -> list[Work]:
    """Patches of drafts and returned visits of the caller's own."""
    given: list[tuple[Work, Visit, Changes]] = []
    for work in works:
        visit = desk.visits.get(work.item.record_id)
        if visit is not None and _may(desk, caller, visit):
            given.append((work, visit, work.body.changes()))
    ready: list[tuple[Work, Visit, Written, dict[str, Any], dict[str, Any]]] = []

    def write() -> None:
        around = visit_content.read(desk.session, [(visit, changes) for _, visit, changes in given])
        with desk.session.no_autoflush:
            for work, visit, changes in given:
                before = content_of(visit, around.active(visit.id))
                try:
                    beside = visit_content.apply(around, visit, changes, desk.now, may_follow=True)
                except Problem:
                    _forget(desk, visit, around)
                    continue
                after = content_of(visit, around.active(visit.id))
                if after == before:
                    conclude(desk, work, visit, made=False)
                else:
                    ready.append((work, visit, beside, *difference(before, after)))
                    visit.touch(caller.id)
        alike((visit for _, visit, _, _, _ in ready), _COLUMNS)
        _write_beside(desk, [(visit, beside) for _, visit, beside, _, _ in ready])
        entries = [entry("visit", "updated", visit, "update", was, becomes) for _, visit, _, was, becomes in ready]
        journal_many(desk.session, entries)

    if given and written(desk, write):
        for work, visit, *_ in ready:
            conclude(desk, work, visit, made=True)
    return [work for work in works if work.outcome is None]


def _forget(desk: Desk, visit: Visit, around: Around) -> None:
    """What a refused patch has written so far into the rows."""
    for row in (visit, *around.findings[visit.id].values()):
        if row in desk.session:
            desk.session.expire(row)


def _may(desk: Desk, caller: Caller, visit: Visit) -> bool:
    """Whether the patch can be looked at here; if not, the survey's own function says why."""
    if visit.removed_at is not None or not caller.scope.covers(visit.division_code):
        return False
    try:
        visits.require_editable(caller, visit)
    except Problem:
        return False
    return desk.stands(visit.division_code)


def _write_beside(desk: Desk, pairs: list[tuple[Visit, Written]]) -> None:
    desk.session.add_all(finding for _, beside in pairs for finding in beside.findings)
    desk.session.flush()
    expected.expect(desk.session, [(visit, one, kind) for visit, beside in pairs for one, kind in beside.expected])
