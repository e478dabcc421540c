"""One record of every kind that comes after the survey, for the served county; in states that steps start from."""

from datetime import timedelta
from typing import Any

import httpx

from tests.rectification import made
from tests.survey import made as survey
from tests.survey.made import API, TOWNSHIP, ok
from tests.world import COUNTY
from toilet_api.kernel.fields import now
from toilet_api.survey.rules import shanghai_date


def furnish(clients: dict[str, Any], home: dict[str, Any]) -> dict[str, list[str]]:
    """The ids by the name of the path parameter."""
    admin, reviewer, manager = clients["county_admin"], clients["county_reviewer"], clients["township_manager"]
    surveyor = clients["village_surveyor"]
    kinds = ("no_light", "no_door", "fixture_broken", "old_pit_not_removed", "blocked")
    found = survey.submitted(surveyor, *kinds, household=home)
    problems = [ok(admin.get(f"{API}/problems/{one['problem_id']}")) for one in found["findings"]]
    open_one, in_work, waiting, closed, free = problems
    plan_ids, pending = _plans(manager, reviewer)
    task = made.at_once(surveyor, in_work)
    made.noted(surveyor, task)
    asked = {"to_due": "2099-01-01", "reason": "汛期无法施工"}
    postponement = ok(manager.post(f"{API}/tasks/{task['id']}/postponements", json=asked), 201)
    for one in (waiting, closed, free):
        made.finished(surveyor, one)
    acceptance = made.acceptance(reviewer, [waiting], reviewer, manager)
    made.decide(reviewer, made.acceptance(reviewer, [closed], reviewer, manager), "pass", reviewer, manager)
    consent = {"household_signature_ids": [survey.signature(manager)]}
    ok(manager.post(f"{API}/problems/{closed['id']}/close", json=consent))
    close_out = ok(admin.get(f"{API}/close-outs"))["items"][0]
    common = ok(admin.get(f"{API}/checklists", params={"applies_to": "double_urn"}))["items"][0]
    own = ok(admin.post(f"{API}/checklists", json=checklist(common["items"])), 201)
    return {
        "plan_id": plan_ids,
        "task_id": [task["id"], pending],
        "postponement_id": [postponement["id"]],
        "acceptance_id": [acceptance["id"]],
        "close_out_id": [close_out["id"]],
        "checklist_id": [own["id"], common["id"]],
        "problem_id": [open_one["id"], closed["id"]],
        "submitted problem": [free["id"]],
        **_oversight(admin, closed["id"]),
    }


def _plans(manager: httpx.Client, reviewer: httpx.Client) -> tuple[list[str], str]:
    """A draft addendum and the plan in force; a task that waits to be started."""
    body = {"division_code": TOWNSHIP, "problem_type": "no_trial"}
    problem = ok(manager.post(f"{API}/problems", json=body), 201)
    filed = made.approved_plan(manager, reviewer, [problem])  # type: ignore[arg-type]
    draft = made.plan_step(manager, filed["id"], "supplement", 201)  # type: ignore[arg-type]
    task = ok(manager.get(f"{API}/tasks", params={"problem_id": problem["id"]}))["items"][0]
    return [draft["id"], filed["id"]], task["id"]


def checklist(items: list[dict[str, Any]], use: str = "double_urn") -> dict[str, Any]:
    """The body of a checklist of the county's own."""
    return {"division_code": COUNTY, "applies_to": use, "zh": "本县清单", "en": "The county's own", "items": items}


def sample() -> dict[str, Any]:
    """The body of a full review of what was closed."""
    today = shanghai_date(now())
    frame = {"closed_from": str(today - timedelta(days=1)), "closed_to": str(today + timedelta(days=1))}
    return {
        "division_code": COUNTY,
        "kind": "full_review",
        "name": "全面复核",
        "frame": frame,
        "size": {"kind": "all"},
    }


def _oversight(admin: httpx.Client, closed: str) -> dict[str, list[str]]:
    planned = ok(admin.post(f"{API}/samples", json=sample()), 201)["id"]
    drawn = []
    for _ in range(2):
        one = ok(admin.post(f"{API}/samples", json=sample()), 201)["id"]
        ok(admin.post(f"{API}/samples/{one}/draw"))
        drawn.append(one)
    unchecked, false = (ok(admin.get(f"{API}/samples/{one}/units"))["items"][0] for one in drawn)
    assert false["problem_id"] == closed
    body = {
        "result": "failed",
        "rectified_really": False,
        "note": "并未整改",
        "falsification": {"statement": "照片不实"},
    }
    ok(admin.post(f"{API}/samples/{drawn[1]}/units/{false['id']}/check", json=body))
    row = ok(admin.get(f"{API}/falsifications"))["items"][0]
    return {"sample_id": [drawn[0], planned], "unit_id": [unchecked["id"]], "falsification_id": [row["id"]]}


def bodies(ids: dict[str, list[str]], admin: httpx.Client) -> dict[str, dict[str, Any]]:
    """What each creating POST of these rooms is sent: path, as the document has it -> arguments."""
    common = ok(admin.get(f"{API}/checklists", params={"applies_to": "biogas_linked"}))["items"][0]
    people = {one["username"]: one["id"] for one in ok(admin.get(f"{API}/users", params={"limit": 1000}))["items"]}
    panel = [{"user_id": people[name]} for name in ("county_reviewer", "township_manager")]
    return {
        "/plans": {"json": {"division_code": "360423500", **made.PLAN_TEXTS}},
        "/plans/{plan_id}/revise": {"json": {}},
        "/plans/{plan_id}/supplement": {"json": {}},
        "/problems/{problem_id}/rectify-at-once": {"json": {"measure": "装上照明"}},
        "/tasks/{task_id}/notes": {"json": {"text": "进场"}},
        "/tasks/{task_id}/postponements": {"json": {"to_due": "2099-06-30", "reason": "汛期无法施工"}},
        "/checklists": {"json": checklist(common["items"], "biogas_linked")},
        "/acceptances": {
            "json": {"level": "township", "problem_ids": ids["submitted problem"], "panel": panel},
        },
        "/samples": {"json": sample()},
    }


STANDING = {
    "/plans/{plan_id}/revise": 1,
    "/plans/{plan_id}/supplement": 1,
    "/problems/{problem_id}/rectify-at-once": 1,
    "/tasks/{task_id}/postponements": 1,
    "/uploads/{upload_id}/attachment": 2,
}
"""Which of the ids that stand in the county the path takes, where it isn't the first."""
