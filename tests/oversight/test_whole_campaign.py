"""Kick-off to joint final report on three townships, with all the roles; the counts agree at each stage."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.oversight.play import (
    COUNTY,
    County,
    Township,
    acceptance,
    decision,
    finish,
    photo,
    plan_body,
    survey,
    task_of,
    work,
)
from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.fields import now
from toilet_api.survey.rules import shanghai_date

As = Callable[[str], TestClient]
MEASURES = [
    {"problem_type": "tank_cracked", "measure": "更换化粪池并做闭水试验", "contractor": "示例施工队"},
    {
        "problem_type": "freezes_in_winter",
        "measure": "改深坑防冻",
        "timetable": "2037 年春季施工",
        "due_on": "2037-06-30",
    },
    {"cause": "work_process", "measure": "落实管护员和清掏费用"},
]


def test_the_whole_plan(as_: As, client: TestClient, app: FastAPI) -> None:
    county = County(as_, client, app)
    county.hold_counts()
    for township in county.townships:
        survey(county, township)
    county.hold_counts(open=12)
    mend_at_once(county)
    county.hold_counts(open=9, in_work=3)
    plan(county)
    county.hold_counts(open=9, in_work=3)
    rectify(county)
    county.hold_counts(in_work=12)
    accept(county)
    county.hold_counts(accepted=12)
    recheck(county)
    county.hold_counts(in_work=1, accepted=11)
    do_again(county)
    county.hold_counts(accepted=12)
    close(county)
    county.hold_counts(closed=12)
    review(county)
    county.hold_counts(open=1, closed=11)
    spot_check(county)
    county.hold_counts(open=1, closed=11)
    report(county)


def mend_at_once(county: County) -> None:
    """一, 四（三）: 立行立改, without a plan; by the village itself."""
    for township in county.townships:
        url = f"{API}/problems/{township.problems['no_light']}/rectify-at-once"
        body = {"measure": "装上照明", "responsible_person": "村管护员"}
        task = ok(township.surveyor.post(url, json=body), 201)
        finish(township.surveyor, task["id"], township.village)


def plan(county: County) -> None:
    """四（三）: each township's plan, reviewed and filed; one is returned first; it can be printed."""
    for number, township in enumerate(county.townships):
        one = ok(township.manager.post(f"{API}/plans", json=plan_body(township)), 201)
        url = f"{API}/plans/{one['id']}"
        ok(township.manager.post(f"{url}/items/fill", json={"measures": MEASURES}))
        ok(township.manager.post(f"{url}/submit"))
        if number == 0:
            ok(county.reviewer.post(f"{url}/return", json={"reason": "请补充经费明细"}))
            more = {"funds": [{"source": "county", "amount_fen": 800_000}]}
            ok(township.manager.patch(url, json=more, headers={"If-Match": "*"}))
            ok(township.manager.post(f"{url}/submit"))
        filed = ok(county.reviewer.post(f"{url}/approve", json={"filing_number": f"武改厕〔{number + 1}〕号"}))
        assert filed["state"] == "approved"
        printed = township.manager.get(f"{url}/print")
        assert printed.headers["content-type"].startswith("text/html")
        assert "更换化粪池" in printed.text
    assert county.summary()["plans"]["approved"] == 3


def rectify(county: County) -> None:
    """Tasks are done; one is postponed with the county's consent."""
    first = county.townships[0]
    late = task_of(first.manager, first.problems["freezes_in_winter"])
    wanted = {"to_due": "2037-09-30", "reason": "汛期无法施工"}
    asked = ok(first.manager.post(f"{API}/tasks/{late}/postponements", json=wanted), 201)
    ok(county.reviewer.post(f"{API}/postponements/{asked['id']}/grant"))
    assert ok(first.manager.get(f"{API}/problems/{first.problems['freezes_in_winter']}"))["deadline"] == "2037-09-30"
    for township in county.townships:
        for kind in ("tank_cracked", "freezes_in_winter", "work"):
            task = task_of(township.manager, township.problems[kind])
            work(township, task, None if kind == "work" else township.village)


