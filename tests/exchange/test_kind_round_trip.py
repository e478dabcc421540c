"""What the API lists as CSV goes in again without a change; so does what an export writes with Chinese headings."""

from datetime import datetime

import pytest

from tests.exchange.kinds import As, Drain, counted, faults, run, sheet
from tests.exchange.upload import pages, rows_of
from tests.rectification import made as rectification
from tests.rectification.passing import accepted
from tests.survey import made
from toilet_api.kernel.database import Database


def test_lists_as_csv_go_in_again_unchanged(as_: As, drain_jobs: Drain, database: Database) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    made.campaign(admin, verification_levels=[], acceptance_shares={"township": 100, "county": 0})
    (problem,) = rectification.found(surveyor, "no_door", note="=说明\n第二行")
    rectification.finished(surveyor, problem)
    accepted(database, problem["id"])
    evidence = {
        "text": "户主电话中同意",
        "reason": "外出务工",
        "witness_name": "欧阳见证",
        "witness_relation": "邻居",
        "witness_signature_ids": [made.signature(surveyor)],
    }
    manager = as_("township_manager")
    made.ok(manager.post(f"/api/v1/problems/{problem['id']}/close", json={"statement": evidence}))
    for kind, path in (
        ("visits", "/visits"),
        ("problems", "/problems"),
        ("close_outs", "/close-outs"),
        ("users", "/users"),
        ("divisions", "/divisions?under=360423208"),
    ):
        listed = admin.get(f"/api/v1{path}", headers={"Accept": "text/csv"})
        job = run(admin, drain_jobs, kind, listed.content, on_conflict="update")
        assert set(counted(job)) == {"unchanged"}, (kind, faults(admin, job))
        assert job["written"] is False


@pytest.mark.parametrize("on_conflict", ["fail", "update"])
def test_a_visit_with_chinese_headings(on_conflict: str, as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    visit = made.visit(
        manager,
        "tank_seeps",
        "pipe_cracked",
        note="第一行\r\n第二行",
        checked_against=["rebuild_ledger", "subsidy_record"],
    )
    (listed,) = pages(manager, "/visits")
    visited = datetime.fromisoformat(listed["visited_at"])
    header = [
        "编号", "乡镇", "村", "村代码", "农户编号", "户主姓名", "厕所编号", "改厕方式", "摸排时间", "摸排方式",
        "是否在家", "使用情况", "核对资料", "问题", "备注", "摸排人", "状态", "提交时间", "退回理由", "版本",
        "更新时间",
    ]  # fmt: skip
    row = [
        visit["id"], listed["township_name"], listed["village_name"], listed["division_code"], listed["household_id"],
        listed["head_masked"], listed["toilet_id"], "三格化粪池式", f"{visited:%Y-%m-%d %H:%M:%S.%f}",
        "询问并查看", "在家", "不能使用", "改厕台账、资金奖补情况", "池体渗漏、管道破裂", "第一行\n第二行",
        listed["surveyor_name"], "草稿", "", "", 1, "",
    ]  # fmt: skip
    job = run(manager, drain_jobs, "visits", sheet(header, row), on_conflict=on_conflict)
    assert counted(job) == {"unchanged": 1}, rows_of(manager, job)[2]["errors"]
    assert {one["heading"] for one in job["sheets"][0]["columns"] if one["matched_by"] == "not_read"} == {
        "改厕方式",
        "提交时间",
        "退回理由",
        "更新时间",
    }
    assert not [one for one in job["sheets"][0]["columns"] if one["matched_by"] in ("unmapped", "not_used")]
