"""Compares two JSON schemas as sets of values: what is sent may only grow, what is shown may only shrink.

Two things are agreed beyond that, and stated in the document: an answer may gain members, and a set of codes
(`x-extensible-enum`) may grow; clients must tolerate both. A code that is gone breaks clients in both directions.
A keyword that isn't known here breaks where it changed at all: nothing passes unjudged.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from toilet_api.promise.changes import Change, breaking
from toilet_api.promise.said import SAID_LATER, without_conventions

Json = dict[str, Any]
Found = tuple[Change, ...]

_SCHEMA = "#/components/schemas/"
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COUNTS = ("minLength", "minItems", "minProperties")
_EXACT = ("pattern", "format", "contentMediaType", "contentEncoding", "multipleOf", "uniqueItems")
_ANNOTATIONS = {"title", "description", "examples", "example", "$comment"}
_JUDGED = {
    *(*_LOWER, *_UPPER, *_EXACT, *_ANNOTATIONS),
    *("$ref", "type", "enum", "const", "x-extensible-enum", "default", "deprecated"),
    *("anyOf", "oneOf", "discriminator", "items", "properties", "required", "additionalProperties"),
}
_ASIDE = {*_ANNOTATIONS, "default", "deprecated"}
_ABSENT: Any = object()


class Schemas:
    """Compares schemas of two documents. `sent`: in requests; otherwise in answers."""

    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._known: dict[tuple[str, str, bool], Found] = {}

    def compare(self, old: Json, new: Json, place: str, *, sent: bool) -> Found:
        """Every change from `old` to `new`, without repetition."""
        was, now = _name(old), _name(new)
        if not was or not now:
            return self._judge(old, new, place, sent)
        key = (was, now, sent)
        if key not in self._known:
            self._known[key] = ()  # whatever leads back here adds nothing
            role = "请求 request" if sent else "答复 answer"
            self._known[key] = self._judge({"$ref": old["$ref"]}, {"$ref": new["$ref"]}, f"{was} ({role})", sent)
        return _together(_beside(old, new, place, sent), self._known[key])

    def _judge(self, old: Json, new: Json, place: str, sent: bool) -> Found:
        found: list[Change] = list(_beside(old, new, place, sent))
        olds, news = _alternatives(self._old, old), _alternatives(self._new, new)
        if len(olds) == len(news) == 1:
            found += self._one(olds[0], news[0], place, sent)
        else:
            found += self._union(olds, news, place, sent)
        if (was := _discriminator(self._old, old)) != (now := _discriminator(self._new, new)) and was:
            found.append(Change(place, "discriminator_changed", f"{was} → {now or '-'}"))
        if sent and new.get(SAID_LATER) and not old.get(SAID_LATER):
            found = [Change(place, "said_later", one.detail) if one.breaking else one for one in found]
        return _together(found)

    def _union(self, olds: list[Json], news: list[Json], place: str, sent: bool) -> Iterator[Change]:
        """Each alternative of the one side must be covered by one of the other side."""
        covered, covering = (olds, news) if sent else (news, olds)
        used: list[int] = []
        for one in covered:
            tried = [self.compare(*((one, other) if sent else (other, one)), place, sent=sent) for other in covering]
            fitting = [at for at, found in enumerate(tried) if not breaking(found)]
            alike = [at for at, other in enumerate(covering) if _label(other) == _label(one)]
            best = min(fitting or alike, key=[len(found) for found in tried].__getitem__, default=None)
            if best is None:
                yield Change(place, "alternative_removed" if sent else "alternative_added", _label(one))
            else:
                used += [best, *fitting]
                yield from tried[best]
        for at, other in enumerate(covering):
            if at not in used:
                yield Change(place, "looser" if sent else "narrower", _label(other))

    def _one(self, old: Json, new: Json, place: str, sent: bool) -> Iterator[Change]:
        """Two schemas that are no unions. Where the type differs, the rest needs no comparing."""
        if "$ref" in old or "$ref" in new:
            yield from self._judge(_resolved(self._old, old), _resolved(self._new, new), place, sent)
            return
        was, now = old.get("type"), new.get("type")
        narrow, wide = (was, now) if sent else (now, was)
        if not (wide is None or narrow == wide or (narrow, wide) == ("integer", "number")):
            yield Change(place, "type_changed", f"{was or '*'} → {now or '*'}")
            return
        yield from _sets(old, new, place, sent)
        yield from _bounds(*_stated(old, new, sent), place, sent)
        if "items" in old or "items" in new:
            yield from self.compare(old.get("items", {}), new.get("items", {}), f"{place}[]", sent=sent)
        yield from self._members(old, new, place, sent)
        for keyword in sorted((old.keys() | new.keys()) - _JUDGED):
            if not keyword.startswith("x-"):
                before, after = _expanded(self._old, old.get(keyword)), _expanded(self._new, new.get(keyword))
                if before != after:
                    yield Change(place, "unjudged", keyword)

    def _members(self, old: Json, new: Json, place: str, sent: bool) -> Iterator[Change]:
        were, are = old.get("properties", {}), new.get("properties", {})
        must, now_must = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(were.keys() - are.keys()):
            yield Change(place, "member_removed", name)
        for name in sorted(are.keys() - were.keys()):
            if not (sent and name in now_must):
                yield Change(place, "member_added", name)
            if isinstance(others := old.get("additionalProperties"), dict):
                yield from self.compare(others, are[name], f"{place}.{name}", sent=sent)
        for name in sorted(were.keys() & are.keys()):
            yield from self.compare(were[name], are[name], f"{place}.{name}", sent=sent)
        if sent:
            yield from (Change(place, "member_required", name) for name in sorted(now_must - must))
        else:
            yield from (Change(place, "member_optional", name) for name in sorted((must - now_must) & are.keys()))
        yield from self._others(
            old.get("additionalProperties", True), new.get("additionalProperties", True), f"{place}{{}}", sent
        )

    def _others(self, old: bool | Json, new: bool | Json, place: str, sent: bool) -> Iterator[Change]:
        """Members that have no name in the schema."""
        if old in (True, {}) and new in (True, {}):
            return
        if sent and old is not False:
            if new is False:
                yield Change(place, "members_closed")
            else:
                yield from self.compare(_as_schema(old), _as_schema(new), place, sent=True)
        elif not sent and isinstance(old, dict) and new is not False:
            yield from self.compare(old, _as_schema(new), place, sent=False)


def _sets(old: Json, new: Json, place: str, sent: bool) -> Iterator[Change]:
    """Closed sets (`enum`, `const`) and sets that may grow (`x-extensible-enum`)."""
    was_closed, now_closed = _closed(old), _closed(new)
    was, now = was_closed or old.get("x-extensible-enum"), now_closed or new.get("x-extensible-enum")
    if was is None or now is None:
        if was != now:
            limited = was is None
            kinds = {
                (True, True): "values_limited",
                (True, False): "looser",
                (False, True): "narrower",
                (False, False): "values_opened" if was_closed else "value_removed",
            }
            yield Change(place, kinds[sent, limited], _shown(now or was or []))
        return
    gone = [value for value in was if value not in now]
    added = [value for value in now if value not in was]
    if gone:
        yield Change(place, "value_removed", _shown(gone))
    if not sent and was_closed and (added or not now_closed):
        yield Change(place, "values_opened", _shown(added))
    elif added:
        yield Change(place, "value_added", _shown(added))


def _stated(old: Json, new: Json, sent: bool) -> tuple[Json, Json]:
    return (without_conventions(old, new), without_conventions(new, old)) if sent else (old, new)


def _bounds(old: Json, new: Json, place: str, sent: bool) -> Iterator[Change]:
    for keyword in (*_LOWER, *_UPPER, *_EXACT):
        unset = 0 if keyword in _COUNTS else None
        was, now = old.get(keyword, unset), new.get(keyword, unset)
        if was == now:
            continue
        if keyword in _EXACT:
            tighter, looser = bool(now), bool(was)
        else:
            tighter = was is None or (now is not None and (now > was if keyword in _LOWER else now < was))
            looser = not tighter
        detail = f"{keyword} {_text(was)} → {_text(now)}"
        if sent:
            yield Change(place, "stricter" if tighter else "looser", detail)
        else:
            yield Change(place, "wider" if looser else "narrower", detail)


def _beside(old: Json, new: Json, place: str, sent: bool) -> Iterator[Change]:
    """What stands beside a schema, not in it."""
    was, now = old.get("default", _ABSENT), new.get("default", _ABSENT)
    if sent and was != now:
        yield Change(place, "default_stated" if was is _ABSENT else "default_changed", f"{_text(was)} → {_text(now)}")
    if new.get("deprecated") and not old.get("deprecated"):
        yield Change(place, "deprecated")


def _alternatives(document: Json, schema: Json) -> list[Json]:
    """What a value may be: the members of a union (one in a union too, and a list of types), or the schema itself."""
    if _name(schema):
        target = _resolved(document, schema)
        return _alternatives(document, target) if _is_union(target) else [schema]
    schema = _resolved(document, schema)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            members = [one for member in schema[keyword] for one in _alternatives(document, member)]
            beside = {
                name: member
                for name, member in schema.items()
                if name not in (keyword, *_ASIDE, "discriminator") and not name.startswith("x-")
            }
            return [{"allOf": [beside, one]} for one in members] if beside else members
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _is_union(schema: Json) -> bool:
    return "anyOf" in schema or "oneOf" in schema or isinstance(schema.get("type"), list)


def _resolved(document: Json, schema: Json) -> Json:
    """`schema`, or what it refers to, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    beside = {name: member for name, member in schema.items() if name != "$ref"}
    target: Json = document["components"]["schemas"][schema["$ref"].removeprefix(_SCHEMA)]
    return {**_resolved(document, target), **beside}


