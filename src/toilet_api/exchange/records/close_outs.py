"""Close-outs from a file: each problem closed on the evidence that its row names. What is closed is final."""

from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import col, select

from toilet_api.exchange.records.kind import Kind
from toilet_api.exchange.records.rows import RecordRow
from toilet_api.kernel.database import enter_scope
from toilet_api.kernel.masks import mask_name
from toilet_api.rectification import close_outs
from toilet_api.rectification.close_out_schemas import CloseOutNew
from toilet_api.rectification.tables import CloseOut, CloseOutWitness
from toilet_api.registry.tables import Household
from toilet_api.survey.tables import LedgerProblem

_OF_STATEMENT = ("statement", "no_signature_reason", "witness_name", "witness_relation", "witness_signature_ids")
_POINTERS = {"text": "statement", "reason": "no_signature_reason"}
_FINAL = (
    "销号后不再改动；确需更正请重新打开问题（POST /problems/{id}/reopen）后再销号",
    "a close-out is final; reopen the problem (POST /problems/{id}/reopen) and close it anew",
)


class CloseOuts(Kind[CloseOut]):
    name = "close_outs"
    record_type = "close_out"
    how: ClassVar = {
        "id": ("销号记录编号由系统生成，新的请留空", "made by the system; leave it blank for a new one"),
        "closed_at": ("销号时间即导入时间，新的请留空", "the time of the import; leave it blank for a new one"),
        "": _FINAL,
    }

    def find(self, row: RecordRow) -> CloseOut | None:
        if "problem_id" not in row.values:
            row.missing("problem_id", ("问题编号", "the problem's id"))
            return None
        statement = select(CloseOut).where(
            CloseOut.problem_id == row.values["problem_id"], col(CloseOut.removed_at).is_(None)
        )
        if "id" in row.values:
            statement = statement.where(CloseOut.id == row.values["id"])
        else:
            statement = statement.where(col(CloseOut.reopened_at).is_(None))
        found = self.session.exec(self.caller.scope.narrow(statement, col(CloseOut.division_code))).first()
        if found is None and "id" in row.values:
            row.reject("id", "unknown_record", self.how["id"], str(row.values["id"]))
        return found

    def create(self, row: RecordRow) -> CloseOut:
        given = row.values
        said = None
        if any(name in given for name in _OF_STATEMENT):
            said = {
                "text": given.get("statement", ""),
                "reason": given.get("no_signature_reason", ""),
                "witness_name": given.get("witness_name", ""),
                "witness_relation": given.get("witness_relation", ""),
                "witness_signature_ids": given.get("witness_signature_ids", []),
            }
        evidence = {name: given[name] for name in ("household_signature_ids", "decision", "note") if name in given}
        body = CloseOutNew.model_validate({**evidence, "statement": said})
        caller = self.caller
        try:
            problem = close_outs.close(
                self.session, self.around.vault, caller, given["problem_id"], body, None, self.around.now
            )
        finally:
            # Closing widens the transaction to wherever the caller may close; this job stays where it was sent.
            enter_scope(self.session, caller.scope.prefixes)
        return self.session.get_one(CloseOut, problem.close_out_id)

    def shown(self, record: CloseOut) -> dict[str, Any]:
        return {
            "id": record.id,
            "problem_id": record.problem_id,
            "division_code": record.division_code,
            "kind": record.kind,
            "household_signature_ids": record.signature_ids,
            "statement": record.statement,
            "no_signature_reason": record.no_signature_reason,
            "witness_name": record.witness_masked,
            "witness_relation": record.witness_relation,
            "witness_signature_ids": record.witness_signature_ids,
            "decision": record.decision,
            "note": record.note,
            "closed_at": record.closed_at,
        }

    def same(self, row: RecordRow, name: str, stored: Any) -> bool:
        if name != "witness_name" or row.values[name] == stored:
            return super().same(row, name, stored)
        # The plain name is in the vault only; where the masks agree it is opened to be compared, and not shown.
        if stored is None or mask_name(row.values[name]) != stored:
            return False
        sealed = self.session.get(CloseOutWitness, row.record_id)
        plain = None if sealed is None else self.around.vault.open(sealed.sealed, sealed.close_out_id.bytes)["name"]
        return bool(plain == row.values[name])

    def identity(self, record: CloseOut) -> UUID:
        return record.id

    def note(self, row: RecordRow, record: CloseOut) -> None:
        super().note(row, record)
        problem = self.session.get_one(LedgerProblem, record.problem_id)
        row.household_id = problem.household_id
        if problem.household_id is not None:
            row.name_masked = self.session.get_one(Household, problem.household_id).name_masked

    def field_at(self, pointer: str) -> str:
        parts = pointer.strip("/").split("/")
        if parts[0] == "statement" and len(parts) > 1:
            return _POINTERS.get(parts[1], parts[1])
        return parts[0] or "row"
