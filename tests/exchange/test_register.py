"""A ledger against the register: dry run, conflicts, the same again, what is kept and what is changed."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.pure import ANLE, FENGNIAN, number
from tests.exchange.test_places import As, Drain
from tests.exchange.upload import pages, rows_of, succeeded

HEADER = "村,户主姓名,身份证号码,门牌号,联系电话,家庭人口,改厕方式,改厕年份,牵头部门,补助金额,备注"
FIRST = f"安乐村,张三丰,{number(1)},3组12号,19900001234,4,三格,2024,卫健,1500,"


def ledger(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines]).encode("gb18030")


def stock(client: TestClient) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """All that an import could leave behind: households, toilets, entries of the change feed."""
    changed = sum(
        len(client.get(f"/api/v1/households/{one['id']}/history").json()["items"]) for one in households(client)
    )
    return households(client), list(pages(client, "/toilets")), changed


def households(client: TestClient) -> list[dict[str, Any]]:
    return list(pages(client, "/households"))


def test_a_dry_run_tells_all_and_leaves_nothing(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    content = ledger(FIRST, f"安乐村,李四光,{number(2)},,,,四格,2024,,,", FIRST)
    dry = succeeded(client, drain_jobs, content, dry_run="true")
    assert stock(client) == ([], [], 0)
    rows = rows_of(client, dry)
    assert {row: one["outcome"] for row, one in rows.items()} == {2: "created", 3: "rejected", 4: "rejected"}
    assert all(one["household_id"] is None for one in rows.values())
    done = succeeded(client, drain_jobs, content)
    assert done["counts"] == dry["counts"]
    faults = {row: one["errors"] for row, one in rows_of(client, done).items()}
    assert faults == {row: one["errors"] for row, one in rows.items()}
    before = stock(client)
    changing = ledger(FIRST.replace("三格", "双瓮"))
    dry = succeeded(client, drain_jobs, changing, dry_run="true", on_conflict="update")
    assert dry["counts"]["updated"] == 1
    assert stock(client) == before


def test_the_same_again_changes_nothing(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    no_number = "安乐村,王五,,3组13号,,,旱厕,,,,"
    two = f"丰年村,李四光,{number(2)},,,2,三格、水冲,2023年6月,自建,0.2万元,长子代填"
    content = ledger(FIRST, no_number, two)
    assert succeeded(client, drain_jobs, content)["counts"]["created"] == 3
    before = stock(client)
    for mode in ("fail", "skip", "update"):
        again = succeeded(client, drain_jobs, content, on_conflict=mode)
        assert again["counts"]["unchanged"] == 3, rows_of(client, again)
        assert stock(client) == before


def test_a_blank_cell_or_a_missing_column_says_nothing(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    succeeded(client, drain_jobs, ledger(FIRST))
    blanks = ledger(f"安乐村,张三丰,{number(1)},,,,三格,,,,")
    fewer = ledger(f"安乐村,张三丰,{number(1)},三格", header="村,户主姓名,身份证号码,改厕方式")
    for content in (blanks, fewer):
        assert succeeded(client, drain_jobs, content, on_conflict="update")["counts"]["unchanged"] == 1


@pytest.mark.parametrize(("mode", "outcome"), [("fail", "rejected"), ("skip", "unchanged"), ("update", "updated")])
def test_a_row_that_differs(mode: str, outcome: str, as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    succeeded(client, drain_jobs, ledger(FIRST))
    (there,), before = households(client), stock(client)
    changed = f"丰年村,张三丰,{number(1)},3组12号,19900005678,5,双瓮,2025,卫健,1500,新备注"
    job = succeeded(client, drain_jobs, ledger(changed), on_conflict=mode)
    row = rows_of(client, job)[2]
    assert (row["outcome"], row["household_id"]) == (outcome, there["id"])
    differing = {"village", "phone", "family_size", "mode", "year", "note"}
    if mode == "fail":
        assert {one["column"] for one in row["errors"]} == differing
        assert {one["reason"] for one in row["errors"]} == {"conflict"}
    if mode != "update":
        assert stock(client) == before
        return
    assert {one["column"] for one in row["changes"]} == differing
    assert "19900005678" not in str(row)
    (now,), (toilet,) = households(client), list(pages(client, "/toilets"))
    assert (now["id"], now["division_code"], now["family_size"], now["note"]) == (there["id"], FENGNIAN, 5, "新备注")
    assert (toilet["mode"], toilet["built_year"], toilet["division_code"]) == ("double_urn", 2025, FENGNIAN)
    assert now["version"] > there["version"]


def test_a_second_toilet_is_added_and_none_is_taken_away(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    succeeded(client, drain_jobs, ledger(FIRST))
    both = FIRST.replace("三格", "三格;旱厕")
    assert succeeded(client, drain_jobs, ledger(both), on_conflict="update")["counts"]["updated"] == 1
    assert succeeded(client, drain_jobs, ledger(FIRST), on_conflict="update")["counts"]["unchanged"] == 1
    toilets = list(pages(client, "/toilets"))
    assert sorted((one["mode"], one["counted"]) for one in toilets) == [
        ("other_unsanitary", False),
        ("three_compartment", True),
    ]


def test_duplicates_within_a_file_name_the_first_row(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    again = FIRST.replace("安乐村", "丰年村").replace(number(1), number(1)[:6] + " " + number(1)[6:])
    no_number = "安乐村,王五,,3组13号,,,旱厕,,,,"
    elsewhere = no_number.replace("安乐", "丰年")
    rows = rows_of(client, succeeded(client, drain_jobs, ledger(FIRST, again, no_number, no_number, elsewhere)))
    assert [rows[row]["outcome"] for row in range(2, 7)] == ["created", "rejected", "created", "rejected", "created"]
    assert [(one["column"], one["reason"], one["first_row"]) for one in rows[3]["errors"]] == [("id", "dup", 2)]
    assert [(one["column"], one["reason"], one["first_row"]) for one in rows[5]["errors"]] == [("name", "dup", 4)]
    assert {one["division_code"] for one in households(client)} == {ANLE, FENGNIAN}


def test_a_removed_household_is_registered_anew(as_: As, drain_jobs: Drain) -> None:
    client = as_("township_manager")
    succeeded(client, drain_jobs, ledger(FIRST))
    (there,) = households(client)
    removed = client.post(
        f"/api/v1/households/{there['id']}/remove",
        headers={"If-Match": f'"{there["version"]}"'},
        json={"reason": "重复登记"},
    )
    assert removed.status_code == 200, removed.text
    assert succeeded(client, drain_jobs, ledger(FIRST))["counts"]["created"] == 1
