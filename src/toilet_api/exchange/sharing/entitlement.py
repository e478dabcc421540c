"""Who may read which columns of a dataset in a division: the county itself, everyone, or whoever was granted them."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sharing import shares
from toilet_api.exchange.sharing.datasets import Shared
from toilet_api.exchange.sharing.problems import (
    DATASET_FIELD_NOT_GRANTED,
    DATASET_GRANT_EXPIRED,
    DATASET_GRANT_REVOKED,
    DATASET_NOT_GRANTED,
    DATASET_NOT_SHARED,
)
from toilet_api.exchange.sharing.tables import DatasetGrant
from toilet_api.kernel.errors import Problem
from toilet_api.kernel.scope import prefix_range


def readable(session: Session, caller: Caller, dataset: Shared, division_code: str, today: date) -> list[str]:
    """The columns that the caller may read there today, in the dataset's order; personal data in them is masked.

    Raises `dataset_not_shared`, `dataset_not_granted`, `dataset_grant_expired`, `dataset_grant_revoked`.
    """
    names = list(dataset.items)
    if caller.scope_for(Permission.DATASET_MANAGE).covers(division_code):
        return names  # the county's own data
    share = shares.standing(session, dataset, division_code[:6])
    if share.sharing_type == "not_shared":
        raise DATASET_NOT_SHARED.problem(legal_basis=share.legal_basis)
    grants = _grants(session, caller, dataset, division_code)
    held = {name for grant in grants if grant.state == "active" and grant.until >= today for name in grant.fields}
    if share.sharing_type == "unconditional":
        held |= dataset.general
    if not held:
        raise _refusal(session, caller, dataset, division_code, today, grants)
    return [name for name in names if name in held]


def require_fields(dataset: Shared, held: Sequence[str], asked: Sequence[str]) -> None:
    """Raises `dataset_field_not_granted` for columns that the dataset has and the caller may not read."""
    denied = [name for name in asked if name in dataset.items and name not in held]
    if denied:
        raise DATASET_FIELD_NOT_GRANTED.problem(fields=denied, expected=list(held))


def _grants(session: Session, caller: Caller, dataset: Shared, division_code: str) -> Sequence[DatasetGrant]:
    """The caller's grants that cover a division, the latest first, whatever has become of them."""
    around = [division_code[:length] for length in (6, 9, 12) if length <= len(division_code)]
    return session.exec(
        select(DatasetGrant)
        .where(
            DatasetGrant.consumer_id == caller.id,
            DatasetGrant.dataset == dataset.name,
            col(DatasetGrant.division_code).in_(around),
        )
        .order_by(col(DatasetGrant.created_at).desc(), col(DatasetGrant.id).desc())
    ).all()


def _refusal(
    session: Session,
    caller: Caller,
    dataset: Shared,
    division_code: str,
    today: date,
    grants: Sequence[DatasetGrant],
) -> Problem:
    if grants and grants[0].state == "revoked":
        last = grants[0]
        return DATASET_GRANT_REVOKED.problem(grant_id=str(last.id), reason=last.revoke_reason)
    if grants:
        return DATASET_GRANT_EXPIRED.problem(grant_id=str(grants[0].id), until=grants[0].until.isoformat())
    below = session.exec(
        select(DatasetGrant.division_code)
        .where(
            DatasetGrant.consumer_id == caller.id,
            DatasetGrant.dataset == dataset.name,
            DatasetGrant.state == "active",
            DatasetGrant.until >= today,
            prefix_range(col(DatasetGrant.division_code), division_code),
        )
        .distinct()
        .order_by(DatasetGrant.division_code)
    ).all()
    return DATASET_NOT_GRANTED.problem(granted_divisions=list(below))
