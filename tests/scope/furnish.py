"""Fills a database once: in each place one record of every kind, made through the API by people who may."""

import io
from datetime import UTC, datetime
from typing import Any

from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import text
from sqlmodel import Session, select

from tests.registry import made as registry
from tests.scope.furnish_rectification import AT_ONCE
from tests.scope.places import ANYWHERE, BELOW_CITY, CITIES, COUNTIES, PROVINCES, TOWNSHIPS, VILLAGES
from tests.scope.probe import ENTERING, Furniture, inside
from tests.survey import made as survey
from tests.survey.made import API, ok
from tests.world import PASSWORD
from toilet_api.accounts.people import create_client, create_person
from toilet_api.accounts.schemas import TrainingCreate
from toilet_api.accounts.tables import Principal, PrincipalGrant
from toilet_api.accounts.training import add_training
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.settings import Settings

KEEPERS = ("keeper", "second_keeper")
"""Administrators of every county at once: who made everything, and who verified it."""
CHECKER = "checker"
"""A reviewer of every county, who signed nothing of it."""
TWO_HATS = "wears_several_hats"
HATS = {"village_surveyor": "360423208202", "county_reviewer": "360424", "auditor": "3601"}
"""Someone with several grants: what he may do in one place, he may not in the others."""
ROLE_AT = {
    2: "province_inspector",
    4: "city_inspector",
    6: "county_admin",
    9: "township_manager",
    12: "village_surveyor",
}
"""Whose account stands at a place, by the length of its code."""
ACCOUNT_STATES = ("active", "locked", "removed", "idle")
"""`idle`: without any grant."""
COURSE = TrainingCreate(
    held_on=datetime(2026, 5, 18, tzinfo=UTC).date(), course="摸排培训", trainer="县卫健委", hours=4
)
NAME = "赵六"
"""The head of household in every village, for searches."""
_TABLES = {
    "household": "household",
    "toilet": "toilet",
    "campaign": "campaign",
    "problem_type": "problem_type",
    "visit": "visit",
    "problem": "problem",
    "plan": "plan",
    "task": "task",
    "postponement": "postponement",
    "checklist": "checklist",
    "acceptance": "acceptance",
    "close_out": "close_out",
    "sample": "sample",
    "falsification": "falsification",
    "report": "report",
    "published formula": "assessment_formula where state = 'published'",
    "published assessment": "assessment where state = 'published'",
    "live problem": "problem where state <> 'dismissed'",
    "call_in": "call_in",
    "import": "import_job",
    "sync conflict": "sync_conflict",
    "import synonym": "import_synonym",
    "data request": "dataset_request",
    "data grant": "dataset_grant",
    "dataset access": "dataset_access",
    "user": "principal where kind = 'person'",
    "client": "principal where kind = 'client'",
}


def accounts(database: Database, settings: Settings, furniture: Furniture) -> None:
    """Accounts of every level and state, the keepers, and the training of whoever surveys."""
    with database.transaction(EVERYWHERE) as session:
        for name in KEEPERS:
            keeper = _person(session, settings, name, [("county_admin", code) for code in COUNTIES])
            add_training(session, keeper.id, COURSE)
        _person(session, settings, CHECKER, [("county_reviewer", code) for code in COUNTIES])
        for row in session.connection().execute(text("select username, id from principal")):
            furniture.people[row.username] = str(row.id)
        add_training(session, session.get_one(Principal, furniture.people["county_admin"]).id, COURSE)
        _person(session, settings, TWO_HATS, list(HATS.items()))
        for place in ANYWHERE:
            for state in ACCOUNT_STATES:
                person = _person(session, settings, f"{state}_{place}", [(ROLE_AT[len(place)], place)])
                _put(session, furniture, f"{state} user", place, person, state)
                if state == "active":
                    training = add_training(session, person.id, COURSE)
                    furniture.put("training", place, training.id, person.id)
        for place in (*COUNTIES, *CITIES, *PROVINCES):
            for state in ACCOUNT_STATES:
                system, _ = create_client(
                    session, settings, client_id=f"s_{state}_{place}", display_name="平台", division_codes=[place]
                )
                _put(session, furniture, f"{state} client", place, system, state)


def _person(session: Session, settings: Settings, name: str, grants: list[tuple[str, str]]) -> Principal:
    return create_person(
        session,
        settings,
        username=name,
        display_name=name,
        password=PASSWORD,
        grants=grants,
        must_change_password=False,
        check_password=False,
    )


def _put(session: Session, furniture: Furniture, kind: str, place: str, principal: Principal, state: str) -> None:
    now = datetime.now(UTC)
    held = session.exec(select(PrincipalGrant).where(PrincipalGrant.principal_id == principal.id)).one()
    furniture.put(kind, place, principal.id)
    furniture.put(f"grant of {kind}", place, held.id, principal.id)
    if state == "locked":
        principal.locked_at, principal.locked_reason = now, "测试"
    elif state == "removed":
        principal.removed_at, principal.removed_reason = now, "测试"
    elif state == "idle":
        held.removed_at, held.removed_reason = now, "测试"
    session.add_all([principal, held])
    session.flush()


