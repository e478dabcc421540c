"""Campaigns, the catalogue, visits and their verification, the ledger, attachments."""

from functools import partial

from httpx import Response

from tests.scope.furnish import picture, problem_type
from tests.scope.places import BELOW_CITY, COUNTIES, TOWNSHIPS, VILLAGES
from tests.scope.probe import ADMIN, ENTERING, OUT_OF_SCOPE, RUNNING, Call, Kind, Probe, inside
from tests.survey.made import visit_body

REASON = {"reason": "测试"}
INSPECTING = frozenset({"province_inspector", "city_inspector", "county_reviewer"})
"""Whoever checks on site brings photos."""
COUNTY_VERIFYING = frozenset({"county_admin", "county_reviewer"})


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _is_the_picture(_: Call, answer: Response) -> bool:
    return answer.content == picture()


def _decided_inside_only(call: Call, answer: Response) -> bool:
    visits = call.furniture.rows["visit"]
    done = [visits[one["id"]] for one in answer.json()["done"]]
    return bool(done) and all(inside(call.role, code) for code in done)


def _signed(call: Call) -> list[str]:
    """The caller's own signature, where he has one; a signature of elsewhere doesn't matter."""
    found = call.furniture.records.get((f"signature of {call.role}", call.place))
    return [found.id] if found else []


def _visit_of(call: Call) -> dict[str, object]:
    return {**visit_body({"id": call.record.id, "toilets": []}), "usability": None}


def _bulk(level: str) -> Probe:
    return Probe(
        "bulk_verify_visits",
        Kind.RECORD,
        case=level,
        roles=RUNNING if level == "township" else COUNTY_VERIFYING,
        at=BELOW_CITY,
        # Of a division above his own the caller means his own part.
        from_below=True,
        json=lambda call: {"division_code": call.place, "level": level, "decision": "verify"},
        check=_decided_inside_only,
    )


_CAMPAIGN = partial(Probe, kind=Kind.RECORD, at=COUNTIES, record="open campaign")
_TYPE = partial(Probe, kind=Kind.RECORD, at=COUNTIES, record="problem type")
_VISIT = partial(Probe, kind=Kind.RECORD, record="submitted visit")
_PROBLEM = partial(Probe, kind=Kind.RECORD, at=(*VILLAGES, *TOWNSHIPS), record="problem")

