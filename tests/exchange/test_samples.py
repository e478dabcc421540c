"""The sample ledgers come out, through the API, as their key says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.upload import pages, rows_of, succeeded

SAMPLES = Path(__file__).parents[1] / "data" / "ledgers"
KEY: dict[str, list[dict[str, Any]]] = json.loads((SAMPLES / "key.json").read_text("utf-8"))
MODES = {
    "three": "three_compartment",
    "urn": "double_urn",
    "sewer": "full_sewer",
    "divert": "urine_diverting",
    "biogas": "biogas_linked",
}


@pytest.mark.parametrize("name", sorted(KEY))
def test_a_sample_comes_out_as_its_key_says(
    name: str, as_: Callable[[str], TestClient], drain_jobs: Callable[[], None]
) -> None:
    client = as_("township_manager" if "360423208" in name else "township_manager_2")
    job = succeeded(client, drain_jobs, (SAMPLES / name).read_bytes(), name)
    rows = rows_of(client, job)
    toilets = {one["household_id"]: one for one in pages(client, "/toilets")}
    assert job["counts"]["rows_in"] == len(KEY[name]) == len(rows)
    taken = [expected for expected in KEY[name] if expected["do"] in ("take", "fix")]
    for expected in KEY[name]:
        row = rows[expected["row"]]
        if expected not in taken:
            assert row["outcome"] == "rejected", expected
            assert [error["reason"] for error in row["errors"]] == [expected.get("reason", "dup")], (expected, row)
            assert row["errors"][0]["column"] == expected.get("column", "id")
            assert row["household_id"] is None
            continue
        assert row["outcome"] == "created", (expected, row)
        assert row["village_code"] == expected["village"]
        if expected["do"] == "fix":
            assert expected["rule"] in [one["rule"] for one in row["corrections"]], (expected, row)
        toilet = toilets[row["household_id"]]
        assert (toilet["mode"], toilet["built_year"]) == (MODES[expected["mode"]], expected["year"])
        assert toilet["counted"] is True
        assert toilet["division_code"] == expected["village"]
    assert job["counts"]["created"] == len(taken) == len(toilets)
    for expected in taken[::40]:
        found = client.post("/api/v1/households/search", json={"id_number": expected["id"]}).json()["items"]
        assert [one["id"] for one in found] == [rows[expected["row"]]["household_id"]]


def test_the_same_ledger_in_another_format_changes_nothing(
    as_: Callable[[str], TestClient], drain_jobs: Callable[[], None]
) -> None:
    client = as_("township_manager")
    first = succeeded(client, drain_jobs, (SAMPLES / "township_360423208.xlsx").read_bytes(), "a.xlsx")
    for name in ("township_360423208.xlsx", "township_360423208.csv", "township_360423208.bom.csv"):
        again = succeeded(client, drain_jobs, (SAMPLES / name).read_bytes(), name)
        assert again["counts"]["created"] == again["counts"]["updated"] == 0
        assert again["counts"]["unchanged"] == first["counts"]["created"] == 279
        assert again["counts"]["rejected"] == first["counts"]["rejected"]