def _discriminator(document: Json, schema: Json) -> str | None:
    found: str | None = _resolved(document, schema).get("discriminator", {}).get("propertyName")
    return found


def _expanded(document: Json, value: Any, inside: tuple[str, ...] = ()) -> Any:
    """`value` with every reference replaced by what it refers to, once along each way."""
    if isinstance(value, list):
        return [_expanded(document, one, inside) for one in value]
    if not isinstance(value, dict):
        return value
    if (name := value.get("$ref")) and name not in inside:
        return _expanded(document, _resolved(document, value), (*inside, name))
    return {name: _expanded(document, member, inside) for name, member in value.items()}


def _name(schema: Json) -> str:
    """The name of the schema that is referred to, where nothing is demanded beside it; else nothing."""
    if "$ref" not in schema or schema.keys() - _ASIDE - {"$ref"}:
        return ""
    return str(schema["$ref"]).removeprefix(_SCHEMA)


def _label(schema: Json) -> str:
    return _name(schema) or str(schema.get("type", "*"))


def _closed(schema: Json) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _as_schema(others: bool | Json) -> Json:
    return others if isinstance(others, dict) else {}


def _together(*found: Iterable[Change]) -> Found:
    return tuple(dict.fromkeys(change for some in found for change in some))


def _shown(values: Iterable[Any]) -> str:
    return ", ".join(_text(value) for value in values)


def _text(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
