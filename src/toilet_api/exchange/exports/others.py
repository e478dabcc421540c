"""Close-outs, accounts of people and divisions, with the columns that imports of these kinds read back."""

from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlmodel import col

from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.reading import valid_training
from toilet_api.accounts.tables import Principal, PrincipalGrant, Training
from toilet_api.divisions.tables import Division
from toilet_api.divisions.views import full_name
from toilet_api.exchange.exports.columns import TEXTS, Column, guarded
from toilet_api.exchange.exports.datasets import Asked, Dataset, Places, Source, between_days
from toilet_api.exchange.exports.surveyed import PROBLEM_SUBJECTS, heading
from toilet_api.exchange.records.columns import ROLE_CODES, USER_STATES
from toilet_api.rectification.close_out_views import STANDING
from toilet_api.rectification.codes import CLOSE_OUT_KINDS
from toilet_api.rectification.tables import CloseOut
from toilet_api.registry.tables import Household
from toilet_api.survey import codes
from toilet_api.survey.tables import CatalogueType, LedgerProblem


def _close_outs(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), CloseOut

    def named(key: str, value: Any, kind: Any = "text", codes_: Any = None, **more: Any) -> Column:
        return Column(key, heading("close_outs", key), value, kind, codes_, **more)

    columns = (
        named("id", col(one.id), "uuid", required=True, width=38),
        named("problem_id", col(one.problem_id), "uuid", required=True, width=38),
        named("division_code", col(one.division_code), "plain", required=True, width=15),
        places.column("township", heading("close_outs", "township")),
        places.column("village", heading("close_outs", "village"), 16),
        named("problem_class", col(LedgerProblem.problem_class), "code", codes.PROBLEM_CLASSES),
        named("problem_type", col(CatalogueType.code), shown_as=guarded(col(CatalogueType.zh)), width=24),
        named("household_id", col(LedgerProblem.household_id), "uuid", width=38),
        named("name", col(Household.name_masked)),
        named("toilet_id", col(LedgerProblem.toilet_id), "uuid", width=38),
        named("task_id", col(one.task_id), "uuid", width=38),
        named("kind", col(one.kind), "code", CLOSE_OUT_KINDS, width=18),
        named("household_signature_ids", col(one.signature_ids), "uuids", width=38),
        named("statement", col(one.statement), width=32),
        named("no_signature_reason", col(one.no_signature_reason), width=24),
        named("witness_name", col(one.witness_masked)),
        named("witness_relation", col(one.witness_relation)),
        named("witness_signature_ids", col(one.witness_signature_ids), "uuids", width=38),
        named("decision", col(one.decision), width=32),
        named("note", col(one.note), width=24),
        named("closed_at", col(one.closed_at), "moment", width=26),
        named("closed_by_name", col(one.closed_by_name)),
        named("standing", STANDING, "flag", width=9),
        named("reopened_at", col(one.reopened_at), "moment", width=26),
        named("version", col(one.version), "whole", width=7),
    )
    filters = asked.filters
    conditions = [
        asked.shard.covers(col(one.division_code)),
        col(one.removed_at).is_(None),
        *between_days(col(one.closed_at), filters),
    ]
    if filters.campaign_id is not None:
        conditions.append(col(LedgerProblem.campaign_id) == filters.campaign_id)
    if filters.standing is not None:
        conditions.append(STANDING if filters.standing else ~STANDING)
    rows = (
        select()
        .select_from(one)
        .join(LedgerProblem, col(LedgerProblem.id) == col(one.problem_id))
        .join(CatalogueType, col(CatalogueType.id) == col(LedgerProblem.type_id))
        .outerjoin(Household, col(Household.id) == col(LedgerProblem.household_id))
        .where(*conditions)
    )
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.id)))


def _granted(value: Any) -> Any:
    """One column of the grants that hold, as an array, in the order in which they were given."""
    grant = PrincipalGrant
    order = aggregate_order_by(cast(value, Text), col(grant.granted_at), col(grant.id))
    return (
        select(func.coalesce(func.array_agg(order), cast(array([]), TEXTS)))
        .where(col(grant.principal_id) == col(Principal.id), col(grant.removed_at).is_(None))
        .correlate(Principal)
        .scalar_subquery()
    )


def _users(asked: Asked) -> Source:
    places, one = Places.of(asked.shard), Principal

    def named(key: str, value: Any, kind: Any = "text", codes_: Any = None, **more: Any) -> Column:
        return Column(key, heading("users", key), value, kind, codes_, **more)

    state = case(
        (col(one.removed_at).is_not(None), literal("removed", Text)),
        (col(one.locked_at).is_not(None), literal("locked", Text)),
        else_=literal("active", Text),
    )
    trained = (
        select(literal(1)).where(col(Training.principal_id) == col(one.id), valid_training()).correlate(one).exists()
    )
    columns = (
        named("id", col(one.id), "uuid", required=True, width=38),
        named("username", col(one.username), required=True, width=18),
        named("display_name", col(one.display_name), width=18),
        named("division_code", col(one.division_code), "plain", required=True, width=15),
        named("division_name", _name_of(places), shown_as=places.table.c.name, width=18),
        named("roles", _granted(col(PrincipalGrant.role)), "codes", ROLE_CODES, width=24),
        named("grant_divisions", _granted(col(PrincipalGrant.division_code)), "texts", width=24),
        named("state", state, "code", USER_STATES),
        named("trained", trained, "flag", width=9),
        named("version", col(one.version), "whole", width=7),
        named("created_at", col(one.created_at), "moment", width=26),
        named("updated_at", col(one.updated_at), "moment", width=26),
    )
    rows = select().select_from(one).where(asked.shard.covers(col(one.division_code)), col(one.kind) == "person")
    return Source(columns, places.join(rows, col(one.division_code)), (col(one.division_code), col(one.username)))


def _name_of(places: Places) -> ColumnElement[Any]:
    known = places.table.c
    return func.coalesce(known.village, known.township, known.county, known.city, known.name)


def _divisions(asked: Asked) -> Source:
    one = Division

    def named(key: str, value: Any, kind: Any = "text", **more: Any) -> Column:
        return Column(key, heading("divisions", key), value, kind, **more)

    columns = (
        named("code", col(one.code), "plain", required=True, width=15),
        named("name", col(one.name), required=True, width=18),
        named("level", col(one.level), "whole", width=7),
        named("parent_code", col(one.parent_code), "plain", width=15),
        named("full_name", full_name(), width=40),
        named("valid_from", col(one.valid_from), "day"),
        named("valid_to", col(one.valid_to), "day"),
        named("version", col(one.version), "whole", width=7),
        named("updated_at", col(one.updated_at), "moment", width=26),
    )
    rows = select().select_from(one).where(asked.shard.covers(col(one.code)), col(one.valid_to).is_(None))
    return Source(columns, rows, (col(one.code),))


CLOSE_OUTS = Dataset(
    "close_outs",
    (Permission.PROBLEM_READ,),
    PROBLEM_SUBJECTS,
    frozenset({"campaign_id", "date_from", "date_to", "standing"}),
    _close_outs,
    CloseOut,
)
USERS = Dataset(
    "users", (Permission.ACCOUNT_READ,), ("principal", "division"), frozenset(), _users, Principal, is_dated=True
)
DIVISIONS = Dataset("divisions", (Permission.DIVISION_READ,), ("division",), frozenset(), _divisions, Division)
