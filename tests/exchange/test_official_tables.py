"""The official tables: what stands in them, and that they print as a clerk expects."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient

from tests.exchange.exporting import API, content, exported
from tests.rectification.test_close_out import accepted, close, consent
from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def workbook(client: TestClient, drain: Drain, dataset: str, **body: Any) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content(client, exported(client, drain, dataset, "xlsx", **body))))


def rows_of(sheet: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """The ruled rows by heading, and the total below them."""
    heading = [cell.value for cell in sheet[3]]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    end = next(index for index, row in enumerate(rows) if row[0] == "合计")
    return [dict(zip(heading, row, strict=True)) for row in rows[:end]], rows[end]


@pytest.fixture
def furnished(as_: As, database: Database) -> dict[str, Any]:
    """A closed problem, an open one, a household without a visit, and one in the next village."""
    survey.campaign(as_("county_admin"), verification_levels=[])
    surveyor, manager = as_("village_surveyor"), as_("township_manager")
    closed = accepted(surveyor, database)
    ok(close(manager, closed, **consent(surveyor)))
    survey.submitted(surveyor, "no_light")
    registry.household(surveyor, person={"name": "王五"})
    survey.submitted(as_("village_surveyor_2"), village=survey.OTHER_VILLAGE)
    return closed


def test_the_survey_form_has_a_sheet_for_each_village(as_: As, drain_jobs: Drain, furnished: dict[str, Any]) -> None:
    manager = as_("township_manager")
    book = workbook(manager, drain_jobs, "survey_form")
    names = [one["name"] for one in ok(manager.get(f"{API}/divisions/360423208/children"))["items"]]
    mine, next_door = (
        ok(manager.get(f"{API}/divisions/{code}"))["name"] for code in (survey.VILLAGE, survey.OTHER_VILLAGE)
    )
    assert book.sheetnames == ["汇总", mine, next_door]
    summary, total = rows_of(book["汇总"])
    assert [row["村"] for row in summary] == names
    by_name = {row["村"]: row for row in summary}
    counted = ("户数", "厕所数", "已摸排", "未摸排", "不能使用", "有问题")
    assert [by_name[mine][name] for name in counted] == [3, 2, 2, 1, 2, 2]
    assert [by_name[next_door][name] for name in counted] == [1, 1, 1, 0, 0, 0]
    assert total[1] == 4
    rows, total = rows_of(book[mine])
    assert (len(rows), total[:2]) == (3, ["合计", 3])
    assert [row["序号"] for row in rows] == [1, 2, 3]
    unseen = next(row for row in rows if row["户主姓名"] == "王*")
    assert (unseen["使用情况"], unseen["摸排日期"]) == (None, None)
    seen = [row for row in rows if row["使用情况"] == "不能使用"]
    assert all(row["存在问题"] and row["摸排人"] and row["联系电话"] == "199****1234" for row in seen)


def test_it_prints_with_title_unit_period_and_lines_to_sign(
    as_: As, drain_jobs: Drain, furnished: dict[str, Any]
) -> None:
    for dataset, title, paper in (
        ("survey_form", "农村户厕问题摸排调查表", 8),
        ("problem_ledger", "农村户厕问题台账", 9),
        ("rectification_ledger", "农村户厕问题整改台账", 8),
    ):
        sheet = workbook(as_("village_surveyor"), drain_jobs, dataset).worksheets[1]
        setup = sheet.page_setup
        assert (setup.paperSize, setup.orientation) == (paper, "landscape")
        assert (setup.fitToWidth or 1, setup.fitToHeight) == (1, 0)  # one page wide, as many as it takes
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.print_title_rows, sheet.freeze_panes) == ("$3:$3", "A4")
        assert "&P" in sheet.oddFooter.center.text
        assert sheet["A1"].value == title
        assert sheet["A1"].font.name == "方正小标宋简体"
        assert sheet["A2"].value.startswith("填报单位：武宁县石渡乡")
        texts = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
        assert any(text.startswith("截至：20") for text in texts)
        last = [cell.value for cell in sheet[sheet.max_row] if cell.value]
        assert [text.partition("：")[0] for text in last] == ["填表人", "审核人", "负责人（签章）", "填表日期"]
        assert sheet["B4"].border.left.style == "thin"
        assert sheet["B4"].font.name == "宋体"


def test_the_ledgers_of_a_county_go_by_township(as_: As, drain_jobs: Drain, furnished: dict[str, Any]) -> None:
    county = as_("county_admin")
    book = workbook(county, drain_jobs, "rectification_ledger")
    assert book.sheetnames == ["汇总", "石渡乡"]
    rows, _ = rows_of(book["石渡乡"])
    closed = next(row for row in rows if row["状态"] == "已销号")
    assert (closed["整改措施"], closed["销号依据"], closed["验收层级"]) == (
        "更换损坏的零件",
        "农户签字",
        "乡镇逐户验收",
    )
    assert closed["销号日期"]
    assert closed["验收日期"]
    summary, total = rows_of(book["汇总"])
    there = next(row for row in summary if row["乡镇"] == "石渡乡")
    assert (there["问题数"], there["已销号"], there["待整改"], there["逾期"]) == (2, 1, 1, 0)
    assert total[1] == 2
    assert len(summary) > 5, "townships without a problem are listed too"


def test_a_problem_in_the_work_stands_at_its_township(as_: As, drain_jobs: Drain) -> None:
    survey.campaign(as_("county_admin"))
    manager = as_("township_manager")
    body = {"division_code": "360423208", "problem_type": "no_upkeep_mechanism", "description": "管护员未落实"}
    ok(manager.post(f"{API}/problems", json=body), 201)
    book = workbook(manager, drain_jobs, "problem_ledger")
    rows, _ = rows_of(book["石渡乡（本级）"])
    assert (rows[0]["问题说明"], rows[0]["户主姓名"]) == ("管护员未落实", None)
    summary, _ = rows_of(book["汇总"])
    assert summary[0]["村"] == "石渡乡（本级）"


def test_plain_names_where_that_was_asked_for(as_: As, drain_jobs: Drain, furnished: dict[str, Any]) -> None:
    book = workbook(as_("county_admin"), drain_jobs, "survey_form", personal="plain", purpose="打印后入户签字")
    rows, _ = rows_of(book.worksheets[1])
    assert {row["户主姓名"] for row in rows} == {"张三丰", "王五"}
    assert {row["联系电话"] for row in rows} == {"19900001234"}


def test_they_come_as_workbooks_of_a_county_at_most(as_: As) -> None:
    as_csv = as_("township_manager").post(f"{API}/exports", json={"dataset": "survey_form", "format": "csv"})
    assert (as_csv.status_code, as_csv.json()["code"], as_csv.json()["expected"]) == (
        422,
        "export_format_unfit",
        ["xlsx"],
    )
    province = as_("province_inspector").post(f"{API}/exports", json={"dataset": "problem_ledger", "format": "xlsx"})
    assert (province.status_code, province.json()["code"]) == (422, "export_too_wide")
