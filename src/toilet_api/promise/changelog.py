"""The changelog of the interface: a part that is made from the two documents, between words that people write."""

import re
from collections.abc import Iterator
from datetime import date

from toilet_api.promise.changes import Change
from toilet_api.promise.documents import compare, operations
from toilet_api.promise.schemas import Json

UNRELEASED = "## 未发布 / Unreleased"
_BEGIN, _END = "<!-- made by `make contract-changelog` -->", "<!-- end -->"
_MADE = re.compile(f"{re.escape(_BEGIN)}\n.*?{re.escape(_END)}\n", re.S)
_PLACES = 3
_NONE = "与 v1 基线相同。/ As the baseline of v1.\n"


class ChangelogError(ValueError):
    """The page has not the parts that it must have."""


def made(old: Json, new: Json) -> str:
    """What changed since the released document, for people: new operations, then everything else by its place."""
    changes = compare(old, new)
    added = [change for change in changes if change.kind == "operation_added"]
    rest = [change for change in changes if change.kind != "operation_added"]
    parts = []
    if added:
        known = operations(new)
        lines = [f"- `{one.place}` `{one.detail}` {known[one.place].get('summary', '')}\n" for one in added]
        parts.append("### 新接口 / New operations\n\n" + "".join(lines))
    if rest:
        parts.append("### 其他 / Else\n\n" + "".join(_lines(rest)))
    return "\n".join(parts) or _NONE


def written(page: str, old: Json, new: Json) -> str:
    """The page with the part that is made, made anew."""
    if len(_MADE.findall(page)) != 1 or UNRELEASED not in page:
        raise ChangelogError(f"CHANGELOG.md needs `{UNRELEASED}` and, once, `{_BEGIN}` … `{_END}`")
    return _MADE.sub(lambda _: f"{_BEGIN}\n\n{made(old, new)}\n{_END}\n", page)


def released(page: str, old: Json, new: Json, day: date) -> str:
    """The page after a release: what was unreleased stands under its day, and nothing is unreleased."""
    page = written(page, old, new)
    head, rest = page.split(UNRELEASED + "\n", 1)
    then = _MADE.sub(lambda _: made(old, new), rest, count=1)
    return f"{head}{UNRELEASED}\n\n{_BEGIN}\n\n{_NONE}\n{_END}\n\n## v1 {day.isoformat()}\n{then}"


def _lines(changes: list[Change]) -> Iterator[str]:
    """What happened in many places is told once."""
    places: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        places.setdefault((change.kind, change.detail), []).append(change)
    for (_, detail), alike in places.items():
        zh, en = alike[0].sentence
        where = "、".join(f"`{one.place}`" for one in alike[:_PLACES])
        more = f" 等 {len(alike)} 处 / and {len(alike) - _PLACES} places more" if len(alike) > _PLACES else ""
        yield f"- {zh} / {en}" + (f" `{detail}`" if detail else "") + f"：{where}{more}\n"
