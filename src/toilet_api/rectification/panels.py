"""The panel of an acceptance (由县、乡组织人员进行验收): who sits on it, for which side, and who signs."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Role
from toilet_api.accounts.tables import Principal, PrincipalGrant
from toilet_api.divisions import lookup
from toilet_api.divisions.problems import WRONG_DIVISION_LEVEL
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError
from toilet_api.kernel.scope import EVERYWHERE
from toilet_api.rectification.acceptance_schemas import PanelCandidate, PanelMemberIn, PanelSignature
from toilet_api.rectification.checklists import seeing
from toilet_api.rectification.problems import (
    PANEL_DID_THE_WORK,
    PANEL_INCOMPLETE,
    PANEL_SIGNATURE_MISSING,
    SIGNATURE_USED,
)
from toilet_api.rectification.rules import did_the_work
from toilet_api.rectification.tables import Acceptance, Task
from toilet_api.survey.tables import Attachment

SIDES = ("county", "township")
"""Both must be on a panel, and sign."""
_TOWNSHIP_LENGTH = 9
_COUNTY_ROLES = (Role.COUNTY_ADMIN, Role.COUNTY_REVIEWER)
_RULE = "工作方案 四（五）：由县、乡组织人员进行验收"


def candidates(session: Session, caller: Caller, division: str) -> list[PanelCandidate]:
    """The active people of the county and of the township who may sit on a panel at `division`.

    Raises 404 outside of the caller's scope, 422 above the township.
    """
    # Row-level security lets only divisions inside of the scope be locked: the second wall before a wider look.
    here = lookup.lock_for_write(session, [division]).get(division)
    if here is None or not caller.scope.covers(here.code):
        raise NOT_FOUND.problem()
    place = here.code
    if len(place) < _TOWNSHIP_LENGTH:
        told = ("须为乡镇或村代码", "a township or a village is needed")
        raise WRONG_DIVISION_LEVEL.problem(
            told, [FieldError("/query/division", "wrong_division_level", told, division, rule=_RULE)]
        )
    county, township = place[:6], place[:9]
    found = _people(
        session,
        caller,
        or_(
            (col(PrincipalGrant.division_code) == county) & col(PrincipalGrant.role).in_(_COUNTY_ROLES),
            (col(PrincipalGrant.division_code) == township) & (col(PrincipalGrant.role) == Role.TOWNSHIP_MANAGER),
        ),
    )
    return [
        PanelCandidate(user_id=one, name=name, side=side_of(grants, place), roles=sorted({role for role, _ in grants}))
        for one, (name, grants) in found.items()
    ]


def side_of(grants: Collection[tuple[str, str]], place: str) -> str:
    """The side of somebody with these grants (role, division) on a panel at `place`."""
    if any(role in _COUNTY_ROLES and code == place[:6] for role, code in grants):
        return "county"
    if (Role.TOWNSHIP_MANAGER, place[:9]) in {(role, code) for role, code in grants}:
        return "township"
    return "other"


def assemble(session: Session, caller: Caller, place: str, given: Sequence[PanelMemberIn]) -> list[dict[str, Any]]:
    """The panel as it is stored. Raises 422: a member unknown at that place or named twice, a side missing."""
    covering = sorted({place[:length] for length in (2, 4, 6, 9, 12)})
    wanted = [one.user_id for one in given if one.user_id is not None]
    people = _people(session, caller, col(PrincipalGrant.division_code).in_(covering) & col(Principal.id).in_(wanted))
    units = lookup.names(session, [place[:6], place[:9]])
    faults: list[FieldError] = []
    panel: list[dict[str, Any]] = []
    for number, one in enumerate(given):
        if one.user_id is None:
            panel.append({"user_id": None, "name": one.name, "unit": one.unit, "side": "other"})
            continue
        pointer, value = f"/panel/{number}/user_id", str(one.user_id)
        if one.user_id not in people:
            told = ("当地没有这个在用账号", "no active account of that place")
            faults.append(FieldError(pointer, "panel_member_unknown", told, value, rule=_RULE))
            continue
        if any(member["user_id"] == value for member in panel):
            told = ("同一成员只能列一次", "each member once")
            faults.append(FieldError(pointer, "panel_member_repeated", told, value, rule=_RULE))
            continue
        name, grants = people[one.user_id]
        side = side_of(grants, place)
        unit = units.get({"county": place[:6], "township": place[:9]}.get(side, ""))
        panel.append({"user_id": value, "name": name, "unit": unit, "side": side})
    if faults:
        raise INVALID.problem(errors=faults)
    missing = _missing(member["side"] for member in panel)
    if missing:
        raise PANEL_INCOMPLETE.problem(errors=[_side_missing("/panel", "panel_side_missing", side) for side in missing])
    return panel


def user_ids(panel: Sequence[dict[str, Any]]) -> list[UUID]:
    """The members with an account."""
    return [UUID(member["user_id"]) for member in panel if member["user_id"] is not None]


def refuse_workers(panel: Sequence[dict[str, Any]], tasks: Collection[Task]) -> None:
    """Raises `panel_did_the_work`, with the members who had a hand in any of the tasks."""
    workers = {
        one
        for task in tasks
        for one in (*task.worker_ids, task.responsible_user_id, task.submitted_by)
        if one is not None
    }
    partial = {str(one) for one in did_the_work(user_ids(panel), workers)}
    if partial:
        raise PANEL_DID_THE_WORK.problem(
            members=[
                {"user_id": member["user_id"], "name": member["name"]}
                for member in panel
                if member["user_id"] in partial
            ]
        )


def check_signatures(
    session: Session, caller: Caller, acceptance: Acceptance, given: Sequence[PanelSignature]
) -> list[dict[str, str]]:
    """The signatures as they are stored. Each is a member's own upload, at the place, its township or its county.

    A signature is given once: it stands for nothing but the acceptance that it was given for. A township doesn't see
    what lies at its county: only what is needed to tell whose signature it is, is read there.
    Raises `panel_signature_missing` (422), `panel_signature_used` (409).
    """
    place = acceptance.division_code
    with seeing(session, caller, (place[:6],)):
        rows = session.connection().execute(
            select(col(Attachment.id), col(Attachment.kind), col(Attachment.created_by))
            .where(
                col(Attachment.id).in_([one.attachment_id for one in given]),
                col(Attachment.division_code).in_({place, place[:9], place[:6]}),
                col(Attachment.removed_at).is_(None),
            )
            .order_by(col(Attachment.id))
            .with_for_update()  # two decisions at once with one signature: the second sees that it was given
        )
        found = {row.id: row for row in rows}
        used = _given_before(session, list(found))
    sides = {member["user_id"]: member["side"] for member in acceptance.panel if member["user_id"] is not None}
    faults: list[FieldError] = []
    signed: set[str] = set()
    for number, one in enumerate(given):
        pointer, row = f"/signatures/{number}", found.get(one.attachment_id)
        if str(one.user_id) not in sides:
            told = ("不是验收组成员", "not a member of the panel")
            faults.append(FieldError(f"{pointer}/user_id", "not_on_panel", told, str(one.user_id), rule=_RULE))
        elif row is None:
            told = ("没有该附件，或不属于本地", "no such attachment, or it belongs elsewhere")
            faults.append(
                FieldError(f"{pointer}/attachment_id", "attachment_unknown", told, str(one.attachment_id), rule=_RULE)
            )
        elif row.kind != "signature":
            told = ("附件种类须为 signature", "the attachment must be a signature")
            faults.append(
                FieldError(f"{pointer}/attachment_id", "attachment_kind", told, row.kind, "signature", rule=_RULE)
            )
        elif row.created_by != one.user_id:
            told = ("签名须由该成员本人上传", "that member must have uploaded it themselves")
            faults.append(
                FieldError(f"{pointer}/attachment_id", "signed_by_another", told, str(one.attachment_id), rule=_RULE)
            )
        elif str(one.user_id) in signed:
            told = ("同一成员只能签名一次", "each member signs once")
            faults.append(FieldError(f"{pointer}/user_id", "signature_repeated", told, str(one.user_id), rule=_RULE))
        else:
            signed.add(str(one.user_id))
    faults += [
        _side_missing("/signatures", "signature_missing", side) for side in _missing(sides[one] for one in signed)
    ]
    if faults:
        raise PANEL_SIGNATURE_MISSING.problem(errors=faults)
    if used:
        told = (SIGNATURE_USED.zh, SIGNATURE_USED.en)
        raise SIGNATURE_USED.problem(
            errors=[
                FieldError(f"/signatures/{number}/attachment_id", "signature_used", told, str(one.attachment_id))
                for number, one in enumerate(given)
                if one.attachment_id in used
            ]
        )
    _belong_to(session, acceptance, list(found))
    return [{"user_id": str(one.user_id), "attachment_id": str(one.attachment_id)} for one in given]


def _given_before(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the signatures that another acceptance was decided with."""
    signatures: Any = col(Acceptance.signatures)
    return {
        one
        for one in ids
        if session.scalar(select(func.count()).where(signatures.contains([{"attachment_id": str(one)}])))
    }


