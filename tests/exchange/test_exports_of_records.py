"""Exports of visits, problems, close-outs, accounts and divisions: each column has what the list shows."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from tests.exchange.exporting import API, content, exported, objects, table
from tests.rectification.test_close_out import accepted, close, consent
from tests.survey import made as survey
from tests.survey.made import ok
from toilet_api.exchange.exports.registered import DATASETS, TO_BE_PRINTED
from toilet_api.exchange.ledgers.headings import recognise as ledger_field
from toilet_api.exchange.records.columns import recognise
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def both(client: TestClient, drain: Drain, dataset: str, **body: Any) -> tuple[list[Any], list[Any]]:
    """The rows for people, and the same as objects; Parquet must say what NDJSON says."""
    shown = table(content(client, exported(client, drain, dataset, **body)))
    lines = objects(content(client, exported(client, drain, dataset, "ndjson", **body)))
    parquet = pq.read_table(io.BytesIO(content(client, exported(client, drain, dataset, "parquet", **body))))
    assert len(shown) == len(lines) == parquet.num_rows
    for line, row in zip(lines, parquet.to_pylist(), strict=True):
        lists = [key for key, value in row.items() if isinstance(value, list)]
        assert {key: line[key] for key in lists} == {key: row[key] for key in lists}
    return shown, lines


@pytest.fixture
def closed(as_: As, database: Database) -> dict[str, Any]:
    """A problem that was closed with the household's signature."""
    survey.campaign(as_("county_admin"), verification_levels=[])
    surveyor = as_("village_surveyor")
    one = accepted(surveyor, database)
    ok(close(as_("township_manager"), one, **consent(surveyor)))
    return one


def test_visits(as_: As, drain_jobs: Drain) -> None:
    survey.campaign(as_("county_admin"))
    surveyor = as_("village_surveyor")
    one = survey.visit(
        surveyor,
        "tank_cracked",
        note="-1 号池",
        checked_against=["rebuild_ledger", "subsidy_record"],
        findings=[{"problem_type": "tank_cracked", "note": "第二池"}, {"problem_type": "no_light"}],
    )
    survey.step(surveyor, one, "submit")
    shown, lines = both(surveyor, drain_jobs, "visits")
    row, line = shown[0], lines[0]
    assert (row["编号"], row["户主姓名"], row["状态"], row["使用情况"]) == (one["id"], "张**", "村级已提交", "不能使用")
    assert (row["核对资料"], row["备注"]) == ("改厕台账；资金奖补情况", "'-1 号池")
    assert [one.partition("：")[2] for one in row["问题"].split("；")] == ["第二池", ""]
    assert line["findings"] == ["tank_cracked：第二池", "no_light"]
    assert line["surveyor_signature_ids"] == one["surveyor_signature_ids"]
    assert line["photo_ids"] == []
    assert exported(surveyor, drain_jobs, "visits", filters={"visit_state": ["draft"]})["rows"] == 0
    assert exported(surveyor, drain_jobs, "visits", filters={"date_from": "2999-01-01"})["rows"] == 0


def test_problems_and_close_outs(as_: As, drain_jobs: Drain, closed: dict[str, Any]) -> None:
    manager = as_("township_manager")
    survey.submitted(as_("village_surveyor"), "no_light")
    shown, lines = both(manager, drain_jobs, "problems")
    assert {row["状态"] for row in shown} == {"已销号", "待整改"}
    listed = {one["id"]: one for one in survey.problems(manager)}
    for row, line in zip(shown, lines, strict=True):
        there = listed[row["编号"]]
        assert row["问题类型"] == there["type_zh"]
        same = ("problem_type", "cause", "state", "deadline", "overdue", "household_id", "toilet_id", "visit_id")
        assert {name: line[name] for name in same} == {name: there[name] for name in same}
    assert exported(manager, drain_jobs, "problems", filters={"problem_state": ["closed"]})["rows"] == 1
    assert exported(manager, drain_jobs, "problems", filters={"overdue": True})["rows"] == 0
    shown, lines = both(manager, drain_jobs, "close_outs", filters={"standing": True})
    assert (shown[0]["问题编号"], shown[0]["销号依据"], shown[0]["是否有效"]) == (closed["id"], "农户签字", "是")
    assert len(lines[0]["household_signature_ids"]) == 1


def test_accounts(as_: As, drain_jobs: Drain) -> None:
    client = as_("county_admin")
    shown, lines = both(client, drain_jobs, "users")
    listed = {one["id"]: one for one in ok(client.get(f"{API}/users", params={"limit": 1000}))["items"]}
    assert {row["编号"] for row in shown} == listed.keys()
    for row, line in zip(shown, lines, strict=True):
        there = listed[row["编号"]]
        assert (line["username"], line["state"], line["trained"]) == (
            there["username"],
            there["state"],
            there["trained"],
        )
        assert line["roles"] == [grant["role"] for grant in there["grants"]]
        assert line["grant_divisions"] == [grant["division_code"] for grant in there["grants"]]
    manager = next(row for row in shown if row["用户名"] == "township_manager")
    assert (manager["角色"], manager["授权区划"], manager["所属区划名称"]) == ("乡镇管理员", "360423208", "石渡乡")


def test_divisions(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    shown, lines = both(client, drain_jobs, "divisions")
    assert shown[0]["名称"] == "石渡乡"
    assert shown[0]["全称"].endswith("武宁县石渡乡")
    assert [line["code"] for line in lines] == sorted(line["code"] for line in lines)
    assert lines[1]["parent_code"] == "360423208"


@pytest.mark.parametrize("dataset", sorted(DATASETS.keys() - TO_BE_PRINTED))
def test_an_import_knows_each_heading_and_name(as_: As, drain_jobs: Drain, dataset: str) -> None:
    """By heading and by name it is the same field, so that what was exported can be edited and uploaded."""
    client = as_("county_admin")
    headings = content(client, exported(client, drain_jobs, dataset)).decode().splitlines()[0].split(",")
    parquet = pq.read_table(io.BytesIO(content(client, exported(client, drain_jobs, dataset, "parquet"))))
    for heading, name in zip(headings, parquet.column_names, strict=True):
        if dataset == "households":
            by_heading, by_name = ledger_field(heading), ledger_field(name)
            if name not in ("id", "toilet_id", "grade", "counted", "toilet_note", "updated_at"):
                assert by_heading is not None, heading
                assert by_name is not None, name
                assert by_heading.field == by_name.field
        else:
            found = recognise(dataset, heading), recognise(dataset, name)
            assert [one and one[0].field for one in found] == [name, name]