def accept(county: County) -> None:
    """四（五）: the township's first check, of all. Who did the work may not sit on the panel."""
    for number, township in enumerate(county.townships):
        for kind in ("tank_cracked", "no_light", "freezes_in_winter"):
            one = acceptance(county, township, "township", township.problems[kind])
            leaks = number == 0 and kind == "tank_cracked"
            body = decision(county, township, one, "no_leak_or_cross_flow" if leaks else "")
            url = f"{API}/acceptances/{one}"
            if leaks:
                refused = county.reviewer.post(f"{url}/pass", json=body)
                assert refused.json()["code"] == "veto_item_failed", refused.text
                ok(county.reviewer.post(f"{url}/fail", json={**body, "reason": "闭水试验不合格"}))
                finish(township.surveyor, task_of(township.manager, township.problems[kind]), township.village)
                one = acceptance(county, township, "township", township.problems[kind])
                body, url = decision(county, township, one), f"{API}/acceptances/{one}"
            ok(county.reviewer.post(f"{url}/pass", json=body))
        _accept_work(county, township)


def _accept_work(county: County, township: Township) -> None:
    """The manager did it, so a colleague of the township sits on the panel."""
    manager = ok(township.manager.get(f"{API}/me"))["id"]
    body: dict[str, Any] = {"level": "township", "problem_ids": [township.problems["work"]]}
    body["panel"] = [{"user_id": county.reviewer_id}, {"user_id": manager}]
    refused = county.reviewer.post(f"{API}/acceptances", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "panel_did_the_work")
    colleague = township.colleague
    body["panel"][1] = {"user_id": colleague.id}
    one = ok(county.reviewer.post(f"{API}/acceptances", json=body), 201)["id"]
    found = decision(county, township, one)
    found["signatures"][1] = {"user_id": colleague.id, "attachment_id": made.signature(colleague.client, township.code)}
    ok(county.reviewer.post(f"{API}/acceptances/{one}/pass", json=found))


def recheck(county: County) -> None:
    """The county re-checks a share; one fails, and goes back to work."""
    for number, township in enumerate(county.townships):
        one = acceptance(county, township, "county", township.problems["tank_cracked"])
        url = f"{API}/acceptances/{one}"
        if number == 2:
            body = decision(county, township, one, "household_satisfied")
            ok(county.reviewer.post(f"{url}/fail", json={**body, "reason": "农户不满意"}))
        else:
            ok(county.reviewer.post(f"{url}/pass", json=decision(county, township, one)))
    shares = county.summary()["acceptance"]
    assert (shares["accepted_by_township"], shares["rechecked_by_county"]) == (11, 2)


def do_again(county: County) -> None:
    last = county.townships[2]
    problem = last.problems["tank_cracked"]
    finish(last.surveyor, task_of(last.manager, problem), last.village)
    one = acceptance(county, last, "township", problem)
    ok(county.reviewer.post(f"{API}/acceptances/{one}/pass", json=decision(county, last, one)))


def close(county: County) -> None:
    """四（五）: with the household's signature, one by one or a village at once; the county decides on the work."""
    for number, township in enumerate(county.townships):
        signed = [{"problem_id": township.problems[kind]} for kind in ("tank_cracked", "no_light", "freezes_in_winter")]
        for one in signed:
            one["household_signature_ids"] = [made.signature(township.manager, township.village)]  # type: ignore[assignment]
        if number == 0:
            unsigned = township.manager.post(f"{API}/problems/{signed[0]['problem_id']}/close", json={})
            assert unsigned.json()["code"] == "household_consent_missing"
            for one in signed:
                body = {"household_signature_ids": one["household_signature_ids"]}
                ok(township.manager.post(f"{API}/problems/{one['problem_id']}/close", json=body))
        else:
            body = {"division_code": township.village, "items": signed}
            assert len(ok(township.manager.post(f"{API}/problems/bulk-close", json=body))["done"]) == 3
        url = f"{API}/problems/{township.problems['work']}/close"
        assert township.manager.post(url, json={"decision": "x"}).status_code == 403
        ok(county.reviewer.post(url, json={"decision": "管护员已落实，同意销号"}))


