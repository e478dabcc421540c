"""The main job, through a client generated from the document: `main.py ADDRESS PASSWORD`."""

import base64
import io
import sys
import time
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from toilet_api_client import AuthenticatedClient, Client
from toilet_api_client.api.auth import create_token
from toilet_api_client.api.exchange import create_import, get_changes, get_import, list_import_rows
from toilet_api_client.api.registry import create_household, get_household
from toilet_api_client.api.survey import create_attachment, create_visit, list_problems, submit_visit
from toilet_api_client.models.body_create_attachment import BodyCreateAttachment
from toilet_api_client.models.body_create_import import BodyCreateImport
from toilet_api_client.models.body_create_token import BodyCreateToken
from toilet_api_client.models.finding_in import FindingIn
from toilet_api_client.models.household_create import HouseholdCreate
from toilet_api_client.models.person_input import PersonInput
from toilet_api_client.models.problem import Problem
from toilet_api_client.models.toilet_input import ToiletInput
from toilet_api_client.models.visit_new import VisitNew
from toilet_api_client.types import UNSET, File, Unset

VILLAGE = "360423208202"
LEDGER = """村,户主姓名,门牌号码,改厕方式,改厕年份
安乐村,演示蟒蛇甲,P1号,三格,2024
安乐村,演示蟒蛇乙,P2号,双瓮,2025
安乐村,演示蟒蛇丙,P3号,三格,1800
"""
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
)
Answer = TypeVar("Answer")


def got(answer: Answer | Problem | None) -> Answer:
    """What was answered; a refusal is told as a person would want to read it."""
    if answer is None or isinstance(answer, Problem):
        raise SystemExit(f"{answer and (answer.code, answer.detail, answer.remedy)}")
    return answer


def signed_in(address: str, username: str, password: str) -> AuthenticatedClient:
    """A client with a token."""
    form = BodyCreateToken(grant_type="password", username=username, password=password)
    token = got(create_token.sync(client=Client(base_url=address), body=form))
    print(f"signed in: {username}")
    return AuthenticatedClient(base_url=address, token=token.access_token)


def upload(township: AuthenticatedClient) -> None:
    """A ledger with a row that can't be taken."""
    body = BodyCreateImport(file=File(io.BytesIO(LEDGER.encode()), "ledger.csv"), dry_run=False, on_conflict="fail")
    job = got(create_import.sync(client=township, body=body))
    while job.state in ("queued", "running"):
        time.sleep(0.2)
        job = got(get_import.sync(job.id, client=township))
    print(f"uploaded: {job.state}, {job.counts.created} created, {job.counts.rejected} rejected")
    for row in got(list_import_rows.sync(job.id, client=township, outcome="rejected")).items:
        print(f"rejected: row {row.row}, {row.errors[0].reason}")


def survey(surveyor: AuthenticatedClient) -> UUID:
    """A household under an id of our own, a visit that finds a problem."""
    own = uuid4()
    body = HouseholdCreate(
        id=own,
        division_code=VILLAGE,
        person=PersonInput(name="演示蟒蛇丁", address="P4号"),
        toilets=[ToiletInput(mode="three_compartment", built_year=2024)],
    )
    household = got(create_household.sync(client=surveyor, body=body))
    again = create_household.sync_detailed(client=surveyor, body=body)
    once = again.status_code == 200 and got(again.parsed).id == household.id == own
    print(f"household: {'under an id of our own, once' if once else 'wrong'}")
    picture = BodyCreateAttachment(file=File(io.BytesIO(PNG), "s.png"), kind="signature", division_code=VILLAGE)
    signature = got(create_attachment.sync(client=surveyor, body=picture))
    made = VisitNew(
        household_id=own,
        toilet_id=household.toilets[0].id,
        method="ask_and_look",
        presence="at_home",
        usability="not_usable",
        visited_at=datetime.now().astimezone(),
        surveyor_signature_ids=[signature.id],
        findings=[FindingIn(problem_type="tank_cracked", note="第二池开裂")],
    )
    visit = got(create_visit.sync(client=surveyor, body=made))
    submitted = got(submit_visit.sync(visit.id, client=surveyor))
    print(f"visit: {submitted.state}, {submitted.findings[0].problem_type}")
    return own


def walk(client: AuthenticatedClient) -> None:
    """The problem ledger, page by page."""
    seen, pages, cursor = list[UUID](), 0, None
    while pages == 0 or cursor:
        page = got(list_problems.sync(client=client, limit=3, cursor=cursor or UNSET))
        seen += [problem.id for problem in page.items]
        pages, cursor = pages + 1, page.next_cursor
    whole = len(seen) > 3 and len(set(seen)) == len(seen) and pages == -(-len(seen) // 3)
    print(f"ledger: {'walked, nothing twice' if whole else 'wrong'}")


def changes(client: AuthenticatedClient, household: UUID) -> None:
    """What became of the household, out of the change feed."""
    cursor: str | Unset = UNSET
    operations = list[str]()
    while True:
        page = got(get_changes.sync(client=client, since=cursor, types="household", limit=1000))
        operations += [one.op for one in page.items if one.id == household]
        cursor = page.next_cursor
        if not page.more:
            break
    print(f"changes: {', '.join(operations)}")


def refused(client: AuthenticatedClient) -> None:
    """What isn't there."""
    answer = get_household.sync_detailed(uuid4(), client=client)
    assert isinstance(answer.parsed, Problem)
    print(f"refused: {answer.status_code} {answer.parsed.code}, {'with a remedy' if answer.parsed.remedy else 'bare'}")


def main(address: str, password: str) -> None:
    """Each step of it."""
    township = signed_in(address, "township_manager", password)
    upload(township)
    surveyor = signed_in(address, "village_surveyor", password)
    household = survey(surveyor)
    walk(township)
    changes(township, household)
    refused(surveyor)


main(*sys.argv[1:])
