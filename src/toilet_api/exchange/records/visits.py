"""Visits from a file: drafts of whoever imports, submitted at once where the row asks for it and may."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func
from sqlmodel import SQLModel, col, select

from toilet_api.accounts.caller import forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.records.cells import Moment
from toilet_api.exchange.records.kind import Kind, Surroundings
from toilet_api.exchange.records.places import find_place
from toilet_api.exchange.records.rows import RecordRow
from toilet_api.kernel.preconditions import etag
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import visits
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Visit
from toilet_api.survey.visit_schemas import FindingIn, VisitNew, VisitPatch

_PLAIN = (
    "usability",
    "checked_against",
    "note",
    "photo_ids",
    "surveyor_signature_ids",
    "household_signature_ids",
)
_UNSUBMITTED = ("draft", "returned")
_ONE_HOUSEHOLD = (
    "农户编号；或身份证号码；或户主姓名加村",
    "the household's id; or the ID number; or the head's name with the village",
)


class Visits(Kind[Visit]):
    name = "visits"
    record_type = "visit"
    may_change: ClassVar = frozenset(VisitPatch.model_fields) | {"submit"}
    how: ClassVar = {
        "household_id": ("另建摸排记录", "make another visit"),
        "division_code": ("农户所在的村；迁移农户请改农户", "the household's village; move the household instead"),
        "surveyor_name": (
            "上传人本人：谁摸排、谁签字、谁负责，请由摸排人自己导入或留空",
            "whoever imports: who surveys signs and answers for it; leave it blank or have them import it",
        ),
        "state": ("状态由步骤改变：提交列填“是”，或在系统中核实、退回", "by steps: submit, verify, return"),
        "": ("已提交的请用更正（POST /visits/{id}/correct）", "correct it (POST /visits/{id}/correct)"),
    }

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        # The session forgets what nobody holds; the room's function looks the row's household up several times.
        self._known: list[SQLModel] = []

    def find(self, row: RecordRow) -> Visit | None:
        self._known.clear()
        self._settle_place(row)
        if row.values.get("submit") is not True:
            row.values.pop("submit", None)
        elif row.values.get("state") in _UNSUBMITTED:
            del row.values["state"]  # it says what the record was before the row asks to submit it
        if row.findings.faults:
            return None
        if "id" in row.values:
            stored = self.session.get(Visit, row.values["id"])
            if stored is not None and (stored.removed_at is None and self.caller.scope.covers(stored.division_code)):
                if "name" in row.values or "id_number" in row.values:
                    self._check_head(row, self.session.get_one(Household, stored.household_id))
                return stored
        household = self._household(row)
        self._require(row)
        if household is None or row.findings.faults:
            return None
        row.values["household_id"] = household.id
        self._settle_toilet(row, household)
        return None if "id" in row.values else self._same_day(row, household)

    def _settle_place(self, row: RecordRow) -> None:
        code = find_place(self.around.places, row)
        row.values.pop("township", None), row.values.pop("village", None)
        if code is not None:
            row.values["division_code"] = code

    def _require(self, row: RecordRow) -> None:
        for field, expected in (
            ("visited_at", ("摸排日期，如 2026-06-30", "the day, as 2026-06-30")),
            ("method", ("询问并查看、实地查看、当场使用之一", "how the visit was made")),
            ("presence", ("在家、不在家之一", "at home or away")),
        ):
            if field not in row.values:
                row.missing(field, expected)

    def _household(self, row: RecordRow) -> Household | None:
        """By id, else by ID number, else by name within the village; what else the row says must fit."""
        given = row.values.get("household_id")
        if given is not None:
            household = self.session.get(Household, given)
            if household is None or household.removed_at is not None or not self._sees(household):
                row.reject("household_id", "unknown_record", _ONE_HOUSEHOLD, str(given))
                return None
            self._check_head(row, household)
            return household
        vault = self.around.vault
        if "id_number" in row.values:
            field, index = "id_number", vault.blind_index("id_number", row.values["id_number"])
            condition = (col(Household.identity_index) == index) & col(Household.id_number_masked).is_not(None)
        elif "name" in row.values and len(row.values.get("division_code", "")) == 12:
            field, index = "name", vault.blind_index("name", row.values["name"])
            condition = (col(Household.name_index) == index) & (
                col(Household.division_code) == row.values["division_code"]
            )
        else:
            row.missing("household_id", _ONE_HOUSEHOLD)
            return None
        statement = select(Household).where(condition, col(Household.removed_at).is_(None)).limit(3)
        found = self.session.exec(self.caller.scope.narrow(statement, col(Household.division_code))).all()
        if len(found) != 1:
            reason = "ambiguous_record" if found else "unknown_record"
            row.reject(field, reason, _ONE_HOUSEHOLD, str(row.values[field]))
            return None
        self._check_head(row, found[0])
        return found[0]

    def _sees(self, household: Household) -> bool:
        return self.caller.scope.covers(household.division_code)

    def _check_head(self, row: RecordRow, household: Household) -> None:
        """A name or ID number beside an id must be that household's; a mask that equals the stored one is."""
        vault = self.around.vault
        self._known.append(household)
        row.name_masked, row.household_id = household.name_masked, household.id
        expected = ("该农户的户主", "the head of that household")
        name = row.values.get("name")
        if (
            name is not None
            and name != household.name_masked
            and vault.blind_index("name", name) != household.name_index
        ):
            row.refuse("name", "conflict", "户主姓名与该农户不符", expected, name)
        number = row.values.get("id_number")
        if number is not None and (
            household.id_number_masked is None or vault.blind_index("id_number", number) != household.identity_index
        ):
            row.refuse("id_number", "conflict", "身份证号码与该农户不符", expected, number)
        where = row.values.get("division_code")
        if where is not None and where != household.division_code:
            row.refuse("division_code", "conflict", "村与该农户不符", self.how["division_code"], where)

    def _settle_toilet(self, row: RecordRow, household: Household) -> None:
        """A household's only toilet needn't be named."""
        if "toilet_id" in row.values:
            return
        statement = select(Toilet).where(
            Toilet.household_id == household.id, col(Toilet.removed_at).is_(None), Toilet.mode != "none"
        )
        standing = self.session.exec(statement).all()
        self._known += standing
        if len(standing) > 1:
            row.missing(
                "toilet_id", ("该户有多个厕所，请填厕所编号", "the household has several; give the toilet's id")
            )
        elif standing:
            row.values["toilet_id"] = standing[0].id

    def _same_day(self, row: RecordRow, household: Household) -> Visit | None:
        """Without an id, the same household, day and surveyor are the same visit."""
        at: Moment = row.values["visited_at"]
        day = func.date(func.timezone("Asia/Shanghai", col(Visit.visited_at)))
        statement = select(Visit).where(
            Visit.household_id == household.id,
            Visit.surveyor_id == self.caller.id,
            col(Visit.removed_at).is_(None),
            day == shanghai_date(at.at),
        )
        if "toilet_id" in row.values:
            statement = statement.where(Visit.toilet_id == row.values["toilet_id"])
        if at.precision != "day":
            exact = [one for one in self.session.exec(statement) if at.agrees(one.visited_at)]
            return exact[0] if len(exact) == 1 else None
        found = self.session.exec(statement).all()
        if len(found) > 1:
            row.reject("id", "ambiguous_record", ("摸排编号", "the visit's id"))
            return None
        return found[0] if found else None

    def create(self, row: RecordRow) -> Visit:
        given = row.values
        body = VisitNew(
            id=given.get("id"),
            household_id=given["household_id"],
            toilet_id=given.get("toilet_id"),
            method=given["method"],
            presence=given["presence"],
            visited_at=given["visited_at"].at,
            findings=[FindingIn(problem_type=code, note=note) for code, note in given.get("findings", {}).items()],
            **{name: given[name] for name in _PLAIN if name in given},
        )
        visit, _ = visits.create(self.session, self.caller, body, self.around.now)
        if given.get("submit"):
            self._submit(visit)
        return visit

    def change(self, row: RecordRow, record: Visit, fields: Collection[str]) -> None:
        members = {name: self._member(row, record, name) for name in fields if name != "submit"}
        if members:
            body = VisitPatch(**members)
            visits.change(self.session, self.caller, record.id, body, etag(record.version), self.around.now)
        if "submit" in fields:
            self._submit(record)

    def _member(self, row: RecordRow, record: Visit, name: str) -> Any:
        value = row.values[name]
        if isinstance(value, Moment):
            return value.at
        if name != "findings":
            return value
        # A sheet has no photos of a finding, and may have no notes: what is there stays.
        there = {kind.code: finding for finding, kind in visits.active_findings(self.session, record)}
        return [
            FindingIn(
                problem_type=code,
                note=note if note is not None or code not in there else there[code].note,
                photo_ids=there[code].photo_ids if code in there else [],
            )
            for code, note in value.items()
        ]

    def _submit(self, visit: Visit) -> None:
        if Permission.VISIT_SUBMIT not in self.caller.permissions_at(visit.division_code):
            raise forbidden(Permission.VISIT_SUBMIT)
        visits.submit(self.session, self.caller, visit.id, None, self.around.now)

    def shown(self, record: Visit) -> dict[str, Any]:
        findings = {kind.code: finding.note for finding, kind in visits.active_findings(self.session, record)}
        plain = (*_PLAIN, "household_id", "toilet_id", "method", "presence", "visited_at", "division_code", "state")
        return {
            **{name: getattr(record, name) for name in plain},
            "surveyor_name": record.surveyor_name,
            "findings": findings,
            "submit": record.state not in _UNSUBMITTED,
        }

    def same(self, row: RecordRow, name: str, stored: Any) -> bool:
        if name == "surveyor_name" and row.values[name] == self.caller.username:
            return bool(stored == self.caller.display_name)
        return super().same(row, name, stored)

    def changeable(self, record: Visit) -> frozenset[str]:
        # Of what was handed in nothing changes but by a correction, which is signed.
        return self.may_change if record.state in _UNSUBMITTED else frozenset()

    def identity(self, record: Visit) -> UUID:
        return record.id

    def note(self, row: RecordRow, record: Visit) -> None:
        super().note(row, record)
        row.household_id = record.household_id
        row.name_masked = self.session.get_one(Household, record.household_id).name_masked
