"""A household moves while somebody writes about it: all that belongs to it ends up in one village."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from psycopg import sql

from tests.conftest import plain
from tests.oversight import made as oversight
from tests.rectification import made as rectification
from tests.rectification import passing
from tests.survey import made as survey
from tests.survey.made import API, OTHER_VILLAGE
from tests.waiting import nobody_adds_to, waiting
from toilet_api.kernel.database import Database
from toilet_api.oversight import drawing
from toilet_api.rectification import acceptances

As = Callable[[str], TestClient]
Write = Callable[[], Response]
Begin = Callable[[As, Database], tuple[dict[str, Any], str, Write]]
"""What makes ready for a step: the problem that it is about, the table that it writes last, the step itself."""
_BELONGING = (
    *("household", "household_person", "toilet", "visit", "finding", "problem", "task", "task_note", "postponement"),
    *("acceptance", "acceptance_problem", "close_out", "close_out_witness", "plan_item", "sample_unit"),
    *("falsification", "survey_standing", "problem_standing"),
)


@pytest.fixture
def campaign(as_: As) -> Any:
    return survey.campaign(as_("county_admin"), verification_levels=[])


def moving(as_: As, household_id: str) -> Write:
    manager = as_("township_manager")
    url = f"{API}/households/{household_id}"
    tag = manager.get(url).headers["ETag"]
    return lambda: manager.patch(url, json={"division_code": OTHER_VILLAGE}, headers={"If-Match": tag})


def in_between(database_url: str, table: str, first: Write, second: Write, mode: str = "share") -> tuple[int, int]:
    """`second` begins when `first` has come as far as writing to `table`. The answers' status codes."""
    with ThreadPoolExecutor(2) as pool:
        with nobody_adds_to(database_url, table, mode) as connection:
            begun = pool.submit(first)
            waiting(connection, 1, begun)
            assert not begun.done(), begun.result().text
            meanwhile = pool.submit(second)
            waiting(connection, 2, meanwhile)
        return begun.result().status_code, meanwhile.result().status_code


def moved_meanwhile(as_: As, database_url: str, household_id: str, table: str, write: Write) -> tuple[int, int]:
    """The household moves while `write` has come as far as adding to `table`. The answers' status codes."""
    return in_between(database_url, table, write, moving(as_, household_id))


def villages(database_url: str) -> dict[str, set[str]]:
    """Where the rows of each table lie that belong to households; there must be one household only."""
    found = {}
    with psycopg.connect(plain(database_url)) as connection:
        connection.execute("select set_config('toilet.scope', '{\"\"}', true)")
        for table in _BELONGING:
            query = sql.SQL("select distinct division_code from toilet.{}").format(sql.Identifier(table))
            found[table] = {str(code) for (code,) in connection.execute(query)}
    return {table: codes for table, codes in found.items() if codes}


def require_all_moved(database_url: str, *tables: str) -> None:
    found = villages(database_url)
    assert found == {table: {OTHER_VILLAGE} for table in found}
    assert found.keys() >= {"household", *tables}


@pytest.mark.usefixtures("campaign")
def test_a_visit_made_meanwhile(as_: As, database_url: str) -> None:
    surveyor = as_("village_surveyor")
    home = survey.home(surveyor)
    body = survey.visit_body(home, None, "blocked")
    done = moved_meanwhile(as_, database_url, home["id"], "finding", lambda: surveyor.post(f"{API}/visits", json=body))
    assert done == (201, 200)
    require_all_moved(database_url, "visit", "finding")


