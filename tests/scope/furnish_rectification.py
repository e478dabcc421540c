"""Fills the furnished database with plans, tasks, acceptances, close-outs and samples, through the API."""

from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient

from tests.rectification import made
from tests.scope.places import CITIES, COUNTIES, PROVINCES, TOWNSHIPS, VILLAGES
from tests.scope.probe import Furniture, Record
from tests.survey import made as survey
from tests.survey.made import API, ok
from toilet_api.kernel.fields import now
from toilet_api.survey.rules import shanghai_date

FINDINGS = ("no_light", "no_door", "fixture_broken", "old_pit_not_removed", "house_damaged", "pipe_cracked", "no_roof")
"""Of each village: one open, one in work, one submitted, one in an open acceptance, one accepted, two closed."""
AT_ONCE = ["small_defect", "construction_quality", "product_quality"]


def rectification(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """Everything that comes after the survey. `clients` also has the manager of each township, by its code."""
    keeper, second = clients["keeper"], clients["second_keeper"]
    for place in COUNTIES:
        _checklist(keeper, furniture, place)
    for place in TOWNSHIPS:
        _plans(keeper, second, furniture, place)
    for place in VILLAGES:
        _village(keeper, second, clients[place[:9]], furniture, place)


def _checklist(keeper: TestClient, furniture: Furniture, place: str) -> None:
    common = ok(keeper.get(f"{API}/checklists", params={"applies_to": "double_urn", "limit": 1}))["items"][0]
    furniture.records.setdefault(("common checklist", "36"), Record(common["id"]))
    own = ok(keeper.post(f"{API}/checklists", json=checklist(place, "double_urn", common["items"])), 201)
    furniture.put("checklist", place, own["id"])


def checklist(county: str, use: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The body of a checklist of a county's own."""
    return {"division_code": county, "applies_to": use, "zh": "本县清单", "en": "The county's own", "items": items}


def _plans(keeper: TestClient, second: TestClient, furniture: Furniture, place: str) -> None:
    """One in force with a task, an addendum in preparation, one submitted; and a problem that is in none."""
    kinds = ("rushing", "unreasonable_targets", "no_trial", "one_mode_for_all")
    problems = [
        ok(keeper.post(f"{API}/problems", json={"division_code": place, "problem_type": kind}), 201) for kind in kinds
    ]
    filed, drafted, submitted, free = problems
    base = made.plan(keeper, place)
    made.put(keeper, base["id"], made.item(filed))
    made.plan_step(keeper, base["id"], "submit")
    made.plan_step(second, base["id"], "approve")
    furniture.put("approved plan", place, base["id"])
    task = ok(keeper.get(f"{API}/tasks", params={"problem_id": filed["id"]}))["items"][0]
    furniture.put("pending task", place, task["id"])
    draft = made.plan_step(keeper, base["id"], "supplement", 201)
    ok(keeper.patch(f"{API}/plans/{draft['id']}", json=made.PLAN_TEXTS, headers={"If-Match": "*"}))
    made.put(keeper, draft["id"], made.item(drafted))
    furniture.put("draft plan", place, draft["id"], drafted["id"])
    waiting = made.plan_step(keeper, base["id"], "supplement", 201)
    ok(keeper.patch(f"{API}/plans/{waiting['id']}", json=made.PLAN_TEXTS, headers={"If-Match": "*"}))
    made.put(keeper, waiting["id"], made.item(submitted))
    made.plan_step(keeper, waiting["id"], "submit")
    furniture.put("submitted plan", place, waiting["id"])
    furniture.put("unplanned problem", place, free["id"])


def _village(keeper: TestClient, second: TestClient, manager: TestClient, furniture: Furniture, place: str) -> None:
    home = {"id": furniture.at("household", place).id, "toilets": [{"id": furniture.at("toilet", place).id}]}
    signed = survey.signature(keeper, place)
    visit = ok(keeper.post(f"{API}/visits", json=survey.visit_body(home, signed, *FINDINGS)), 201)
    found = survey.step(keeper, visit, "submit")["findings"]
    ids = {one["problem_type"]: one["problem_id"] for one in found}
    problems = [ok(keeper.get(f"{API}/problems/{ids[kind]}")) for kind in FINDINGS]
    _open, in_work, submitted, waiting, accepted, closed, false = problems
    furniture.put("open problem", place, _open["id"])
    task = made.at_once(keeper, in_work)
    made.noted(keeper, task)
    furniture.put("task", place, task["id"])
    wanted = {"to_due": "2099-01-01", "reason": "汛期无法施工"}
    asked = ok(keeper.post(f"{API}/tasks/{task['id']}/postponements", json=wanted), 201)
    furniture.put("postponement", place, asked["id"])
    furniture.put("submitted task", place, made.finished(keeper, submitted)["id"])
    furniture.put("submitted problem", place, submitted["id"])
    for one in (waiting, accepted, closed, false):
        made.finished(keeper, one)
    furniture.put("acceptance", place, made.acceptance(second, [waiting], second, manager)["id"])
    done = made.acceptance(second, [accepted, closed, false], second, manager)
    made.decide(second, done, "pass", signatures=made.signed(second, manager, village=place))
    furniture.put("passed acceptance", place, done["id"])
    furniture.put("accepted problem", place, accepted["id"])
    signature = [survey.signature(keeper, place)]
    witnessed = {
        "text": "农户外出，口头同意",
        "reason": "长期外出务工",
        "witness_name": "演示见证人",
        "witness_relation": "村干部",
        "witness_signature_ids": signature,
    }
    for one, kind, consent in (
        (closed, "closed problem", {"household_signature_ids": signature}),
        (false, "false problem", {"statement": witnessed}),
    ):
        ok(keeper.post(f"{API}/problems/{one['id']}/close", json=consent))
        furniture.put(kind, place, one["id"])
    row = ok(keeper.get(f"{API}/close-outs", params={"problem_id": closed["id"]}))["items"][0]
    furniture.put("close-out", place, row["id"])


def oversight(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """A planned and a drawn sample of each county, city and province; falsification in each village."""
    for place in (*COUNTIES, *CITIES, *PROVINCES):
        holder = clients["keeper"] if len(place) == 6 else clients[place]
        furniture.put("planned sample", place, ok(holder.post(f"{API}/samples", json=sample(place)), 201)["id"])
        drawn = _drawn(holder, place)
        furniture.put("drawn sample", place, drawn)
        unit = ok(holder.get(f"{API}/samples/{drawn}/units", params={"limit": 1}))["items"][0]
        furniture.put("unit", place, unit["id"], drawn)
    _false(clients["checker"], furniture)


def _false(checker: TestClient, furniture: Furniture) -> None:
    """Somebody who signed none of it finds a close-out false in each village."""
    for county in COUNTIES:
        drawn = _drawn(checker, county)
        units = ok(checker.get(f"{API}/samples/{drawn}/units", params={"limit": 1000}))["items"]
        for place in (one for one in VILLAGES if one.startswith(county)):
            wanted = furniture.at("false problem", place).id
            unit = next(one for one in units if one["problem_id"] == wanted)
            body = {"result": "failed", "rectified_really": False, "note": "并未整改"}
            body["falsification"] = {"statement": "照片为他户户厕", "against": [{"signed_as": "closer"}]}
            ok(checker.post(f"{API}/samples/{drawn}/units/{unit['id']}/check", json=body))
            row = ok(checker.get(f"{API}/falsifications", params={"division": place}))["items"][0]
            furniture.put("falsification", place, row["id"])


def sample(place: str) -> dict[str, Any]:
    """The body of a spot check of everything that was closed."""
    today = shanghai_date(now())
    frame = {"closed_from": str(today - timedelta(days=1)), "closed_to": str(today + timedelta(days=1))}
    return {
        "division_code": place,
        "kind": "full_review",
        "name": "复核",
        "frame": frame,
        "size": {"kind": "all"},
    }


def _drawn(holder: TestClient, place: str) -> str:
    one = ok(holder.post(f"{API}/samples", json=sample(place)), 201)["id"]
    ok(holder.post(f"{API}/samples/{one}/draw"))
    return str(one)
