"""Changes of the tree: create, rename, merge, split, move, close. Each is one transaction, the records included.

`scope` is where the caller may manage divisions; every code that a change touches must lie inside. Only one change of
the tree is under way at a time, and it locks the divisions that it ends, so that a writer of records either comes
before it, and his record is carried along, or waits and finds the successor (`lookup.resolve_for_write`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session, col, select

from toilet_api.divisions import moves, recoding, rules, schemas
from toilet_api.divisions.problems import (
    DIVISION_NAME_TAKEN,
    DIVISION_NOT_EMPTY,
    RECORDS_IN_CONFLICT,
    WRONG_DIVISION_LEVEL,
)
from toilet_api.divisions.tables import Division
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.scope import Scope


@dataclass
class Done:
    """What a change did: the division to look at now, each code that became another, the records that followed."""

    code: str
    recoded: dict[str, str] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)


def create(session: Session, scope: Scope, body: schemas.DivisionCreate) -> str:
    """A new division; its code. Without a code the next free one below `parent_code` is taken."""
    since = recoding.checked_date(body.valid_from)
    parent_code = body.parent_code or rules.parent_of(body.code or "")
    if parent_code is None:
        raise OUT_OF_SCOPE.problem(("省级区划只能由文件加载。", "Provinces come from a loaded file only."))
    pointer = "/parent_code" if body.parent_code else "/code"
    parent = recoding.hold(session, scope, parent_code, pointer)
    if parent.level == 5:
        raise _wrong_level("/parent_code", parent_code, ("村级之下没有区划", "nothing is below a village"))
    code = recoding.chosen_code(session, parent_code, body.code, "/code")
    _check_name(session, parent_code, body.name, "/name")
    recoding.add(session, {code: body.name}, since)
    recoding.journal_tree(session, "division.created", "create", [code], body.reason)
    return code


def rename(session: Session, division: Division, name: str, reason: str | None) -> None:
    """Another name, the same code. The old name stays findable for uploads. `division` comes from `recoding.hold`."""
    if division.name == name:
        return
    _check_name(session, division.parent_code, name, "/name")
    before = division.name
    recoding.succeed(session, {division.code: division.code}, "rename", recoding.checked_date(None), reason, main=False)
    division.name = name
    division.version += 1
    division.maintained = True
    session.add(division)
    session.flush()
    journal.record(
        session,
        action="division.renamed",
        subject_type="division",
        subject_id=recoding.subject_id(division.code),
        division_code=division.code,
        version=division.version,
        before={"name": before},
        after={"name": name},
        reason=reason,
    )


def move(session: Session, scope: Scope, division: Division, body: schemas.DivisionMove) -> Done:
    """Put a division, with all below it, under another parent. All codes change, records and grants follow."""
    on = recoding.checked_date(body.effective)
    parent = recoding.hold(session, scope, body.new_parent, "/new_parent")
    if parent.level != _level(division) - 1:
        zh, en = rules.LEVEL_NAMES[max(1, _level(division) - 1)]
        raise _wrong_level("/new_parent", parent.code, (f"须为{zh}区划", f"must be a {en}"))
    if parent.code == division.parent_code and body.new_code is None:
        raise INVALID.problem(
            errors=[FieldError("/new_parent", "same_parent", ("已在该上级之下", "it is there already"), parent.code)]
        )
    code = recoding.chosen_code(session, parent.code, body.new_code, "/new_code", like=division.code)
    _check_name(session, parent.code, division.name, "/new_parent", but=division.code)
    held = recoding.subtree(session, division.code)
    recoded = rules.recoded(held, division.code, code)
    return _recode(session, scope, held, recoded, {division.code: "move"}, code, on, body.reason)


def merge(session: Session, scope: Scope, division: Division, body: schemas.DivisionMerge) -> Done:
    """End a division; what it had belongs to `into`. Divisions below it go below `into` under new codes."""
    on = recoding.checked_date(body.effective)
    target = recoding.hold(session, scope, body.into, "/into")
    if target.code == division.code or target.level != division.level:
        message = ("须为同级的另一区划", "must be another division of the same level")
        raise _wrong_level("/into", target.code, message)
    held = recoding.subtree(session, division.code)
    recoded = {division.code: target.code}
    taken: set[str] = set()
    for child in [one for one in held.values() if one.parent_code == division.code]:
        code = recoding.chosen_code(session, target.code, None, "/into", like=child.code, taken=taken)
        taken.add(code)
        recoded |= rules.recoded((one for one in held if one.startswith(child.code)), child.code, code)
    return _recode(session, scope, held, recoded, {division.code: "merge"}, target.code, on, body.reason)


def split(session: Session, scope: Scope, division: Division, body: schemas.DivisionSplit) -> Done:
    """Make new villages out of one. Named households go to them; the others stay, or go where `rest` says.

    With `rest` the village ends and its code leads there; without it the village goes on.
    """
    on = recoding.checked_date(body.effective)
    if division.level != 5:
        raise _wrong_level("/", division.code, ("只有村级区划可以拆分", "only villages are split"))
    parent = str(division.parent_code)
    codes: list[str] = []
    for index, part in enumerate(body.into):
        codes.append(recoding.chosen_code(session, parent, part.code, f"/into/{index}/code", taken=codes))
        ends = division.code if body.rest is not None else None
        _check_name(session, parent, part.name, f"/into/{index}/name", but=ends)
    rest = None if body.rest is None else codes[body.rest]
    names = {code: part.name for code, part in zip(codes, body.into, strict=True)}
    recoding.add(session, names, on)
    done = Done(rest or division.code)
    for index, (code, part) in enumerate(zip(codes, body.into, strict=True)):
        if part.household_ids:
            moved = moves.carry_households(
                session, division.code, code, part.household_ids, body.reason, scope.prefixes
            )
            if moved.get(moves.ROOT, 0) != len(part.household_ids):
                message = ("有的农户不在该村", "some of the households are not in this village")
                raise INVALID.problem(errors=[FieldError(f"/into/{index}/household_ids", "not_in_division", message)])
            _count(done, moved)
        recoding.succeed(session, {division.code: code}, "split", on, body.reason, main=code == rest)
    if rest is not None:
        _count(done, moves.carry(session, {division.code: rest}, body.reason, scope.prefixes))
        recoding.end(session, [division.code], on)
        done.recoded = {division.code: rest}
    recoding.journal_tree(session, "division.split", "create", codes, body.reason)
    recoding.journal_tree(
        session, "division.split", "update" if rest is None else "remove", [division.code], body.reason
    )
    return done


def close(session: Session, division: Division, body: schemas.DivisionClose) -> Done:
    """End a division that has nothing any more: no record that isn't removed, nothing below it."""
    on = recoding.checked_date(body.effective)
    below = [code for code in recoding.subtree(session, division.code) if code != division.code]
    records = moves.records_at(session, [division.code]).get(division.code, {})
    if below or records:
        raise DIVISION_NOT_EMPTY.problem(divisions=below[:100], records=records)
    recoding.end(session, [division.code], on)
    recoding.journal_tree(session, "division.closed", "remove", [division.code], body.reason)
    return Done(division.code)


