"""Problems from a file: new ones in the work itself; of those that are in the ledger, what may be changed."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from toilet_api.exchange.records.kind import Kind
from toilet_api.exchange.records.places import find_place
from toilet_api.exchange.records.rows import RecordRow
from toilet_api.kernel.preconditions import etag
from toilet_api.registry.tables import Household
from toilet_api.survey import ledger
from toilet_api.survey.ledger_schemas import ProblemPatch, WorkProblemNew
from toilet_api.survey.rules import SETTLED_STATES, shanghai_date
from toilet_api.survey.tables import CatalogueType, LedgerProblem

_COMPARED = (
    "division_code",
    "problem_class",
    "cause",
    "found_at",
    "description",
    "photo_ids",
    "household_id",
    "toilet_id",
    "visit_id",
    "state",
    "deadline",
)


class Problems(Kind[LedgerProblem]):
    name = "problems"
    record_type = "problem"
    may_change: ClassVar = frozenset(ProblemPatch.model_fields)
    how: ClassVar = {
        "state": (
            "状态由步骤改变：整改、验收、销号、撤销、重新打开",
            "by steps: rectify, accept, close, dismiss, reopen",
        ),
        "deadline": ("期限由规则、方案或延期决定", "by the campaign's rule, a plan or a postponement"),
        "problem_type": ("撤销后另行登记", "dismiss it and record another"),
        "": ("由系统或相关步骤决定，请留空", "decided by the system or a step; leave it blank"),
    }

    def find(self, row: RecordRow) -> LedgerProblem | None:
        code = find_place(self.around.places, row)
        row.values.pop("township", None), row.values.pop("village", None)
        if row.findings.faults:
            return None
        if code is not None:
            row.values["division_code"] = code
        if "id" in row.values:
            stored = self.session.get(LedgerProblem, row.values["id"])
            if stored is not None and stored.removed_at is None and self.caller.scope.covers(stored.division_code):
                return stored
        for field, expected in (
            ("division_code", ("村或乡镇", "a village or township")),
            ("problem_type", ("问题类型", "the problem type")),
        ):
            if field not in row.values:
                row.missing(field, expected)
        return None if row.findings.faults or "id" in row.values else self._live(row)

    def _live(self, row: RecordRow) -> LedgerProblem | None:
        """Without an id: the same type found on the same day at the same toilet, household or place, if it is live."""
        given = row.values
        statement = (
            select(LedgerProblem)
            .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
            .where(
                CatalogueType.code == given["problem_type"],
                LedgerProblem.division_code == given["division_code"],
                col(LedgerProblem.removed_at).is_(None),
                col(LedgerProblem.state).not_in(SETTLED_STATES),
            )
        )
        if "toilet_id" in given or "household_id" in given:
            for name in ("toilet_id", "household_id"):
                if name in given:
                    statement = statement.where(getattr(LedgerProblem, name) == given[name])
        else:
            statement = statement.where(col(LedgerProblem.household_id).is_(None))
        day = shanghai_date(given["found_at"].at if "found_at" in given else self.around.now)
        statement = statement.where(func.date(func.timezone("Asia/Shanghai", col(LedgerProblem.found_at))) == day)
        found = self.session.exec(self.caller.scope.narrow(statement, col(LedgerProblem.division_code)).limit(2)).all()
        if len(found) > 1:
            row.reject("id", "ambiguous_record", ("问题编号", "the problem's id"))
        return found[0] if len(found) == 1 else None

    def create(self, row: RecordRow) -> LedgerProblem:
        given = row.values
        body = WorkProblemNew(
            id=given.get("id"),
            division_code=given["division_code"],
            problem_type=given["problem_type"],
            description=given.get("description"),
            found_at=given["found_at"].at if "found_at" in given else None,
            photo_ids=given.get("photo_ids", []),
        )
        problem, _ = ledger.record_work(self.session, self.caller, body, self.around.now)
        self.session.flush()
        if given.get("cause", problem.cause) != problem.cause:
            self.change(row, problem, {"cause"})
        return problem

    def change(self, row: RecordRow, record: LedgerProblem, fields: Collection[str]) -> None:
        body = ProblemPatch(**{name: row.values[name] for name in fields})
        ledger.change(self.session, self.caller, record.id, body, etag(record.version), self.around.now)

    def shown(self, record: LedgerProblem) -> dict[str, Any]:
        kind = self.session.get_one(CatalogueType, record.type_id)
        return {**{name: getattr(record, name) for name in _COMPARED}, "problem_type": kind.code}

    def identity(self, record: LedgerProblem) -> UUID:
        return record.id

    def note(self, row: RecordRow, record: LedgerProblem) -> None:
        super().note(row, record)
        row.household_id = record.household_id
        if record.household_id is not None:
            row.name_masked = self.session.get_one(Household, record.household_id).name_masked
