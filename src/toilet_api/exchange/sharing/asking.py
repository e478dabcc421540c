"""Requests for data, and the grants that come of them: a system asks, the county answers, and can take it back."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.tables import Principal, PrincipalGrant
from toilet_api.exchange.sharing import shares
from toilet_api.exchange.sharing.datasets import CATALOGUE, Shared
from toilet_api.exchange.sharing.problems import (
    DATASET_NEEDS_NO_GRANT,
    DATASET_NOT_ASKER,
    DATASET_NOT_SHARED,
    DATASET_OWN_REQUEST,
)
from toilet_api.exchange.sharing.request_schemas import Approval, DatasetRequestNew
from toilet_api.exchange.sharing.rules import DATASET_GRANT, DATASET_REQUEST, answer_due
from toilet_api.exchange.sharing.tables import DatasetGrant, DatasetRequest
from toilet_api.exchange.sharing.views import present_grant, present_request
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.preconditions import optional_match
from toilet_api.registry.merging import difference
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, insert_once, locked, snapshot
from toilet_api.survey.rules import shanghai_date

_REQUEST = ("dataset", "fields", "purpose", "legal_basis", "until", "client_id", "state", "decision_reason")
_GRANT = ("dataset", "fields", "purpose", "until", "client_id", "state", "revoke_reason")


def request(session: Session, caller: Caller, body: DatasetRequestNew, now: datetime) -> tuple[DatasetRequest, bool]:
    """Ask a county for data. Gives whether the request was made now.

    Raises 422 for unknown fields, a day that is over, a system that isn't the caller's or doesn't reach the division;
    `dataset_not_shared`, `dataset_needs_no_grant`, `out_of_scope`, `unknown_division`, `wrong_division_level`.
    """
    dataset, today = CATALOGUE[body.dataset], shanghai_date(now)
    place = own_place(session, caller, body.division, None)
    shares.require_county(place, "/division", body.division)
    consumer = _consumer(session, caller, body.client_id, place)
    row = DatasetRequest(
        id=body.id or new_id(),
        division_code=place,
        dataset=dataset.name,
        fields=list(dict.fromkeys(body.fields)),
        purpose=body.purpose,
        legal_basis=body.legal_basis,
        until=body.until,
        consumer_id=consumer.id,
        client_id=consumer.client_id,
        consumer_name=consumer.name,
        requested_by_name=caller.display_name,
        answer_due=answer_due(today),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )
    if body.id is None or session.get(DatasetRequest, body.id) is None:  # a retry is told of whatever has changed since
        _check(session, dataset, body, place, today)
        if not consumer.reaches:
            told = ("使用方在此区划没有 dataset.read 权限", "the system doesn't hold dataset.read there")
            raise INVALID.problem(errors=[FieldError("/division", "client_cannot_reach", told, place)])
    row, made = insert_once(session, row)
    if made:
        _journal_request(session, row, "dataset_request.created", None, reason=body.purpose, op="create")
    return row, made


def approve(
    session: Session, caller: Caller, request_id: UUID, body: Approval, if_match: str | None, now: datetime
) -> DatasetRequest:
    """Grant what was asked for, or less. Raises `dataset_own_request`, `dataset_not_shared`, 422 for more than that."""
    row = _to_decide(session, caller, request_id, if_match, now)
    target = DATASET_REQUEST.next(row.state, "approve")
    _require_another(caller, row)
    _require_shared(session, CATALOGUE[row.dataset], row.division_code)
    fields, until = body.fields or row.fields, body.until or row.until
    faults = []
    if more := sorted(set(fields) - set(row.fields)):
        told = ("不在所申请的字段内", "not among those asked for")
        faults.append(FieldError("/fields", "more_than_asked", told, ", ".join(more), ", ".join(row.fields)))
    if until > row.until:
        told = ("不得晚于所申请的日期", "later than was asked for")
        faults.append(FieldError("/until", "more_than_asked", told, until.isoformat(), f"<= {row.until}"))
    if until < shanghai_date(now):
        told = ("该日已过", "that day is over")
        faults.append(FieldError("/until", "over", told, until.isoformat(), f">= {shanghai_date(now)}"))
    if faults:
        raise INVALID.problem(errors=faults)
    grant = DatasetGrant(
        division_code=row.division_code,
        dataset_request_id=row.id,
        dataset=row.dataset,
        fields=list(dict.fromkeys(fields)),
        purpose=row.purpose,
        until=until,
        consumer_id=row.consumer_id,
        client_id=row.client_id,
        consumer_name=row.consumer_name,
        granted_by_name=caller.display_name,
        created_by=caller.id,
        updated_by=caller.id,
    )
    _decide(session, caller, row, target, "dataset_request.approved", body.reason, now)
    session.add(grant)
    _journal_grant(session, grant, "dataset_grant.created", None, reason=body.reason, op="create")
    return row


def refuse(
    session: Session, caller: Caller, request_id: UUID, reason: str, if_match: str | None, now: datetime
) -> DatasetRequest:
    """Refuse, with the reason. Raises `dataset_own_request`."""
    row = _to_decide(session, caller, request_id, if_match, now)
    target = DATASET_REQUEST.next(row.state, "refuse")
    _require_another(caller, row)
    _decide(session, caller, row, target, "dataset_request.refused", reason, now)
    return row


def withdraw(session: Session, caller: Caller, request_id: UUID, if_match: str | None, now: datetime) -> DatasetRequest:
    """Whoever asked doesn't any more. Raises `dataset_not_asker`."""
    row = _to_decide(session, caller, request_id, if_match, now)
    target = DATASET_REQUEST.next(row.state, "withdraw")
    if caller.id not in (row.created_by, row.consumer_id):
        raise DATASET_NOT_ASKER.problem()
    before = snapshot(row, _REQUEST)
    row.state = target
    row.touch(caller.id)
    _journal_request(session, row, "dataset_request.withdrawn", before)
    return row


