"""Periodic reports: read inside of one's own division; each step by the level that reports, or by its receiver."""

from functools import partial

from httpx import Response

from tests.scope.furnish_reports import AT
from tests.scope.places import CITIES, COUNTIES, TOWNSHIPS
from tests.scope.probe import Call, Kind, Probe

REASON = {"reason": "测试"}
SUBMITTING = frozenset({"township_manager", "county_admin", "city_inspector", "province_inspector"})
RECEIVING = frozenset({"county_admin", "county_reviewer", "city_inspector", "province_inspector"})
_BY_ITSELF = {
    9: frozenset({"township_manager"}),
    6: frozenset({"county_admin"}),
    4: frozenset({"city_inspector"}),
    2: frozenset({"province_inspector"}),
}
_BY_RECEIVER = {
    9: frozenset({"county_admin", "county_reviewer"}),
    6: frozenset({"city_inspector"}),
    4: frozenset({"province_inspector"}),
}
_REPORTED = (*TOWNSHIPS, *COUNTIES, *CITIES)
"""What goes to a level above."""


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _lies_there(call: Call, answer: Response) -> bool:
    return bool(answer.json()["division_code"] == call.place)


_READ = partial(Probe, kind=Kind.RECORD, at=AT, record="drawn report")
_OWN = partial(
    Probe,
    kind=Kind.RECORD,
    roles=SUBMITTING,
    at=AT,
    able=_BY_ITSELF,
    barred="403 not_own_report",
    record="drawn report",
    check=_lies_there,
)
_TAKEN = partial(
    Probe,
    kind=Kind.RECORD,
    roles=RECEIVING,
    at=_REPORTED,
    able=_BY_RECEIVER,
    barred="403 not_report_receiver",
    record="submitted report",
    check=_lies_there,
)

PROBES = [
    Probe(
        "list_report_periods",
        Kind.SHARED,
        at=("36",),
        query=lambda _: {"kind": "weekly", "year": "2026"},
        check=_has_items,
    ),
    Probe("list_reports", Kind.LIST, at=AT, rows="report"),
    _READ("get_report", check=_lies_there),
    _READ("list_report_editions", check=_has_items),
    _READ("list_report_parts"),
    _READ("list_report_history"),
    _READ("get_report_difference", check=_has_items),
    _READ("list_report_records", at=TOWNSHIPS, check=_has_items),
    _READ("list_report_difference_records", at=TOWNSHIPS),
    _OWN("update_report", json=lambda _: {"next_steps": "继续整改"}, headers={"If-Match": "*"}),
    _OWN("draw_report", json=lambda _: REASON),
    # Authorised, but without a signature.
    _OWN("sign_report", at=(*TOWNSHIPS, *COUNTIES), json=lambda _: {}, ok="422 invalid", check=None),
    _OWN("sign_report", case="above", at=CITIES, json=lambda _: {}),
    _OWN("submit_report", at=_REPORTED, record="signed report"),
    _OWN("correct_report", record="received report", json=lambda _: REASON),
    _TAKEN("receive_report"),
    _TAKEN("return_report", json=lambda _: REASON),
]
