"""The grouped report, and the file that comes back with its wrong cells marked: read again, it is what it was."""

import io
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from sqlalchemy import text

from tests.exchange.ledger_files import as_workbook
from tests.exchange.pure import ANLE, number
from tests.exchange.test_places import As, Drain
from tests.exchange.test_register import households, ledger
from tests.exchange.upload import finished, rows_of, succeeded
from toilet_api.exchange.imports.marks import AUTHOR
from toilet_api.exchange.imports.xlsx_styles import CORRECTED_RGB, WRONG_RGB
from toilet_api.kernel.database import EVERYWHERE, Database

HEADER = ["序号", "村", "户主姓名", "身份证号码", "门牌号", "联系电话", "改厕方式", "改厕年份"]
WRONG_ID = "360423195001011234"
ROWS: list[list[Any]] = [
    [1, "安乐村", "张三丰", number(1), "1号", "19900001234", "三格", 2024],
    [2, "安乐村", "李四光", WRONG_ID, "2号", None, "三格", 2024],
    [3, "安乐村", "王 五", f" {number(3)} ", "3号", None, "四格", 2024.0],
    [4, "无此村", "赵六", number(4), "4号", None, "双瓮", "24年"],
]


def workbook(rows: list[list[Any]] = ROWS) -> openpyxl.Workbook:
    """As a county has it: a title above, widths, a coloured column, a comment of somebody's, a sheet of notes."""
    book = openpyxl.Workbook()
    table = book.active
    table.title = "台账"
    table.append(["某乡户厕台账"])
    table.merge_cells("A1:H1")
    table.append(HEADER)
    for cells in rows:
        table.append(cells)
    table["A1"].font = Font(bold=True, size=20)
    table.column_dimensions["D"].width = 33
    for line in range(3, 3 + len(rows)):
        table.cell(line, 4).number_format = "@"
        table.cell(line, 5).fill = PatternFill("solid", fgColor="FF00B050")
    table["E4"].comment = Comment("门牌待核", "村干部")
    notes = book.create_sheet("说明")
    notes.append(["填表说明"])
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def marked(client: TestClient, job: dict[str, Any]) -> bytes:
    answer = client.get(f"/api/v1/imports/{job['id']}/report.xlsx")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.content


def colours(table: Any) -> dict[str, set[str]]:
    """Which cells are red and which yellow."""
    found: dict[str, set[str]] = {WRONG_RGB: set(), CORRECTED_RGB: set()}
    for row in table.iter_rows():
        for cell in row:
            if cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb in found:
                found[cell.fill.fgColor.rgb].add(cell.coordinate)
    return {"red": found[WRONG_RGB], "yellow": found[CORRECTED_RGB]}


def values(table: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in table.iter_rows()]


