"""Some problems of the demonstration are mended, accepted and closed, each step over the API as the rules ask."""

from typing import Any

import httpx

from toilet_api.demonstration.stage import API, Stage, checked, photographed, signed

_MOST = 4


async def mend(stage: Stage) -> None:
    """Mend the small defects at once (立行立改) whose survey was verified; the last one waits for its acceptance."""
    surveyor, reviewer = await stage.as_("village_surveyor"), await stage.as_("county_reviewer")
    manager = await stage.as_("township_manager")
    village = checked(await surveyor.get(f"{API}/me"))["grants"][0]["division_code"]
    params = {"division": village, "state": "open", "cause": "small_defect", "limit": 100}
    found = checked(await surveyor.get(f"{API}/problems", params=params))["items"]
    chosen = [one for one in found if one["visit_state"] == "county_verified"][:_MOST]
    for number, problem in enumerate(chosen):
        await _work(surveyor, problem)
        if number or len(chosen) == 1:
            await _accept(reviewer, manager, problem)
            consent = {"household_signature_ids": [await signed(manager, problem["division_code"])]}
            checked(await manager.post(f"{API}/problems/{problem['id']}/close", json=consent))


async def _work(worker: httpx.AsyncClient, problem: dict[str, Any]) -> None:
    body = {"measure": "疏通管道、更换破损部件（演示）"}
    task = checked(await worker.post(f"{API}/problems/{problem['id']}/rectify-at-once", json=body))
    note = {
        "text": "整改完成（演示）",
        "percent": 100,
        "stage": "after",
        "photo_ids": [await photographed(worker, problem["division_code"])],
    }
    checked(await worker.post(f"{API}/tasks/{task['id']}/notes", json=note))
    checked(await worker.post(f"{API}/tasks/{task['id']}/submit"))


async def _accept(reviewer: httpx.AsyncClient, manager: httpx.AsyncClient, problem: dict[str, Any]) -> None:
    """A panel of county and township finds everything on the checklist met."""
    members = {}
    for one in (reviewer, manager):
        who = checked(await one.get(f"{API}/me"))
        members[who["id"]] = (one, who["division_code"])
    body = {
        "level": "township",
        "problem_ids": [problem["id"]],
        "panel": [{"user_id": member} for member in members],
    }
    accepting = checked(await reviewer.post(f"{API}/acceptances", json=body))
    results = [_met(item) for item in accepting["results"]]
    signatures = [
        {"user_id": member, "attachment_id": await signed(one, place)} for member, (one, place) in members.items()
    ]
    decision = {"results": results, "signatures": signatures}
    checked(await reviewer.post(f"{API}/acceptances/{accepting['id']}/pass", json=decision))


def _met(item: dict[str, Any]) -> dict[str, Any]:
    """A result that meets an item of the checklist."""
    if item["kind"] == "measure":
        return {"code": item["code"], "value": item["max"] if item["min"] is None else item["min"]}
    return {"code": item["code"], "passed": True}
