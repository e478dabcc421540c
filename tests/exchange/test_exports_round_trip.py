"""What was exported goes in again without a change; what was edited in it changes that record, and no other."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient

from tests.exchange.exporting import content, exported
from tests.exchange.kinds import counted, faults, run
from tests.registry import made as registry
from tests.registry.made import OTHER_VILLAGE, TOILET
from tests.survey import made as survey
from toilet_api.kernel.database import Database

As = Callable[[str], TestClient]
Drain = Callable[[], None]


def homes(client: TestClient) -> None:
    """Households of every sort: plain, with two toilets, with none, with odd texts, without an ID number."""
    registry.household(client, toilets=[{**TOILET, "subsidy_fen": 150050, "built_month": 6}])
    registry.household(client, toilets=[TOILET, {**TOILET, "mode": "bucket", "subsidy_fen": 100}])
    registry.household(client, person={"name": "李四"})
    registry.household(
        client, note="=1+1\n第二行，“引号”", person={"phones": ["19900001234", "0792-2771234"]}, toilets=[TOILET]
    )
    registry.household(
        client,
        division_code=OTHER_VILLAGE,
        person={"id_number": None, "address": "3组7号"},
        toilets=[{"mode": "none"}],
        dwelling_state="vacant",
    )


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson", "parquet"])
@pytest.mark.parametrize("personal", ["masked", "plain"])
def test_households_go_in_again_unchanged(as_: As, drain_jobs: Drain, form: str, personal: str) -> None:
    client = as_("county_admin")
    homes(client)
    more = {"personal": "plain", "purpose": "核对"} if personal == "plain" else {}
    data = content(client, exported(client, drain_jobs, form=form, **more))
    job = run(client, drain_jobs, "households", data, on_conflict="update")
    assert set(counted(job)) == {"unchanged"}, faults(client, job)
    assert job["written"] is False


def test_an_edited_workbook_changes_the_edited_household_alone(as_: As, drain_jobs: Drain) -> None:
    client = as_("county_admin")
    homes(client)
    data = content(client, exported(client, drain_jobs, form="xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    column = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, column["家庭人口"]).value = 9
    edited = io.BytesIO()
    book.save(edited)
    job = run(client, drain_jobs, "households", edited.getvalue(), on_conflict="update")
    assert counted(job)["updated"] == 1, faults(client, job)
    assert set(counted(job)) == {"updated", "unchanged"}, faults(client, job)
    shown: Any = client.get(f"/api/v1/households/{sheet.cell(2, column['编号']).value}").json()
    assert (shown["family_size"], shown["name_masked"]) == (9, "张**")


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson", "parquet"])
def test_other_kinds_go_in_again_unchanged(as_: As, drain_jobs: Drain, database: Database, form: str) -> None:
    admin, surveyor = as_("county_admin"), as_("village_surveyor")
    survey.campaign(admin, verification_levels=[])
    survey.submitted(surveyor, "no_light", "tank_cracked", note="第一行\n第二行", checked_against=["rebuild_ledger"])
    for kind in ("visits", "problems", "close_outs", "users", "divisions"):
        job = exported(admin, drain_jobs, kind, form, **({"division": "360423208"} if kind == "divisions" else {}))
        if job["rows"]:
            done = run(admin, drain_jobs, kind, content(admin, job), on_conflict="update")
            assert set(counted(done)) == {"unchanged"}, (kind, faults(admin, done))
