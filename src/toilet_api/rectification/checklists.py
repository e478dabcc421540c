"""Checklists (验收清单): common ones from the national standards, and a county's own, which are only ever tighter."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match
from toilet_api.kernel.scope import EVERYWHERE
from toilet_api.rectification.acceptance_checks import loosened
from toilet_api.rectification.checklist_schemas import ChecklistItem, ChecklistNew, ChecklistRow
from toilet_api.rectification.checklist_seed import ANY_TOILET, WORK
from toilet_api.rectification.problems import CHECKLIST_LOOSENED, CHECKLIST_RETIRED, SEEDED_CHECKLIST
from toilet_api.rectification.tables import Checklist
from toilet_api.registry.merging import difference
from toilet_api.registry.tables import Toilet
from toilet_api.survey.actions import remembered
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, existing, insert_once, locked, snapshot

_CONTENT = ("applies_to", "edition", "zh", "en", "items", "based_on_id", "retired_at")
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(current_schema() || '.checklist.' || :use, 0))")


@remembered
def checklist_select(caller: Caller) -> Select[Any]:
    """The common lists, and those of the caller's counties."""
    columns = [getattr(Checklist, name) for name in ChecklistRow.model_fields if name != "division_code"]
    counties = {"", *(prefix[:6] for prefix in caller.scope.prefixes if len(prefix) >= 6)}
    return select(func.nullif(col(Checklist.division_code), "").label("division_code"), *columns).where(
        or_(caller.scope.condition(col(Checklist.division_code)), col(Checklist.division_code).in_(counties))
    )


def present(row: Checklist) -> ChecklistRow:
    """One edition, as an answer."""
    named = row.model_dump(include=set(ChecklistRow.model_fields) - {"division_code"})
    return ChecklistRow(**named, division_code=row.division_code or None)


def items_of(row: Checklist) -> list[ChecklistItem]:
    """The items of an edition, in its order."""
    return [ChecklistItem.model_validate(item) for item in row.items]


def create(session: Session, caller: Caller, body: ChecklistNew, now: datetime) -> tuple[Checklist, bool]:
    """A county's next edition for a use; the edition that was in force is retired with it.

    Raises `checklist_loosened` (422) unless each item of the common list is there, as tight or tighter.
    """
    county = own_place(session, caller, body.division_code, 3)
    session.connection().execute(_ONE_AT_A_TIME, {"use": f"{county}.{body.applies_to}"})
    base = common(session, body.applies_to)
    editions = session.exec(
        rows_of(func.max(Checklist.edition)).where(
            Checklist.division_code == county, Checklist.applies_to == body.applies_to
        )
    ).one()
    row = Checklist(
        id=body.id or new_id(),
        division_code=county,
        applies_to=body.applies_to,
        edition=(editions or 0) + 1,
        zh=body.zh,
        en=body.en,
        items=[item.model_dump() for item in body.items],
        based_on_id=base.id,
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    if session.get(Checklist, row.id) is not None:
        return insert_once(session, row)  # a retry, or another record's id: nothing is retired for it
    faults = loosened(items_of(base), body.items)
    if faults:
        raise CHECKLIST_LOOSENED.problem(errors=faults, based_on_id=str(base.id))
    before = _own_in_force(session, county, body.applies_to)
    if before is not None:
        why = f"由第 {row.edition} 版替代 / Replaced by edition {row.edition}"
        _retire(session, before, caller.id, why, now)
        session.flush()
    row, made = insert_once(session, row)
    if made:
        _journal(session, row, "checklist.created", None, op="create")
    return row, made


def retire(
    session: Session, caller: Caller, checklist_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Checklist:
    """Take a county's own edition out of force; the common list applies again. Raises `checklist_seeded` (403)."""
    if existing(session, caller, Checklist, checklist_id).division_code == "":
        raise SEEDED_CHECKLIST.problem()
    row = locked(session, caller, Checklist, checklist_id)
    optional_match(if_match, row.version, lambda: present(row))
    if row.retired_at is not None:
        raise CHECKLIST_RETIRED.problem()
    _retire(session, row, caller.id, reason, now)
    return row


def common(session: Session, applies_to: str) -> Checklist:
    """The common list in force for a use; that of any toilet where a technical mode has none."""
    return _first(session, [("", applies_to), ("", ANY_TOILET)])


def applying(session: Session, division_code: str, toilet_id: UUID | None, problem_class: str) -> Checklist:
    """The list that the work at a place is checked by, by the toilet's technical mode as it is today.

    The county's own for the mode, else the common one for it, else the county's for any toilet, else the common one.
    """
    county = division_code[:6]
    if problem_class == WORK:
        return _first(session, [(county, WORK), ("", WORK)])
    toilet = None if toilet_id is None else session.get(Toilet, toilet_id)
    mode = ANY_TOILET if toilet is None else toilet.mode
    return _first(session, [(county, mode), ("", mode), (county, ANY_TOILET), ("", ANY_TOILET)])


def frozen(session: Session, caller: Caller, checklist_id: UUID) -> Checklist:
    """The edition that an acceptance was begun with, also where its place belongs to another county by now."""
    with seeing(session, caller, EVERYWHERE):
        return session.get_one(Checklist, checklist_id)


@contextmanager
def seeing(session: Session, caller: Caller, prefixes: tuple[str, ...]) -> Iterator[None]:
    """A wider scope for one look-up, and the caller's own again behind it.

    Whoever uses it hands on nothing but what the caller is entitled to. Where the look-up raises, the transaction ends
    with it.
    """
    session.flush()
    enter_scope(session, prefixes)
    yield
    enter_scope(session, caller.scope.prefixes)


def _first(session: Session, wanted: list[tuple[str, str]]) -> Checklist:
    rows = session.exec(
        rows_of(Checklist).where(
            col(Checklist.division_code).in_({place for place, _ in wanted}),
            col(Checklist.applies_to).in_({use for _, use in wanted}),
            col(Checklist.retired_at).is_(None),
        )
    )
    found = {(row.division_code, row.applies_to): row for row in rows}
    return next(found[one] for one in wanted if one in found)


def _own_in_force(session: Session, county: str, applies_to: str) -> Checklist | None:
    return session.exec(
        rows_of(Checklist)
        .where(
            Checklist.division_code == county,
            Checklist.applies_to == applies_to,
            col(Checklist.retired_at).is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _retire(session: Session, row: Checklist, by: UUID, reason: str, now: datetime) -> None:
    before = snapshot(row, _CONTENT)
    row.retired_at = now
    row.touch(by)
    _journal(session, row, "checklist.retired", before, reason=reason)


def _journal(
    session: Session,
    row: Checklist,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after = snapshot(row, _CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="checklist",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
