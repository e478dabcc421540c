"""The problem catalogue: common types, which nobody changes here, and the types of a county's own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlmodel import Session
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.merging import difference
from toilet_api.survey.actions import remembered
from toilet_api.survey.catalogue_seed import PROBLEM_TYPES
from toilet_api.survey.places import own_place
from toilet_api.survey.problems import ALREADY_RETIRED, CODE_TAKEN, SEEDED_TYPE
from toilet_api.survey.records import digest, existing, insert_once, locked, snapshot
from toilet_api.survey.schemas import ProblemTypeNew, ProblemTypePatch, ProblemTypeRow
from toilet_api.survey.tables import CatalogueType

_CONTENT = ("code", "zh", "en", "problem_class", "problem_group", "cause", "retired_at")


@remembered
def type_select(caller: Caller) -> Select[Any]:
    """The common types, and those of the caller's counties."""
    columns = [getattr(CatalogueType, name) for name in ProblemTypeRow.model_fields if name != "division_code"]
    counties = {"", *(prefix[:6] for prefix in caller.scope.prefixes if len(prefix) >= 6)}
    return select(func.nullif(CatalogueType.division_code, "").label("division_code"), *columns).where(
        or_(caller.scope.condition(CatalogueType.division_code), CatalogueType.division_code.in_(counties))  # type: ignore[attr-defined]
    )


def present(entry: CatalogueType) -> ProblemTypeRow:
    """One type, as an answer."""
    return ProblemTypeRow(
        **entry.model_dump(include=set(ProblemTypeRow.model_fields) - {"division_code"}),
        division_code=entry.division_code or None,
    )


def create(session: Session, caller: Caller, body: ProblemTypeNew) -> tuple[CatalogueType, bool]:
    """A type of a county's own. Its code may not be that of a common type. Raises `problem_type_code_taken`."""
    if body.code in PROBLEM_TYPES:
        raise CODE_TAKEN.problem()
    entry = CatalogueType(
        **body.model_dump(exclude={"id", "division_code"}),
        id=body.id or new_id(),
        division_code=own_place(session, caller, body.division_code, 3),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    entry, made = insert_once(session, entry, {"problem_type_code": CODE_TAKEN})
    if made:
        _journal(session, entry, "problem_type.created", None, op="create")
    return entry, made


def change(
    session: Session, caller: Caller, type_id: UUID, body: ProblemTypePatch, if_match: str | None
) -> CatalogueType:
    """Merge a patch into a county's own type."""
    entry = _own(session, caller, type_id)
    require_match(if_match, entry.version, lambda: present(entry))
    before = snapshot(entry, _CONTENT)
    for name, value in body.changes().items():
        setattr(entry, name, value)
    entry.touch(caller.id)
    _journal(session, entry, "problem_type.updated", before)
    return entry


def retire(
    session: Session, caller: Caller, type_id: UUID, reason: str, if_match: str | None, now: datetime
) -> CatalogueType:
    """No new finding may use the type; the problems that have it keep it."""
    entry = _own(session, caller, type_id)
    optional_match(if_match, entry.version, lambda: present(entry))
    if entry.retired_at is not None:
        raise ALREADY_RETIRED.problem()
    before = snapshot(entry, _CONTENT)
    entry.retired_at = now
    entry.touch(caller.id)
    _journal(session, entry, "problem_type.retired", before, reason=reason)
    return entry


Named = dict[tuple[str, str], CatalogueType]
"""Types by county (empty: they hold everywhere) and code."""


def types_named(session: Session, codes: Collection[str], counties: Collection[str]) -> Named:
    """The types of these codes: common ones and those of the counties."""
    if not codes:
        return {}
    rows = session.exec(
        rows_of(CatalogueType).where(
            CatalogueType.code.in_(set(codes)),  # type: ignore[attr-defined]
            CatalogueType.division_code.in_(["", *counties]),  # type: ignore[attr-defined]
        )
    )
    return {(entry.division_code, entry.code): entry for entry in rows}


def types_for(
    session: Session, codes: Collection[str], division_code: str, pointers: dict[str, str], keep: Collection[UUID] = ()
) -> dict[str, CatalogueType]:
    """The types that `codes` name in a county: common ones and its own.

    Raises 422 for unknown and retired ones, at `pointers[code]`; a retired type in `keep` was there before, so stays.
    """
    return chosen(types_named(session, codes, [division_code[:6]]), codes, division_code, pointers, keep)


def chosen(
    named: Named, codes: Collection[str], division_code: str, pointers: dict[str, str], keep: Collection[UUID] = ()
) -> dict[str, CatalogueType]:
    """`types_for` of types that were read before."""
    found = {}
    for code in codes:
        entry = named.get((division_code[:6], code)) or named.get(("", code))
        if entry is not None:
            found[code] = entry
    faults = [
        FieldError(pointers[code], "unknown_code", ("问题目录中没有该类型", "no such problem type"), code)
        for code in codes
        if code not in found
    ]
    faults += [
        FieldError(pointers[entry.code], "retired_code", ("该问题类型已停用", "the type is retired"), entry.code)
        for entry in found.values()
        if entry.retired_at is not None and entry.id not in keep
    ]
    if faults:
        raise INVALID.problem(errors=faults)
    return found


def _own(session: Session, caller: Caller, type_id: UUID) -> CatalogueType:
    if existing(session, caller, CatalogueType, type_id).division_code == "":
        raise SEEDED_TYPE.problem()
    return locked(session, caller, CatalogueType, type_id)


def _journal(
    session: Session,
    entry: CatalogueType,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after = snapshot(entry, _CONTENT)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="problem_type",
        subject_id=entry.id,
        division_code=entry.division_code,
        version=entry.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