def _sample(holder: TestClient, division: str, kind: str, size: dict[str, Any]) -> dict[str, Any]:
    today = shanghai_date(now())
    frame = {"closed_from": str(today - timedelta(days=7)), "closed_to": str(today)}
    body = {"division_code": division, "kind": kind, "name": "复核", "frame": frame, "size": size}
    one = ok(holder.post(f"{API}/samples", json=body), 201)
    drawn: dict[str, Any] = ok(holder.post(f"{API}/samples/{one['id']}/draw"))
    return drawn


def _units(holder: TestClient, sample: str) -> list[dict[str, Any]]:
    units: list[dict[str, Any]] = ok(holder.get(f"{API}/samples/{sample}/units", params={"limit": 1000}))["items"]
    return units


GOOD_UNIT = {"result": "upheld", "survey_true": True, "rectified_really": True, "closed_justified": True}


def review(county: County) -> None:
    """The county reviews all; one close-out doesn't hold, and is recorded against those who signed."""
    one = _sample(county.admin, COUNTY, "full_review", {"kind": "all"})
    units = _units(county.admin, one["id"])
    assert len(units) == 12
    bad = county.townships[1].problems["tank_cracked"]
    for unit in units:
        body: dict[str, Any] = dict(GOOD_UNIT)
        if unit["problem_id"] == bad:
            body |= {"result": "failed", "rectified_really": False, "closed_justified": False, "note": "并未更换化粪池"}
            body["falsification"] = {"statement": "照片为他户户厕"}
        ok(county.admin.post(f"{API}/samples/{one['id']}/units/{unit['id']}/check", json=body))
    done = ok(county.admin.post(f"{API}/samples/{one['id']}/complete"))
    assert done["state"] == "completed"
    reopened = ok(county.admin.get(f"{API}/problems/{bad}"))
    assert (reopened["state"], reopened["reopenings"]) == ("open", 1)
    assert reopened["task_id"]
    against = ok(county.admin.get(f"{API}/falsifications"))["items"]
    assert {"surveyor", "closer"} <= {record["signed_as"] for record in against}
    assert {record["problem_id"] for record in against} == {bad}


def spot_check(county: County) -> None:
    """The province samples what stands closed; nobody below sees it; anyone can draw it again."""
    one = _sample(county.province, "36", "spot_check", {"kind": "number", "number": 6})
    assert county.admin.get(f"{API}/samples/{one['id']}").status_code == 404
    units = _units(county.province, one["id"])
    assert len(units) == 6
    assert {unit["division_code"][:9] for unit in units} == {township.code for township in county.townships}
    assert ok(county.province.get(f"{API}/samples/{one['id']}/redraw"))["same"] is True
    for unit in units:
        evidence = photo(county.province, unit["division_code"])
        body = {**GOOD_UNIT, "photo_ids": [evidence]}
        ok(county.province.post(f"{API}/samples/{one['id']}/units/{unit['id']}/check", json=body))
    estimate = ok(county.province.get(f"{API}/samples/{one['id']}/estimate"))
    assert estimate["rate"] == 1
    assert 0.4 < estimate["low"] < 1
    assert estimate["high"] == 1
    ok(county.province.post(f"{API}/samples/{one['id']}/complete"))


def report(county: County) -> None:
    """四（五）: survey, progress and next steps, for the joint report of the three departments."""
    final = county.summary()
    assert final["survey"]["households"] == final["survey"]["households_surveyed"] == 12
    assert final["survey"]["visits_county_verified"] == 12
    assert final["survey"]["problem_toilets"] == 9
    assert final["ledger"]["found"] == 12
    assert final["ledger"]["reopened"] == 1
    assert final["plans"]["funds_fen"] == 800_000 + 2 * 600_000
    assert [(one["cause"], one["problems"], one["planned"]) for one in final["remaining"]] == [
        ("product_quality", 1, 1)
    ]
    history = [
        entry["action"]
        for entry in ok(county.admin.get(f"{API}/problems/{county.townships[2].problems['tank_cracked']}/history"))[
            "items"
        ]
    ]
    assert history == [
        "problem.opened",
        "problem.charged",
        "problem.work_started",
        "problem.accepted_by_township",
        "problem.sent_back",
        "problem.accepted_by_township",
        "problem.closed",
    ]
