"""Exports over HTTP: who may, what the file holds in each format, the download, the repeat, the ways to fail."""

import hashlib
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import openpyxl
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from tests.exchange.exporting import API, ask, content, download, exported, objects, shown, table
from tests.registry import made as registry
from tests.registry.made import OTHER_TOWNSHIP, OTHER_VILLAGE, TOILET, VILLAGE
from toilet_api.exchange.exports import job as running
from toilet_api.exchange.exports import reading, workbook_file
from toilet_api.exchange.exports.copying import copied
from toilet_api.exchange.exports.tables import ExportJob
from toilet_api.kernel import jobs, journal
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import now
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def furnish(client: TestClient) -> dict[str, dict[str, Any]]:
    """Four households: with two toilets, without any, with a note like a formula, in another village."""
    two = registry.household(client, toilets=[{**TOILET, "subsidy_fen": 150050}, {**TOILET, "mode": "bucket"}])
    bare = registry.household(client, person={"name": "李四"})
    sly = registry.household(client, note='=cmd|"/c calc"!A1\n第二行', toilets=[{**TOILET, "built_month": 6}])
    far = registry.household(client, division_code=OTHER_VILLAGE, toilets=[TOILET])
    return {"two": two, "bare": bare, "sly": sly, "far": far}


def test_csv_has_a_row_for_each_toilet_labels_and_guarded_cells(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    homes = furnish(client)
    job = exported(client, drain_jobs)
    rows = table(content(client, job))
    assert (job["rows"], len(rows)) == (5, 5)
    assert [row["村代码"] for row in rows] == sorted(row["村代码"] for row in rows)
    by_home = {name: [row for row in rows if row["编号"] == home["id"]] for name, home in homes.items()}
    assert {name: len(found) for name, found in by_home.items()} == {"two": 2, "bare": 1, "sly": 1, "far": 1}
    assert {row["厕所编号"] for row in by_home["two"]} == {one["id"] for one in homes["two"]["toilets"]}
    first = next(row for row in by_home["two"] if row["改厕方式"] == "三格化粪池式")
    assert (first["户主姓名"], first["市"], first["县"], first["乡镇"]) == ("张**", "九江市", "武宁县", "石渡乡")
    assert first["身份证号码"][6:14] == "*" * 8
    assert (first["补助金额(元)"], first["改厕年份"], first["牵头部门"]) == ("1500.5", "2024", "农业农村部门")
    assert (first["计入统计"], first["家庭人口"], first["住房状态"]) == ("是", "4", "常住")
    bare, sly = by_home["bare"][0], by_home["sly"][0]
    assert (bare["厕所编号"], bare["改厕方式"], bare["户主姓名"]) == ("", "", "李*")
    assert (sly["备注"], sly["改厕年份"]) == ("'" + '=cmd|"/c calc"!A1\n第二行', "2024年6月")


def test_bom_only_where_it_is_asked_for(as_: As, drain_jobs: Drain) -> None:
    client = as_("village_surveyor")
    bare, marked = (content(client, exported(client, drain_jobs, bom=bom)) for bom in (False, True))
    assert marked == b"\xef\xbb\xbf" + bare
    assert bare.decode().startswith("编号,厕所编号,市,县,乡镇,村,村代码,户主姓名,")


def test_ndjson_and_parquet_say_the_same_typed(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    homes = furnish(client)
    lines = objects(content(client, exported(client, drain_jobs, form="ndjson")))
    parquet = pq.read_table(io.BytesIO(content(client, exported(client, drain_jobs, form="parquet"))))
    assert len(lines) == parquet.num_rows == 5
    two = next(one for one in lines if one["mode"] == "three_compartment" and one["id"] == homes["two"]["id"])
    assert (two["subsidy"], two["counted"], two["year"], two["note"]) == (1500.5, True, "2024", None)
    assert two["village_code"] == VILLAGE
    sly = next(one for one in lines if one["id"] == homes["sly"]["id"])
    assert (sly["note"], sly["year"]) == ('=cmd|"/c calc"!A1\n第二行', "2024-06")
    for line, row in zip(lines, parquet.to_pylist(), strict=True):
        assert line.keys() == row.keys()
        assert datetime.fromisoformat(line["updated_at"]) == row["updated_at"]
        assert line["updated_at"].endswith("+08:00")
        same = line.keys() - {"updated_at", "subsidy"}
        assert {key: line[key] for key in same} == {key: row[key] for key in same}
        assert line["subsidy"] == (None if row["subsidy"] is None else float(row["subsidy"]))
    about = parquet.schema.metadata
    assert about[b"dataset"] == b"households"
    assert about[b"change_cursor"]


def test_a_workbook_keeps_texts_as_texts_and_can_be_filtered(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    furnish(client)
    registry.household(client, note=' <标签> & "引号" _x0041_ ', toilets=[TOILET])
    job = exported(client, drain_jobs, form="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content(client, job)))
    sheet = book.worksheets[0]
    assert (len(book.worksheets), sheet.max_row, sheet.freeze_panes) == (1, 7, "A2")
    assert sheet.auto_filter.ref == "A1:V7"
    assert sheet.print_title_rows == "$1:$1"
    heading = [cell.value for cell in sheet[1]]
    rows = [dict(zip(heading, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert {row["身份证号码"].number_format for row in rows} == {"@"}
    assert {type(row["家庭人口"].value) for row in rows} == {int}
    assert {row["备注"].data_type for row in rows if row["备注"].value} == {"s"}
    notes = {row["备注"].value for row in rows} - {None}
    assert notes == {"'" + '=cmd|"/c calc"!A1\n第二行', '<标签> & "引号" _x005F_x0041_'}  # as Excel wants it escaped
    assert book.custom_doc_props["change_cursor"].value == job["change_cursor"]


def test_filters_narrow_and_unknown_ones_are_refused(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    homes = furnish(client)

    def ids(**filters: Any) -> list[str]:
        return sorted(
            one["id"] for one in objects(content(client, exported(client, drain_jobs, form="ndjson", filters=filters)))
        )

    assert ids(mode=["bucket"]) == [homes["two"]["id"]]
    assert ids(has_toilet=False) == [homes["bare"]["id"]]
    assert ids(updated_since=(now() + timedelta(days=1)).isoformat()) == []
    refused = client.post(
        f"{API}/exports", json={"dataset": "households", "format": "csv", "filters": {"overdue": True}}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/filters/overdue"
    assert "mode" in refused.json()["errors"][0]["expected"]
    wrong = client.post(f"{API}/exports", json={"dataset": "households", "format": "csv", "filters": {"nothing": 1}})
    assert wrong.status_code == 422


def test_nobody_reads_outside_of_the_own_division(as_: As, drain_jobs: Drain) -> None:
    registry.household(as_("county_admin"), division_code=OTHER_TOWNSHIP, toilets=[TOILET])
    registry.household(as_("county_admin"), toilets=[TOILET])
    surveyor = as_("village_surveyor")
    rows = table(content(surveyor, exported(surveyor, drain_jobs)))
    assert {row["村代码"] for row in rows} == {VILLAGE}
    county = as_("county_admin")
    assert len(table(content(county, exported(county, drain_jobs)))) == 2
    below = table(content(county, exported(county, drain_jobs, division="360423500")))
    assert {row["村代码"] for row in below} == {OTHER_TOWNSHIP}
    body = {"dataset": "households", "format": "csv"}
    beyond = surveyor.post(f"{API}/exports", json={**body, "division": OTHER_VILLAGE})
    assert (beyond.status_code, beyond.json()["code"]) == (403, "out_of_scope")
    unknown = surveyor.post(f"{API}/exports", json={**body, "division": "990000000000"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_division")


def test_whoever_may_not_read_a_dataset_may_not_export_it(as_: As) -> None:
    body = {"dataset": "users", "format": "csv"}
    refused = as_("village_surveyor").post(f"{API}/exports", json=body)
    assert (refused.status_code, refused.json()["permission"]) == (403, "account.read")
    plain = {"dataset": "households", "format": "csv", "personal": "plain", "purpose": "电话核实"}
    refused = as_("township_manager").post(f"{API}/exports", json=plain)
    assert (refused.status_code, refused.json()["permission"]) == (403, "person.reveal")
    client = as_("county_admin")
    without = client.post(f"{API}/exports", json={**plain, "purpose": None})
    assert [one["pointer"] for one in without.json()["errors"]] == ["/purpose"]
    masked_only = client.post(f"{API}/exports", json={**plain, "dataset": "visits"})
    assert [one["pointer"] for one in masked_only.json()["errors"]] == ["/personal"]
    bom = client.post(f"{API}/exports", json={"dataset": "households", "format": "xlsx", "bom": True})
    assert [one["pointer"] for one in bom.json()["errors"]] == ["/bom"]


@pytest.mark.parametrize("form", ["csv", "ndjson", "xlsx", "parquet"])
def test_plain_personal_data_is_opened_and_leaves_a_trace(
    as_: As, drain_jobs: Drain, database: Database, form: str
) -> None:
    client = as_("county_admin")
    number = registry.id_number()
    registry.household(client, person={"id_number": number, "phones": ["19900001234", "19900004321"]}, toilets=[TOILET])
    job = exported(client, drain_jobs, form=form, personal="plain", purpose="电话核实改厕意愿")
    data = content(client, job)
    if form == "csv":
        row = table(data)[0]
        found = [row[name] for name in ("户主姓名", "身份证号码", "住址", "联系电话")]
    elif form == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
        found = [sheet.cell(2, column).value for column in (8, 9, 10, 11)]
    else:
        one = objects(data)[0] if form == "ndjson" else pq.read_table(io.BytesIO(data)).to_pylist()[0]
        found = [one[name] for name in ("name", "id_number", "address", "phone")]
    assert found == ["张三丰", number, "3组12号", "19900001234、19900004321"]
    with database.transaction(EVERYWHERE) as session:
        history = journal.history(session, "export", UUID(job["id"]))
    assert [one.action for one in history] == ["export.asked", "export.made", "export.downloaded"]
    assert {one.reason for one in history} == {"电话核实改厕意愿"}
    assert {one.actor_name for one in history} == {"county_admin"}


def test_an_export_is_its_makers_alone(as_: As, drain_jobs: Drain) -> None:
    job = exported(as_("county_admin"), drain_jobs)
    other = as_("county_reviewer")
    assert other.get(f"{API}/exports/{job['id']}").status_code == 404
    assert download(other, job).status_code == 404
    assert other.post(f"{API}/exports/{job['id']}/cancel").status_code == 404
    assert other.get(f"{API}/exports").json()["items"] == []
    mine = as_("county_admin").get(f"{API}/exports", params={"dataset": "households", "state": "succeeded"}).json()
    assert [one["id"] for one in mine["items"]] == [job["id"]]


def test_a_province_is_read_where_it_has_rows(as_: As, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(as_("county_admin"))
    registry.household(as_("county_admin"), division_code=OTHER_TOWNSHIP)
    read: list[Any] = []
    monkeypatch.setattr(reading, "copied", lambda *given: read.append(given) or copied(*given))
    job = exported(as_("province_inspector"), drain_jobs)
    assert (job["rows"], len(read)) == (6, 2), "a statement for each township with rows, not for each there is"


def test_the_download_serves_parts_conditions_and_a_chinese_name(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    furnish(client)
    job = exported(client, drain_jobs)
    whole = download(client, job)
    assert whole.headers["ETag"] == f'"{hashlib.sha256(whole.content).hexdigest()}"' == f'"{job["sha256"]}"'
    assert whole.headers["Change-Cursor"] == job["change_cursor"]
    disposition = whole.headers["Content-Disposition"]
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == job["file_name"]
    assert job["file_name"].startswith("农户与户厕_石渡乡_")
    part = download(client, job, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    rest = download(client, job, Range="bytes=20-", **{"If-Range": whole.headers["ETag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[20:])
    beyond = download(client, job, Range=f"bytes={job['bytes']}-")
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{job['bytes']}"
    assert download(client, job, Range="bytes=nonsense").content == whole.content, "a range that is none is no range"
    assert download(client, job, **{"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_a_repeat_without_changes_is_answered_from_the_stored_file(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    homes = furnish(client)
    first = exported(client, drain_jobs)
    again = ask(client)
    assert (again["state"], again["reused_from"], again["sha256"]) == ("succeeded", first["id"], first["sha256"])
    assert (again["change_cursor"], again["as_of"]) == (first["change_cursor"], first["as_of"])
    assert content(client, again) == content(client, first)
    for other in ({"form": "ndjson"}, {"bom": True}, {"filters": {"mode": ["bucket"]}}, {"division": VILLAGE}):
        assert ask(client, **other)["state"] == "queued", other
    home = homes["far"]
    changed = client.patch(
        f"{API}/households/{home['id']}", json={"family_size": 7}, headers={"If-Match": f'"{home["version"]}"'}
    )
    assert changed.status_code == 200
    third = ask(client)
    assert (third["state"], third["reused_from"]) == ("queued", None)


def test_what_left_the_division_and_what_lies_above_it_count_as_changes(as_: As, drain_jobs: Drain) -> None:
    county, surveyor = as_("county_admin"), as_("village_surveyor")
    home = registry.household(county, toilets=[TOILET])
    exported(surveyor, drain_jobs)
    assert ask(surveyor)["reused_from"]
    away = county.patch(
        f"{API}/households/{home['id']}",
        json={"division_code": OTHER_VILLAGE},
        headers={"If-Match": f'"{home["version"]}"'},
    )
    assert away.status_code == 200
    job = exported(surveyor, drain_jobs)
    assert (job["reused_from"], job["rows"]) == (None, 0)
    place = f"{API}/divisions/360423208"
    tag = county.get(place).headers["ETag"]
    renamed = county.patch(place, json={"name": "石渡新乡", "reason": "更名"}, headers={"If-Match": tag})
    assert renamed.status_code == 200, renamed.text
    assert ask(surveyor)["reused_from"] is None


def test_an_id_of_the_client_makes_a_retry_harmless(as_: As) -> None:
    client = as_("township_manager")
    body = {"id": str(uuid4()), "dataset": "households", "format": "csv"}
    first, again = (client.post(f"{API}/exports", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"] == body["id"]
    assert len(client.get(f"{API}/exports").json()["items"]) == 1
    other = client.post(f"{API}/exports", json={**body, "format": "xlsx"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")
    foreign = as_("county_admin").post(f"{API}/exports", json=body)
    assert (foreign.status_code, foreign.json()["code"]) == (409, "id_taken")


def test_cancelling_leaves_no_file(as_: As, drain_jobs: Drain, settings: Settings) -> None:
    client = as_("township_manager")
    job = ask(client)
    unready = download(client, job)
    assert (unready.status_code, unready.json()["code"], unready.json()["current"]) == (409, "wrong_state", "queued")
    assert client.post(f"{API}/exports/{job['id']}/cancel").json()["state"] == "cancelled"
    drain_jobs()
    assert shown(client, job)["state"] == "cancelled"
    assert client.post(f"{API}/exports/{job['id']}/cancel").status_code == 409
    assert not list((settings.data_dir / "exports").glob("??/??/*"))


def _context(database: Database, settings: Settings, **more: Any) -> jobs.Context:
    return jobs.Context(database, Vault(settings), ObjectStore(settings), settings, **more)


@pytest.mark.parametrize("form", ["csv", "ndjson", "xlsx", "parquet"])
def test_a_running_export_is_stopped_between_blocks(
    as_: As, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Cancelled while it is read, or made to give way: no file, no scratch, and the connection serves again."""
    client = as_("township_manager")
    furnish(client)
    monkeypatch.setattr(running, "_PROGRESS_SECONDS", -1.0)
    job = ask(client, form=form)
    with pytest.raises(jobs.JobAborted):
        running.run(_context(database, settings, stops=lambda: True), job_id=job["id"])
    assert shown(client, job)["state"] == "running"
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(update(ExportJob).values(cancel_requested=True))
    running.run(_context(database, settings), job_id=job["id"])
    assert shown(client, job)["state"] == "cancelled"
    assert not [path for path in (settings.data_dir / "exports").rglob("*") if path.is_file()]


def test_a_killed_export_runs_again(as_: As, drain_jobs: Drain, database: Database) -> None:
    client = as_("township_manager")
    furnish(client)
    job = ask(client)
    with database.transaction(EVERYWHERE) as session:  # as a worker leaves it that was killed half-way
        session.connection().execute(update(ExportJob).values(state="running", rows=3, started_at=now()))
    assert shown(client, job)["progress"] < 1
    drain_jobs()
    assert (shown(client, job)["state"], shown(client, job)["rows"]) == ("succeeded", 5)


def test_files_go_when_their_time_is_up_and_leftovers_too(
    as_: As, drain_jobs: Drain, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    old, young = exported(client, drain_jobs), exported(client, drain_jobs, form="ndjson")
    store = ObjectStore(settings, "exports")
    orphan = store.put(b"of a worker that was killed before its last word")
    monkeypatch.setattr(running, "_STALE_SECONDS", -1.0)
    with database.transaction(EVERYWHERE) as session:
        session.connection().execute(
            update(ExportJob)
            .where(col(ExportJob.id) == UUID(old["id"]))
            .values(finished_at=now() - timedelta(days=settings.export_keep_days, minutes=1))
        )
    running.housekeeping(_context(database, settings))
    gone = download(client, old)
    assert (gone.status_code, gone.json()["code"]) == (410, "export_expired")
    assert shown(client, old)["allowed_actions"] == []
    assert not store.exists(orphan)
    assert not store.exists(old["sha256"])
    assert download(client, young).status_code == 200


def test_rights_that_are_lost_take_the_file_with_them(as_: As, drain_jobs: Drain, database: Database) -> None:
    client = as_("county_admin")
    job = exported(client, drain_jobs, personal="plain", purpose="核实")
    with database.transaction(EVERYWHERE) as session:
        made = session.exec(select(ExportJob)).one()
        made.division_code = "36"  # as if the grant had become narrower since
        session.add(made)
    assert download(client, job).status_code == 404


def test_the_file_is_of_one_moment(as_: As, database: Database, settings: Settings) -> None:
    """What is written while the export runs isn't in it, and reading the changes from its cursor finds it."""
    client = as_("township_manager")
    furnish(client)
    job = ask(client)
    wrote = []

    class Writing(running._Progress):
        def __call__(self, rows: int) -> None:
            if not wrote:
                wrote.append(registry.household(client, toilets=[TOILET])["id"])
            super().__call__(rows)

    original = running._Progress
    running._Progress = Writing  # type: ignore[misc]
    try:
        running.run(_context(database, settings), job_id=job["id"])
    finally:
        running._Progress = original  # type: ignore[misc]
    job = shown(client, job)
    assert (job["state"], job["rows"]) == ("succeeded", 5)
    assert wrote[0].encode() not in content(client, job)
    with database.transaction(EVERYWHERE) as session:
        assert journal.changed_since(session, job["change_cursor"], ["household"], ["360423208"])
        assert not journal.changed_since(session, job["change_cursor"], ["household"], ["360423500"])
        assert not journal.changed_since(session, job["change_cursor"], ["plan"], ["360423208"])


def test_a_division_without_a_record_gives_headings_alone(as_: As, drain_jobs: Drain) -> None:
    client = as_("village_surveyor")
    files = {form: exported(client, drain_jobs, form=form) for form in ("csv", "ndjson", "xlsx", "parquet")}
    assert {job["rows"] for job in files.values()} == {0}
    assert content(client, files["csv"]).count(b"\n") == 1
    assert content(client, files["ndjson"]) == b""
    sheet = openpyxl.load_workbook(io.BytesIO(content(client, files["xlsx"]))).worksheets[0]
    assert (sheet["A1"].value, sheet.max_row) == ("编号", 1)
    assert pq.read_table(io.BytesIO(content(client, files["parquet"]))).num_rows == 0


def test_more_rows_than_a_sheet_holds_go_to_the_next(
    as_: As, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    furnish(client)
    monkeypatch.setattr(workbook_file, "ROWS_A_SHEET", 2)
    book = openpyxl.load_workbook(io.BytesIO(content(client, exported(client, drain_jobs, form="xlsx"))))
    assert book.sheetnames == ["农户与户厕1", "农户与户厕2", "农户与户厕3"]
    assert [sheet.max_row for sheet in book.worksheets] == [3, 3, 2]
    assert {sheet["A1"].value for sheet in book.worksheets} == {"编号"}
    assert [sheet.auto_filter.ref for sheet in book.worksheets] == ["A1:V3", "A1:V3", "A1:V2"]


def test_a_value_too_long_for_a_cell_is_refused_and_not_cut(
    as_: As, drain_jobs: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("township_manager")
    furnish(client)
    monkeypatch.setattr(workbook_file, "CELL_MAX", 20)
    job = ask(client, form="xlsx")
    drain_jobs()
    job = shown(client, job)
    assert (job["state"], job["problem"]["code"]) == ("failed", "export_cell_too_long")
    assert job["problem"]["remedy"]
    assert download(client, job).status_code == 409
