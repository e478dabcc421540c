"""Divisions from a file: new townships and villages, and other names."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import col, select

from toilet_api.divisions import lookup, recoding, reform
from toilet_api.divisions.schemas import DivisionCreate, DivisionPatch
from toilet_api.divisions.tables import Division
from toilet_api.exchange.records.kind import Kind
from toilet_api.exchange.records.rows import RecordRow


class Divisions(Kind[Division]):
    name = "divisions"
    record_type = "division"
    may_change: ClassVar = frozenset({"name"})
    how: ClassVar = {
        "code": ("迁移区划请用 POST /divisions/{code}/move", "move it (POST /divisions/{code}/move)"),
        "parent_code": ("迁移区划请用 POST /divisions/{code}/move", "move it (POST /divisions/{code}/move)"),
        "valid_from": ("生效日期不再更改，请留空", "it doesn't change; leave it blank"),
        "valid_to": ("撤销区划请用 POST /divisions/{code}/close 或 merge", "close or merge the division"),
        "": ("由系统决定，请留空", "decided by the system; leave it blank"),
    }

    def find(self, row: RecordRow) -> Division | None:
        given = row.values
        if "name" not in given:
            row.missing("name", ("区划名称", "the division's name"))
        if "code" in given:
            found = lookup.find(self.session, given["code"])
            return found if found is not None and self.caller.scope.covers(found.code) else None
        if "parent_code" not in given:
            row.missing("code", ("区划代码；或上级代码，由系统编号", "the code; or the parent's, to be given one"))
            return None
        statement = select(Division).where(
            Division.parent_code == given["parent_code"],
            Division.name == given.get("name"),
            col(Division.valid_to).is_(None),
        )
        return self.session.exec(self.caller.scope.narrow(statement, col(Division.code))).first()

    def create(self, row: RecordRow) -> Division:
        given = row.values
        body = DivisionCreate(
            code=given.get("code"),
            parent_code=given.get("parent_code"),
            name=given["name"],
            valid_from=given.get("valid_from"),
            reason=given.get("reason"),
        )
        code = reform.create(self.session, self.caller.scope, body)
        return self.session.exec(select(Division).where(Division.code == code)).one()

    def change(self, row: RecordRow, record: Division, fields: Collection[str]) -> None:
        body = DivisionPatch(**{name: row.values[name] for name in fields}, reason=row.values.get("reason"))
        held = recoding.hold(self.session, self.caller.scope, record.code)
        reform.rename(self.session, held, body.name, body.reason)

    def shown(self, record: Division) -> dict[str, Any]:
        return {name: getattr(record, name) for name in ("code", "name", "parent_code", "valid_from", "valid_to")}

    def identity(self, record: Division) -> UUID:
        return recoding.subject_id(record.code)

    def note(self, row: RecordRow, record: Division) -> None:
        row.division_code = record.code

    def field_at(self, pointer: str) -> str:
        return {"effective": "valid_from"}.get(found := super().field_at(pointer), found)
