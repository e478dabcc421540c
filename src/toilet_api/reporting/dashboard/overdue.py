"""The problems themselves that are overdue at a township or village: where a figure leads down to its records."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.survey.ledger_views import DUE, LedgerFilter, filtered, ledger_select
from toilet_api.survey.tables import LedgerProblem

MOST = 50
"""So many are shown; the page says when there are more, and where all of them are."""


@dataclass(frozen=True, slots=True)
class Late:
    """An overdue problem. Nothing of a person."""

    id: UUID
    village: str | None
    type_zh: str
    cause: str
    state: str
    deadline: date
    days: int


def overdue_problems(
    session: Session, caller: Caller, division: str, campaigns: Collection[UUID], today: date
) -> list[Late]:
    """The latest first, one more than are shown where there are more."""
    reader = replace(caller, scope=caller.scope_for(Permission.PROBLEM_READ))
    statement = filtered(
        session, reader, ledger_select(reader, today), LedgerFilter(division=division, overdue=True), today
    )
    wanted = statement.where(col(LedgerProblem.campaign_id).in_(campaigns))
    rows = session.connection().execute(wanted.order_by(DUE, col(LedgerProblem.id)).limit(MOST + 1))
    return [
        Late(
            row.id,
            row.village_name,
            row.type_zh,
            row.cause,
            row.state,
            row.deadline,
            (today - row.deadline).days,
        )
        for row in rows
    ]
