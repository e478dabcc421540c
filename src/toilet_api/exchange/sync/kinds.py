"""The one table of what an item may be: its body, the permission it needs, who does it."""

from toilet_api.accounts.permissions import Permission
from toilet_api.exchange.sync import many_households, many_toilets, many_visits, singly
from toilet_api.exchange.sync.work import Kind
from toilet_api.rectification.task_schemas import TaskNoteNew
from toilet_api.registry.schemas import HouseholdCreate, HouseholdPatch, ToiletCreate, ToiletPatch, WithReason
from toilet_api.survey.visit_schemas import VisitNew, VisitPatch

_P = Permission
_KINDS = (
    Kind(
        "household",
        "create",
        HouseholdCreate,
        _P.HOUSEHOLD_WRITE,
        singly.create_household,
        many_households.create,
    ),
    Kind(
        "household",
        "update",
        HouseholdPatch,
        _P.HOUSEHOLD_WRITE,
        singly.update_household,
        many_households.update,
    ),
    Kind("toilet", "create", ToiletCreate, _P.HOUSEHOLD_WRITE, singly.create_toilet, many_toilets.create),
    Kind("toilet", "update", ToiletPatch, _P.HOUSEHOLD_WRITE, singly.update_toilet, many_toilets.update),
    Kind("visit", "create", VisitNew, _P.VISIT_WRITE, singly.create_visit, many_visits.create),
    Kind("visit", "update", VisitPatch, _P.VISIT_WRITE, singly.update_visit, many_visits.update),
    Kind("visit", "submit", None, _P.VISIT_SUBMIT, singly.submit_visit),
    Kind("task", "note", TaskNoteNew, _P.TASK_WORK, singly.note_task),
    Kind("toilet", "remove", WithReason, _P.HOUSEHOLD_REMOVE, singly.remove_toilet),
    Kind("household", "remove", WithReason, _P.HOUSEHOLD_REMOVE, singly.remove_household),
)
KINDS = {(kind.type, kind.op): kind for kind in _KINDS}
"""In the order in which the kinds of one wave are done; their items are of different households."""
EXPECTED = [f"{kind.type} {kind.op}" for kind in _KINDS]
