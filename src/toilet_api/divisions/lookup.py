"""Finding divisions: what a code means today, what it is called, and locking it for whoever writes a record there."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session, col, select

from toilet_api.divisions.problems import DIVISION_ENDED, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL
from toilet_api.divisions.rules import LEVEL_NAMES
from toilet_api.divisions.tables import Division, DivisionSuccessor
from toilet_api.kernel.errors import OUT_OF_SCOPE, FieldError, Problem
from toilet_api.kernel.scope import Scope

_BELOW = text(
    "select code, name from division where level = :level and valid_to is null and code >= :low and code < :high"
    " order by code"
)
_VILLAGES = text(
    """
    with recursive here as (
        select village.code, village.name, township.code as township_code, township.name as township,
               county.code as county_code, county.name as county
        from division as village
        join division as township on township.code = village.parent_code
        join division as county on county.code = township.parent_code
        where village.level = 5 and village.valid_to is null and village.code >= :low and village.code < :high
    ),
    before (code, old_code, old_name) as (
        select here.code, past.old_code, past.old_name
        from here join division_successor as past on past.new_code = here.code
        union
        select before.code, past.old_code, past.old_name
        from before join division_successor as past on past.new_code = before.old_code
    )
    select here.*,
           array(select distinct old_name from before
                 where before.code = here.code and old_name <> here.name order by 1) as former_names,
           array(select distinct old_code from before
                 where before.code = here.code and old_code <> here.code order by 1) as former_codes
    from here order by here.code
    """
)


@dataclass(frozen=True, slots=True)
class Village:
    """A village of today, with what it was called and coded before."""

    code: str
    name: str
    township_code: str
    township: str
    county_code: str
    county: str
    former_names: tuple[str, ...]
    former_codes: tuple[str, ...]


def find(session: Session, code: str) -> Division | None:
    """The division of exactly this code, ended or not."""
    return session.exec(
        select(Division).where(Division.code == code).execution_options(populate_existing=True)
    ).one_or_none()


def resolve(session: Session, code: str) -> Division | None:
    """The division that `code` means today: itself, or what a merge, split or move has made of it.

    None for an unknown code. An ended division without a successor is returned as it is (`has_ended`).
    """
    division = find(session, code)
    while division is not None and division.has_ended:
        following = _successor(session, division.code)
        if following is None:
            break
        division = find(session, following)
    return division


def resolve_for_write(
    session: Session, code: str, level: int | None = 5, pointer: str = "/division_code", *, scope: Scope | None = None
) -> Division:
    """The division that a record is about to be written at, share-locked to the end of the transaction.

    A merge or move of it waits for the writer; a writer that comes later waits for the move and then gets the
    successor. Call it before other rows are locked. Raises `unknown_division`, `wrong_division_level`,
    `division_ended`, or `out_of_scope` when the code, or what has become of it, lies outside of `scope` or of the
    transaction's scope.
    """
    following: str | None = code
    while following is not None:
        division = _share_locked(session, [following]).get(following)
        if division is None:
            if find(session, following) is None:
                raise UNKNOWN_DIVISION.problem(errors=[_fault(pointer, "unknown_division", code)])
            raise OUT_OF_SCOPE.problem(errors=[_fault(pointer, "out_of_scope", code)])
        if not division.has_ended:
            if scope is not None and not scope.covers(following):
                raise OUT_OF_SCOPE.problem(errors=[_fault(pointer, "out_of_scope", code)])
            if level is not None and division.level != level:
                raise _wrong_level(level, code, pointer)
            return division
        following = _successor(session, division.code)
    raise DIVISION_ENDED.problem(errors=[_fault(pointer, "division_ended", code)])


def lock_for_write(session: Session, codes: Collection[str]) -> dict[str, Division]:
    """`resolve_for_write` for a batch: each code with its division of today, share-locked in the order of codes.

    Codes that are unknown, outside of the scope or ended without a successor are left out.
    """
    found: dict[str, Division] = {}
    pending = {code: code for code in codes}
    while pending:
        locked = _share_locked(session, set(pending.values()))
        following: dict[str, str] = {}
        for code, place in pending.items():
            division = locked.get(place)
            if division is None:
                continue
            if not division.has_ended:
                found[code] = division
            elif (successor := _successor(session, place)) is not None:
                following[code] = successor
        pending = following
    return found


def names(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The names of those of `codes` that exist, ended ones included."""
    wanted = sorted(set(codes))
    rows = session.exec(select(Division.code, Division.name).where(col(Division.code).in_(wanted)))
    return dict(rows.all())


def below(session: Session, level: int, prefixes: Iterable[str]) -> dict[str, str]:
    """The divisions of today of a level under any of `prefixes`, code to name, in the order of their codes."""
    found: dict[str, str] = {}
    for prefix in sorted(prefixes):
        rows = session.connection().execute(_BELOW, {"level": level, "low": prefix, "high": prefix + ":"})
        found |= {row.code: row.name for row in rows}
    return found


def villages_under(session: Session, prefix: str) -> list[Village]:
    """The villages of today under a code prefix, in the order of their codes, with former names and codes."""
    rows = session.connection().execute(_VILLAGES, {"low": prefix, "high": prefix + ":"})
    return [
        Village(**row | {"former_names": tuple(row["former_names"]), "former_codes": tuple(row["former_codes"])})
        for row in map(dict, rows.mappings())
    ]


def _share_locked(session: Session, codes: Collection[str]) -> dict[str, Division]:
    # Row-level security lets only divisions inside the scope be locked.
    rows = session.exec(
        select(Division)
        .where(col(Division.code).in_(sorted(codes)))
        .order_by(Division.code)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return {division.code: division for division in rows}


def _successor(session: Session, code: str) -> str | None:
    return session.exec(
        select(DivisionSuccessor.new_code).where(DivisionSuccessor.old_code == code, col(DivisionSuccessor.main))
    ).one_or_none()


def _fault(pointer: str, code: str, value: str) -> FieldError:
    messages = {
        "unknown_division": ("没有这个区划代码", "there is no division of this code"),
        "out_of_scope": ("不在您的管辖范围内", "outside your scope"),
        "division_ended": ("该区划已撤销", "this division has ended"),
    }
    return FieldError(pointer, code, messages[code], value)


def _wrong_level(level: int, code: str, pointer: str) -> Problem:
    zh, en = LEVEL_NAMES[level]
    return WRONG_DIVISION_LEVEL.problem(
        (f"须为{zh}区划代码。", f"A division of the level {en} is needed."),
        [FieldError(pointer, "wrong_division_level", (f"须为{zh}", f"must be a {en}"), code, en)],
    )
