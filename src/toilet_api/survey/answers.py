"""What the routes of the survey share: who may, which errors are documented, how an answer carries its version."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions.problems import DIVISION_ENDED, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL
from toilet_api.kernel.errors import (
    BAD_CURSOR,
    FORBIDDEN,
    ID_TAKEN,
    IDEMPOTENCY_MISMATCH,
    INVALID,
    MALFORMED,
    MATCH_REQUIRED,
    NOT_FOUND,
    OUT_OF_SCOPE,
    STALE,
    UNAUTHENTICATED,
    UNKNOWN_PARAMETER,
    WRONG_STATE,
    ProblemType,
    problems,
)
from toilet_api.kernel.preconditions import set_etag

CampaignReader = Annotated[Caller, may(Permission.CAMPAIGN_READ)]
CampaignManager = Annotated[Caller, may(Permission.CAMPAIGN_MANAGE)]
Cataloguer = Annotated[Caller, may(Permission.CATALOGUE_MANAGE)]
VisitReader = Annotated[Caller, may(Permission.VISIT_READ)]
VisitWriter = Annotated[Caller, may(Permission.VISIT_WRITE)]
Submitter = Annotated[Caller, may(Permission.VISIT_SUBMIT)]
ProblemReader = Annotated[Caller, may(Permission.PROBLEM_READ)]
WorkRecorder = Annotated[Caller, may(Permission.PROBLEM_RECORD_WORK)]
Dismisser = Annotated[Caller, may(Permission.PROBLEM_DISMISS)]
Reopener = Annotated[Caller, may(Permission.PROBLEM_REOPEN)]
Uploader = Annotated[Caller, may(Permission.ATTACHMENT_WRITE)]
AttachmentReader = Annotated[Caller, may(Permission.ATTACHMENT_READ)]
Historian = Annotated[Caller, may(Permission.HISTORY_READ)]

_ALWAYS = (UNAUTHENTICATED, FORBIDDEN, UNKNOWN_PARAMETER, MALFORMED)


def listing() -> dict[int | str, dict[str, Any]]:
    """The errors of a list."""
    return problems(*_ALWAYS, BAD_CURSOR, NOT_FOUND, INVALID)


def reading() -> dict[int | str, dict[str, Any]]:
    """The errors of a single record."""
    return problems(*_ALWAYS, NOT_FOUND, INVALID)


def creating(model: type[Any], *more: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The answers of a creating POST beside 201; `model` is what a retry gets."""
    place = (OUT_OF_SCOPE, UNKNOWN_DIVISION, WRONG_DIVISION_LEVEL, DIVISION_ENDED)
    return {
        200: {"model": model, "description": "已有的同一记录 / The record it made before"},
        **problems(*_ALWAYS, *place, ID_TAKEN, INVALID, IDEMPOTENCY_MISMATCH, *more),
    }


def changing(*more: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The errors of a PATCH."""
    return problems(*_ALWAYS, NOT_FOUND, STALE, MATCH_REQUIRED, INVALID, *more)


def stepping(*more: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The errors of a workflow step."""
    return problems(*_ALWAYS, NOT_FOUND, WRONG_STATE, STALE, INVALID, *more)


def created(response: Response, path: str, record_id: UUID, made: bool, version: int) -> None:
    """201 with its address, or 200 for a retry of the same."""
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/api/v1/{path}/{record_id}"
    set_etag(response, version)
