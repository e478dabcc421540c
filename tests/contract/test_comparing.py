"""The comparison of schemas, on small ones: what it says of each change, and that its silence is never wrong.

COMPARED_SCHEMAS: how many pairs of made-up schemas are held against made-up values (default 100, broad 500).
"""

from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from tests.contract.reading import Json
from toilet_api.promise import compare
from toilet_api.promise.changelog import ChangelogError, released, written
from toilet_api.promise.changes import breaking
from toilet_api.promise.schemas import Schemas

PAIRS = tries("COMPARED_SCHEMAS", 100, 500)
TEXT, COUNT = {"type": "string"}, {"type": "integer"}


def kinds(old: Json, new: Json, *, sent: bool, named: Json | None = None) -> set[str]:
    document = {"components": {"schemas": named or {}}}
    return {change.kind for change in Schemas(document, document).compare(old, new, "here", sent=sent)}


def closed(**members: Json) -> Json:
    return {"type": "object", "properties": members, "additionalProperties": False}


@pytest.mark.parametrize(
    ("old", "new", "in_requests", "in_answers"),
    [
        (COUNT, {"type": "number"}, set(), {"type_changed"}),
        (TEXT, {"anyOf": [TEXT, {"type": "null"}]}, {"looser"}, {"alternative_added"}),
        ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}, set(), set()),
        ({"type": ["string", "null"]}, TEXT, {"alternative_removed"}, {"narrower"}),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, {"value_added"}, {"values_opened"}),
        ({"enum": ["a"]}, {"x-extensible-enum": ["a"]}, set(), {"values_opened"}),
        ({"enum": ["a"]}, {}, {"looser"}, {"values_opened"}),
        ({}, {"x-extensible-enum": ["a"]}, {"values_limited"}, {"narrower"}),
        ({"x-extensible-enum": ["a"]}, {"x-extensible-enum": ["a", "b"]}, {"value_added"}, {"value_added"}),
        ({"x-extensible-enum": ["a", "b"]}, {"x-extensible-enum": ["b"]}, {"value_removed"}, {"value_removed"}),
        ({"const": "a"}, {"const": "b"}, {"value_removed", "value_added"}, {"value_removed", "values_opened"}),
        ({"minLength": 0}, {}, set(), set()),
        ({"maximum": 5}, {"maximum": 4}, {"stricter"}, {"narrower"}),
        ({"multipleOf": 2}, {}, {"looser"}, {"wider"}),
        ({"uniqueItems": False}, {"uniqueItems": True}, {"stricter"}, {"narrower"}),
        ({"format": "date"}, {"format": "date-time"}, {"stricter"}, {"wider"}),
        ({"default": 1}, {"default": 2}, {"default_changed"}, set()),
        ({}, {"default": 1}, {"default_stated"}, set()),
        ({}, {"deprecated": True}, {"deprecated"}, {"deprecated"}),
        ({"not": TEXT}, {"not": COUNT}, {"unjudged"}, {"unjudged"}),
        ({"type": "array", "items": COUNT}, {"type": "array"}, set(), {"type_changed"}),
        (closed(a=TEXT), closed(a=TEXT, b=TEXT), {"member_added"}, {"member_added"}),
        ({"additionalProperties": COUNT}, {"additionalProperties": TEXT}, {"type_changed"}, {"type_changed"}),
        ({"additionalProperties": COUNT}, {"additionalProperties": False}, {"members_closed"}, set()),
        (
            {"additionalProperties": COUNT},
            {"additionalProperties": COUNT, "properties": {"a": TEXT}},
            {"member_added", "type_changed"},
            {"member_added", "type_changed"},
        ),
        ({"title": "甲", "examples": [1], "x-note": 1}, {"description": "乙", "x-note": 2}, set(), set()),
    ],
)
def test_each_change_by_its_name(old: Json, new: Json, in_requests: set[str], in_answers: set[str]) -> None:
    assert kinds(old, new, sent=True) == in_requests
    assert kinds(old, new, sent=False) == in_answers


