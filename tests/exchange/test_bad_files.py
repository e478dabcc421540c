"""Files that can't be read: each is answered by an error of its own, and changes nothing."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
import xlwt
from fastapi.testclient import TestClient

from tests.exchange.upload import follow, rows_of, succeeded, upload

HEADER = "村,户主姓名,身份证号码,改厕方式,改厕年份"
LINE = "安乐村,张三丰,360423190101010012,三格,2024"
As = Callable[[str], TestClient]
Drain = Callable[[], None]


def refused(client: TestClient, content: bytes, name: str = "ledger.xlsx", **form: str) -> dict[str, Any]:
    answer = client.post("/api/v1/imports", files={"file": (name, content)}, data=form)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert client.get("/api/v1/imports").json()["items"] == []
    problem: dict[str, Any] = answer.json()
    return problem


def workbook(*rows: list[Any], **sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, lines in sheets.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """A workbook with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, part if entry.filename == name else old.read(entry))
    return out.getvalue()


GOOD = workbook(HEADER.split(","), LINE.split(","))
SHEET = "xl/worksheets/sheet1.xml"


BAD: list[tuple[bytes, int, str]] = [
    (b"", 422, "import_empty_file"),
    (b"   \r\n\r\n", 422, "import_empty_file"),
    (b"\xef\xbb\xbf", 422, "import_empty_file"),
    (workbook(), 422, "import_empty_file"),
    (b"%PDF-1.7 ....", 415, "import_unknown_format"),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), 415, "import_unknown_format"),
    (b"<html><table><tr><td>x</td></tr></table></html>", 415, "import_unknown_format"),
    (b"PK\x03\x04" + bytes(200), 422, "import_corrupt_workbook"),
    (GOOD[: len(GOOD) // 2], 422, "import_corrupt_workbook"),
    (with_part(GOOD, SHEET, b"<worksheet><sheetData><row"), 422, "import_corrupt_workbook"),
    (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        422,
        "import_encrypted_workbook",
    ),
    (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "WordDocument".encode("utf-16-le"),
        415,
        "import_unknown_format",
    ),
    (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "Workbook".encode("utf-16-le") + bytes(600),
        422,
        "import_corrupt_workbook",
    ),
    ((HEADER + "\n").encode() + b"\xff\xff\xff\xff,1,2,3,4\n", 422, "import_wrong_encoding"),
    (("\ufeff" + HEADER + "\n").encode("utf-8") + "安乐村".encode("gb18030"), 422, "import_wrong_encoding"),
    ((HEADER + "\n安乐\ufffd村,张三").encode(), 422, "import_wrong_encoding"),
    ((HEADER + "\n" + LINE + "\0").encode(), 422, "import_nul_bytes"),
    ((HEADER + "\n" + LINE + "\x07").encode(), 422, "import_nul_bytes"),
    ((HEADER + '\n安乐村,"张三丰,三格,2024\n').encode(), 422, "import_bad_csv"),
    ((HEADER + "\n安乐村," + "张" * 40_000).encode(), 422, "import_bad_csv"),
    (b"just a text that is no ledger\nand goes on\n", 422, "import_header_not_found"),
    ("村,户主姓名,身份证号码\n安乐村,张三丰,1\n".encode(), 422, "import_column_missing"),
    ("村,户主姓名,户主姓名,改厕方式\n安乐村,张三丰,李四,三格\n".encode(), 422, "import_column_ambiguous"),
    ((",".join(["x"] * 300) + "\n").encode(), 422, "import_too_many_columns"),
]


def test_each_bad_file_has_an_error_of_its_own(as_: As) -> None:
    """One database for all: none of them writes anything, as `refused` looks each time."""
    client = as_("township_manager")
    for content, status, code in BAD:
        problem = refused(client, content)
        assert (problem["status"], problem["code"]) == (status, code), (content[:80], problem)


def _bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(size // (1 << 20)):
                part.write(bytes(1 << 20))
    return out.getvalue()


def test_a_zip_bomb_is_refused_by_its_directory(as_: As) -> None:
    assert refused(as_("township_manager"), _bomb(200 << 20))["code"] == "import_zip_bomb"


def test_a_zip_bomb_that_lies_about_its_size_is_refused(as_: As) -> None:
    content = bytearray(_bomb(64 << 20))
    size = (64 << 20).to_bytes(4, "little")
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = (1000).to_bytes(4, "little")
    assert refused(as_("township_manager"), bytes(content))["code"] in ("import_corrupt_workbook", "import_zip_bomb")


def test_a_cell_in_the_last_corner_does_not_fill_the_memory(as_: As) -> None:
    book = openpyxl.Workbook()
    for row in (HEADER.split(","), LINE.split(",")):
        book.active.append(row)
    book.active.cell(1_048_576, 200, "x")
    out = io.BytesIO()
    book.save(out)
    assert refused(as_("township_manager"), out.getvalue())["code"] == "import_too_many_cells"
    book.active.cell(1, 16_384, "x")
    out = io.BytesIO()
    book.save(out)
    assert refused(as_("township_manager"), out.getvalue())["code"] == "import_too_many_columns"


def test_an_xls_cell_in_the_last_corner_does_not_fill_the_memory(as_: As) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("台账")
    for column, heading in enumerate(HEADER.split(",")):
        sheet.write(0, column, heading)
    sheet.write(1, 0, 0.123456789)
    out = io.BytesIO()
    book.save(out)
    content = out.getvalue()
    # A NUMBER record (0x0203), whose row and column become the last that 16 bits can hold.
    place = content.find(b"\x03\x02\x0e\x00")
    assert place > 0
    content = content[: place + 4] + b"\xff\xff\xff\xff" + content[place + 8 :]
    assert refused(as_("township_manager"), content)["code"] in (
        "import_too_many_columns",
        "import_too_many_cells",
        "import_corrupt_workbook",
    )


def test_a_million_blank_rows_are_nothing(as_: As, drain_jobs: Drain) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        sheet = archive.read(SHEET)
    blank = b"".join(b'<row r="%d"><c r="A%d" s="0"/><c r="B%d" s="0"/></row>' % (n, n, n) for n in range(3, 1_048_577))
    content = with_part(GOOD, SHEET, sheet.replace(b"</sheetData>", blank + b"</sheetData>"))
    job = succeeded(as_("township_manager"), drain_jobs, content, "blank.xlsx")
    assert job["counts"]["rows_in"] == 1
    assert job["sheets"][0]["header_row"] == 1


def test_a_truncated_upload_is_a_client_error(as_: As) -> None:
    client = as_("township_manager")
    body = b'--frame\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + HEADER.encode()
    headers = {"Content-Type": "multipart/form-data; boundary=frame"}
    answer = client.post("/api/v1/imports", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert client.post("/api/v1/imports", data={"dry_run": "true"}).status_code == 422
    assert client.post("/api/v1/imports", json={"file": "x"}).status_code in (415, 422)
    assert client.get("/api/v1/imports").json()["items"] == []


def test_a_file_over_the_limit_is_refused(as_: As, settings: Any) -> None:
    settings.upload_max_bytes = 1000
    answer = as_("township_manager").post("/api/v1/imports", files={"file": ("a.csv", b"x" * 100_000)})
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_bad_parameters(as_: As) -> None:
    client = as_("township_manager")
    cases: list[tuple[dict[str, str], str]] = [
        ({"on_conflict": "replace"}, "invalid"),
        ({"dry_run": "perhaps"}, "invalid"),
        ({"mapping": "{"}, "import_bad_mapping"),
        ({"mapping": '{"农户": "owner"}'}, "import_bad_mapping"),
        ({"mapping": '["name"]'}, "import_bad_mapping"),
        ({"mapping": '{"没有这一列": "note"}'}, "import_bad_mapping"),
        ({"division": "36042320"}, "invalid"),
        ({"division": "360424"}, "out_of_scope"),
        ({"division": "360423"}, "out_of_scope"),
        ({"division": "999999"}, "unknown_division"),
    ]
    for form, code in cases:
        assert refused(client, GOOD, "a.xlsx", **form)["code"] == code, form


def test_form_and_query_must_agree(as_: As) -> None:
    client = as_("township_manager")
    files = {"file": ("a.xlsx", GOOD)}
    answer = client.post("/api/v1/imports?dry_run=true", files=files, data={"dry_run": "false"})
    assert answer.json()["code"] == "import_bad_form"
    assert client.post("/api/v1/imports?dry_run=true&on_conflict=skip", files=files).json()["dry_run"] is True


def test_the_content_decides_and_not_the_name(as_: As, drain_jobs: Drain) -> None:
    text = (HEADER + "\n" + LINE + "\n").encode("gb18030")
    job = succeeded(as_("township_manager"), drain_jobs, text, "ledger.xlsx", dry_run="true")
    assert (job["file"]["format"], job["file"]["encoding"]) == ("csv", "gb18030")
    job = succeeded(as_("township_manager"), drain_jobs, GOOD, "../../ledger.csv", dry_run="true")
    assert (job["file"]["format"], job["file"]["name"]) == ("xlsx", "ledger.csv")


def test_formulas_are_not_evaluated(as_: As, drain_jobs: Drain) -> None:
    content = workbook(
        HEADER.split(","),
        [*LINE.split(",")[:4], "=2020+4"],
        ["安乐村", '=CONCATENATE("张","三")', "360423190101010020", "三格", "2024"],
        LINE.split(","),
        ["合计", "=COUNTA(B2:B4)"],
    )
    rows = rows_of(as_("township_manager"), succeeded(as_("township_manager"), drain_jobs, content, "f.xlsx"))
    assert sorted(rows) == [2, 3, 4]
    assert [(one["column"], one["reason"]) for one in rows[2]["errors"]] == [("year", "formula_without_value")]
    assert [(one["column"], one["reason"]) for one in rows[3]["errors"]] == [("name", "formula_without_value")]
    assert rows[4]["outcome"] == "created"


def test_a_stored_result_of_a_formula_is_read(as_: As, drain_jobs: Drain) -> None:
    content = workbook(HEADER.split(","), [*LINE.split(",")[:4], "=2020+4"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read(SHEET)
    stored = sheet.replace(b"<f>2020+4</f><v></v>", b"<f>2020+4</f><v>2024</v>").replace(
        b"<f>2020+4</f><v />", b"<f>2020+4</f><v>2024</v>"
    )
    assert stored != sheet
    job = succeeded(as_("township_manager"), drain_jobs, with_part(content, SHEET, stored), "f.xlsx")
    assert job["counts"]["created"] == 1


def test_every_sheet_that_is_a_ledger_is_read(as_: As, drain_jobs: Drain) -> None:
    other = ["安乐村", "李四光", "360423190101010020", "双瓮", "2024"]
    content = workbook(
        HEADER.split(","), LINE.split(","), 二=[HEADER.split(","), other], 说明=[["填表说明"], ["一、如实填写"]]
    )
    job = succeeded(as_("township_manager"), drain_jobs, content, "two.xlsx")
    assert [one["sheet"] for one in job["sheets"]] == ["Sheet", "二"]
    assert job["skipped_sheets"] == [{"sheet": "说明", "rows": 2, "hidden": False}]
    assert job["counts"]["created"] == 2
    assert job["counts"]["ignored"]["other_sheet"] == 2


def test_a_hidden_ledger_is_refused_and_a_sheet_that_lacks_columns_too(as_: As) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(HEADER.split(","), LINE.split(","), 旧=[HEADER.split(","), LINE.split(",")]))
    )
    book["旧"].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    assert refused(as_("township_manager"), out.getvalue())["code"] == "import_hidden_ledger"
    lacking = workbook(
        HEADER.split(","), LINE.split(","), 旧=[["村", "户主姓名", "身份证号码"], ["安乐村", "张三", ""]]
    )
    problem = refused(as_("township_manager"), lacking)
    assert (problem["code"], problem["sheet"], problem["missing"]) == ("import_column_missing", "旧", ["mode"])


def test_a_bad_file_that_only_the_job_can_open_ends_as_failed(
    as_: As, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toilet_api.exchange.imports.submission.READ_AT_ONCE_BYTES", 0)
    client = as_("township_manager")
    made = upload(client, b"just a text\n" * 10)
    drain_jobs()
    job = follow(client, made["id"])
    assert job["state"] == "failed"
    assert job["problem"]["code"] == "import_header_not_found"
    assert job["finished_at"]


def test_too_many_rows_are_refused(as_: As, settings: Any) -> None:
    settings.import_max_rows = 3
    problem = refused(as_("township_manager"), (HEADER + "\n" + (LINE + "\n") * 10).encode())
    assert (problem["code"], problem["limit"]) == ("import_too_many_rows", 3)
