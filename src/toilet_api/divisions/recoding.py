"""What every change of codes has in common: end the old rows, add the new ones, say what succeeds what."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID, uuid5

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.divisions.lookup import find
from toilet_api.divisions.problems import DIVISION_CODE_TAKEN, DIVISION_ENDED, NO_FREE_CODE, UNKNOWN_DIVISION
from toilet_api.divisions.rules import free_code, level_of, parent_of
from toilet_api.divisions.tables import Division
from toilet_api.divisions.treelock import lock_tree
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, NOT_FOUND, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.fields import now
from toilet_api.kernel.scope import Scope

_IDS = UUID("6f5e2b0c-6d0e-5c1d-9a53-3d0c9a7f2e11")


def subject_id(code: str) -> UUID:
    """The id of a division in the journal, which wants a UUID; elsewhere divisions are known by their codes."""
    return uuid5(_IDS, code)


def checked_date(effective: date | None) -> date:
    """When a change takes effect. It is carried out at once, so it can't lie ahead."""
    today = now().date()
    if effective is not None and effective > today:
        raise INVALID.problem(
            errors=[
                FieldError(
                    "/effective",
                    "date_ahead",
                    ("生效日期不能晚于今天", "it can't lie ahead"),
                    str(effective),
                    str(today),
                )
            ]
        )
    return effective or today


def hold(session: Session, scope: Scope, code: str, pointer: str | None = None) -> Division:
    """A division of today, with the whole tree locked against other changes.

    `pointer` is None for the division of the address: 404 when it doesn't exist, and locked against writers of records.
    Else it is where the body names it: 422 when it doesn't exist, and writers go on: nothing of it ends.
    Raises `out_of_scope` and `division_ended`: a change is never applied to a successor unasked.
    """
    lock_tree(session)
    division = find(session, code)
    if division is None:
        if pointer is None:
            raise NOT_FOUND.problem()
        message = ("没有这个区划代码", "there is no division of this code")
        raise UNKNOWN_DIVISION.problem(errors=[FieldError(pointer, "unknown_division", message, code)])
    if not scope.covers(code):
        message = ("不在您的管辖范围内", "outside your scope")
        raise OUT_OF_SCOPE.problem(errors=[FieldError(pointer, "out_of_scope", message, code)] if pointer else [])
    if division.has_ended:
        raise DIVISION_ENDED.problem(
            (f"{code} {division.name} 已于 {division.valid_to} 撤销。", f"{code} ended on {division.valid_to}."),
            ended=code,
        )
    return division if pointer else _locked(session, [code])[code]


def subtree(session: Session, root: str) -> dict[str, Division]:
    """The divisions of today from `root` down, in the order of their codes, locked against writers of records."""
    codes = session.exec(
        select(Division.code).where(Division.code >= root, Division.code < root + ":", col(Division.valid_to).is_(None))
    )
    return _locked(session, codes)


def children_ever(session: Session, parent: str) -> list[str]:
    """Every code that was ever used directly below `parent`."""
    return list(session.exec(select(Division.code).where(Division.parent_code == parent)))


def chosen_code(
    session: Session,
    parent: str,
    wanted: str | None,
    pointer: str,
    *,
    like: str | None = None,
    taken: Iterable[str] = (),
) -> str:
    """`wanted`, if it is a free code below `parent`; without it a free one. `taken` are codes promised already."""
    used = {*children_ever(session, parent), *taken}
    if wanted is None:
        found = free_code(parent, used, like)
        if found is None:
            raise NO_FREE_CODE.problem(parent=parent)
        return found
    if parent_of(wanted) != parent or level_of(wanted) != level_of(parent) + 1:
        message = (f"须为 {parent} 的下级代码", f"must be a code directly below {parent}")
        raise INVALID.problem(errors=[FieldError(pointer, "wrong_parent", message, wanted)])
    if wanted in used:
        message = ("该代码已使用过", "this code is or was in use")
        raise DIVISION_CODE_TAKEN.problem(errors=[FieldError(pointer, "division_code_taken", message, wanted)])
    return wanted


def add(session: Session, names: Mapping[str, str], since: date) -> None:
    """New rows, parents first."""
    session.connection().execute(
        text(
            "insert into division (code, name, valid_from, maintained)"
            " select code, name, :since, true"
            " from unnest(cast(:codes as text[]), cast(:names as text[])) as added (code, name) order by code"
        ),
        {"codes": list(names), "names": list(names.values()), "since": since},
    )


def end(session: Session, codes: Iterable[str], on: date) -> None:
    """From `on` these divisions are no more; their codes stay known."""
    session.connection().execute(
        text(
            "update division set valid_to = greatest(:day, valid_from), version = version + 1, maintained = true,"
            " updated_at = now() where code = any(:codes)"
        ),
        {"codes": list(codes), "day": on},
    )


def succeed(
    session: Session, recoded: Mapping[str, str], kind: str, on: date, reason: str | None, *, main: bool = True
) -> None:
    """Say what has become of codes, under the names that they have now."""
    session.connection().execute(
        text(
            """
            insert into division_successor (old_code, old_name, new_code, kind, main, at, reason)
            select division.code, division.name, pair.new_code, :kind, :main, :day, :reason
            from unnest(cast(:old as text[]), cast(:new as text[])) as pair (old_code, new_code)
            join division on division.code = pair.old_code order by division.code
            """
        ),
        {
            "old": list(recoded),
            "new": list(recoded.values()),
            "kind": kind,
            "main": main,
            "day": on,
            "reason": reason,
        },
    )


def journal_tree(session: Session, action: str, op: str, codes: Iterable[str], reason: str | None) -> None:
    """One entry per division, at its own code, so that whoever keeps a copy of the tree hears of it."""
    listed = list(codes)
    journal.record_selected(
        session,
        f"""
        select '{action}' as action, 'division' as subject_type, entry.id as subject_id, division.code as division_code,
               division.version, '{op}' as op, cast(null as jsonb) as before,
               jsonb_build_object('code', division.code, 'name', division.name, 'valid_from', division.valid_from,
                                  'valid_to', division.valid_to) as after, cast(:reason as text) as reason
        from unnest(cast(:ids as uuid[]), cast(:codes as text[])) as entry (id, code)
        join division on division.code = entry.code
        """,
        {"ids": [subject_id(code) for code in listed], "codes": listed, "reason": reason},
    )


def _locked(session: Session, codes: Iterable[str]) -> dict[str, Division]:
    rows = session.exec(
        select(Division)
        .where(col(Division.code).in_(sorted(codes)))
        .order_by(Division.code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {division.code: division for division in rows}