def test_references_are_followed_also_where_a_schema_refers_to_itself() -> None:
    def documents(inner: Json) -> Json:
        tree = closed(next={"anyOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "null"}]}, inner=inner)
        return {"components": {"schemas": {"Tree": tree}}}

    old, new = documents(TEXT), documents(COUNT)
    there = {"$ref": "#/components/schemas/Tree"}
    assert Schemas(old, old).compare(there, there, "here", sent=True) == ()
    found = Schemas(old, new).compare(there, there, "here", sent=True)
    assert [change.kind for change in found] == ["type_changed"]
    assert found[0].place == "Tree (请求 request).inner"
    # Also where the reference stands in a keyword that isn't judged, or something else stands beside it.
    hidden = {"allOf": [there]}
    assert [one.kind for one in Schemas(old, new).compare(hidden, hidden, "here", sent=True)] == ["unjudged"]
    beside = Schemas(old, old).compare(there, {**there, "maxProperties": 1}, "here", sent=True)
    assert [one.kind for one in beside] == ["stricter"]


def test_what_an_answer_that_is_shared_refers_to_is_compared() -> None:
    def document(inner: Json) -> Json:
        answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Shown"}}}}
        operation = {"operationId": "told", "responses": {"200": {"$ref": "#/components/responses/Shown"}}}
        return {
            "openapi": "3.1.0",
            "paths": {"/told": {"get": operation}},
            "components": {"schemas": {"Shown": closed(a=inner)}, "responses": {"Shown": answer}},
        }

    assert [one.kind for one in compare(document(TEXT), document(COUNT))] == ["type_changed"]


def test_what_a_webhook_sends_is_an_answer_to_whoever_receives_it() -> None:
    def document(body: Json) -> Json:
        post = {"operationId": "told", "requestBody": {"content": {"application/json": {"schema": body}}}}
        return {"openapi": "3.1.0", "webhooks": {"told": {"post": post}}}

    assert not breaking(compare(document(closed(a=TEXT)), document({**closed(a=TEXT), "required": ["a"]})))
    assert breaking(compare(document({**closed(a=TEXT), "required": ["a"]}), document(closed(a=TEXT))))
    assert breaking(compare(document(closed()), {"openapi": "3.1.0", "webhooks": {"told": {}}}))


_names = st.sampled_from(["a", "b"])
_scalars = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(1, 3),
            "pattern": st.sampled_from(["^x", "y$"]),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": st.integers(-1, 2),
            "exclusiveMaximum": st.integers(1, 3),
            "multipleOf": st.sampled_from([2, 3]),
        },
    ),
    st.builds(lambda some: {"enum": some}, st.lists(st.sampled_from(["x", "xy", 1, None]), min_size=1, unique=True)),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"const": "x"}, {"type": ["string", "null"]}, {}]),
)


def _composed(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    members = st.dictionaries(_names, inner, max_size=2)
    return st.one_of(
        st.builds(lambda some, keyword: {keyword: some}, st.lists(inner, min_size=1, max_size=3), st.just("anyOf")),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 1), "maxItems": st.integers(1, 2), "uniqueItems": st.booleans()},
        ),
        st.builds(
            lambda members, required: {**closed(**members), "required": sorted(required & members.keys())},
            members,
            st.sets(_names),
        ),
        st.builds(lambda one: {"type": "object", "additionalProperties": one}, inner),
    )


_schemas = st.recursive(_scalars, _composed, max_leaves=5)
_SIMPLE: list[Any] = [None, True, "", "x", "xy", "zzzz", -1, 0, 1, 2, 3, 0.5, 6]
VALUES: list[Any] = [
    *_SIMPLE,
    *([], {}),
    *([one] for one in _SIMPLE),
    *([one, one] for one in _SIMPLE),
    *({"a": one} for one in _SIMPLE),
    *({"a": one, "b": other} for one in _SIMPLE for other in _SIMPLE[:8]),
    *({"a": {"a": one}} for one in _SIMPLE),
    *({"b": [one]} for one in _SIMPLE),
]


