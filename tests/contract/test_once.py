"""The same request again: Idempotency-Key and client-made ids, one after the other and at the same moment."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.contract import served_assessment, served_exchange, served_rectification, served_sharing, served_webhooks
from tests.contract.bad import contents, nothing_changes, refused
from tests.contract.reading import Json, operations
from tests.contract.served import Served, problem_type
from tests.survey import made
from tests.survey.made import API, ok
from toilet_api.kernel.fields import new_id

AT_ONCE = 6


def at_once(call: Any) -> list[Any]:
    """`call(index)` from threads that start together."""
    barrier = Barrier(AT_ONCE)

    def start(index: int) -> Any:
        barrier.wait()
        return call(index)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(start, range(AT_ONCE)))


def bodies(served: Served, surveyor: httpx.Client) -> dict[str, dict[str, Any]]:
    """What each creating POST is sent: path -> arguments."""
    household = made.registry.body()
    home = served.ids["household_id"][0]
    visit = made.visit_body({"id": home, "toilets": [{"id": served.ids["toilet_id"][0]}]}, None)
    pupil = served.ids["user_id"][0]
    training = {"held_on": "2026-05-18", "course": "摸排培训", "trainer": "县卫健委", "hours": 4}
    campaign = {"division_code": "360423", "name": "第三轮", "cut_off_year": 2024}
    dates = {"starts_on": "2026-05-15", "survey_due": "2026-07-31"}
    grants = [{"role": "village_surveyor", "division_code": made.VILLAGE}]
    image = made.picture()
    return {
        "/households": {"json": household},
        "/toilets": {"json": {"household_id": home, **made.registry.TOILET}},
        "/campaigns": {"json": {**campaign, **dates}},
        "/problem-types": {"json": problem_type(code="another_type")},
        "/visits": {"json": visit},
        "/problems": {"json": {"division_code": made.TOWNSHIP, "problem_type": "rushing"}},
        "/attachments": {
            "data": {"kind": "photo", "division_code": made.VILLAGE},
            "files": {"file": ("x.png", image)},
        },
        "/users": {"json": {"username": "another_user", "display_name": "测试", "grants": grants}},
        f"/users/{pupil}/grants": {"json": {"role": "village_surveyor", "division_code": "360423208204"}},
        f"/users/{pupil}/trainings": {"json": training},
        "/clients": {"json": {"client_id": "another_client", "display_name": "平台", "division_code": "360423"}},
        f"/clients/{served.ids['id'][0]}/grants": {"json": {"role": "integration_client", "division_code": "360423"}},
        "/divisions": {"json": {"parent_code": made.TOWNSHIP, "name": "新设村委会", "reason": "新设"}},
        **{filled(served, path): one for path, one in served_exchange.bodies().items()},
        "/dataset-requests": {"json": served_sharing.request()},
        "/webhooks": {"json": served_webhooks.webhook()},
        **served_assessment.bodies(served.ids["campaign_id"][0]),
        **{filled(served, path): one for path, one in served_rectification.bodies(served.ids, surveyor).items()},
    }


def filled(served: Served, path: str) -> str:
    """A path with what stands in the county."""
    place = served_rectification.STANDING.get(path, 0)
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", served.ids[name][place])
    return path


PATHS = [
    *("/households", "/toilets", "/campaigns", "/problem-types", "/visits", "/problems", "/attachments"),
    *("/users", "/users/{user_id}/grants", "/users/{user_id}/trainings"),
    *("/clients", "/clients/{id}/grants", "/divisions"),
    "/uploads/{upload_id}/attachment",
    *("/assessment-formulas", "/assessments", "/call-ins"),
    *("/imports", "/uploads", "/import-synonyms", "/exports", "/dataset-requests", "/webhooks"),
    *("/plans", "/plans/{plan_id}/revise", "/plans/{plan_id}/supplement", "/checklists", "/acceptances", "/samples"),
    *("/problems/{problem_id}/rectify-at-once", "/tasks/{task_id}/notes", "/tasks/{task_id}/postponements"),
]
MANY = ("statistic_delta", "assessment_record")
"""What one statement, or one assessment, writes many rows of."""


def test_every_creating_operation_is_here(document: Json) -> None:
    creating = {
        path.removeprefix(API)
        for path, method, operation in operations(document)
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
    }
    assert creating == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_one_key_makes_one_record(served: Served, path: str) -> None:
    """At the same moment, then again, then with another body; and once more by somebody else."""
    with served.client("county_admin") as admin, served.client("township_manager") as other:
        address = filled(served, path)
        arguments = bodies(served, admin)[address]
        key = {"Idempotency-Key": f"key {path}"}
        if address.startswith("/clients/"):  # a system stands at a county at least, where it holds its grant already
            system = address.removesuffix("/grants")
            held = ok(admin.get(API + system))["grants"][0]["id"]
            ok(admin.post(f"{API}{address}/{held}/remove", json={"reason": "重新授权"}))
        before = contents(served)
        answers = at_once(lambda _: admin.post(API + address, headers=key, **arguments))
        assert {one.status_code for one in answers} <= {201, 202}, [one.text for one in answers]
        shown = [{**one.json(), "temporary_password": None, "client_secret": None, "secret": None} for one in answers]
        assert all(one == shown[0] for one in shown)
        assert sorted(one.headers.get("idempotency-replayed", "") for one in answers) == ["", *["true"] * (AT_ONCE - 1)]
        now = {name: rows for name, rows in contents(served).items() if name not in MANY}
        grown = {name: rows[0] - before[name][0] for name, rows in now.items()}
        assert grown["idempotency_key"] == 1
        assert max(grown.values()) < AT_ONCE, grown  # a step may write several entries, but nothing is made twice
        with nothing_changes(served):
            again = admin.post(API + address, headers=key, **arguments)
            assert again.status_code == answers[0].status_code
            assert again.headers["idempotency-replayed"] == "true"
            for name in ("location", "etag"):
                assert again.headers.get(name) == answers[0].headers.get(name)
            changed: dict[str, Any] = {**arguments, "params": {"dry_run": "false"}}
            if "json" in arguments:
                changed = {"json": {**arguments["json"], "note": "x"}}
            elif "data" in arguments:
                changed = {**arguments, "data": {**arguments["data"], "kind": "signature"}}
            refused(admin.post(API + address, headers=key, **changed), "idempotency_mismatch", "invalid")
            if "json" in arguments:
                elsewhere = admin.post(f"{API}/campaigns?", headers=key, json={"name": "x"})
                refused(elsewhere, "invalid", "idempotency_mismatch")
        # The key is this caller's: another one's request with it is a request of its own.
        theirs = other.post(API + address, headers=key, **arguments)
        assert "idempotency-replayed" not in theirs.headers


@pytest.mark.parametrize("key", ["", "x" * 256, b"\xe9", b"a\tb", b"\xe5\xaf\x86"])
def test_a_malformed_key_is_refused(served: Served, key: Any) -> None:
    with served.client("county_admin") as admin, nothing_changes(served):
        answer = admin.post(f"{API}/campaigns", headers={"Idempotency-Key": key}, json={"name": "x"})
        refused(answer, "bad_idempotency_key")


def test_a_refused_request_does_not_use_up_its_key(served: Served) -> None:
    """A key stands for an answer that was given, not for one that was refused: corrected, it may be sent again."""
    with served.client("township_manager") as manager:
        key = {"Idempotency-Key": "corrected"}
        body = {"division_code": made.TOWNSHIP, "problem_type": "no_such_type"}
        refused(manager.post(f"{API}/problems", headers=key, json=body), "invalid")
        ok(manager.post(f"{API}/problems", headers=key, json={**body, "problem_type": "one_mode_for_all"}), 201)


OTHERWISE = {
    **dict.fromkeys(("/households", "/toilets", "/visits", "/samples"), "note"),
    **dict.fromkeys(("/problem-types", "/checklists"), "zh"),
    "/campaigns": "name",
    "/dataset-requests": "purpose",
    "/webhooks": "description",
    "/uploads": "file_name",
    "/import-synonyms": "heading",
    "/problems": "description",
    "/tasks/{task_id}/notes": "text",
}
"""What another body of the same id says otherwise."""


@pytest.mark.parametrize("path", OTHERWISE)
def test_one_id_made_by_the_client_is_one_record_even_at_once(served: Served, path: str) -> None:
    with served.client("county_admin") as admin:
        address = filled(served, path)
        body = {"id": str(new_id()), **bodies(served, admin)[address]["json"]}
        if path == "/problem-types":
            body["code"] = "a_third_type"
        elif path == "/import-synonyms":
            body["heading"] = "家里当家的"
        answers = at_once(lambda _: admin.post(API + address, json=body))
        assert sorted(one.status_code for one in answers) == [*[200] * (AT_ONCE - 1), 201], [
            one.text for one in answers
        ]
        assert len({one.json()["id"] for one in answers}) == 1
        with nothing_changes(served):
            assert ok(admin.post(API + address, json=body))["id"] == body["id"]
            refused(admin.post(API + address, json={**body, OTHERWISE[path]: "x"}), "id_taken")