def is_of(panel: Sequence[dict[str, Any]], person: UUID, side: str) -> bool:
    """Whether somebody sits on a panel for a side."""
    return any(member["user_id"] == str(person) and member["side"] == side for member in panel)


def _belong_to(session: Session, acceptance: Acceptance, ids: Sequence[UUID]) -> None:
    """Signatures that lie at the household's own village follow it when that is split."""
    if acceptance.household_id is not None:
        session.connection().execute(
            update(Attachment)
            .where(
                col(Attachment.id).in_(ids),
                col(Attachment.division_code) == acceptance.division_code,
                col(Attachment.household_id).is_(None),
            )
            .values(household_id=acceptance.household_id)
        )


def _people(
    session: Session, caller: Caller, condition: ColumnElement[bool]
) -> dict[UUID, tuple[str, list[tuple[str, str]]]]:
    """Id -> (name, grants (role, division) that meet the condition) of the active people who have any.

    Accounts of the county lie above a township's scope, and a panel has members of both: so it is asked everywhere,
    and only a name and those grants leave this function.
    """
    granted = func.array_agg(
        aggregate_order_by(col(PrincipalGrant.role) + " " + col(PrincipalGrant.division_code), col(PrincipalGrant.id))
    )
    with seeing(session, caller, EVERYWHERE):
        rows = session.connection().execute(
            select(col(Principal.id), col(Principal.display_name), granted.label("grants"))
            .join(PrincipalGrant, col(PrincipalGrant.principal_id) == col(Principal.id))
            .where(
                col(Principal.kind) == "person",
                col(Principal.locked_at).is_(None),
                col(Principal.removed_at).is_(None),
                col(PrincipalGrant.removed_at).is_(None),
                condition,
            )
            .group_by(col(Principal.id), col(Principal.display_name))
            .order_by(col(Principal.display_name), col(Principal.id))
        )
        return {row.id: (row.display_name, [tuple(one.split(" ")) for one in row.grants]) for row in rows}


def _missing(sides: Any) -> list[str]:
    present = set(sides)
    return [side for side in SIDES if side not in present]


def _side_missing(pointer: str, code: str, side: str) -> FieldError:
    zh = {"county": "缺县级成员", "township": "缺乡镇成员"}[side]
    return FieldError(pointer, code, (zh, f"nobody of the {side}"), None, side, rule=_RULE)