@settings(max_examples=PAIRS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(old=_schemas, new=_schemas, near=st.booleans(), data=st.data())
def test_silence_is_never_wrong(old: Json, new: Json, near: bool, data: st.DataObject) -> None:
    """Where nothing breaks, no value shows otherwise: sent, what was valid is so; shown, what is valid was so."""
    if near:  # two schemas out of the blue have little in common
        new = _retouched(old, data.draw)
    if not _breaks(old, new, sent=True):
        _holds(old, new)
    if not _breaks(old, new, sent=False):
        _holds(new, _open(old))


def _breaks(old: Json, new: Json, *, sent: bool) -> bool:
    document: Json = {"components": {"schemas": {}}}
    return bool(breaking(Schemas(document, document).compare(old, new, "here", sent=sent)))


def _holds(narrow: Json, wide: Json) -> None:
    inside, outside = jsonschema_rs.Draft202012Validator(narrow), jsonschema_rs.Draft202012Validator(wide)
    wrong = [value for value in VALUES if inside.is_valid(value) and not outside.is_valid(value)]
    assert not wrong, (narrow, wide)


def _open(schema: Any) -> Any:
    """As a tolerant client reads it: an answer may have members that it doesn't know."""
    if isinstance(schema, list):
        return [_open(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _open(member) for name, member in schema.items() if member is not False or name == "const"}


def _retouched(schema: Json, draw: Any) -> Json:
    """`schema` with one part of it changed."""
    changed = dict(schema)
    names = sorted(changed)
    if not names:
        return draw(_scalars)  # type: ignore[no-any-return]
    name = draw(st.sampled_from(names))
    member = changed[name]
    if name in ("items", "additionalProperties") and isinstance(member, dict):
        changed[name] = _retouched(member, draw)
    elif name == "properties" and member:
        one = draw(st.sampled_from(sorted(member)))
        changed[name] = {**member, one: _retouched(member[one], draw)}
    elif name == "anyOf":
        changed[name] = [_retouched(member[0], draw), *member[1:]]
    elif name in ("minLength", "maxLength", "minimum", "exclusiveMaximum", "minItems", "maxItems"):
        changed[name] = max(0, member + draw(st.sampled_from([-1, 1])))
    else:
        return draw(_schemas) if name in ("type", "enum", "const") else _less(changed, name)  # type: ignore[no-any-return]
    return changed


def _less(schema: Json, name: str) -> Json:
    return {one: member for one, member in schema.items() if one != name}


PAGE = """\
# 变更

## 未发布 / Unreleased

手写 words

<!-- made by `make contract-changelog` -->
<!-- end -->

## v1 2026-01-01
"""


def test_the_changelog_names_what_is_new_and_moves_on_at_a_release() -> None:
    operation = {"operationId": "list_changes", "summary": "变更 / Changes", "responses": {}}
    old: Json = {"openapi": "3.1.0", "paths": {}}
    new: Json = {"openapi": "3.1.0", "paths": {"/changes": {"get": operation}}}
    page = written(PAGE, old, new)
    assert "- `GET /changes` `list_changes` 变更 / Changes\n" in page
    assert written(page, old, new) == page
    after = released(page, old, new, date(2026, 11, 26))
    unreleased, first, _ = after.partition("## v1 2026-11-26\n")
    assert first
    assert "list_changes" not in unreleased
    assert "手写 words" in after.split("## v1 2026-11-26")[1].split("## v1 2026-01-01")[0]
    assert written(after, new, new) == after
    with pytest.raises(ChangelogError):
        written("# 没有标记\n", old, new)