def test_the_report_grouped(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    header = "村,户主姓名,身份证号码,门牌号,改厕方式"
    lines = [f"安乐村,李四光,{WRONG_ID},{at}号,三格" for at in range(7)]
    lines += [
        f"无此村,张三丰,{number(1)},1号,三格",
        f"安乐村,王 五,{number(2)},2号,四格",
        f"安乐村,赵六,{number(3)},1号,双瓮",
    ]
    job = succeeded(client, drain_jobs, ledger(*lines, header=header))
    summary = client.get(f"/api/v1/imports/{job['id']}/summary").json()
    assert (summary["state"], summary["rows"]) == ("succeeded", 10)
    assert {one["outcome"]: one["rows"] for one in summary["outcomes"]} == {"created": 1, "rejected": 9}
    assert [(one["field"], one["reason"], one["count"], one["rows"]) for one in summary["errors"]] == [
        ("id", "id_check", 7, 7),
        ("mode", "bad_mode", 1, 1),
        ("village", "bad_village", 1, 1),
    ]
    first = summary["errors"][0]
    assert [one["cell"] for one in first["examples"]] == ["C2", "C3", "C4", "C5", "C6"]
    assert (first["examples"][0]["row"], first["examples"][0]["expected"] != "") == (2, True)
    assert WRONG_ID not in str(summary)
    assert "张三丰" not in str(summary)
    rules = {(one["field"], one["rule"]): one for one in summary["corrections"]}
    assert rules["name", "name_spaces"]["count"] == 1
    assert rules["name", "name_spaces"]["message"] == "去掉姓名中的空格"
    villages = {one["village_code"]: one for one in summary["villages"]}
    assert villages[ANLE]["outcomes"] == {"created": 1, "rejected": 8}
    assert (villages[ANLE]["village"], villages[None]["rows"]) == ("安乐村委会", 1)
    assert as_("auditor").get(f"/api/v1/imports/{job['id']}/summary").json() == summary
    assert as_("township_manager_2").get(f"/api/v1/imports/{job['id']}/summary").status_code == 404


def test_rows_by_reason(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    job = succeeded(client, drain_jobs, saved(workbook()), "台账.xlsx")
    assert list(rows_of(client, job, reason="id_check")) == [4]
    assert rows_of(client, job, reason="training_required") == {}  # of the error catalogue; none of these rows has it
    refused = client.get(f"/api/v1/imports/{job['id']}/rows", params={"reason": "id_chek"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/query/reason")
    assert "id_check" in refused.json()["errors"][0]["expected"]


def test_the_workbook_comes_back_marked_and_otherwise_as_it_was(as_: As, drain_jobs: Drain, database: Database) -> None:
    client = as_("township_manager")
    job = succeeded(client, drain_jobs, saved(workbook()), "台账.xlsx")
    before, after = workbook(), openpyxl.load_workbook(io.BytesIO(marked(client, job)))
    assert after.sheetnames == before.sheetnames
    for name in after.sheetnames:
        assert values(after[name]) == values(before[name])
    table = after["台账"]
    assert colours(table)["red"] == {"A4", "D4", "A5", "G5", "A6", "B6"}
    assert {"C5", "D5", "H6"} <= colours(table)["yellow"]
    assert table["D4"].comment.text.startswith("错误：身份证号码校验不通过")
    assert "：身份证号码的校验码不符（GB 11643）\n应为：18 位" in table["D4"].comment.text
    assert "本行未导入：" in table["A4"].comment.text
    assert table["C5"].comment.text.startswith("已更正：去掉姓名中的空格")
    assert table["E4"].comment.text == "门牌待核"
    assert (table["D4"].number_format, table["A1"].font.size, table.column_dimensions["D"].width) == ("@", 20, 33)
    assert [str(one) for one in table.merged_cells.ranges] == ["A1:H1"]
    assert table["E4"].fill.fgColor.rgb == "FF00B050"
    with database.transaction(EVERYWHERE) as session:
        noted = session.connection().execute(
            text("select actor_name, after from audit_entry where action = 'import.workbook_taken'")
        )
        assert [tuple(one) for one in noted] == [("township_manager", {"file_sha256": job["file"]["sha256"]})]


def test_corrected_it_uploads_as_it_is_and_sheds_its_marks(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    job = succeeded(client, drain_jobs, saved(workbook()), "台账.xlsx")
    content = marked(client, job)
    again = succeeded(client, drain_jobs, content, "报告.xlsx")
    first, second = rows_of(client, job), rows_of(client, again)
    assert {row: (one["errors"], one["corrections"]) for row, one in second.items()} == {
        row: (one["errors"], one["corrections"]) for row, one in first.items()
    }
    book = openpyxl.load_workbook(io.BytesIO(content))
    book["台账"]["D4"].value = number(2)
    book["台账"]["G5"].value = "三格"
    corrected = succeeded(client, drain_jobs, saved(book), "改好.xlsx")
    assert {row: one["outcome"] for row, one in rows_of(client, corrected).items()} == {
        3: "unchanged",
        4: "created",
        5: "created",
        6: "rejected",
    }
    assert len(households(client)) == 3
    table = openpyxl.load_workbook(io.BytesIO(marked(client, corrected)))["台账"]
    assert colours(table)["red"] == {"A6", "B6"}
    authors = {cell.coordinate: cell.comment.author for row in table.iter_rows() for cell in row if cell.comment}
    assert authors.pop("E4") == "村干部"
    assert set(authors.values()) == {AUTHOR}
    assert {"A4", "D4", "A5"}.isdisjoint(authors)


def test_a_text_file_comes_back_as_a_workbook(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in ROWS]
    content = ("某乡户厕台账,,,,,,,\n\n" + ",".join(HEADER) + "\n" + "\n".join(lines)).encode("gb18030")
    job = succeeded(client, drain_jobs, content, "台账.csv")
    book = openpyxl.load_workbook(io.BytesIO(marked(client, job)))
    (table,) = book.worksheets
    assert [cell.value for cell in table[3]] == HEADER
    assert (table["A1"].value, table["A2"].value, table["D5"].value) == ("某乡户厕台账", None, WRONG_ID)
    assert (table["D4"].data_type, table["D4"].number_format) == ("s", "@")
    assert colours(table)["red"] == {"A5", "D5", "A6", "G6", "A7", "B7"}
    assert "身份证号码校验不通过" in table["D5"].comment.text
    table["D5"].value = number(2)
    corrected = succeeded(client, drain_jobs, saved(book), "改好.xlsx")
    assert {row: one["outcome"] for row, one in rows_of(client, corrected).items()} == {
        4: "unchanged",
        5: "created",
        6: "rejected",
        7: "rejected",
    }


def test_a_blank_cell_and_a_formula_are_marked_where_they_stand(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    rows = [HEADER, [1, "安乐村", None, number(1), "1号", None, "三格", "=1+2023"]]
    job = succeeded(client, drain_jobs, as_workbook(台账=rows), "台账.xlsx")
    table = openpyxl.load_workbook(io.BytesIO(marked(client, job)))["台账"]
    assert {"C2", "H2"} <= colours(table)["red"]
    assert (table["C2"].value, table["H2"].value) == (None, "=1+2023")


def test_who_may_have_the_workbook_and_when(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    made = client.post("/api/v1/imports", files={"file": ("台账.xlsx", saved(workbook()))}, data={"dry_run": "true"})
    path = f"/api/v1/imports/{made.json()['id']}/report.xlsx"
    early = client.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    drain_jobs()
    answer = as_("county_admin").get(path)
    assert answer.status_code == 200
    assert "%E5%AF%BC%E5%85%A5%E6%8A%A5%E5%91%8A.xlsx" in answer.headers["Content-Disposition"]
    assert as_("auditor").get(path).status_code == 403
    assert as_("township_manager_2").get(path).status_code == 404
    refused = finished(client, drain_jobs, ledger("安乐村,张三丰", header="村,户主姓名,改厕方式,身份证号码"))
    assert refused["counts"]["rejected"] == 1
    assert client.get(f"/api/v1/imports/{refused['id']}/report.xlsx").status_code == 200


@pytest.mark.parametrize("kind", ["summary", "report.xlsx"])
def test_an_import_that_is_not_there(as_: As, kind: str) -> None:
    path = f"/api/v1/imports/0199f2c4-7c1e-7000-8000-000000000001/{kind}"
    assert as_("township_manager").get(path).status_code == 404