PROBES = [
    # A county's campaign and catalogue are read in its townships and villages.
    Probe("list_campaigns", Kind.LIST, at=COUNTIES, rows="campaign", from_below=True),
    Probe(
        "create_campaign",
        Kind.RECORD,
        roles=ADMIN,
        at=COUNTIES,
        outside=OUT_OF_SCOPE,
        json=lambda call: {
            "division_code": call.place,
            "name": "复查",
            "cut_off_year": 2024,
            "starts_on": "2026-05-15",
            "survey_due": "2026-07-31",
        },
        ok="201",
    ),
    _CAMPAIGN("get_campaign", from_below=True),
    _CAMPAIGN("list_campaign_history", from_below=True, check=_has_items),
    _CAMPAIGN("update_campaign", roles=ADMIN, json=lambda _: {"name": "改名"}),
    # Authorised, but each county has an open campaign already.
    _CAMPAIGN("open_campaign", roles=ADMIN, record="planned campaign", ok="409 campaign_already_open"),
    _CAMPAIGN("close_campaign", roles=ADMIN),
    Probe(
        "list_problem_types",
        Kind.LIST,
        at=COUNTIES,
        rows="problem_type",
        from_below=True,
        everything={"retired": "true"},
    ),
    Probe(
        "create_problem_type",
        Kind.RECORD,
        roles=ADMIN,
        at=COUNTIES,
        outside=OUT_OF_SCOPE,
        json=lambda call: problem_type(call.place, "another_type"),
        ok="201",
    ),
    _TYPE("get_problem_type", from_below=True),
    Probe("get_problem_type", Kind.SHARED, case="common", at=("36",), record="common type"),
    _TYPE("update_problem_type", roles=ADMIN, json=lambda _: {"zh": "改名"}),
    Probe(
        "update_problem_type",
        Kind.RECORD,
        case="common",
        roles=ADMIN,
        at=("36",),
        record="common type",
        from_below=True,
        json=lambda _: {"zh": "改名"},
        ok="403 problem_type_seeded",
    ),
    _TYPE("retire_problem_type", roles=ADMIN, json=lambda _: REASON),
    Probe(
        "list_visits",
        Kind.LIST,
        rows="visit",
        related=(("household_id", "household"), ("toilet_id", "toilet"), ("campaign_id", "open campaign")),
    ),
    Probe(
        "create_visit",
        Kind.RECORD,
        roles=ENTERING,
        record="household",
        # The household is named in the body: unknown there, like one that doesn't exist.
        outside="422 invalid",
        json=_visit_of,
        ok="201",
    ),
    _VISIT("get_visit"),
    _VISIT("update_visit", roles=ENTERING, record="own draft", json=lambda _: {"note": "补充"}),
    _VISIT(
        "update_visit",
        case="another's",
        roles=ENTERING,
        record="draft",
        json=lambda _: {"note": "补充"},
        ok="403 not_surveyor",
    ),
    _VISIT("submit_visit", roles=ENTERING, record="own draft"),
    _VISIT("submit_visit", case="another's", roles=ENTERING, record="draft", ok="403 not_surveyor"),
    _VISIT(
        "correct_visit",
        roles=ENTERING,
        json=lambda call: {"note": "更正", "surveyor_signature_ids": _signed(call), **REASON},
    ),
    _VISIT("verify_visit", case="township", roles=RUNNING, json=lambda _: {"level": "township"}),
    _VISIT(
        "verify_visit",
        case="county",
        roles=COUNTY_VERIFYING,
        record="verified visit",
        json=lambda _: {"level": "county"},
    ),
    _VISIT("return_visit", case="township", roles=RUNNING, json=lambda _: {"level": "township", **REASON}),
    _VISIT(
        "return_visit",
        case="county",
        roles=COUNTY_VERIFYING,
        record="verified visit",
        json=lambda _: {"level": "county", **REASON},
    ),
    _bulk("township"),
    _bulk("county"),
    _VISIT("list_visit_history", check=_has_items),
    Probe(
        "list_problems",
        Kind.LIST,
        at=(*VILLAGES, *TOWNSHIPS),
        rows="problem",
        related=(("household_id", "household"), ("toilet_id", "toilet"), ("campaign_id", "open campaign")),
    ),
    Probe(
        "record_work_problem",
        Kind.RECORD,
        roles=RUNNING,
        at=(*VILLAGES, *TOWNSHIPS),
        outside=OUT_OF_SCOPE,
        json=lambda call: {"division_code": call.place, "problem_type": "no_upkeep_mechanism"},
        ok="201",
    ),
    _PROBLEM("get_problem"),
    _PROBLEM("update_problem", roles=RUNNING, json=lambda _: {"description": "补充"}),
    _PROBLEM("dismiss_problem", roles=ADMIN, json=lambda _: REASON),
    _PROBLEM("reopen_problem", roles=COUNTY_VERIFYING, at=VILLAGES, record="dismissed problem", json=lambda _: REASON),
    _PROBLEM("list_problem_history", check=_has_items),
    Probe(
        "create_attachment",
        Kind.RECORD,
        roles=ENTERING | INSPECTING,
        at=BELOW_CITY,
        outside=OUT_OF_SCOPE,
        form=lambda call: {"kind": "photo", "division_code": call.place},
        files=lambda _: {"file": ("x.png", picture())},
        ok="201",
    ),
    Probe("get_attachment", Kind.RECORD, at=BELOW_CITY, record="attachment"),
    Probe("get_attachment_content", Kind.RECORD, at=BELOW_CITY, record="attachment", check=_is_the_picture),
]
