"""Toilets: their fields, their position, and which of a dwelling's counts."""

from collections.abc import Callable
from uuid import UUID

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.registry import made
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.registry import counting, rules

As = Callable[[str], TestClient]
URL = "/api/v1/toilets"
FULL = {
    "mode": "full_sewer",
    "built_year": 2025,
    "built_month": 5,
    "built_by": "石门楼镇改厕施工队",
    "led_by": "health",
    "subsidy_fen": 150_000,
    "placement": "courtyard",
    "structure": "brick_concrete",
    "fixture": "squatting_pan",
    "flush": "cistern",
    "water_source": "tap",
    "tank_material": "plastic",
    "discharge": "sewer",
    "chambers": 3,
    "volume_litres": 1500,
    "note": "备注",
}


def test_every_field_comes_back(as_: As) -> None:
    surveyor = as_("village_surveyor")
    home = made.household(surveyor)
    toilet = made.toilet(surveyor, home["id"], **FULL)
    assert {name: toilet[name] for name in FULL} == FULL
    assert (toilet["grade"], toilet["counted"], toilet["position"]) == ("harmless", True, None)
    assert toilet["division_code"] == made.VILLAGE
    assert surveyor.get(f"{URL}/{toilet['id']}").json() == toilet
    assert toilet["allowed_actions"] == ["edit", "read_history"]


def test_positions_are_stored_as_wgs84(as_: As) -> None:
    surveyor = as_("village_surveyor")
    position = {"longitude": 115.1, "latitude": 29.26, "system": "gcj02", "accuracy_m": 8}
    toilet = made.toilet(surveyor, made.household(surveyor)["id"], position=position)
    shown = toilet["position"]
    assert (shown["system"], toilet["position_source"], shown["accuracy_m"]) == ("wgs84", "gcj02", 8)
    assert 0.003 < 115.1 - shown["longitude"] < 0.008
    at = f"{URL}/{toilet['id']}"
    better = surveyor.patch(at, json={"position": {"accuracy_m": 3}}, headers={"If-Match": '"1"'}).json()
    assert better["position"] == {**shown, "accuracy_m": 3}
    assert better["position_source"] == "gcj02"
    exact = {"longitude": 115.0, "latitude": 29.0, "system": "wgs84", "accuracy_m": None}
    moved = surveyor.patch(at, json={"position": exact}, headers={"If-Match": '"2"'}).json()
    assert (moved["position"], moved["position_source"]) == (exact, "wgs84")
    gone = surveyor.patch(at, json={"position": None}, headers={"If-Match": '"3"'}).json()
    assert (gone["position"], gone["position_source"]) == (None, None)
    part = surveyor.patch(at, json={"position": {"accuracy_m": 3}}, headers={"If-Match": '"4"'})
    assert part.status_code == 422
    assert {error["pointer"] for error in part.json()["errors"]} >= {"/position/longitude", "/position/latitude"}


def test_a_patch_checks_what_belongs_together(as_: As) -> None:
    surveyor = as_("village_surveyor")
    at = f"{URL}/{made.toilet(surveyor, made.household(surveyor)['id'], built_month=5)['id']}"
    answer = surveyor.patch(at, json={"built_year": None}, headers={"If-Match": '"1"'})
    assert answer.json()["errors"][0]["pointer"] == "/built_month"
    answer = surveyor.patch(at, json={"built_year": None, "built_month": None}, headers={"If-Match": '"1"'})
    assert (answer.json()["built_year"], answer.json()["built_month"]) == (None, None)
    for bad in ({"mode": None}, {"household_id": str(new_id())}, {"grade": "harmless"}, {"built_year": 1850}):
        assert surveyor.patch(at, json=bad, headers={"If-Match": '"2"'}).status_code == 422


def test_the_same_id_and_content_again_is_the_same_toilet(as_: As) -> None:
    surveyor = as_("village_surveyor")
    body = {"id": str(new_id()), "household_id": made.household(surveyor)["id"], **made.TOILET}
    assert surveyor.post(URL, json=body).status_code == 201
    assert surveyor.post(URL, json=body).status_code == 200
    other = surveyor.post(URL, json={**body, "mode": "bucket"})
    assert (other.status_code, other.json()["code"]) == (409, "id_taken")