def revoke(
    session: Session, caller: Caller, grant_id: UUID, reason: str, if_match: str | None, now: datetime
) -> DatasetGrant:
    """Take a grant back: from the next request on it is worth nothing."""
    row = locked(session, caller, DatasetGrant, grant_id)
    optional_match(if_match, row.version, lambda: present_grant(session, caller, row.id, now))
    target = DATASET_GRANT.next(row.state, "revoke")
    before = snapshot(row, _GRANT)
    row.state, row.revoked_at, row.revoke_reason = target, now, reason
    row.revoked_by, row.revoked_by_name = caller.id, caller.display_name
    row.touch(caller.id)
    _journal_grant(session, row, "dataset_grant.revoked", before, reason=reason)
    return row


@dataclass(frozen=True, slots=True)
class _Consumer:
    """The system that is to have the data. `reaches`: it could read there, if it were granted to it."""

    id: UUID
    client_id: str
    name: str
    reaches: bool


def _consumer(session: Session, caller: Caller, client_id: str | None, place: str) -> _Consumer:
    """The caller itself, or a system of a person's division."""
    if caller.kind == "client":
        if client_id not in (None, caller.username):
            told = ("系统只能为自己申请", "a system asks for itself alone")
            raise INVALID.problem(errors=[FieldError("/client_id", "not_yourself", told, client_id, caller.username)])
        reaches = caller.scope_for(Permission.DATASET_READ).covers(place)
        return _Consumer(caller.id, caller.username, caller.display_name, reaches)
    if client_id is None:
        told = ("请指明使用数据的系统", "name the system that is to have the data")
        raise INVALID.problem(errors=[FieldError("/client_id", "missing", told)])
    found = session.exec(
        select(Principal).where(
            Principal.username == client_id,
            Principal.kind == "client",
            col(Principal.removed_at).is_(None),
            caller.scope.condition(col(Principal.division_code)),
        )
    ).one_or_none()
    if found is None:
        told = ("本区划内没有这个系统", "there is no such system in your division")
        raise INVALID.problem(errors=[FieldError("/client_id", "unknown_client", told, client_id)])
    grants = session.exec(
        select(PrincipalGrant.division_code).where(
            PrincipalGrant.principal_id == found.id, col(PrincipalGrant.removed_at).is_(None)
        )
    ).all()
    may_read = Permission.DATASET_READ in (found.scopes or ())
    reaches = may_read and any(place.startswith(code) for code in grants)
    return _Consumer(found.id, found.username, found.display_name, reaches)


def _check(session: Session, dataset: Shared, body: DatasetRequestNew, place: str, today: date) -> None:
    faults = [
        FieldError(
            f"/fields/{index}",
            "unknown_field",
            ("该数据集没有这个字段", "this dataset has no such field"),
            name,
            ", ".join(dataset.items),
        )
        for index, name in enumerate(body.fields)
        if name not in dataset.items
    ]
    if body.until < today:
        told = ("该日已过", "that day is over")
        faults.append(FieldError("/until", "over", told, body.until.isoformat(), f">= {today}"))
    if faults:
        raise INVALID.problem(errors=faults)
    share = _require_shared(session, dataset, place)
    if share == "unconditional" and dataset.general.issuperset(body.fields):
        raise DATASET_NEEDS_NO_GRANT.problem(dataset=dataset.name, fields=body.fields)


def _require_shared(session: Session, dataset: Shared, place: str) -> str:
    share = shares.standing(session, dataset, place[:6])
    if share.sharing_type == "not_shared":
        raise DATASET_NOT_SHARED.problem(legal_basis=share.legal_basis)
    return str(share.sharing_type)


def _to_decide(
    session: Session, caller: Caller, request_id: UUID, if_match: str | None, now: datetime
) -> DatasetRequest:
    """The request, held until the transaction ends. Raises `not_found` for one that the caller doesn't see."""
    shown = present_request(session, caller, request_id, now)
    row = locked(session, caller, DatasetRequest, request_id)
    optional_match(if_match, row.version, lambda: shown)
    return row


def _require_another(caller: Caller, row: DatasetRequest) -> None:
    if caller.id in (row.created_by, row.consumer_id):
        raise DATASET_OWN_REQUEST.problem()


def _decide(
    session: Session,
    caller: Caller,
    row: DatasetRequest,
    target: str,
    action: str,
    reason: str | None,
    now: datetime,
) -> None:
    before = snapshot(row, _REQUEST)
    row.state, row.decided_at, row.decision_reason = target, now, reason
    row.decided_by, row.decided_by_name = caller.id, caller.display_name
    row.touch(caller.id)
    _journal_request(session, row, action, before, reason=reason)


def _journal_request(
    session: Session, row: DatasetRequest, action: str, before: dict[str, Any] | None, **more: Any
) -> None:
    _journal(session, "dataset_request", row, _REQUEST, action, before, **more)


def _journal_grant(
    session: Session, row: DatasetGrant, action: str, before: dict[str, Any] | None, **more: Any
) -> None:
    _journal(session, "dataset_grant", row, _GRANT, action, before, **more)


def _journal(
    session: Session,
    subject: str,
    row: DatasetRequest | DatasetGrant,
    names: tuple[str, ...],
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after = snapshot(row, names)
    if before is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type=subject,
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
