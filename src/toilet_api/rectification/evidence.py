"""What a close-out rests on: the household's signature, a statement with a witness, or the county's decision.

由农户签字同意后销号 (work plan 四（五）). Checked whole before anything is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel import Session

from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.rectification.close_out_schemas import CloseOutNew
from toilet_api.rectification.problems import CONSENT_MISSING, DECISION_MISSING
from toilet_api.survey import attachments
from toilet_api.survey.tables import Attachment, LedgerProblem

_CONSENT = "工作方案 四（五）：由农户签字同意后销号"
_DECISION = "工作方案 四（三）：对工作推进中存在的问题提出整改措施和时限"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence that was found good. `attachments`: every signature in it."""

    kind: str
    attachments: list[Attachment] = field(default_factory=list)


def checked(session: Session, problem: LedgerProblem, body: CloseOutNew, pointer: str = "") -> Evidence:
    """The evidence for closing a problem. `pointer`: where the body stands in the request.

    Raises `household_consent_missing`, `county_decision_missing`, 422 for evidence of another kind of problem, for two
    kinds at once, and for a signature that is no signature, named twice, of elsewhere, of another household, or of an
    earlier close-out.
    """
    if problem.problem_class == "work":
        return _decision(body, pointer)
    if body.decision is not None:
        fault = ("问题厕所不以县级决定销号，须农户签字", "a toilet's problem isn't closed by a decision")
        raise INVALID.problem(errors=[FieldError(f"{pointer}/decision", "decision_at_toilet", fault, rule=_CONSENT)])
    if body.household_signature_ids and body.statement is not None:
        fault = ("已有农户签字的不再附代签说明", "with the household's signature there is no statement")
        raise INVALID.problem(
            errors=[FieldError(f"{pointer}/statement", "two_kinds_of_evidence", fault, rule=_CONSENT)]
        )
    if body.household_signature_ids:
        at = f"{pointer}/household_signature_ids"
        return Evidence("signature", _signatures(session, problem, body.household_signature_ids, at))
    if body.statement is not None:
        at = f"{pointer}/statement/witness_signature_ids"
        return Evidence("statement", _signatures(session, problem, body.statement.witness_signature_ids, at))
    fault = (CONSENT_MISSING.zh, CONSENT_MISSING.en)
    raise CONSENT_MISSING.problem(
        errors=[FieldError(f"{pointer}/household_signature_ids", "missing", fault, rule=_CONSENT)]
    )


def _decision(body: CloseOutNew, pointer: str) -> Evidence:
    given = {"household_signature_ids": body.household_signature_ids, "statement": body.statement}
    fault = (
        "工作推进问题以县级决定销号，不收农户签字",
        "a problem in the work is closed by decision, not by a household",
    )
    faults = [
        FieldError(f"{pointer}/{name}", "household_evidence_at_work", fault, rule=_DECISION)
        for name, value in given.items()
        if value
    ]
    if faults:
        raise INVALID.problem(errors=faults)
    if body.decision is None:
        missing = (DECISION_MISSING.zh, DECISION_MISSING.en)
        raise DECISION_MISSING.problem(errors=[FieldError(f"{pointer}/decision", "missing", missing, rule=_DECISION)])
    return Evidence("decision")


def _signatures(session: Session, problem: LedgerProblem, ids: Sequence[UUID], pointer: str) -> list[Attachment]:
    rows = attachments.check(session, ids, "signature", problem.division_code, pointer)
    faults: list[FieldError] = []
    for place, one in enumerate(ids):
        row, at = rows[one], f"{pointer}/{place}"
        if one in ids[:place]:
            fault = ("同一签名只能列一次", "each signature once")
            faults.append(FieldError(at, "signature_repeated", fault, str(one), rule=_CONSENT))
        elif row.household_id not in (None, problem.household_id):
            fault = ("该签名属于另一农户", "the signature belongs to another household")
            faults.append(FieldError(at, "signature_of_another_household", fault, str(one), rule=_CONSENT))
        elif problem.reopened_at is not None and row.created_at < problem.reopened_at:
            # Consent to the work as it was then says nothing of the work that was done since.
            fault = ("问题重新打开后须重新签字", "the problem was reopened since; it has to be signed anew")
            faults.append(FieldError(at, "signature_before_reopening", fault, str(one), rule=_CONSENT))
    if faults:
        raise INVALID.problem(errors=faults)
    return list(rows.values())
