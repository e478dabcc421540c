"""What any operation may be refused for by its form alone, told in the document at each: no room has to list it."""

from toilet_api.kernel import errors
from toilet_api.kernel.errors import ProblemType, problems
from toilet_api.specimens import Json


def tell(operation: Json) -> None:
    """Add to the answers of `operation` the errors of form that it may have and doesn't list."""
    bodies = operation.get("requestBody", {}).get("content", {})
    kinds = [errors.UNKNOWN_PARAMETER, errors.MALFORMED]
    if bodies or operation.get("parameters"):
        kinds.append(errors.INVALID)
    if "application/json" in bodies:
        kinds.append(errors.UNSUPPORTED_MEDIA)
    if {"application/json", "text/csv"} <= operation["responses"].get("200", {}).get("content", {}).keys():
        kinds.append(errors.NOT_ACCEPTABLE)
    for kind in kinds:
        _add(operation["responses"], kind)


def _add(responses: Json, kind: ProblemType) -> None:
    (made,) = problems(kind).values()
    there = responses.setdefault(str(kind.status), made)
    examples = there.setdefault("content", {}).setdefault("application/problem+json", {}).setdefault("examples", {})
    if kind.code not in examples:
        there["description"] += f"; {made['description']}"
        examples |= made["content"]["application/problem+json"]["examples"]
