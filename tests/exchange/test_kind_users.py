"""Users and divisions from a file: by whoever may make them by hand, and only those."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.exchange.kinds import As, Drain, counted, faults, run, sheet
from tests.exchange.upload import pages, rows_of
from tests.survey.made import ok
from toilet_api.exchange.records import job as job_module
from toilet_api.kernel.database import EVERYWHERE, Database

HEADER = ["用户名", "姓名", "角色", "区划"]
TOWNSHIP, VILLAGE = "360423208", "360423208202"


def users(client: TestClient) -> dict[str, dict[str, Any]]:
    return {one["username"]: one for one in pages(client, "/users")}


def test_accounts_without_a_password_that_anybody_knows(as_: As, drain_jobs: Drain) -> None:
    admin = as_("county_admin")
    content = sheet(
        HEADER,
        ["New.Manager", "石渡乡专班", "乡镇管理员", "石渡乡"],
        ["anle_1", "安乐村张三", "village_surveyor", VILLAGE],
        ["two_roles", "两村摸排员", "村级摸排员", f"{VILLAGE}、360423208203"],
    )
    job = run(admin, drain_jobs, "users", content)
    assert counted(job) == {"created": 3}
    made = users(admin)
    assert made["new.manager"]["must_change_password"] is True
    assert [(one["role"], one["division_code"]) for one in made["new.manager"]["grants"]] == [
        ("township_manager", TOWNSHIP)
    ]
    assert [one["division_code"] for one in made["two_roles"]["grants"]] == [VILLAGE, "360423208203"]
    report = f"{job} {rows_of(admin, job)}"
    assert "password" not in report
    assert rows_of(admin, job)[2]["record_id"] == made["new.manager"]["id"]
    reset = ok(admin.post(f"/api/v1/users/{made['anle_1']['id']}/reset-password"))
    assert reset["temporary_password"]
    assert counted(run(admin, drain_jobs, "users", content, on_conflict="update")) == {"unchanged": 3}


def test_names_change_and_grants_don_t(as_: As, drain_jobs: Drain) -> None:
    admin = as_("county_admin")
    header = ["用户名", "姓名", "角色", "授权区划", "状态"]
    counted(run(admin, drain_jobs, "users", sheet(HEADER, ["anle_1", "张三", "村级摸排员", VILLAGE])))
    renamed = sheet(header, ["anle_1", "安乐村张三", "村级摸排员", VILLAGE, "正常"])
    assert faults(admin, run(admin, drain_jobs, "users", renamed)) == {2: [("display_name", "conflict")]}
    job = run(admin, drain_jobs, "users", renamed, on_conflict="update")
    assert counted(job) == {"updated": 1}
    assert users(admin)["anle_1"]["display_name"] == "安乐村张三"
    moved = sheet(header, ["anle_1", "李四", "村级摸排员", "360423208203", "已锁定"])
    job = run(admin, drain_jobs, "users", moved, on_conflict="update")
    assert faults(admin, job) == {
        2: [("roles", "not_changeable"), ("grant_divisions", "not_changeable"), ("state", "not_changeable")]
    }
    assert users(admin)["anle_1"]["display_name"] == "安乐村张三"


def test_no_account_that_couldn_t_be_made_by_hand(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    content = sheet(
        HEADER,
        ["upwards", "越权", "县级管理员", TOWNSHIP],
        ["equal", "平级", "乡镇管理员", TOWNSHIP],
        ["foreign", "别处", "村级摸排员", "360423500001"],
        ["county_admin", "占用", "村级摸排员", VILLAGE],
        ["x", "太短", "村级摸排员", VILLAGE],
        ["nobody", "", "保洁员", ""],
    )
    job = run(manager, drain_jobs, "users", content)
    assert counted(job) == {"rejected": 6}
    assert faults(manager, job) == {
        2: [("grant_divisions", "role_level")],
        3: [("row", "role_not_managed")],
        4: [("grant_divisions", "out_of_scope")],
        5: [("row", "username_taken")],
        6: [("username", "string_pattern_mismatch")],
        7: [("roles", "bad_code")],
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            "update principal_grant set removed_at = now(), removed_reason = 'x' where principal_id = :me",
            "forbidden",
        ),
        ("update import_job set narrowed_to = '{import.create,account.read}' where created_by = :me", "forbidden"),
        ("update principal set locked_at = now(), locked_reason = 'x' where id = :me", "importer_inactive"),
    ],
)
def test_the_rights_are_those_of_the_moment(
    change: str, code: str, as_: As, database: Database, drain_jobs: Drain
) -> None:
    manager, admin = as_("township_manager"), as_("county_admin")
    me = ok(manager.get("/api/v1/me"))["id"]

    def drain() -> None:
        with database.transaction(EVERYWHERE) as session:
            session.connection().execute(text(change), {"me": me})
        drain_jobs()

    content = sheet(HEADER, ["anle_1", "张三", "村级摸排员", VILLAGE])
    job = run(manager, drain, "users", content, follow_as=admin)
    assert (job["state"], job["written"], job["problem"]["code"]) == ("failed", False, code)
    assert "anle_1" not in users(admin)
    assert rows_of(admin, job) == {}


def test_divisions_are_added_and_renamed(as_: As, drain_jobs: Drain) -> None:
    admin = as_("county_admin")
    header = ["代码", "上级代码", "名称", "有效期起", "备注"]
    content = sheet(
        header,
        ["360423208299", "", "新安村委会", "2026-01-31", "赣民发〔2026〕1号"],
        ["", TOWNSHIP, "新乐村委会", "", ""],
        [VILLAGE, "", "安乐新村委会", "", "更名"],
    )
    job = run(admin, drain_jobs, "divisions", content, on_conflict="update")
    assert counted(job) == {"created": 2, "updated": 1}
    listed = {one["name"]: one for one in pages(admin, "/divisions", under=TOWNSHIP)}
    assert listed["新安村委会"]["valid_from"] == "2026-01-31"
    assert listed["新乐村委会"]["parent_code"] == TOWNSHIP
    assert listed["安乐新村委会"]["code"] == VILLAGE
    assert counted(run(admin, drain_jobs, "divisions", content, on_conflict="update")) == {"unchanged": 3}
    moved = sheet(header, [VILLAGE, "360423500", "安乐新村委会", "", ""], ["", TOWNSHIP, "", "", ""])
    job = run(admin, drain_jobs, "divisions", moved, on_conflict="update")
    assert faults(admin, job) == {2: [("parent_code", "not_changeable")], 3: [("name", "missing")]}
    taken = sheet(header, ["360423208298", "", "新安村委会", "", ""], ["999", "", "某村", "", ""])
    job = run(admin, drain_jobs, "divisions", taken, on_conflict="update")
    assert {column for column, _ in faults(admin, job)[2]} == {"name"}
    assert {column for column, _ in faults(admin, job)[3]} == {"code"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a,b,c\n1,2,3\n", "import_header_not_found"),
        (sheet(["用户名", "姓名"], ["anle_1", "张三"]), "import_column_missing"),
        (sheet([*HEADER, "用户名"], ["anle_1", "张三", "村级摸排员", VILLAGE, "x"]), "import_column_ambiguous"),
    ],
)
def test_a_file_that_is_none(content: bytes, code: str, as_: As) -> None:
    answer = as_("county_admin").post("/api/v1/imports", files={"file": ("a.csv", content)}, data={"kind": "users"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("who", "kind"), [("township_manager", "divisions"), ("province_client", "users"), ("village_surveyor", "visits")]
)
def test_a_kind_that_one_may_not_enter_by_hand(who: str, kind: str, as_: As) -> None:
    answer = as_(who).post("/api/v1/imports", files={"file": ("a.csv", b"x")}, data={"kind": kind})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_headings_of_one_s_own(as_: As, drain_jobs: Drain) -> None:
    admin = as_("county_admin")
    content = sheet(["账户", "谁", "职务", "地方"], ["anle_1", "张三", "村级摸排员", VILLAGE])
    mapping = {"账户": "username", "谁": "display_name", "C:": "roles", "地方": "grant_divisions"}
    job = run(admin, drain_jobs, "users", content, mapping=json.dumps(mapping))
    assert counted(job) == {"created": 1}
    assert {one["matched_by"] for one in job["sheets"][0]["columns"]} == {"explicit"}
    wrong = {"kind": "users", "mapping": '{"账户": "built_year"}'}
    answer = admin.post("/api/v1/imports", files={"file": ("a.csv", content)}, data=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "import_bad_mapping")


def test_cancelled_while_it_runs_it_leaves_nothing(
    as_: As, drain_jobs: Drain, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_("county_admin")
    monkeypatch.setattr(job_module, "_PROGRESS_SECONDS", -1.0)

    def drain() -> None:
        with database.transaction(EVERYWHERE) as session:
            session.connection().execute(text("update import_job set cancel_requested = true"))
        drain_jobs()

    job = run(admin, drain, "users", sheet(HEADER, ["anle_1", "张三", "村级摸排员", VILLAGE]))
    assert (job["state"], job["written"]) == ("cancelled", False)
    assert "anle_1" not in users(admin)
    assert rows_of(admin, job) == {}
