"""Which village a row means where no column says it plainly: sheets named for villages, titles, groups."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.ledger_files import as_workbook
from tests.exchange.pure import Judged, sheet
from tests.exchange.upload import rows_of, succeeded, upload
from toilet_api.kernel.errors import Problem
from toilet_api.registry.rules import id_check_character

As = Callable[[str], TestClient]
Drain = Callable[[], None]
HEADER = ["户主姓名", "身份证号码", "门牌号", "改厕方式", "改厕年份"]
ANLE, FENGNIAN = "360423208202", "360423208206"


def line(number: int) -> list[Any]:
    first = f"360423190101{number:05}"
    return ["张三丰", first + id_check_character(first), "12号", "三格", "2024"]


def test_a_sheet_for_each_village(as_: As, drain_jobs: Drain) -> None:
    content = as_workbook(安乐村=[HEADER, line(1001)], 丰年=[["户厕台账"], HEADER, line(1002), line(1003)])
    client = as_("township_manager")
    job = succeeded(client, drain_jobs, content, "villages.xlsx")
    assert [(one["sheet"], one["village_code"]) for one in job["sheets"]] == [("安乐村", ANLE), ("丰年", FENGNIAN)]
    assert job["counts"]["created"] == 3
    assert job["counts"]["corrections"]["sheet_village"] == 3
    listed = client.get("/api/v1/households", params={"division": FENGNIAN}).json()["items"]
    assert len(listed) == 2


@pytest.mark.parametrize(
    "title",
    ["石渡乡安乐村户厕改造花名册", "武宁县石渡乡安乐村委会农村户厕台账", "行政村：安乐", "填报单位:石渡乡安乐村"],
)
def test_a_title_names_the_village(title: str) -> None:
    judged = Judged(sheet([[title], HEADER, line(1001)]))
    assert judged.plan.describe()[0]["village_code"] == judged.rows[3].village == ANLE
    assert judged.rows[3].is_taken


@pytest.mark.parametrize(
    "title", ["石渡乡农村户厕改造台账", "安乐村、丰年村户厕台账", "不存在村户厕改造台账", "填报单位：石渡乡政府"]
)
def test_a_title_that_does_not_name_just_one_village_is_no_help(title: str) -> None:
    with pytest.raises(Problem) as raised:
        Judged(sheet([[title], HEADER, line(1001)]))
    problem = raised.value.document()
    assert (problem["status"], problem["code"], problem["missing"]) == (422, "import_column_missing", ["village"])


def test_a_title_does_not_reach_beyond_the_scope(as_: As) -> None:
    """The sibling township's clerk has no 安乐村."""
    content = as_workbook(台账=[["石渡乡安乐村户厕台账"], HEADER, line(1001)])
    answer = as_("township_manager_2").post("/api/v1/imports", files={"file": ("a.xlsx", content)})
    assert answer.json()["missing"] == ["village"]


def test_a_column_of_townships_may_contradict_the_title(as_: As, drain_jobs: Drain) -> None:
    header = ["乡镇", *HEADER]
    content = as_workbook(台账=[["安乐村户厕台账"], header, ["石渡乡", *line(1001)], ["罗坪镇", *line(1002)]])
    client = as_("township_manager")
    rows = rows_of(client, succeeded(client, drain_jobs, content, "a.xlsx"))
    assert rows[3]["outcome"] == "created"
    assert [(one["column"], one["reason"]) for one in rows[4]["errors"]] == [("township", "bad_township")]


def test_a_group_behind_the_village(as_: As, drain_jobs: Drain) -> None:
    cases = [
        ("安乐村三组", ANLE, "三组12号"),
        ("安乐村第3村民小组", ANLE, "第3村民小组12号"),
        ("石渡乡丰年村李家屯", FENGNIAN, "李家屯12号"),
        ("安乐村", ANLE, "12号"),
    ]
    content = as_workbook(台账=[["村", *HEADER], *([cell, *line(1001 + at)] for at, (cell, _, _) in enumerate(cases))])
    client, county = as_("township_manager"), as_("county_admin")
    rows = rows_of(client, succeeded(client, drain_jobs, content, "a.xlsx"))
    for number, (cell, village, address) in enumerate(cases, 2):
        row = rows[number]
        assert (row["outcome"], row["village_code"]) == ("created", village)
        assert ("village_group" in [one["rule"] for one in row["corrections"]]) == (cell != "安乐村")
        reveal = f"/api/v1/households/{row['household_id']}/reveal"
        shown = county.post(reveal, json={"purpose": "核对导入的地址"})
        assert shown.json()["address"] == address, shown.text


def test_a_group_of_no_village_is_still_refused(as_: As, drain_jobs: Drain) -> None:
    content = as_workbook(台账=[["村", *HEADER], ["不存在村三组", *line(1001)]])
    client = as_("township_manager")
    row = rows_of(client, succeeded(client, drain_jobs, content, "a.xlsx"))[2]
    assert [one["reason"] for one in row["errors"]] == ["bad_village"]


def test_one_upload_may_still_be_narrowed_to_a_village(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    made = upload(client, as_workbook(台账=[HEADER, line(1001)]), "a.xlsx", division=ANLE)
    drain_jobs()
    assert client.get(f"/api/v1/imports/{made['id']}").json()["counts"]["created"] == 1
