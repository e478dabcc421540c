"""Generated ledgers with more mess than the samples: every row comes out as the generator's key says.

LEDGER_ROWS: the rows of the large one (default 3,000, more than a batch; broad 20,000), and ten times those of
each small one.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.breadth import tries
from tests.exchange import generator, ledger_files
from tests.exchange.upload import pages, rows_of, succeeded

ROWS = tries("LEDGER_ROWS", 3000, 20_000)
SECONDS = 60
FORMATS: dict[str, Callable[[generator.Ledger], bytes]] = {
    "gb18030.csv": ledger_files.as_csv,
    "utf8.csv": lambda ledger: ledger_files.as_csv(ledger, "utf-8"),
    "bom.csv": lambda ledger: ledger_files.as_csv(ledger, "utf-8-sig", ";"),
    "tab.csv": lambda ledger: ledger_files.as_csv(ledger, "utf-16", "\t"),
    "xlsx": ledger_files.as_xlsx,
    "xls": ledger_files.as_xls,
}


def check(ledger: generator.Ledger, rows: dict[int, dict[str, Any]], toilets: dict[str, list[dict[str, Any]]]) -> None:
    """Every row of the key, and no other, in the report, as the key says."""
    assert rows.keys() == ledger.key.keys()
    for number, expected in ledger.key.items():
        row = rows[number]
        found = sorted((error["column"], error["reason"]) for error in row["errors"])
        assert found == sorted(expected.faults), (number, ledger.rows[number - 1], row)
        assert row["outcome"] == expected.outcome, (number, row)
        if expected.faults:
            continue
        assert row["village_code"] == expected.village
        assert expected.rules <= {one["rule"] for one in row["corrections"]}, (expected, row)
        there = toilets[row["household_id"]]
        assert {one["mode"] for one in there} == set(expected.modes)
        assert {one["built_year"] for one in there} == {expected.year}
        assert sum(one["subsidy_fen"] or 0 for one in there) == (expected.subsidy_fen or 0)
        assert sum(one["counted"] for one in there) == (expected.modes != ("none",))


def toilets_by_household(client: TestClient) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for toilet in pages(client, "/toilets"):
        found.setdefault(toilet["household_id"], []).append(toilet)
    return found


@pytest.mark.parametrize("file_format", FORMATS)
def test_small_ledgers_of_every_format(
    file_format: str, as_: Callable[[str], TestClient], drain_jobs: Callable[[], None]
) -> None:
    client = as_("township_manager")
    ledger = generator.make("360423208", ROWS // 10, seed=len(file_format), mess=0.6, faults=0.2)
    job = succeeded(client, drain_jobs, FORMATS[file_format](ledger), f"ledger.{file_format}")
    assert job["counts"]["rows_in"] == ROWS // 10
    assert job["counts"]["ignored"] == dict(ledger.ignored)
    assert [column["column"] for column in job["sheets"][0]["columns"]] == generator.COLUMNS
    check(ledger, rows_of(client, job), toilets_by_household(client))
    again = succeeded(client, drain_jobs, FORMATS[file_format](ledger), "again")
    assert (again["counts"]["unchanged"], again["counts"]["updated"]) == (job["counts"]["created"], 0)
    assert again["counts"]["rejected"] == job["counts"]["rejected"]


@pytest.mark.slow
def test_a_large_ledger_in_seconds(as_: Callable[[str], TestClient], drain_jobs: Callable[[], None]) -> None:
    client = as_("county_admin")
    ledger = generator.make("360423", ROWS, seed=1)
    content = ledger_files.as_csv(ledger)
    started = time.monotonic()
    job = succeeded(client, drain_jobs, content, "ledger.csv")
    seconds = time.monotonic() - started
    counts = job["counts"]
    assert counts["rows_in"] == ROWS
    assert {name: counts[name] for name in ("created", "rejected")} == dict(ledger.counts())
    check(ledger, rows_of(client, job), toilets_by_household(client))
    assert seconds < SECONDS
