"""An import reaches no further than whoever uploads it, and tells nothing of what lies beyond."""

import pytest

from tests.exchange.pure import ANLE, number
from tests.exchange.test_places import As, Drain
from tests.exchange.test_register import ledger
from tests.exchange.upload import rows_of, succeeded

TOWNSHIP, SIBLING = "360423208", "360423500"
SIBLINGS_VILLAGE = "360423500001"  # 锦宁居委会


def test_a_village_of_another_township_is_rejected(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    named = [SIBLINGS_VILLAGE, "锦宁居委会", "锦宁", "锦宁社区", "万福经济技术开发区锦宁居委会"]
    lines = [f"{village},张三丰,{number(at)},1号,,,三格,2024,,," for at, village in enumerate(named)]
    rows = rows_of(client, succeeded(client, drain_jobs, ledger(*lines)))
    assert len(rows) == len(named)
    for row, village in enumerate(named, 2):
        (error,) = rows[row]["errors"]
        assert (error["column"], error["reason"], error["value"]) == ("village", "bad_village", village)
        assert error["expected"].startswith("导入范围内")
    assert client.get("/api/v1/households").json()["items"] == []
    assert as_("township_manager_2").get("/api/v1/households").json()["items"] == []


def test_ones_own_village_under_the_others_township_is_rejected(as_: As, drain_jobs: Drain) -> None:
    header = "乡镇,村,户主姓名,身份证号码,改厕方式"
    content = ledger(f"万福经济技术开发区,安乐村,张三丰,{number(1)},三格", header=header)
    (error,) = rows_of(as_("township_manager"), succeeded(as_("township_manager"), drain_jobs, content))[2]["errors"]
    assert (error["column"], error["reason"]) == ("township", "bad_township")


@pytest.mark.parametrize(("on_conflict", "dry_run"), [("fail", "false"), ("update", "false"), ("skip", "true")])
def test_a_household_out_of_sight_is_neither_touched_nor_told_of(
    on_conflict: str, dry_run: str, as_: As, drain_jobs: Drain
) -> None:
    there, here = as_("township_manager_2"), as_("township_manager")
    succeeded(there, drain_jobs, ledger(f"锦宁,赵钱孙,{number(1)},9组99号,19900009999,7,双瓮,2023,自建,777,隐情"))
    (before,) = there.get("/api/v1/households").json()["items"]
    content = ledger(
        f"安乐村,张三丰,{number(1)},3组12号,19900001234,4,三格,2024,卫健,1500,",
        f"安乐村,李四光,{number(2)},3组13号,,,三格,2024,,,",
    )
    job = succeeded(here, drain_jobs, content, on_conflict=on_conflict, dry_run=dry_run)
    rows = rows_of(here, job)
    assert [rows[row]["outcome"] for row in (2, 3)] == ["rejected", "created"]
    assert rows[2]["household_id"] is None
    (error,) = rows[2]["errors"]
    assert (error["column"], error["reason"]) == ("id", "conflict")
    told = str(rows[2]) + here.get(f"/api/v1/imports/{job['id']}/report.csv").text
    assert not [
        one
        for one in (before["id"], "赵", "锦宁", SIBLING, "9999", "双瓮", "double_urn", "777", "隐情", number(1))
        if one in told
    ]
    assert there.get("/api/v1/households").json()["items"] == [before]


def test_nobody_beside_or_below_sees_the_import(as_: As, drain_jobs: Drain) -> None:
    job = succeeded(as_("township_manager"), drain_jobs, ledger(f"安乐村,张三丰,{number(1)},1号,,,三格,,,,"))
    for name in ("township_manager_2", "village_surveyor_2"):
        for path in ("", "/rows", "/report.csv"):
            assert as_(name).get(f"/api/v1/imports/{job['id']}{path}").status_code in (403, 404)
    assert as_("county_admin").get(f"/api/v1/imports/{job['id']}").status_code == 200


def test_a_county_may_narrow_its_import_to_a_township(as_: As, drain_jobs: Drain) -> None:
    client = as_("county_admin")
    content = ledger(f"安乐村,张三丰,{number(1)},1号,,,三格,,,,", f"锦宁,李四光,{number(2)},1号,,,三格,,,,")
    rows = rows_of(client, succeeded(client, drain_jobs, content, division=TOWNSHIP))
    assert [rows[row]["outcome"] for row in (2, 3)] == ["created", "rejected"]
    assert rows[2]["village_code"] == ANLE
    rows = rows_of(client, succeeded(client, drain_jobs, content))
    assert [rows[row]["outcome"] for row in (2, 3)] == ["unchanged", "created"]
