"""Checks on site: once each, by nobody who signed; a failed one reopens; falsification goes to whoever signed."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.accounts.logins import at_once, new_user
from tests.oversight import made
from tests.oversight.made import refusal, step
from tests.survey import made as survey
from tests.survey.made import API, VILLAGE, ok
from toilet_api.accounts.tables import Principal
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.survey.tables import LedgerProblem

As = Callable[[str], TestClient]
ALL_PARTS = {
    ("surveyor", "村摸排员（演示）"),
    ("township_verifier", "乡镇专班（演示）"),
    ("county_verifier", "县管理员（演示）"),
    ("task_submitter", "乡镇专班（演示）"),
    ("panel_member", "县管理员（演示）"),
    ("panel_member", "乡镇专班（演示）"),
    ("closer", "乡镇专班（演示）"),
}


@pytest.fixture
def province(as_: As) -> TestClient:
    return as_("province_inspector")


def one_unit(client: TestClient, database: Database, number: int = 1, **how: Any) -> dict[str, Any]:
    """A drawn unit of a fresh problem, of a sample of the province."""
    made.close(database, number, **how)
    return made.units(client, made.drawn(client, size={"kind": "number", "number": 1000}))[0]


def problem_of(client: TestClient, unit: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = ok(client.get(f"{API}/problems/{unit['problem_id']}"))
    return shown


def test_one_that_is_upheld_stays_closed(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    photo = ok(survey.upload(province), 201)["id"]
    shown = ok(made.check(province, unit, made.upheld(photo_ids=[photo])))
    assert (shown["result"], shown["closed_justified"], shown["photo_ids"]) == ("upheld", True, [photo])
    assert shown["checked_by_name"] == "省督导员（演示）"
    assert shown["allowed_actions"] == ["recheck"]
    assert problem_of(province, unit)["state"] == "closed"
    sample = ok(province.get(f"{API}/samples/{unit['sample_id']}"))
    assert sample["version"] == 3
    assert sample["checked"] == 1


def test_one_that_fails_reopens_its_problem(as_: As, province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    shown = ok(made.check(province, unit, made.failed()))
    assert (shown["result"], shown["problem_state"]) == ("failed", "open")
    assert shown["closed_at"]
    problem = problem_of(as_("county_admin"), unit)
    assert (problem["state"], problem["reopenings"], problem["reopen_reason"]) == ("open", 1, "池体仍渗漏")
    assert (problem["closed_at"], problem["close_out_id"]) == (None, None)
    history = ok(as_("county_admin").get(f"{API}/problems/{unit['problem_id']}/history"))["items"]
    assert [(one["action"], one["actor_name"]) for one in history if "reopened" in one["action"]] == [
        ("problem.reopened", "province_inspector")
    ]
    entry = ok(province.get(f"{API}/samples/{unit['sample_id']}/history"))["items"][-1]
    assert entry["action"] == "sample.unit_checked"
    assert (entry["after"]["unit_id"], entry["after"]["reopened"]) == (unit["id"], True)


def test_a_problem_that_isn_t_closed_any_more_is_only_recorded(
    as_: As, province: TestClient, database: Database
) -> None:
    unit = one_unit(province, database)
    ok(as_("county_reviewer").post(f"{API}/problems/{unit['problem_id']}/reopen", json={"reason": "群众反映"}))
    shown = ok(made.check(province, unit, made.failed()))
    assert shown["result"] == "failed"
    assert problem_of(province, unit)["reopenings"] == 1
    entry = ok(province.get(f"{API}/samples/{unit['sample_id']}/history"))["items"][-1]
    assert entry["after"]["reopened"] is False


def test_where_the_same_is_live_again_already_the_check_is_only_recorded(
    province: TestClient, database: Database
) -> None:
    unit = one_unit(province, database)
    with database.transaction(EVERYWHERE) as session:
        closed = session.exec(select(LedgerProblem)).one()
        names = ("division_code", "campaign_id", "problem_class", "type_id", "cause", "visit_id", "household_id")
        twin = {name: getattr(closed, name) for name in (*names, "toilet_id")}
        session.add(LedgerProblem(**twin, found_at=now()))
    shown = ok(made.check(province, unit, made.failed()))
    assert (shown["result"], shown["problem_state"]) == ("failed", "closed")
    entry = ok(province.get(f"{API}/samples/{unit['sample_id']}/history"))["items"][-1]
    assert entry["after"]["reopened"] is False


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"result": "failed", "note": "x"}, "/result"),
    ({"result": "failed", "rectified_really": False}, "/note"),
    ({"result": "failed", "rectified_really": False, "note": "  "}, "/note"),
    (made.upheld(survey_true=False), "/survey_true"),
    (made.upheld(closed_justified=None), "/closed_justified"),
    ({"result": "not_checkable"}, "/note"),
    ({"result": "not_checkable", "note": "x", "survey_true": True}, "/survey_true"),
    (made.upheld(falsification={"statement": "x"}), "/falsification"),
    (made.upheld(recheck=True, reason="x"), "/recheck"),
    (made.upheld(photo_ids=[str(new_id())]), "/photo_ids/0"),
    (made.failed(falsification={"statement": ""}), "/falsification/statement"),
]


def test_a_check_that_contradicts_itself_is_refused(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    for body, pointer in CONTRADICTIONS:
        answer = made.check(province, unit, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert made.units(province, {"id": unit["sample_id"]})[0]["result"] is None


def test_nothing_is_upheld_without_looking_at_every_aspect(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    shown = refusal(made.check(province, unit, {"result": "upheld"}), 422, "invalid")
    assert [(one["pointer"], one["code"]) for one in shown["errors"]] == [
        ("/survey_true", "missing"),
        ("/rectified_really", "missing"),
        ("/closed_justified", "missing"),
    ]
    assert made.units(province, {"id": unit["sample_id"]})[0]["result"] is None


def test_it_is_checked_once_and_corrected_with_a_reason(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    ok(made.check(province, unit, made.upheld()))
    shown = refusal(made.check(province, unit, made.failed()), 409, "already_checked")
    assert shown["current"]["result"] == "upheld"
    missing = made.check(province, unit, made.failed(recheck=True))
    assert [one["pointer"] for one in missing.json()["errors"]] == ["/reason"]
    again = ok(made.check(province, unit, made.failed(recheck=True, reason="复看发现漏水")))
    assert (again["result"], again["problem_state"]) == ("failed", "open")
    entry = ok(province.get(f"{API}/samples/{unit['sample_id']}/history"))["items"][-1]
    assert (entry["action"], entry["reason"]) == ("sample.unit_rechecked", "复看发现漏水")
    assert (entry["before"]["result"], entry["after"]["result"]) == ("upheld", "failed")


def test_two_who_check_at_once_record_one(as_: As, database: Database) -> None:
    clients = [as_("province_inspector"), as_("city_inspector")]
    made.close(database, 1)
    sample = made.drawn(as_("city_inspector"), division_code="3604")
    unit = made.units(as_("city_inspector"), sample)[0]
    answers = at_once(4, lambda place: made.check(clients[place % 2], unit, made.failed()))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"already_checked"}
    assert problem_of(clients[0], unit)["reopenings"] == 1


def test_a_check_and_a_reopening_at_once_end_in_one_reopening(
    as_: As, province: TestClient, database: Database
) -> None:
    unit = one_unit(province, database)
    reviewer = as_("county_reviewer")

    def act(place: int) -> Any:
        if place:
            return reviewer.post(f"{API}/problems/{unit['problem_id']}/reopen", json={"reason": "群众反映"})
        return made.check(province, unit, made.failed())

    checked, reopened = at_once(2, act)
    assert checked.status_code == 200, checked.text
    assert reopened.status_code in (200, 409), reopened.text
    assert problem_of(reviewer, unit)["reopenings"] == 1


def test_completing_and_checking_at_once_lose_nothing(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    url = f"{API}/samples/{unit['sample_id']}"
    answers = at_once(
        2, lambda place: province.post(f"{url}/complete") if place else made.check(province, unit, made.upheld())
    )
    assert answers[0].status_code == 200
    assert answers[1].status_code in (200, 409)
    if answers[1].status_code == 200:
        assert ok(province.get(url))["estimate"]["upheld"] == 1


def test_only_what_was_selected_is_checked(province: TestClient, database: Database) -> None:
    made.close(database, 6)
    sample = made.drawn(province, size={"kind": "number", "number": 2})
    other = made.units(province, sample, selected="false")[0]
    assert other["allowed_actions"] == []
    refusal(made.check(province, other, made.upheld()), 409, "unit_not_selected")
    strange = {**other, "id": str(new_id())}
    assert made.check(province, strange, made.upheld()).status_code == 404
    elsewhere = made.drawn(province)
    assert made.check(province, {**other, "sample_id": elsewhere["id"]}, made.upheld()).status_code == 404


def test_who_signed_may_not_check(as_: As, database: Database) -> None:
    for part in made.SIGNERS:
        made.close(database, 1, signers={**made.SIGNERS, part: "county_reviewer"})
    reviewer, city = as_("county_reviewer"), as_("city_inspector")
    sample = made.drawn(reviewer, division_code="360423")
    units = made.units(reviewer, sample)
    assert len(units) == len(made.SIGNERS)
    for unit in units:
        assert unit["allowed_actions"] == []
        refusal(made.check(reviewer, unit, made.upheld()), 403, "checker_signed")
    for unit in made.units(city, sample):
        assert unit["allowed_actions"] == ["check"]
        ok(made.check(city, unit, made.upheld()))


def test_nor_who_sat_on_the_panel(as_: As, database: Database) -> None:
    made.close(database, 1, panel=("county_reviewer", "township_manager"))
    reviewer = as_("county_reviewer")
    unit = made.units(reviewer, made.drawn(reviewer, division_code="360423"))[0]
    refusal(made.check(reviewer, unit, made.upheld()), 403, "checker_signed")


def test_roles_without_the_right_don_t_check(as_: As, database: Database) -> None:
    reviewer = as_("county_reviewer")
    made.close(database, 1)
    unit = made.units(reviewer, made.drawn(reviewer, division_code="360423"))[0]
    for name in ("auditor", "township_manager", "village_surveyor"):
        refusal(made.check(as_(name), unit, made.upheld()), 403, "forbidden")


def test_falsification_is_recorded_against_everybody_who_signed(
    as_: As, province: TestClient, database: Database
) -> None:
    unit = one_unit(province, database)
    shown = ok(made.check(province, unit, made.failed(falsification={"statement": "照片为他处所摄"})))
    assert shown["falsifications"] == len(ALL_PARTS)
    rows = ok(province.get(f"{API}/falsifications"))["items"]
    assert {(one["signed_as"], one["person_name"]) for one in rows} == ALL_PARTS
    assert {(one["statement"], one["state"], one["sample_id"]) for one in rows} == {
        ("照片为他处所摄", "recorded", unit["sample_id"])
    }
    assert {tuple(one["allowed_actions"]) for one in rows} == {("withdraw",)}
    # The county reads what was recorded there, but neither the sample of the province nor may it withdraw.
    county = ok(as_("county_admin").get(f"{API}/falsifications"))["items"]
    assert {one["id"] for one in county} == {one["id"] for one in rows}
    assert {one["sample_id"] for one in county} == {None}
    assert {tuple(one["allowed_actions"]) for one in county} == {()}
    for name in ("township_manager", "village_surveyor"):
        refusal(as_(name).get(f"{API}/falsifications"), 403, "forbidden")


def test_names_are_those_of_accounts_that_lie_elsewhere_too(as_: As, database: Database) -> None:
    """A verifier whose account belongs to the province: the county's check still names them."""
    made.close(database, 1, signers={**made.SIGNERS, "county_verifier": "province_inspector"})
    reviewer = as_("county_reviewer")
    unit = made.units(reviewer, made.drawn(reviewer, division_code="360423"))[0]
    against = [{"signed_as": "county_verifier"}]
    ok(made.check(reviewer, unit, made.failed(falsification={"statement": "x", "against": against})))
    [row] = ok(reviewer.get(f"{API}/falsifications"))["items"]
    assert row["person_name"] == "省督导员（演示）"