def _recode(
    session: Session,
    scope: Scope,
    held: Mapping[str, Division],
    recoded: dict[str, str],
    kinds: Mapping[str, str],
    root: str,
    on: date,
    reason: str,
) -> Done:
    """End what is `held`, add what isn't there yet, carry the records. `kinds`: how the root changes; others move."""
    outside = [code for code in recoded.values() if not scope.covers(code)]
    if outside:
        raise OUT_OF_SCOPE.problem()
    existing = set(session.exec(select(Division.code).where(col(Division.code).in_(list(recoded.values())))))
    added = {new: held[old].name for old, new in recoded.items() if new not in existing}
    recoding.add(session, added, on)
    for kind in ("merge", "move"):
        pairs = {old: new for old, new in recoded.items() if kinds.get(old, "move") == kind}
        if pairs:
            recoding.succeed(session, pairs, kind, on, reason)
    recoding.end(session, recoded, on)
    verb = "moved" if "move" in kinds.values() else "merged"
    recoding.journal_tree(session, f"division.{verb}", "remove", recoded, reason)
    recoding.journal_tree(session, f"division.{verb}", "create", added, reason)
    records = moves.carry(session, recoded, reason, scope.prefixes)
    return Done(root, recoded, records)


def _check_name(session: Session, parent: str | None, name: str, pointer: str, but: str | None = None) -> None:
    """Names are unique below one parent: a ledger that names a village must mean one."""
    other = session.exec(
        select(Division.code).where(
            Division.parent_code == parent,
            Division.name == name,
            col(Division.valid_to).is_(None),
            Division.code != (but or ""),
        )
    ).first()
    if other is not None:
        message = (f"{other} 已叫此名", f"{other} has this name")
        raise DIVISION_NAME_TAKEN.problem(errors=[FieldError(pointer, "division_name_taken", message, name)])


def _count(done: Done, moved: Mapping[str, int]) -> None:
    for table, count in moved.items():
        done.records[table] = done.records.get(table, 0) + count


def _level(division: Division) -> int:
    return rules.level_of(division.code)


def _wrong_level(pointer: str, code: str, message: tuple[str, str]) -> Exception:
    return WRONG_DIVISION_LEVEL.problem(errors=[FieldError(pointer, "wrong_division_level", message, code)])


__all__ = ["RECORDS_IN_CONFLICT", "Done", "close", "create", "merge", "move", "rename", "split"]
