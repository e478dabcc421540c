"""Problems in the work itself, and close-outs, from a file."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.kinds import As, Drain, counted, faults, run, sheet
from tests.exchange.upload import pages, rows_of
from tests.rectification import made as rectification
from tests.rectification.passing import accepted
from tests.survey import made
from toilet_api.kernel.database import Database

WITNESS = "欧阳见证"
DAY = made.earlier(days=2)[:10]


@pytest.fixture
def manager(as_: As) -> TestClient:
    made.campaign(as_("county_admin"), verification_levels=[], acceptance_shares={"township": 100, "county": 0})
    return as_("township_manager")


def test_problems_at_a_township_and_a_village(manager: TestClient, drain_jobs: Drain) -> None:
    header = ["序号", "乡镇", "村", "问题类型", "发现日期", "描述"]
    content = sheet(
        header,
        ["1", "石渡乡", "", "管护机制不健全", DAY, "管护员未落实"],
        ["2", "石渡乡", "安乐村", "rushing", DAY.replace("-", "/"), "=抢进度"],
        ["合计", "2", "", "", "", ""],
    )
    job = run(manager, drain_jobs, "problems", content)
    assert counted(job) == {"created": 2}
    assert job["counts"]["ignored"]["total"] == 1
    listed = {one["problem_type"]: one for one in made.problems(manager)}
    assert listed["no_upkeep_mechanism"]["division_code"] == made.TOWNSHIP
    assert listed["rushing"]["division_code"] == made.VILLAGE
    assert listed["rushing"]["found_at"] == f"{DAY}T00:00:00+08:00"
    assert listed["rushing"]["description"] == "=抢进度"
    assert listed["rushing"]["deadline"] is not None
    assert counted(run(manager, drain_jobs, "problems", content, on_conflict="update")) == {"unchanged": 2}


def test_what_is_in_the_ledger_is_changed_only_where_the_room_lets_it(
    manager: TestClient, as_: As, drain_jobs: Drain
) -> None:
    (problem,) = rectification.found(as_("village_surveyor"), "tank_seeps")
    header = ["编号", "区划代码", "问题类型", "责任类别", "描述", "状态", "整改期限"]
    row = [
        problem["id"],
        problem["division_code"],
        "池体渗漏",
        "产品质量不过关",
        "底部渗水",
        "待整改",
        problem["deadline"],
    ]
    job = run(manager, drain_jobs, "problems", sheet(header, row), on_conflict="update")
    assert counted(job) == {"updated": 1}
    assert [one["column"] for one in rows_of(manager, job)[2]["changes"]] == ["description"]
    assert rectification.problem(manager, problem["id"])["description"] == "底部渗水"
    closed = [*row[:5], "已销号", "2030-01-01"]
    job = run(manager, drain_jobs, "problems", sheet(header, closed), on_conflict="update")
    assert faults(manager, job) == {2: [("state", "not_changeable"), ("deadline", "not_changeable")]}
    later = [*row[:3], "技术模式不适宜", *row[4:6], ""]
    job = run(manager, drain_jobs, "problems", sheet(header, later), on_conflict="update")
    assert faults(manager, job) == {2: [("row", "cause_is_countys")]}


def test_refused_as_over_http(manager: TestClient, as_: As, drain_jobs: Drain) -> None:
    header = ["区划代码", "问题类型", "发现日期", "描述"]
    content = sheet(
        header,
        [made.VILLAGE, "池体渗漏", DAY, ""],
        ["360423500", "管护机制不健全", DAY, ""],
        [made.VILLAGE, "管护机制不健全", "2126-01-01", ""],
        [made.VILLAGE, "管护机制不健全", DAY, ""],
        [made.VILLAGE, "管护机制不健全", DAY, "又一次"],
    )
    job = run(manager, drain_jobs, "problems", content)
    assert faults(manager, job) == {
        2: [("problem_type", "toilet_problem")],
        3: [("division_code", "bad_division")],
        4: [("found_at", "in_the_future")],
        6: [("row", "dup")],
    }


CLOSING = ["问题编号", "农户签名编号", "户主确认", "未签字原因", "见证人", "与农户关系", "见证人签名编号", "备注"]


def closable(surveyor: TestClient, database: Database, count: int) -> list[dict[str, Any]]:
    found = []
    for _ in range(count):
        (problem,) = rectification.found(surveyor, "no_door")
        rectification.finished(surveyor, problem)
        accepted(database, problem["id"])
        found.append(problem)
    return found


def test_close_outs(manager: TestClient, as_: As, database: Database, drain_jobs: Drain) -> None:
    surveyor = as_("village_surveyor")
    first, second, third = closable(surveyor, database, 3)
    signed = [first["id"], made.signature(surveyor), "", "", "", "", "", "现场试用正常"]
    said = [second["id"], "", "电话同意", "常年在外", WITNESS, "邻居", made.signature(surveyor), ""]
    content = sheet(CLOSING, signed, said, [third["id"], *[""] * 7])
    job = run(manager, drain_jobs, "close_outs", content)
    assert counted(job) == {"created": 2, "rejected": 1}
    assert faults(manager, job) == {4: [("household_signature_ids", "missing")]}
    shown = list(pages(manager, "/close-outs"))
    assert {(one["problem_id"], one["kind"], one["witness_masked"]) for one in shown} == {
        (first["id"], "signature", None),
        (second["id"], "statement", "欧***"),
    }
    assert rectification.problem(manager, first["id"])["state"] == "closed"
    assert {one["record_id"] for one in rows_of(manager, job).values()} == {one["id"] for one in shown} | {None}
    again = run(manager, drain_jobs, "close_outs", sheet(CLOSING, signed, said), on_conflict="update")
    assert counted(again) == {"unchanged": 2}
    other = [*said[:4], "欧阳证人", *said[5:]]
    job = run(manager, drain_jobs, "close_outs", sheet(CLOSING, other), on_conflict="update")
    assert faults(manager, job) == {2: [("witness_name", "not_changeable")]}
    report = str(rows_of(manager, job))
    assert WITNESS not in report
    assert "欧阳证人" not in report
    assert "reopen" in report


def test_close_outs_stay_within_the_import_s_division(
    manager: TestClient, as_: As, database: Database, drain_jobs: Drain
) -> None:
    surveyor = as_("village_surveyor")
    first, second = closable(surveyor, database, 2)
    rows = [[one["id"], made.signature(surveyor), *[""] * 6] for one in (first, second)]
    job = run(manager, drain_jobs, "close_outs", sheet(CLOSING, *rows), division=made.OTHER_VILLAGE)
    assert faults(manager, job) == {2: [("row", "not_found")], 3: [("row", "not_found")]}
    assert list(pages(manager, "/close-outs")) == []


def test_an_incomplete_statement(manager: TestClient, as_: As, database: Database, drain_jobs: Drain) -> None:
    (one,) = closable(as_("village_surveyor"), database, 1)
    job = run(manager, drain_jobs, "close_outs", sheet(CLOSING, [one["id"], "", "电话同意", *[""] * 5]))
    assert {column for column, _ in faults(manager, job)[2]} == {
        "no_signature_reason",
        "witness_name",
        "witness_relation",
        "witness_signature_ids",
    }