@pytest.mark.usefixtures("campaign")
def test_a_visit_changed_meanwhile(as_: As, database_url: str) -> None:
    surveyor = as_("village_surveyor")
    visit = survey.visit(surveyor)
    body, tag = {"findings": [{"problem_type": "blocked"}], "usability": "not_usable"}, {"If-Match": '"1"'}
    done = moved_meanwhile(
        as_,
        database_url,
        visit["household_id"],
        "finding",
        lambda: surveyor.patch(f"{API}/visits/{visit['id']}", json=body, headers=tag),
    )
    assert done == (200, 200)
    require_all_moved(database_url, "visit", "finding")


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("table", ["problem", "problem_standing"])
def test_a_visit_submitted_meanwhile(as_: As, database_url: str, table: str) -> None:
    surveyor = as_("village_surveyor")
    visit = survey.visit(surveyor, "blocked")
    done = moved_meanwhile(
        as_, database_url, visit["household_id"], table, lambda: surveyor.post(f"{API}/visits/{visit['id']}/submit")
    )
    assert done == (200, 200)
    require_all_moved(database_url, "visit", "finding", "problem", "problem_standing", "survey_standing")


def found(as_: As, kind: str = "no_light") -> dict[str, Any]:
    return rectification.found(as_("village_surveyor"), kind)[0]


def charged(as_: As, database: Database, problem: dict[str, Any]) -> str:
    return f"{API}/tasks/{passing.charged(database, problem['id'])}"


