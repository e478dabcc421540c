"""Systems over HTTP: scopes, secrets shown once, rotation."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.accounts.logins import bearer
from toilet_api.kernel.database import EVERYWHERE, Database

CLIENTS = "/api/v1/clients"
REASON = {"reason": "接口停用"}


def body(client_id: str = "county_platform", division: str = "360423", **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "display_name": "县平台", "division_code": division, **more}


def token(client: Any, client_id: str, secret: str, **more: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, **more}
    return client.post("/api/v1/auth/token", data=form)


def test_a_new_system_reads_by_default(client: Any, as_: Any, database: Database) -> None:
    answer = as_("county_admin").post(CLIENTS, json=body())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["grants"][0]["role"] == "integration_client"
    assert "household.read" in made["scopes"]
    assert "import.create" not in made["scopes"]
    got = token(client, "county_platform", made["client_secret"])
    assert got.status_code == 200
    me = client.get("/api/v1/me", headers=bearer(got.json()["access_token"])).json()
    assert me["kind"] == "client"
    assert me["permissions"] == made["scopes"]
    read = as_("county_admin").get(answer.headers["Location"]).json()
    assert "client_secret" not in read
    with database.transaction(EVERYWHERE) as session:
        for table in ("audit_entry", "credential", "principal"):
            rows = session.connection().execute(text(f"select row_to_json(t)::text from {table} t")).scalars().all()
            assert not any(made["client_secret"] in row for row in rows)


def test_import_must_be_named(client: Any, as_: Any) -> None:
    made = as_("county_admin").post(CLIENTS, json=body(scopes=["import.create", "household.read"])).json()
    assert made["scopes"] == ["household.read", "import.create"]
    got = token(client, "county_platform", made["client_secret"]).json()
    assert got["scope"] == "household.read import.create"


@pytest.mark.parametrize(
    ("manager", "more", "status", "code"),
    [
        ("county_admin", {"scopes": ["person.reveal"]}, 422, "invalid"),
        ("county_admin", {"scopes": ["account.manage"]}, 422, "invalid"),
        ("county_admin", {"scopes": ["everything"]}, 422, "invalid"),
        ("county_admin", {"division_code": "360423208"}, 422, "invalid"),
        ("county_admin", {"division_code": "3604"}, 403, "out_of_scope"),
        ("county_admin", {"division_code": "360424"}, 403, "out_of_scope"),
        ("county_admin", {"client_id": "Province_Client"}, 409, "username_taken"),
        ("province_inspector", {"division_code": "36"}, 201, None),
        ("province_inspector", {"scopes": ["import.create"]}, 403, "above_own_rights"),
        ("township_manager", {}, 403, "out_of_scope"),
        ("auditor", {}, 403, "forbidden"),
        ("province_client", {}, 403, "forbidden"),
    ],
)
def test_who_may_create_what(as_: Any, manager: str, more: dict[str, Any], status: int, code: str | None) -> None:
    answer = as_(manager).post(CLIENTS, json=body(**more) if "division_code" not in more else {**body(), **more})
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code


def test_a_rotated_secret_ends_the_old_one_and_its_tokens(client: Any, as_: Any) -> None:
    admin = as_("county_admin")
    made = admin.post(CLIENTS, json=body()).json()
    old = token(client, "county_platform", made["client_secret"]).json()["access_token"]
    answer = admin.post(f"{CLIENTS}/{made['id']}/rotate-secret")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/me", headers=bearer(old)).status_code == 401
    assert token(client, "county_platform", made["client_secret"]).status_code == 401
    assert token(client, "county_platform", answer.json()["client_secret"]).status_code == 200


def test_a_narrowed_scope_holds_from_the_next_request(client: Any, as_: Any) -> None:
    admin = as_("county_admin")
    made = admin.post(CLIENTS, json=body()).json()
    held = bearer(token(client, "county_platform", made["client_secret"]).json()["access_token"])
    assert client.get("/api/v1/roles", headers=held).status_code == 200
    changed = admin.patch(
        f"{CLIENTS}/{made['id']}", json={"scopes": ["household.read"]}, headers={"If-Match": f'"{made["version"]}"'}
    )
    assert changed.status_code == 200, changed.text
    assert client.get("/api/v1/roles", headers=held).status_code == 403


def test_a_manager_cannot_widen_or_take_over_a_system_beyond_his_rights(as_: Any) -> None:
    made = as_("county_admin").post(CLIENTS, json=body(scopes=["household.read", "import.create"])).json()
    inspector = as_("province_inspector")
    address = f"{CLIENTS}/{made['id']}"
    assert inspector.get(address).json()["allowed_actions"] == []
    assert inspector.post(f"{address}/rotate-secret").json()["code"] == "above_own_rights"
    own = inspector.post(CLIENTS, json=body("province_reader")).json()
    head = {"If-Match": f'"{own["version"]}"'}
    wider = inspector.patch(f"{CLIENTS}/{own['id']}", json={"scopes": ["import.create"]}, headers=head)
    assert wider.json()["code"] == "above_own_rights"
    assert inspector.get(f"{CLIENTS}/{own['id']}").json()["scopes"] == own["scopes"]


def test_a_second_division_and_back(as_: Any) -> None:
    inspector = as_("city_inspector")
    made = inspector.post(CLIENTS, json=body()).json()
    address = f"{CLIENTS}/{made['id']}"
    more = {"role": "integration_client", "division_code": "360424"}
    granted = inspector.post(f"{address}/grants", json=more)
    assert granted.status_code == 201, granted.text
    assert as_("county_admin").post(f"{address}/lock", json=REASON).json()["code"] == "out_of_scope"
    person = inspector.post(f"{address}/grants", json={"role": "county_admin", "division_code": "360424"})
    assert person.status_code == 422
    removed = inspector.post(f"{address}/grants/{granted.json()['id']}/remove", json=REASON)
    assert [grant["division_code"] for grant in removed.json()["grants"]] == ["360423"]
    assert as_("county_admin").post(f"{address}/lock", json=REASON).status_code == 200


def test_lock_unlock_remove_restore(client: Any, as_: Any) -> None:
    admin = as_("county_admin")
    made = admin.post(CLIENTS, json=body()).json()
    for step, state in (("lock", "locked"), ("unlock", "active"), ("remove", "removed"), ("restore", "active")):
        assert admin.post(f"{CLIENTS}/{made['id']}/{step}", json=REASON).json()["state"] == state
        status = token(client, "county_platform", made["client_secret"]).status_code
        assert status == (200 if state == "active" else 401)


def test_lists_and_kinds_stay_apart(as_: Any) -> None:
    admin = as_("county_admin")
    made = admin.post(CLIENTS, json=body()).json()
    items = admin.get(CLIENTS).json()["items"]
    assert [one["client_id"] for one in items] == ["county_platform"]
    assert items[0]["allowed_actions"] == made["allowed_actions"]
    assert admin.get(f"/api/v1/users/{made['id']}").status_code == 404
    user = admin.get("/api/v1/me").json()["id"]
    assert admin.get(f"{CLIENTS}/{user}").status_code == 404
    both = {one["client_id"] for one in as_("province_inspector").get(CLIENTS).json()["items"]}
    assert both == {"county_platform", "province_client"}
    assert [one["client_id"] for one in admin.get(CLIENTS, params={"text": "platform"}).json()["items"]]
    assert admin.get(CLIENTS, params={"division": "360424"}).status_code == 404


def test_an_idempotent_retry_shows_no_secret_again(as_: Any) -> None:
    head = {"Idempotency-Key": "k"}
    first = as_("county_admin").post(CLIENTS, json=body(), headers=head).json()
    again = as_("county_admin").post(CLIENTS, json=body(), headers=head).json()
    assert first["client_secret"].startswith("ts_")
    assert again == {**first, "client_secret": None}