def test_it_can_be_recorded_against_some_of_them(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    with database.transaction(EVERYWHERE) as session:
        person = session.exec(select(Principal).where(Principal.username == "county_admin")).one().id
    against = [{"signed_as": "surveyor"}, {"signed_as": "panel_member", "person_id": str(person)}]
    accusation = {"statement": "虚报", "against": against}
    ok(made.check(province, unit, made.failed(falsification=accusation)))
    # Said again on a recheck it is not recorded twice.
    ok(made.check(province, unit, made.failed(falsification=accusation, recheck=True, reason="补充照片")))
    rows = ok(province.get(f"{API}/falsifications", params={"sample_id": unit["sample_id"]}))["items"]
    assert {(one["signed_as"], one["person_name"]) for one in rows} == {
        ("surveyor", "村摸排员（演示）"),
        ("panel_member", "县管理员（演示）"),
    }
    assert len(rows) == 2
    for params, number in (
        ({"signed_as": "surveyor"}, 1),
        ({"person_id": str(person)}, 1),
        ({"state": "withdrawn"}, 0),
        ({"division": VILLAGE}, 2),
        ({"division": "360424"}, 0),
    ):
        assert len(ok(province.get(f"{API}/falsifications", params=params))["items"]) == number, params


def test_falsification_falls_with_the_failed_result(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    accusation = {"statement": "虚报", "against": [{"signed_as": "surveyor"}]}
    ok(made.check(province, unit, made.failed(falsification=accusation)))
    again = ok(made.check(province, unit, made.upheld(recheck=True, reason="查错了户")))
    assert (again["result"], again["falsifications"], again["problem_state"]) == ("upheld", 0, "open")
    [row] = ok(province.get(f"{API}/falsifications"))["items"]
    assert (row["state"], row["withdrawn_reason"]) == ("withdrawn", "查错了户")
    ok(made.check(province, unit, made.failed(falsification=accusation, recheck=True, reason="又查实")))
    rows = ok(province.get(f"{API}/falsifications"))["items"]
    assert sorted(one["state"] for one in rows) == ["recorded", "withdrawn"]


def test_nobody_is_accused_of_what_they_didn_t_sign(province: TestClient, database: Database) -> None:
    unit = one_unit(province, database, work=True)
    accusation = {"statement": "虚报", "against": [{"signed_as": "surveyor"}]}
    answer = made.check(province, unit, made.failed(falsification=accusation))
    shown = refusal(answer, 422, "invalid")
    assert (shown["errors"][0]["pointer"], shown["errors"][0]["code"]) == ("/falsification/against/0", "not_signed")
    assert problem_of(province, unit)["state"] == "closed"
    assert ok(province.get(f"{API}/falsifications"))["items"] == []


def test_a_record_is_withdrawn_with_a_reason_by_the_level_that_checked(
    as_: As, province: TestClient, database: Database
) -> None:
    unit = one_unit(province, database)
    accusation = {"statement": "虚报", "against": [{"signed_as": "surveyor"}]}
    ok(made.check(province, unit, made.failed(falsification=accusation)))
    [row] = ok(province.get(f"{API}/falsifications"))["items"]
    url = f"{API}/falsifications/{row['id']}"
    refusal(as_("county_reviewer").post(f"{url}/withdraw", json={"reason": "x"}), 403, "recorded_above")
    refusal(as_("auditor").post(f"{url}/withdraw", json={"reason": "x"}), 403, "forbidden")
    assert province.post(f"{url}/withdraw", json={}).status_code == 422
    tag = {"If-Match": '"7"'}
    assert province.post(f"{url}/withdraw", json={"reason": "x"}, headers=tag).status_code == 412
    done = ok(province.post(f"{url}/withdraw", json={"reason": "查实为误会"}, headers={"If-Match": '"1"'}))
    assert (done["state"], done["withdrawn_reason"], done["allowed_actions"]) == ("withdrawn", "查实为误会", [])
    refusal(province.post(f"{url}/withdraw", json={"reason": "x"}), 409, "wrong_state")
    assert ok(as_("auditor").get(url))["state"] == "withdrawn"


def test_nobody_withdraws_what_is_recorded_against_themselves(as_: As, database: Database) -> None:
    made.close(database, 1)
    reviewer = as_("county_reviewer")
    unit = made.units(reviewer, made.drawn(reviewer, division_code="360423"))[0]
    accusation = {"statement": "虚报", "against": [{"signed_as": "county_verifier"}]}
    ok(made.check(reviewer, unit, made.failed(falsification=accusation)))
    [row] = ok(as_("county_admin").get(f"{API}/falsifications"))["items"]
    assert row["allowed_actions"] == []
    url = f"{API}/falsifications/{row['id']}/withdraw"
    refusal(as_("county_admin").post(url, json={"reason": "x"}), 403, "accused_yourself")
    answers = at_once(2, lambda _: reviewer.post(url, json={"reason": "误会"}))
    assert sorted(one.status_code for one in answers) == [200, 409]


def test_records_of_elsewhere_read_as_not_found(as_: As, province: TestClient, database: Database) -> None:
    unit = one_unit(province, database)
    ok(made.check(province, unit, made.failed(falsification={"statement": "虚报"})))
    row = ok(province.get(f"{API}/falsifications"))["items"][0]
    other = new_user(as_("city_inspector"), "xiushui_admin", "county_admin", "360424")
    with database.transaction(EVERYWHERE) as session:
        account = session.get_one(Principal, other["id"])
        account.must_change_password = False
        session.flush()
        session.connection().exec_driver_sql(
            "update credential set secret_hash = (select secret_hash from credential c join principal p"
            " on p.id = c.principal_id where p.username = 'county_admin') where principal_id = %s",
            (other["id"],),
        )
    stranger = as_("xiushui_admin")
    url = f"{API}/falsifications/{row['id']}"
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}/withdraw", json={"reason": "x"}).status_code == 404
    assert ok(stranger.get(f"{API}/falsifications"))["items"] == []
    assert stranger.get(f"{API}/falsifications", params={"division": VILLAGE}).status_code == 404


def test_the_whole_of_a_spot_check(province: TestClient, database: Database) -> None:
    """Planned, drawn, checked one by one as offered, completed; what is offered is what works."""
    made.close(database, 8)
    sample = made.planned(province, size={"kind": "number", "number": 3})
    assert sample["allowed_actions"] == ["edit", "draw", "cancel"]
    sample = step(province, sample, "draw")
    assert sample["allowed_actions"] == ["check", "cancel"]
    for unit in made.units(province, sample):
        assert unit["allowed_actions"] == ["check"]
        ok(made.check(province, unit, made.upheld()))
    assert ok(province.get(f"{API}/samples/{sample['id']}"))["allowed_actions"] == ["check", "complete", "cancel"]
    done = step(province, sample, "complete")
    assert done["completed_at"]
    assert done["estimate"]["rate"] == 1
    assert 0.3 < done["estimate"]["low"] < 1
    refusal(province.post(f"{API}/samples/{sample['id']}/cancel", json={"reason": "x"}), 409, "wrong_state")
