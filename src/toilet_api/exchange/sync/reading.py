"""What an item says, checked as its single route would check it."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from toilet_api.exchange.sync.kinds import EXPECTED, KINDS
from toilet_api.exchange.sync.problems import SYNC_UNSUPPORTED
from toilet_api.exchange.sync.schemas import SyncItem
from toilet_api.exchange.sync.work import Kind
from toilet_api.kernel.answers import field_errors
from toilet_api.kernel.errors import INVALID, FieldError, Problem


def digest(item: SyncItem) -> bytes:
    """Of all that the item says, whatever the order of its members."""
    return hashlib.sha256(json.dumps(item.model_dump(mode="json"), sort_keys=True).encode()).digest()


def kind_of(item: SyncItem) -> Kind:
    """What the item is. Raises `sync_unsupported`."""
    kind = KINDS.get((item.type, item.op))
    if kind is None:
        raise SYNC_UNSUPPORTED.problem(expected=EXPECTED)
    return kind


def body_of(kind: Kind, item: SyncItem) -> Any:
    """Its changes as the body of its single route; None for a step without. Raises 422, with pointers into `changes`.

    A new record has the item's `record_id`.
    """
    if kind.body is None:
        if item.changes:
            fault = FieldError("", "extra_forbidden", ("此操作不带内容", "this operation takes no changes"))
            raise INVALID.problem(errors=[fault])
        return None
    said = dict(item.changes or {})
    if item.op == "create":
        said.setdefault("id", item.record_id)
    try:
        body: Any = kind.body.model_validate(said)
    except ValidationError as error:
        raise invalid(RequestValidationError(error.errors())) from None
    if item.op == "create" and body.id != item.record_id:
        fault = FieldError("/id", "other_record", ("须与 record_id 相同", "must be record_id"))
        raise INVALID.problem(errors=[fault])
    return body


def invalid(error: RequestValidationError) -> Problem:
    """422 without the values: problems are kept, and a field that isn't known may hold personal data."""
    return INVALID.problem(errors=[replace(fault, value=None) for fault in field_errors(error)])