def records(clients: dict[str, TestClient], furniture: Furniture) -> None:
    """Everything else: counties first, then townships and villages, then what belongs to one caller alone."""
    keeper, second = (clients[name] for name in KEEPERS)
    for place in COUNTIES:
        _county(keeper, furniture, place)
    for place in BELOW_CITY:
        photo = ok(survey.upload(keeper, picture(), village=place), 201)
        furniture.put("attachment", place, photo["id"])
    for place in TOWNSHIPS:
        furniture.put("problem", place, _work_problem(keeper, place)["id"])
    for place in VILLAGES:
        _village(keeper, second, furniture, place)
    for role in sorted(ENTERING):
        for place in (one for one in VILLAGES if inside(role, one)):
            _own(clients[role], furniture, role, place)


def _county(keeper: TestClient, furniture: Furniture, place: str) -> None:
    for state in ("closed", "open", "planned"):
        made = survey.campaign(
            keeper,
            is_open=state != "planned",
            division_code=place,
            verification_levels=[],
            at_once_causes=AT_ONCE,
        )
        if state == "closed":
            ok(keeper.post(f"{API}/campaigns/{made['id']}/close"))
        furniture.put(f"{state} campaign", place, made["id"])
    furniture.put("problem type", place, ok(keeper.post(f"{API}/problem-types", json=problem_type(place)), 201)["id"])


def problem_type(county: str, code: str = "local_type") -> dict[str, Any]:
    """The body of a county's own problem type."""
    return {
        "division_code": county,
        "code": code,
        "zh": "本县自定问题",
        "en": "A type of the county's own",
        "problem_class": "toilet",
        "problem_group": "management",
        "cause": "management",
    }


def _work_problem(keeper: TestClient, place: str) -> dict[str, Any]:
    body = {"division_code": place, "problem_type": "no_upkeep_mechanism", "description": "管护未落实"}
    shown: dict[str, Any] = ok(keeper.post(f"{API}/problems", json=body), 201)
    return shown


def _village(keeper: TestClient, second: TestClient, furniture: Furniture, place: str) -> None:
    person = {"person": {"name": NAME}}
    home = registry.household(keeper, division_code=place, toilets=[registry.TOILET], **person)
    furniture.put("household", place, home["id"])
    furniture.put("toilet", place, home["toilets"][0]["id"], home["id"])
    gone = registry.household(keeper, division_code=place, toilets=[registry.TOILET], **person)
    ok(keeper.post(f"{API}/households/{gone['id']}/remove", json={"reason": "重复登记"}))
    furniture.put("removed household", place, gone["id"])
    second_toilet = registry.toilet(keeper, home["id"])
    ok(keeper.post(f"{API}/toilets/{second_toilet['id']}/remove", json={"reason": "已拆除"}))
    furniture.put("removed toilet", place, second_toilet["id"], home["id"])

    signed = ok(survey.upload(keeper, picture(), kind="signature", village=place), 201)["id"]

    def visit(*types: str) -> dict[str, Any]:
        body = survey.visit_body(home, signed, *types)
        shown: dict[str, Any] = ok(keeper.post(f"{API}/visits", json=body), 201)
        return shown

    draft = visit()["id"]
    for kind in ("draft", "own draft"):
        furniture.put(kind, place, draft)
    found = survey.step(keeper, visit("tank_cracked", "blocked"), "submit")
    furniture.put("submitted visit", place, found["id"])
    live, dismissed = (finding["problem_id"] for finding in found["findings"])
    furniture.put("problem", place, live)
    ok(keeper.post(f"{API}/problems/{dismissed}/dismiss", json={"reason": "误登"}))
    furniture.put("dismissed problem", place, dismissed)
    verified = survey.step(keeper, visit(), "submit")
    survey.step(second, verified, "verify", level="township")
    furniture.put("verified visit", place, verified["id"])


def _own(client: TestClient, furniture: Furniture, role: str, place: str) -> None:
    """What only its maker may change or refer to: a signed draft."""
    signed = ok(survey.upload(client, picture(), kind="signature", village=place), 201)["id"]
    furniture.put(f"signature of {role}", place, signed)
    household = furniture.at("household", place).id
    body = survey.visit_body({"id": household, "toilets": [{"id": furniture.at("toilet", place).id}]}, signed)
    furniture.put(f"own draft of {role}", place, ok(client.post(f"{API}/visits", json=body), 201)["id"])


def picture() -> bytes:
    """A small image."""
    out = io.BytesIO()
    Image.new("RGB", (24, 16), "navy").save(out, "PNG")
    return out.getvalue()


def look(database: Database, furniture: Furniture) -> None:
    """Note what really stands where, read by the owner of the tables, whom no policy holds."""
    with database.engine.connect() as connection:
        connection.execute(text(f"set search_path to {database.settings.database_schema}"))
        for name, table in _TABLES.items():
            rows = connection.execute(text(f"select id::text, division_code from {table}"))
            furniture.rows[name] = {row.id: row.division_code for row in rows}
    furniture.put("common type", "36", next(one for one, code in furniture.rows["problem_type"].items() if not code))
