"""Applies the rows of a file one by one, each in a savepoint: what a room refuses is the row's fault, not the job's."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import SessionTransaction

from toilet_api.exchange.ledgers.findings import Expected, masked
from toilet_api.exchange.records.close_outs import CloseOuts
from toilet_api.exchange.records.columns import column_of
from toilet_api.exchange.records.divisions import Divisions
from toilet_api.exchange.records.kind import Kind, Surroundings
from toilet_api.exchange.records.rows import RecordRow
from toilet_api.exchange.records.users import Users
from toilet_api.exchange.records.visits import Visits
from toilet_api.exchange.records.work_problems import Problems
from toilet_api.kernel.answers import field_errors
from toilet_api.kernel.errors import CONFLICT, INVALID, FieldError, Problem

KINDS: dict[str, type[Kind[Any]]] = {one.name: one for one in (Visits, Problems, CloseOuts, Users, Divisions)}


@dataclass(frozen=True, slots=True)
class _Difference:
    """What a row says otherwise than the register, as the report shows it."""

    field: str
    stored: str
    given: str


@dataclass
class Application:
    """The rows of one file against the register."""

    around: Surroundings
    kind_name: str
    on_conflict: str
    rows: list[RecordRow] = field(default_factory=list)
    _seen: dict[UUID, RecordRow] = field(default_factory=dict)

    @property
    def record_type(self) -> str:
        """What the rows are of, as the report names it."""
        return self._kind.record_type

    def __post_init__(self) -> None:
        self._kind: Kind[Any] = KINDS[self.kind_name](self.around)

    def take(self, row: RecordRow) -> None:
        """Do what the row says, and settle its outcome."""
        self.rows.append(row)
        if not row.is_taken:
            return
        session = self.around.session
        attempt = session.begin_nested()
        try:
            self._apply(row)
            session.flush()
        except Problem as problem:
            self._refuse(row, problem)
        except ValidationError as error:
            faults = field_errors(RequestValidationError(error.errors(include_url=False, include_context=True)))
            self._refuse(row, INVALID.problem(errors=faults))
        except (IntegrityError, DataError):
            # The rooms tell what they expect to collide; whatever else the database refuses is this row's too.
            self._refuse(row, CONFLICT.problem())
        self._settle(row, attempt)

    def _settle(self, row: RecordRow, attempt: SessionTransaction) -> None:
        if row.is_taken:
            attempt.commit()
        else:
            attempt.rollback()
            row.outcome, row.changes = "rejected", []
        if row.is_taken and row.record_id is not None:
            self._seen[row.record_id] = row

    def _apply(self, row: RecordRow) -> None:
        kind = self._kind
        record = kind.find(row)
        if not row.is_taken:
            return
        if record is None:
            record = kind.create(row)
            self.around.session.flush()
            row.outcome, row.record_id = "created", kind.identity(record)
            for one in self._differences(row, record):
                self._not_changeable(row, one)
        else:
            row.record_id, row.was_there = kind.identity(record), True
            if self._is_repeated(row):
                return
            self._compare(row, record)
        kind.note(row, record)

    def _is_repeated(self, row: RecordRow) -> bool:
        first = self._seen.get(row.record_id) if row.record_id else None
        if first is None:
            return False
        where = f"{first.sheet} " if first.sheet else ""
        expected = (
            f"与{where}第 {first.number} 行是同一条记录，以先出现的为准",
            f"the same record as {where}row {first.number}",
        )
        row.reject("row", "dup", expected, first_row=first.number, first_sheet=first.sheet or None)
        return True

    def _compare(self, row: RecordRow, record: Any) -> None:
        differences = self._differences(row, record)
        if not differences or self.on_conflict == "skip":
            row.outcome = "unchanged"
        elif self.on_conflict == "fail":
            for one in differences:
                shown = one.stored or "空"
                expected = (f"已登记为：{shown}", f"registered as: {one.stored or 'nothing'}")
                row.refuse(one.field, "conflict", "与已登记的记录不同", expected, one.given)
        else:
            self._update(row, record, differences)

    def _update(self, row: RecordRow, record: Any, differences: list[_Difference]) -> None:
        kind = self._kind
        allowed = kind.changeable(record)
        for one in differences:
            if one.field not in allowed:
                self._not_changeable(row, one)
        exported_at = row.values.get("version")
        if exported_at is not None and exported_at != record.version:
            expected = (
                f"现为版本 {record.version}：请重新导出，再在新文件上修改",
                f"it is at version {record.version} now: export it anew and change that",
            )
            row.reject("version", "stale", expected, str(exported_at))
        if not row.is_taken:
            return
        kind.change(row, record, [one.field for one in differences])
        self.around.session.flush()
        for one in self._differences(row, record):
            self._not_changeable(row, one)
        row.outcome = "updated"
        row.changes = [
            {"column": one.field, "from": masked(one.field, one.stored) or None, "to": masked(one.field, one.given)}
            for one in differences
        ]

    def _differences(self, row: RecordRow, record: Any) -> list[_Difference]:
        """The fields whose cells say otherwise, in the order of the columns."""
        kind, stored = self._kind, self._kind.shown(record)
        return [
            _Difference(name, kind.told(name, stored[name]), kind.told(name, value))
            for name, value in row.values.items()
            if name in stored and not kind.same(row, name, stored[name])
        ]

    def _not_changeable(self, row: RecordRow, one: _Difference) -> None:
        how = self._kind.how
        expected = how.get(one.field) or how[""]
        label = column_of(self.kind_name, one.field).zh
        shown = one.stored or "空"
        row.refuse(one.field, "not_changeable", f"{label}为“{shown}”，不能由导入改为此值", expected, one.given)

    def _refuse(self, row: RecordRow, problem: Problem) -> None:
        """A problem of the room as faults of the row: each field error at its column, else one of the whole row."""
        if problem.errors:
            for error in problem.errors:
                self._refuse_field(row, problem, error)
            return
        detail = problem.rule or None
        row.refuse("row", problem.type.code, problem.detail[0], _remedy(problem), detail=detail)

    def _refuse_field(self, row: RecordRow, problem: Problem, error: FieldError) -> None:
        name = self._kind.field_at(error.pointer)
        value = error.value if isinstance(error.value, str | int | float) else ""
        expected = _remedy(problem)
        if error.expected is not None:
            listed = error.expected if isinstance(error.expected, list | tuple) else [error.expected]
            expected = ("、".join(map(str, listed)), ", ".join(map(str, listed)))
        detail = error.rule or problem.rule or None
        row.refuse(name, error.code, error.message[0], expected, str(value), detail=detail)

    def counts(self) -> Counter[str]:
        """Rows by outcome."""
        return Counter(row.outcome for row in self.rows)

    def corrections(self) -> Counter[str]:
        """Corrections by rule."""
        return Counter(one["rule"] for row in self.rows for one in row.findings.corrections)

    def reasons(self) -> Counter[str]:
        """Faults by reason."""
        return Counter(one["reason"] for row in self.rows for one in row.findings.faults)


def _remedy(problem: Problem) -> Expected:
    return problem.remedy if problem.remedy[0] else problem.detail
