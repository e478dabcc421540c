"""Visits and problems, with the columns that imports of these kinds read back."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.exports.columns import TEXTS, Column, guarded, joined
from toilet_api.exchange.exports.datasets import Asked, Dataset, Places, Source, any_of, between_days
from toilet_api.exchange.exports.schemas import ExportFilters
from toilet_api.exchange.records.columns import column_of
from toilet_api.rectification.codes import TASK_STATES
from toilet_api.rectification.tables import Task
from toilet_api.registry.codes import LEADERS, TOILET_MODES
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import codes
from toilet_api.survey.ledger_views import overdue
from toilet_api.survey.tables import CatalogueType, Finding, LedgerProblem, Visit


def heading(kind: str, field: str) -> str:
    """The Chinese heading that an import of this kind reads."""
    return column_of(kind, field).zh


def _visits(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), Visit

    def named(key: str, value: Any, kind: Any = "text", codes_: Any = None, **more: Any) -> Column:
        return Column(key, heading("visits", key), value, kind, codes_, **more)

    columns = (
        named("id", col(one.id), "uuid", required=True, width=38),
        named("division_code", col(one.division_code), "plain", required=True, width=15),
        places.column("township", heading("visits", "township")),
        places.column("village", heading("visits", "village"), 16),
        named("household_id", col(one.household_id), "uuid", required=True, width=38),
        named("name", col(Household.name_masked)),
        named("toilet_id", col(one.toilet_id), "uuid", width=38),
        named("toilet_mode", col(Toilet.mode), "code", TOILET_MODES, width=18),
        named("visited_at", col(one.visited_at), "moment", width=26),
        named("method", col(one.method), "code", codes.METHODS),
        named("presence", col(one.presence), "code", codes.PRESENCE),
        named("usability", col(one.usability), "code", codes.USABILITY),
        named("checked_against", col(one.checked_against), "codes", codes.EVIDENCE, width=24),
        named(
            "findings",
            _findings(CatalogueType.code, col(one.id)),
            "texts",
            shown_as=guarded(found_by(col(one.id))),
            width=32,
        ),
        named("note", col(one.note), width=24),
        named("photo_ids", col(one.photo_ids), "uuids", width=38),
        named("surveyor_signature_ids", col(one.surveyor_signature_ids), "uuids", width=38),
        named("household_signature_ids", col(one.household_signature_ids), "uuids", width=38),
        named("surveyor_name", col(one.surveyor_name)),
        named("state", col(one.state), "code", codes.VISIT_STATES, width=14),
        named("submitted_at", col(one.submitted_at), "moment", width=26),
        named("return_reason", col(one.return_reason), width=24),
        named("campaign_id", col(one.campaign_id), "uuid", width=38),
        named("version", col(one.version), "whole", width=7),
        named("updated_at", col(one.updated_at), "moment", width=26),
    )
    filters = asked.filters
    conditions = [
        asked.shard.covers(col(one.division_code)),
        col(one.removed_at).is_(None),
        *any_of(col(one.state), filters.visit_state),
        *any_of(col(one.usability), filters.usability),
        *any_of(col(Toilet.mode), filters.mode),
        *between_days(col(one.visited_at), filters),
        *_of_campaign(one.campaign_id, filters),
    ]
    if filters.updated_since is not None:
        conditions.append(col(one.updated_at) >= filters.updated_since)
    rows = (
        select()
        .select_from(one)
        .join(Household, col(Household.id) == col(one.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(one.toilet_id))
        .where(*conditions)
    )
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.id)))


def _problems(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), LedgerProblem

    def named(key: str, value: Any, kind: Any = "text", codes_: Any = None, **more: Any) -> Column:
        return Column(key, heading("problems", key), value, kind, codes_, **more)

    columns = (
        named("id", col(one.id), "uuid", required=True, width=38),
        named("division_code", col(one.division_code), "plain", required=True, width=15),
        places.column("township", heading("problems", "township")),
        places.column("village", heading("problems", "village"), 16),
        named("problem_class", col(one.problem_class), "code", codes.PROBLEM_CLASSES),
        named("problem_type", col(CatalogueType.code), shown_as=guarded(col(CatalogueType.zh)), width=24),
        named("problem_group", col(CatalogueType.problem_group), "code", codes.GROUPS),
        named("cause", col(one.cause), "code", codes.CAUSES, width=16),
        named("state", col(one.state), "code", codes.PROBLEM_STATES, width=14),
        named("found_at", col(one.found_at), "moment", width=26),
        named("deadline", col(one.deadline), "day"),
        named("overdue", overdue(asked.today), "flag", width=9),
        named("household_id", col(one.household_id), "uuid", width=38),
        named("name", col(Household.name_masked)),
        named("toilet_id", col(one.toilet_id), "uuid", width=38),
        named("toilet_mode", col(Toilet.mode), "code", TOILET_MODES, width=18),
        named("built_year", col(Toilet.built_year), "whole", width=9),
        named("led_by", col(Toilet.led_by), "code", LEADERS, width=14),
        named("visit_id", col(one.visit_id), "uuid", width=38),
        named("description", col(one.description), width=32),
        named("photo_ids", col(one.photo_ids), "uuids", width=38),
        named("task_id", col(one.task_id), "uuid", width=38),
        named("measure", col(Task.measure), width=32),
        named("responsible_person", col(Task.responsible_person)),
        named("responsible_unit", col(Task.responsible_unit), width=18),
        named("task_state", col(Task.state), "code", TASK_STATES, width=14),
        named("accepted_at", col(one.accepted_at), "moment", width=26),
        named("closed_at", col(one.closed_at), "moment", width=26),
        named("reopenings", col(one.reopenings), "whole", width=9),
        named("version", col(one.version), "whole", width=7),
        named("updated_at", col(one.updated_at), "moment", width=26),
    )
    rows = (
        select()
        .select_from(one)
        .join(CatalogueType, col(CatalogueType.id) == col(one.type_id))
        .outerjoin(Household, col(Household.id) == col(one.household_id))
        .outerjoin(Toilet, col(Toilet.id) == col(one.toilet_id))
        .outerjoin(Task, col(Task.id) == col(one.task_id))
        .where(
            asked.shard.covers(col(one.division_code)),
            col(one.removed_at).is_(None),
            *problem_conditions(asked.filters, asked.today),
        )
    )
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.id)))


def problem_conditions(filters: ExportFilters, today: date) -> list[ColumnElement[bool]]:
    """The filters of the ledger's list that exports know."""
    one, year = LedgerProblem, col(Toilet.built_year)
    found = [
        *any_of(col(one.state), filters.problem_state),
        *any_of(col(one.cause), filters.cause),
        *any_of(col(CatalogueType.code), filters.problem_type),
        *any_of(col(Toilet.mode), filters.mode),
        *any_of(col(Toilet.led_by), filters.led_by),
        *between_days(col(one.found_at), filters),
        *_of_campaign(one.campaign_id, filters),
    ]
    if filters.problem_class is not None:
        found.append(col(one.problem_class) == filters.problem_class)
    if filters.built_year_from is not None:
        found.append(year >= filters.built_year_from)
    if filters.built_year_to is not None:
        found.append(year <= filters.built_year_to)
    if filters.overdue is not None:
        found.append(overdue(today) if filters.overdue else ~overdue(today))
    if filters.updated_since is not None:
        found.append(col(one.updated_at) >= filters.updated_since)
    return found


