"""Visits from a file: drafts of whoever imports, handed in where the row asks for it and everything holds."""

from typing import Any

import pytest

from tests.exchange.kinds import As, Drain, counted, faults, run, sheet
from tests.exchange.ledger_files import as_workbook
from tests.exchange.upload import pages, rows_of
from tests.survey import made

NAME = "张三丰"
HEADER = ["村", "户主姓名", "摸排日期", "摸排方式", "是否在家", "使用情况", "问题", "备注", "摸排人签名编号", "提交"]
DAY = made.earlier(days=1)[:10]


def line(**members: str) -> list[str]:
    usual = {
        **dict.fromkeys(HEADER, ""),
        "村": "安乐村",
        "户主姓名": NAME,
        "摸排日期": DAY,
        "摸排方式": "询问并查看",
        "是否在家": "在家",
        "使用情况": "全年可用",
    }
    return list((usual | members).values())


def visits(client: Any) -> list[dict[str, Any]]:
    return list(pages(client, "/visits"))


def test_a_draft_and_the_same_again(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    home = made.home(manager)
    content = sheet(HEADER, line(使用情况="不能使用", 问题="池体渗漏；管道破裂：左侧", 备注="第一行\n第二行"))
    job = run(manager, drain_jobs, "visits", content)
    assert counted(job) == {"created": 1}
    (listed,) = visits(manager)
    shown = made.ok(manager.get(f"/api/v1/visits/{listed['id']}"))
    assert (shown["state"], shown["household_id"], shown["toilet_id"]) == (
        "draft",
        home["id"],
        home["toilets"][0]["id"],
    )
    assert (shown["visited_at"], shown["note"]) == (f"{DAY}T00:00:00+08:00", "第一行\n第二行")
    assert [(one["problem_type"], one["note"]) for one in shown["findings"]] == [
        ("tank_seeps", None),
        ("pipe_cracked", "左侧"),
    ]
    row = rows_of(manager, job)[2]
    assert (row["record_type"], row["record_id"], row["household_id"]) == ("visit", shown["id"], home["id"])
    assert NAME not in str(row)
    for on_conflict in ("fail", "skip", "update"):
        assert counted(run(manager, drain_jobs, "visits", content, on_conflict=on_conflict)) == {"unchanged": 1}
    assert made.ok(manager.get(f"/api/v1/visits/{shown['id']}"))["version"] == shown["version"]


def test_submitted_at_once_it_opens_problems(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    made.campaign(as_("county_admin"))
    made.home(manager)
    signed = line(使用情况="不能使用", 问题="池体渗漏", 提交="是", 摸排人签名编号=made.signature(manager))
    content = sheet(HEADER, signed)
    assert counted(run(manager, drain_jobs, "visits", content)) == {"created": 1}
    assert [one["state"] for one in visits(manager)] == ["submitted"]
    assert [one["problem_type"] for one in made.problems(manager)] == ["tank_seeps"]
    assert counted(run(manager, drain_jobs, "visits", content, on_conflict="update")) == {"unchanged": 1}
    other = sheet(HEADER, line(使用情况="闲置"))
    job = run(manager, drain_jobs, "visits", other, on_conflict="update")
    assert faults(manager, job) == {2: [("usability", "not_changeable")]}
    assert "correct" in rows_of(manager, job)[2]["errors"][0]["expected"]


def test_guards_hold_as_over_http(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    made.campaign(as_("county_admin"))
    made.home(manager)
    unsigned = sheet(HEADER, line(提交="是"))
    job = run(manager, drain_jobs, "visits", unsigned)
    assert faults(manager, job) == {2: [("surveyor_signature_ids", "signature_missing")]}
    (fault,) = rows_of(manager, job)[2]["errors"]
    assert (fault["cell"], fault["heading"]) == ("I2", "摸排人签名编号")
    assert "谁签字" in fault["detail"]
    assert visits(manager) == []
    admin = as_("county_admin")
    job = run(admin, drain_jobs, "visits", unsigned)
    assert faults(admin, job) == {2: [("row", "training_required")]}
    away = sheet(HEADER, line(是否在家="不在家"), line(是否在家="不在家", 摸排方式="查看"))
    job = run(manager, drain_jobs, "visits", away)
    assert faults(manager, job) == {2: [("method", "method_needs_household")]}
    assert rows_of(manager, job)[3]["corrections"][0]["rule"] == "code_synonym"


def test_every_fault_of_a_row_is_told(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    made.home(manager)
    wrong = line(
        摸排日期="昨天", 摸排方式="打电话", 使用情况="还行", 问题="池体渗漏、坏了", 提交="也许", 摸排人签名编号="7"
    )
    elsewhere = line(村="丰年村")
    job = run(manager, drain_jobs, "visits", sheet(HEADER, wrong, elsewhere, line(摸排日期="")))
    assert faults(manager, job) == {
        2: [
            ("visited_at", "bad_date"),
            ("method", "bad_code"),
            ("usability", "bad_code"),
            ("findings", "bad_problem_type"),
            ("surveyor_signature_ids", "bad_id"),
            ("submit", "bad_yes_no"),
        ],
        3: [("name", "unknown_record")],
        4: [("visited_at", "missing")],
    }
    assert NAME not in str(rows_of(manager, job))


@pytest.mark.parametrize("on_conflict", ["fail", "skip", "update"])
def test_a_draft_that_differs(on_conflict: str, as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    household = made.home(manager)
    visit = made.visit(manager, "tank_seeps", household=household)
    header = ["编号", "版本", "使用情况", "问题", "备注", "状态"]
    row = [visit["id"], "1", "不能全年使用", "池体渗漏：右侧、底部；无水可用", "冬季", "草稿"]
    job = run(manager, drain_jobs, "visits", sheet(header, row), on_conflict=on_conflict)
    shown = made.ok(manager.get(f"/api/v1/visits/{visit['id']}"))
    told = rows_of(manager, job)[2]
    if on_conflict == "update":
        assert told["outcome"] == "updated"
        assert [(one["column"], one["from"], one["to"]) for one in told["changes"]] == [
            ("usability", "不能使用", "不能全年使用"),
            ("findings", "池体渗漏", "池体渗漏：右侧、底部；无水可用"),
            ("note", None, "冬季"),
        ]
        assert (shown["usability"], shown["note"]) == ("part_of_year", "冬季")
        assert counted(run(manager, drain_jobs, "visits", sheet(header, row), on_conflict="update")) == {"unchanged": 1}
        stale = sheet(header, [*row[:4], "春季", ""])
        job = run(manager, drain_jobs, "visits", stale, on_conflict="update")
        assert faults(manager, job) == {2: [("version", "stale")]}
        return
    assert shown["version"] == 1
    assert told["outcome"] == {"fail": "rejected", "skip": "unchanged"}[on_conflict]
    if on_conflict == "fail":
        assert [(one["column"], one["reason"]) for one in told["errors"]] == [
            ("usability", "conflict"),
            ("findings", "conflict"),
            ("note", "conflict"),
        ]


def test_who_surveys_answers_for_it(as_: As, drain_jobs: Drain) -> None:
    manager, surveyor = as_("township_manager"), as_("village_surveyor")
    visit = made.visit(surveyor)
    header = ["编号", "备注"]
    job = run(manager, drain_jobs, "visits", sheet(header, [visit["id"], "改"]), on_conflict="update")
    assert faults(manager, job) == {2: [("row", "not_surveyor")]}
    signed_by = sheet([*HEADER, "摸排人"], [*line(), visit["surveyor_name"]])
    job = run(manager, drain_jobs, "visits", signed_by)
    assert faults(manager, job) == {2: [("surveyor_name", "not_changeable")]}
    assert len(visits(manager)) == 1


def test_a_dry_run_and_all_or_nothing_leave_nothing(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    made.home(manager)
    content = sheet(HEADER, line(), line(村="丰年村"))
    dry = run(manager, drain_jobs, "visits", content, dry_run="true")
    assert counted(dry) == {"created": 1, "rejected": 1}
    whole = run(manager, drain_jobs, "visits", content, mode="all_or_nothing")
    assert (whole["state"], whole["problem"]["code"]) == ("failed", "import_rows_rejected")
    assert whole["counts"] == dry["counts"]
    assert [one["record_id"] for one in rows_of(manager, whole).values()] == [None, None]
    assert visits(manager) == []
    done = run(manager, drain_jobs, "visits", sheet(HEADER, line()), mode="all_or_nothing")
    assert counted(done) == {"created": 1}


def test_columns_of_ticks_below_a_common_heading(as_: As, drain_jobs: Drain) -> None:
    manager = as_("township_manager")
    home = made.home(manager)
    book = as_workbook(
        安乐=[
            ["安乐村摸排表"],
            ["农户编号", "摸排时间", "摸排方式", "是否在家", "使用情况", "存在的情况", None],
            [None, None, None, None, None, "池体渗漏", "无水可用"],
            [home["id"], f"{DAY} 09:30", "当场使用", "在家", "不能使用", None, "√"],
            ["合计", 1],
            ["填表人：李四"],
        ]
    )
    job = run(manager, drain_jobs, "visits", book)
    assert counted(job) == {"created": 1}
    assert job["sheets"][0]["header_row"] == 3
    assert [one["rule"] for one in job["ignored_rows"]] == ["total", "signature"]
    (listed,) = visits(manager)
    shown = made.ok(manager.get(f"/api/v1/visits/{listed['id']}"))
    assert [one["problem_type"] for one in shown["findings"]] == ["no_water"]
    assert shown["visited_at"] == f"{DAY}T09:30:00+08:00"


def test_nothing_of_another_township(as_: As, drain_jobs: Drain) -> None:
    manager, other = as_("township_manager"), as_("township_manager_2")
    foreign = made.visit(other, village="360423500001", household=made.home(other, "360423500001"))
    header = ["编号", "农户编号", "摸排日期", "摸排方式", "是否在家", "备注"]
    row = [foreign["id"], foreign["household_id"], DAY, "询问并查看", "在家", "改"]
    job = run(manager, drain_jobs, "visits", sheet(header, row), on_conflict="update")
    assert faults(manager, job) == {2: [("household_id", "unknown_record")]}
