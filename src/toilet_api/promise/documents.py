"""Compares two OpenAPI documents operation by operation."""

from collections.abc import Iterator
from typing import Any

from toilet_api.promise.changes import Change
from toilet_api.promise.schemas import Json, Schemas

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_AS_WRITTEN = ("style", "explode", "allowReserved", "allowEmptyValue", "content")


def compare(old: Json, new: Json) -> list[Change]:
    """Every change from `old` to `new` that a client may notice. Titles, descriptions and examples are none."""
    return Released(old).compare(new)


class Released:
    """A document that others are held to; what it refers to where is found out once."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._operations = operations(document)
        self._used = {
            f"{kind}/{name}": set(_references(member))
            for kind, members in document.get("components", {}).items()
            for name, member in members.items()
        }
        self._used_by = {place: set(_references(operation)) for place, operation in self._operations.items()}

    def compare(self, new: Json) -> list[Change]:
        """Every change from this document to `new`."""
        comparison = _Documents(self._document, new)
        found = [*comparison.whole()]
        are, touched = operations(new), self._touched(new)
        for place, operation in self._operations.items():
            now = are.get(place)
            if now is not None and (now != operation or touched & self._used_by[place]):
                found += comparison.operation(operation, now, place)
        return list(dict.fromkeys(found))

    def _touched(self, new: Json) -> set[str]:
        """What differs under its name, with all that refers to it."""
        parts, now = self._document.get("components", {}), new.get("components", {})
        touched = {
            f"{kind}/{name}"
            for kind, members in parts.items()
            for name, member in members.items()
            if now.get(kind, {}).get(name) != member
        }
        while True:
            more = {one for one, used in self._used.items() if used & touched} - touched
            if not more:
                return touched
            touched |= more


def operations(document: Json) -> dict[str, Json]:
    """The operations by method and path, each with the parameters that hold for its whole path."""
    return {
        f"{method.upper()} {path}": {**item[method], "parameters": _parameters(document, item, item[method])}
        for path, item in document.get("paths", {}).items()
        for method in METHODS
        if method in item
    }


class _Documents:
    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._schemas = Schemas(old, new)

    def whole(self) -> Iterator[Change]:
        """Everything but the operations that are in both."""
        old, new = self._old, self._new
        if old["openapi"].split(".")[:2] != new["openapi"].split(".")[:2]:
            yield Change("openapi", "version_changed", f"{old['openapi']} → {new['openapi']}")
        urls = [server["url"] for server in new.get("servers", [])]
        for server in old.get("servers", []):
            if server["url"] not in urls:
                yield Change("servers", "server_removed", server["url"])
        yield from self._components()
        were, are = operations(old), operations(new)
        for place in sorted(were.keys() - are.keys()):
            yield Change(place, "operation_removed", were[place].get("operationId", ""))
        for place in sorted(are.keys() - were.keys()):
            yield Change(place, "operation_added", are[place].get("operationId", ""))
        yield from self._webhooks()

    def _components(self) -> Iterator[Change]:
        """What is named: generated clients make types of the schemas."""
        old, new = self._old.get("components", {}), self._new.get("components", {})
        for name in sorted(old.get("schemas", {}).keys() - new.get("schemas", {}).keys()):
            yield Change(f"components.schemas.{name}", "schema_removed")
        for name, scheme in old.get("securitySchemes", {}).items():
            if _bare(scheme) != _bare(new.get("securitySchemes", {}).get(name, {})):
                yield Change(f"components.securitySchemes.{name}", "security_changed")

    def _webhooks(self) -> Iterator[Change]:
        """The other way round: we send the body, and the client answers."""
        old, new = self._old.get("webhooks", {}), self._new.get("webhooks", {})
        for name in sorted(new.keys() - old.keys()):
            yield Change(f"webhook {name}", "webhook_added")
        for name, item in old.items():
            place = f"webhook {name}"
            for method in METHODS:
                if method in item and method not in new.get(name, {}):
                    yield Change(place, "operation_removed", method)
                elif method in item:
                    was, now = item[method], new[name][method]
                    yield from self._named(was, now, place)
                    yield from self._body(was, now, place, sent=False)

    def operation(self, old: Json, new: Json, place: str) -> Iterator[Change]:
        """One that is in both."""
        yield from self._named(old, new, place)
        if _security(self._old, old) != _security(self._new, new):
            yield Change(place, "security_changed")
        yield from self._taken(old, new, place)
        yield from self._body(old, new, place, sent=True)
        yield from self._answers(old["responses"], new["responses"], place)

    @staticmethod
    def _named(old: Json, new: Json, place: str) -> Iterator[Change]:
        if old.get("operationId") != new.get("operationId"):
            yield Change(place, "operation_renamed", f"{old.get('operationId')} → {new.get('operationId')}")
        if old.get("tags", [])[:1] != new.get("tags", [])[:1]:
            yield Change(place, "operation_retagged", f"{old.get('tags')} → {new.get('tags')}")
        if new.get("deprecated") and not old.get("deprecated"):
            yield Change(place, "operation_deprecated")

    def _taken(self, old: Json, new: Json, place: str) -> Iterator[Change]:
        were = {(one["in"], one["name"]): one for one in old["parameters"]}
        are = {(one["in"], one["name"]): one for one in new["parameters"]}
        for key in sorted(were.keys() - are.keys()):
            yield Change(place, "parameter_removed", " ".join(key))
        for key in sorted(are.keys() - were.keys()):
            yield Change(place, "parameter_required" if are[key].get("required") else "parameter_added", " ".join(key))
        for key in sorted(were.keys() & are.keys()):
            was, now, at = were[key], are[key], f"{place} {key[0]} {key[1]}"
            if now.get("required") and not was.get("required"):
                yield Change(at, "parameter_required")
            if any(was.get(name) != now.get(name) for name in _AS_WRITTEN):
                yield Change(at, "parameter_restyled")
            if now.get("deprecated") and not was.get("deprecated"):
                yield Change(at, "deprecated")
            yield from self._schemas.compare(was.get("schema", {}), now.get("schema", {}), at, sent=True)

    def _body(self, old: Json, new: Json, place: str, *, sent: bool) -> Iterator[Change]:
        was, now = _found(self._old, old.get("requestBody", {})), _found(self._new, new.get("requestBody", {}))
        at = f"{place} body"
        if was and not now:
            yield Change(at, "body_removed")
        elif now.get("required") and not was.get("required") and sent:
            yield Change(at, "body_required")
        elif now and not was:
            yield Change(at, "body_added")
        if was and now:
            yield from self._content(was, now, at, sent=sent)

    def _answers(self, old: Json, new: Json, place: str) -> Iterator[Change]:
        """Statuses of refusal may come and go: whoever calls must expect any. Those of success may not."""
        for status in sorted(old.keys() - new.keys()):
            if status.startswith("2") or status == "default":
                yield Change(place, "answer_removed", status)
        for status in sorted(new.keys() - old.keys()):
            if status.startswith("2"):
                yield Change(place, "answer_added", status)
            elif covering := old.get(f"{status[0]}XX", old.get("default")):
                was, now = _found(self._old, covering), _found(self._new, new[status])
                yield from self._content(was, now, f"{place} {status}", sent=False)
        for status in sorted(old.keys() & new.keys()):
            was, now, at = _found(self._old, old[status]), _found(self._new, new[status]), f"{place} {status}"
            yield from self._content(was, now, at, sent=False)
            yield from self._headers(was.get("headers", {}), now.get("headers", {}), at)

    def _content(self, old: Json, new: Json, place: str, *, sent: bool) -> Iterator[Change]:
        were, are = old.get("content", {}), new.get("content", {})
        for media in sorted(were.keys() - are.keys()):
            yield Change(place, "media_removed", media)
        for media in sorted(are.keys() - were.keys()):
            yield Change(place, "media_added", media)
        for media in sorted(were.keys() & are.keys()):
            yield from self._schemas.compare(
                were[media].get("schema", {}), are[media].get("schema", {}), f"{place} {media}", sent=sent
            )
            if were[media].get("encoding") != are[media].get("encoding"):
                yield Change(f"{place} {media}", "unjudged", "encoding")

    def _headers(self, old: Json, new: Json, place: str) -> Iterator[Change]:
        for name in sorted(old.keys() - new.keys()):
            yield Change(place, "header_removed", name)
        for name in sorted(new.keys() - old.keys()):
            yield Change(place, "header_added", name)
        for name in sorted(old.keys() & new.keys()):
            was, now, at = _found(self._old, old[name]), _found(self._new, new[name]), f"{place} {name}"
            if was.get("required") and not now.get("required"):
                yield Change(at, "header_optional")
            yield from self._schemas.compare(was.get("schema", {}), now.get("schema", {}), at, sent=False)


def _references(value: Any) -> Iterator[str]:
    """`schemas/NAME`, `responses/NAME` and so on, of all that `value` refers to. Examples refer to nothing."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == "$ref" and isinstance(member, str):
                yield member.removeprefix("#/components/")
            elif name == "properties" and isinstance(member, dict):
                yield from _references(list(member.values()))  # where `examples` is the name of a member
            elif name not in ("example", "examples"):
                yield from _references(member)


def _parameters(document: Json, item: Json, operation: Json) -> list[Json]:
    both = [*item.get("parameters", []), *operation.get("parameters", [])]
    found = {(one["in"], one["name"]): one for one in (_found(document, parameter) for parameter in both)}
    return list(found.values())


def _found(document: Json, value: Json) -> Json:
    """`value`, or the parameter, body, answer or header that it refers to."""
    if "$ref" not in value:
        return value
    found: Any = document
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return _found(document, found)


def _security(document: Json, operation: Json) -> list[Json]:
    stated: list[Json] = operation.get("security", document.get("security")) or []
    return sorted(stated, key=str)


def _bare(scheme: Json) -> Json:
    return {name: member for name, member in scheme.items() if name not in ("description", "bearerFormat")}