def begun(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """Work begins at once."""
    problem = found(as_)
    url, surveyor = f"{API}/problems/{problem['id']}/rectify-at-once", as_("village_surveyor")
    return problem, "task", lambda: surveyor.post(url, json={"measure": "更换灯泡"})


def noted(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """A progress note."""
    problem = found(as_)
    task = rectification.at_once(as_("village_surveyor"), problem)
    return (
        problem,
        "task_note",
        lambda: as_("village_surveyor").post(f"{API}/tasks/{task['id']}/notes", json={"text": "已到料"}),
    )


def postponed(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """A postponement is asked for."""
    problem = found(as_, "tank_cracked")
    url, manager = f"{charged(as_, database, problem)}/postponements", as_("township_manager")
    return problem, "postponement", lambda: manager.post(url, json={"to_due": "2038-03-31", "reason": "雨季无法施工"})


def planned(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """A problem comes into a plan."""
    problem, manager = found(as_, "tank_cracked"), as_("county_admin")
    plan = rectification.plan(manager)
    body = {"items": [rectification.item(problem)]}
    return problem, "plan_item", lambda: manager.post(f"{API}/plans/{plan['id']}/items", json=body)


def accepting(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """An acceptance begins."""
    problem, admin = found(as_), as_("county_admin")
    rectification.finished(as_("village_surveyor"), problem)
    body = rectification.acceptance_body([problem], admin, as_("township_manager"))
    return problem, "acceptance_problem", lambda: admin.post(f"{API}/acceptances", json=body)


def closing(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """A problem is closed by a witnessed statement."""
    problem, surveyor = found(as_), as_("village_surveyor")
    rectification.finished(surveyor, problem)
    passing.accepted(database, problem["id"])
    statement = {
        "text": "户主电话中同意销号",
        "reason": "户主常年在外务工",
        "witness_name": "欧阳见证",
        "witness_relation": "村民小组长",
        "witness_signature_ids": [survey.signature(surveyor)],
    }
    url = f"{API}/problems/{problem['id']}/close"
    return problem, "close_out_witness", lambda: as_("township_manager").post(url, json={"statement": statement})


def closed(as_: As, database: Database) -> dict[str, Any]:
    (made,) = oversight.close(database, 1)
    return rectification.problem(as_("county_admin"), made)


def accusing(as_: As, database: Database) -> tuple[dict[str, Any], str, Write]:
    """A check finds falsification."""
    problem, province = closed(as_, database), as_("province_inspector")
    (unit,) = oversight.units(province, oversight.drawn(province))
    accusation = {"statement": "未整改即销号"}
    return problem, "falsification", lambda: oversight.check(province, unit, oversight.failed(falsification=accusation))


STEPS = (begun, noted, postponed, planned, accepting, closing, accusing)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("begin", STEPS)
def test_what_is_done_about_a_problem_meanwhile(as_: As, database: Database, database_url: str, begin: Begin) -> None:
    problem, table, write = begin(as_, database)
    written, moved = moved_meanwhile(as_, database_url, problem["household_id"], table, write)
    assert written in (200, 201)
    assert moved == 200
    require_all_moved(database_url, "problem", table)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("begin", STEPS)
def test_what_is_begun_about_a_problem_while_it_moves(
    as_: As, database: Database, database_url: str, begin: Begin
) -> None:
    """It comes after the move, or finds nothing where it looked."""
    problem, _, write = begin(as_, database)
    moved, written = in_between(database_url, "toilet", moving(as_, problem["household_id"]), write)
    assert moved == 200
    assert written in (200, 201, 403, 404, 422)
    require_all_moved(database_url, "problem")


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("who", ["village_surveyor", "township_manager"])
def test_a_visit_begun_while_the_household_moves(as_: As, database_url: str, who: str) -> None:
    """Its village is the new one, or it is refused to whom that is not in charge of."""
    home = survey.home(as_("village_surveyor"))
    visitor, body = as_(who), survey.visit_body(home, None, "blocked")
    done = in_between(database_url, "toilet", moving(as_, home["id"]), lambda: visitor.post(f"{API}/visits", json=body))
    assert done == (200, 403 if who == "village_surveyor" else 201)
    require_all_moved(database_url, *([] if who == "village_surveyor" else ["visit", "finding"]))


def test_a_sample_drawn_meanwhile(as_: As, database: Database, database_url: str) -> None:
    """A unit that is in a frame already comes along."""
    problem, province = closed(as_, database), as_("province_inspector")
    sample = oversight.planned(province)
    move = moving(as_, problem["household_id"])
    counted, drawn = drawing._populations, Event()

    def slowly(*arguments: Any) -> Any:
        drawn.set()
        with psycopg.connect(plain(database_url), autocommit=True) as connection:
            waiting(connection, 1, moved)
        return counted(*arguments)

    with ThreadPoolExecutor(2) as pool, patch.object(drawing, "_populations", slowly):
        moved: Future[Response] = Future()
        made = pool.submit(lambda: province.post(f"{API}/samples/{sample['id']}/draw"))
        assert drawn.wait(10)
        answer = pool.submit(move)
        answer.add_done_callback(lambda one: moved.set_result(one.result()))
        assert (made.result().status_code, answer.result().status_code) == (200, 200)
    require_all_moved(database_url, "problem", "sample_unit")


@pytest.mark.usefixtures("campaign")
def test_a_village_merged_while_a_household_leaves_it(as_: As, database_url: str) -> None:
    """Both hold the household before what belongs to it, so that neither has to give way."""
    visit = survey.visit(as_("village_surveyor"))
    manager, body = as_("county_admin"), {"into": "360423208204", "reason": "并村"}
    done = in_between(
        database_url,
        "toilet",
        moving(as_, visit["household_id"]),
        lambda: manager.post(f"{API}/divisions/{survey.VILLAGE}/merge", json=body),
        mode="exclusive",
    )
    assert done == (200, 200)
    require_all_moved(database_url, "visit")
    assert (
        manager.get(f"{API}/attachments/{visit['surveyor_signature_ids'][0]}").json()["division_code"] == OTHER_VILLAGE
    )


@pytest.mark.usefixtures("campaign")
def test_a_village_merged_while_an_acceptance_begins_of_a_household_that_has_just_come(
    as_: As, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins it holds the village that the household has left, and its problem."""
    problem, table, write = accepting(as_, database)
    move, held = moving(as_, problem["household_id"]), acceptances._held
    admin, body = as_("county_admin"), {"into": "360423208204", "reason": "并村"}

    def late(*given: Any, **named: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(move).result().status_code == 200
        return held(*given, **named)

    monkeypatch.setattr(acceptances, "_held", late)
    merge = f"{API}/divisions/{OTHER_VILLAGE}/merge"
    assert in_between(database_url, table, write, lambda: admin.post(merge, json=body)) == (201, 200)
    found = villages(database_url)
    assert found == {table: {"360423208204"} for table in found}
    assert found.keys() >= {"acceptance", "acceptance_problem", "problem"}
