"""JSON Merge Patch (RFC 7396), and what a write journals: the members that it changed."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def merge(target: Any, patch: Any) -> Any:
    """`target` after `patch`: objects are merged, null removes a member, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def changes_of(patch: BaseModel) -> dict[str, Any]:
    """What a patch body really says: members that were left out are absent, null is null."""
    return patch.model_dump(exclude_unset=True)


def check_merged(model: type[M], merged: Any, pointer: str) -> M:
    """`merged` as `model`; its faults are answered as faults of the request at `pointer`."""
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("body", pointer, *fault["loc"])} for fault in error.errors(include_url=False)]
        ) from None


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members that differ, as they were and as they are."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def canonical(body: BaseModel) -> str:
    """A body as text that is equal for equal content, whatever the order of its members."""
    return json.dumps(body.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
