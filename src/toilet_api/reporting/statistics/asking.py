"""What a request asks statistics of: the place, the campaigns, the divisions below, the filters of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.divisions.rules import level_of
from toilet_api.kernel.errors import INVALID, NOT_FOUND, FieldError, Problem
from toilet_api.kernel.scope import Scope
from toilet_api.registry.filters import scope_of
from toilet_api.reporting.statistics.reading import campaigns_under
from toilet_api.reporting.statistics.tables import (
    DIVISION,
    SUBJECTS,
    UNKNOWN,
    Dimension,
    Question,
    unknown_dimensions,
)
from toilet_api.survey.records import existing
from toilet_api.survey.tables import Campaign, CatalogueType

UNKNOWN_VALUE = "unknown"
"""How a filter names what is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """A division as far as the caller sees it. `division_code` is None for several divisions together."""

    division_code: str | None
    scope: Scope

    @property
    def prefixes(self) -> tuple[str, ...]:
        return self.scope.prefixes


def place_of(session: Session, caller: Caller, division: str | None) -> Place:
    """Where is asked for: a division (an old code stands for its successor), or the caller's own. Raises 404."""
    scope = scope_of(session, caller, division)
    if division is not None:
        found = lookup.resolve(session, division)
        return Place(None if found is None else found.code, scope)
    if scope.is_empty:
        raise NOT_FOUND.problem()
    return Place(scope.prefixes[0] if len(scope.prefixes) == 1 else None, scope)


def campaigns_of(session: Session, caller: Caller, place: Place, campaign_id: UUID | None) -> list[UUID]:
    """The campaign asked for, which must be the caller's to see (404), or every open one of the place."""
    if campaign_id is not None:
        return [existing(session, caller, Campaign, campaign_id).id]
    return campaigns_under(session, place.scope)


def children_of(session: Session, place: Place) -> dict[str, str]:
    """The divisions directly below, code to name, as far as the caller sees them; of several, they themselves."""
    if place.division_code is None:
        return lookup.names(session, place.prefixes)
    level = level_of(place.division_code) + 1
    return lookup.below(session, level, place.prefixes) if level <= 5 else {}


def question_of(session: Session, subject: str, group_by: Sequence[str], given: Sequence[str]) -> Question:
    """A question of the cross-table. Raises 422 for a dimension that the subject doesn't have, or a value of none."""
    filters: dict[str, list[str]] = {}
    errors: list[FieldError] = []
    for number, one in enumerate(given):
        pointer = f"/query/filter/{number}"
        dimension, separator, told = one.partition(":")
        if not separator or dimension not in SUBJECTS[subject].dimensions:
            errors.append(_refused(pointer, one, subject))
            continue
        value = UNKNOWN if told == UNKNOWN_VALUE else told
        fault = _unheard_of(session, pointer, SUBJECTS[subject].dimensions[dimension], dimension, value, told)
        if fault is not None:
            errors.append(fault)
        filters.setdefault(dimension, []).append(value)
    question = Question(subject, tuple(dict.fromkeys(group_by)), filters)
    unknown = unknown_dimensions(question)
    errors += [_refused(f"/query/group_by/{group_by.index(one)}", one, subject) for one in unknown if one in group_by]
    if question.subject == "problem_toilets" and {"cause", "type"} <= question.asks_for():
        errors.append(
            FieldError(
                "/query/group_by",
                "not_together",
                ("cause 与 type 不能同用：同一厕所的原因与类型分属不同问题", "cause and type don't go together"),
                None,
            )
        )
    if errors:
        raise _invalid(errors)
    return question


def _unheard_of(
    session: Session, pointer: str, dimension: Dimension, name: str, value: str, told: str
) -> FieldError | None:
    """What is wrong with a value that nothing can have: a typing error would read as a count of none."""
    expected: Any
    if dimension.values is not None:
        known = value in dimension.values
        expected = [one or UNKNOWN_VALUE for one in dimension.values]
    elif name == "type":
        known = session.exec(select(CatalogueType.id).where(CatalogueType.code == value).limit(1)).first() is not None
        expected = "GET /api/v1/problem-types"
    else:
        known = value == UNKNOWN or (len(value) == 4 and value.isascii() and value.isdigit())
        expected = ["2024", UNKNOWN_VALUE]
    if known:
        return None
    return FieldError(
        pointer, "unknown_value", ("该维度没有这个取值", "the dimension has no such value"), told, expected
    )


def _invalid(errors: list[FieldError]) -> Problem:
    return INVALID.problem(errors=errors)


def _refused(pointer: str, value: str, subject: str) -> FieldError:
    known = ", ".join((*SUBJECTS[subject].dimensions, DIVISION))
    message = (f"须为“维度:取值”，维度为 {known}", f"dimension:value, with a dimension of {known}")
    return FieldError(pointer, "unknown_dimension", message, value)
