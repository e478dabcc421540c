"""Formulas, assessments and call-ins of the served county: a draft or planned one first, then what has gone on."""

from typing import Any

import httpx

from tests.survey.made import API, ok
from tests.world import COUNTY


def furnish(admin: httpx.Client, campaign_id: str) -> dict[str, list[str]]:
    """The ids by the name of the path parameter."""
    formulas, assessments, call_ins = bodies(campaign_id).values()
    published, draft = (ok(admin.post(f"{API}/assessment-formulas", **formulas), 201)["id"] for _ in range(2))
    ok(admin.post(f"{API}/assessment-formulas/{published}/publish"))
    shown, drawn = (ok(admin.post(f"{API}/assessments", **assessments), 201)["id"] for _ in range(2))
    ok(admin.post(f"{API}/assessments/{shown}/publish"))
    held, planned = (ok(admin.post(f"{API}/call-ins", **call_ins), 201)["id"] for _ in range(2))
    took_place = {
        "held_at": "2026-06-01T09:00:00+08:00",
        "attendance": [{"name": "负责人", "post": "乡长", "present": True}],
        "minutes": "纪要",
        "demands": [{"text": "销号", "due_on": "2026-12-31"}],
    }
    ok(admin.post(f"{API}/call-ins/{held}/hold", json=took_place))
    return {"formula_id": [draft, published], "assessment_id": [drawn, shown], "call_in_id": [planned, held]}


def bodies(campaign_id: str) -> dict[str, dict[str, Any]]:
    """What each creating POST is sent: path -> arguments."""
    of_campaign = {"division_code": COUNTY, "campaign_id": campaign_id}
    call_in = {
        "division_code": "360423208",
        "planned_at": "2026-06-01T09:00:00+08:00",
        "called": "乡长",
        "reasons": [{"text": "整改滞后"}],
    }
    return {
        "/assessment-formulas": {"json": {**of_campaign, "name": "考核办法", "source": "县方案"}},
        "/assessments": {"json": {**of_campaign, "name": "年度考核"}},
        "/call-ins": {"json": call_in},
    }