def _of_campaign(column: Any, filters: ExportFilters) -> list[ColumnElement[bool]]:
    return [] if filters.campaign_id is None else [column == filters.campaign_id]


def _findings(name: Any, visit_id: Any) -> Any:
    """The problems that a visit found, `code：note` each, as an array."""
    said = col(name) + func.coalesce(literal("：", Text) + func.nullif(col(Finding.note), ""), "")
    return (
        select(func.coalesce(func.array_agg(aggregate_order_by(said, col(Finding.place))), cast(array([]), TEXTS)))
        .join(CatalogueType, col(CatalogueType.id) == col(Finding.type_id))
        .where(col(Finding.visit_id) == visit_id, col(Finding.withdrawn_at).is_(None))
        .correlate_except(Finding, CatalogueType)
        .scalar_subquery()
    )


def found_by(visit_id: Any) -> ColumnElement[str]:
    """The problems that a visit found, by their labels, as one text."""
    return joined(_findings(CatalogueType.zh, visit_id))


_OF_TOILET = ("mode", "updated_since", "campaign_id", "date_from", "date_to")
VISITS = Dataset(
    "visits",
    (Permission.VISIT_READ,),
    ("visit", "household", "toilet", "division", "problem_type"),
    frozenset({*_OF_TOILET, "visit_state", "usability"}),
    _visits,
    Visit,
)
PROBLEM_SUBJECTS = (
    *("problem", "visit", "household", "toilet", "division", "problem_type", "campaign"),
    *("task", "task_note", "plan", "postponement", "acceptance", "close_out"),
)
PROBLEM_FILTERS = frozenset(
    {
        *_OF_TOILET,
        *("led_by", "built_year_from", "built_year_to", "problem_class", "problem_state", "problem_type"),
        *("cause", "overdue"),
    }
)
PROBLEMS = Dataset(
    "problems",
    (Permission.PROBLEM_READ, Permission.TASK_READ),
    PROBLEM_SUBJECTS,
    PROBLEM_FILTERS,
    _problems,
    LedgerProblem,
    is_dated=True,
)
