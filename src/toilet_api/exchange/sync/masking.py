"""What a client wanted to write, as it may be shown: personal data masked, and nothing that isn't known to be harmless.

An item that was rejected because of its form may hold personal data in any place.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from toilet_api.exchange.sync.kinds import KINDS
from toilet_api.kernel.masks import mask_address, mask_id_number, mask_name, mask_phone

HIDDEN = "***"
_MASKS: dict[str, Callable[[str], str]] = {
    "name": mask_name,
    "id_number": mask_id_number,
    "phones": mask_phone,
    "address": mask_address,
}


def masked(kind: str, op: str, changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The changes of an item of this type and operation."""
    body = KINDS[kind, op].body if (kind, op) in KINDS else None
    known = set() if body is None else set(body.model_fields)
    sound = True
    try:
        if body is not None and op != "create":
            body.model_validate(dict(changes or {}))
        elif body is not None:
            body.model_validate({"id": None, **(changes or {})})
    except ValidationError:
        sound = False
    shown: dict[str, Any] = {}
    for name, value in (changes or {}).items():
        if name == "person":
            shown[name] = _person(value)
        elif name in known and (sound or not isinstance(value, (dict, list))):
            shown[name] = value
        else:
            shown[name] = HIDDEN
    return shown


def _person(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None if value is None else HIDDEN
    return {name: _hidden(_MASKS.get(name), one) for name, one in value.items()}


def _hidden(mask: Callable[[str], str] | None, value: Any) -> Any:
    if value is None:
        return None
    if mask is None:
        return HIDDEN
    if isinstance(value, list):
        return [mask(one) if isinstance(one, str) and one else HIDDEN for one in value]
    return mask(value) if isinstance(value, str) and value else HIDDEN