def test_a_household_out_of_scope_gets_no_toilet(as_: As) -> None:
    home = made.household(as_("village_surveyor"))["id"]
    body = {"household_id": home, **made.TOILET}
    assert as_("village_surveyor_2").post(URL, json=body).status_code == 404
    assert as_("village_surveyor").post(URL, json={**body, "household_id": str(new_id())}).status_code == 404


def test_the_better_toilet_counts_and_the_other_says_so_in_its_history(as_: As) -> None:
    surveyor = as_("village_surveyor")
    home = made.household(surveyor)["id"]
    pit = made.toilet(surveyor, home, mode="open_pit")
    assert pit["counted"]
    good = made.toilet(surveyor, home, mode="double_urn")
    assert good["counted"]
    now = made.toilets_of(surveyor, home)
    assert (now[pit["id"]]["counted"], now[pit["id"]]["version"]) == (False, 2)
    last = surveyor.get(f"{URL}/{pit['id']}/history").json()["items"][-1]
    assert last["action"] == "toilet.recounted"
    assert (last["before"], last["after"]) == ({"counted": True}, {"counted": False})
    worse = surveyor.patch(f"{URL}/{good['id']}", json={"mode": "none"}, headers={"If-Match": '"1"'}).json()
    assert (worse["counted"], worse["version"], worse["grade"]) == (False, 2, "none")
    assert made.toilets_of(surveyor, home)[pit["id"]]["counted"]


def test_a_demolished_dwelling_counts_none(as_: As) -> None:
    surveyor = as_("village_surveyor")
    home = made.household(surveyor, toilets=[made.TOILET])
    at = f"/api/v1/households/{home['id']}"
    surveyor.patch(at, json={"dwelling_state": "demolished"}, headers={"If-Match": '"1"'})
    assert not any(one["counted"] for one in made.toilets_of(surveyor, home["id"]).values())
    surveyor.patch(at, json={"dwelling_state": "vacant"}, headers={"If-Match": '"2"'})
    assert all(one["counted"] for one in made.toilets_of(surveyor, home["id"]).values())


modes = st.sampled_from(sorted(rules.GRADE_OF_MODE))
some_toilets = st.lists(
    st.tuples(modes, st.none() | st.integers(2020, 2026), st.none() | st.integers(1, 12), st.booleans()), max_size=5
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=st.sampled_from(["occupied", "vacant", "demolished"]), given_toilets=some_toilets)
def test_the_database_counts_as_the_rule_does(
    database: Database, state: str, given_toilets: list[tuple[str, int | None, int | None, bool]]
) -> None:
    home = new_id()
    rows = [
        rules.CountedCandidate(new_id(), mode, year, month if year else None, removed)
        for mode, year, month, removed in given_toilets
    ]
    with database.transaction(EVERYWHERE) as session:
        run = session.connection().execute
        run(
            text(
                "insert into household (id, division_code, name_masked, identity_index, name_index, dwelling_state)"
                " values (:id, :code, '张*', uuid_send(:id), 'x', :state)"
            ),
            {"id": home, "code": made.VILLAGE, "state": state},
        )
        for row in rows:
            run(
                text(
                    "insert into toilet (id, household_id, division_code, mode, built_year, built_month, removed_at,"
                    " removed_reason) values (:id, :home, :code, :mode, :year, :month,"
                    " case when :removed then now() end, case when :removed then 'x' end)"
                ),
                {
                    "id": row.id, "home": home, "code": made.VILLAGE, "mode": row.mode, "year": row.built_year,
                    "month": row.built_month, "removed": row.removed,
                },
            )  # fmt: skip
        # By a select, as the importer does it, and once more by id, which changes nothing.
        counting.recount(session, "select id from household where id = :home", parameters={"home": home})
        first = _marks(session.connection(), home)
        counting.recount(session, [home])
        assert _marks(session.connection(), home) == first
        found = run(text("select mode, grade from toilet where household_id = :h"), {"h": home})
        grades = {row.mode: row.grade for row in found}
    expected = rules.counted_toilet(state, rows)
    assert {one for one, (counted, _) in first.items() if counted} == ({expected} if expected else set())
    assert all(rules.GRADE_OF_MODE[mode] == grade for mode, grade in grades.items())


def _marks(connection: object, home: UUID) -> dict[UUID, tuple[bool, int]]:
    rows = connection.execute(  # type: ignore[attr-defined]
        text("select id, counted, version from toilet where household_id = :h"), {"h": home}
    )
    return {row.id: (row.counted, row.version) for row in rows}
