"""A visit comes before its photos; they join it when they come, also piece by piece."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.exchange.sync.phone import Phone, item, new_visit, record
from tests.survey import made
from tests.survey.made import API, OTHER_VILLAGE, VILLAGE, ok
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.limits import PART_MEDIA
from toilet_api.survey.tables import Attachment

As = Callable[[str], TestClient]
Json = dict[str, Any]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    made.campaign(as_("county_admin"))
    return as_("village_surveyor")


def uploaded(client: TestClient, content: bytes) -> str:
    """The id of an upload that is whole."""
    body = {"file_name": "x.jpg", "size_bytes": len(content)}
    upload = str(ok(client.post(f"{API}/uploads", json=body), 201)["id"])
    for start, end in ((0, len(content) // 2), (len(content) // 2, len(content))):
        headers = {"Content-Type": PART_MEDIA, "Upload-Offset": str(start)}
        ok(client.patch(f"{API}/uploads/{upload}", content=content[start:end], headers=headers))
    return upload


def attach(client: TestClient, upload: str, **members: str) -> Any:
    """The answer to making an attachment of an upload."""
    body = {"kind": "photo", "division_code": VILLAGE, **members}
    return client.post(f"{API}/uploads/{upload}/attachment", json=body)


def test_photos_may_follow_their_visit(surveyor: TestClient, database: Database) -> None:
    phone = Phone(surveyor)
    home = made.home(surveyor)
    plain, found, signed, of_home = (str(new_id()) for _ in range(4))
    visit = new_visit(
        home["id"], home["toilets"][0]["id"], "blocked", photo_ids=[plain], surveyor_signature_ids=[signed]
    )
    visit["changes"]["findings"][0]["photo_ids"] = [found]
    record_id = visit["record_id"]
    visit["changes"]["household_signature_ids"] = [of_home]
    assert phone.states(visit) == ["applied"]
    (at_once,) = phone.send(item("visit", "submit", record_id))
    expected = {
        "/photo_ids/0": plain,
        "/findings/0/photo_ids/0": found,
        "/surveyor_signature_ids/0": signed,
        "/household_signature_ids/0": of_home,
    }
    assert {one["pointer"]: one["value"] for one in at_once["problem"]["errors"]} == expected
    assert {one["code"] for one in at_once["problem"]["errors"]} == {"attachment_expected"}
    ok(made.upload(surveyor, kind="signature", id=signed), 201)
    ok(made.upload(surveyor, kind="signature", id=of_home), 201)
    ok(made.upload(surveyor, id=plain), 201)
    (early,) = phone.send(item("visit", "submit", record_id))
    assert early["problem"]["code"] == "invalid"
    assert [(one["code"], one["value"]) for one in early["problem"]["errors"]] == [("attachment_expected", found)]
    upload = uploaded(surveyor, made.picture())
    assert ok(attach(surveyor, upload, id=found), 201)["id"] == found
    assert attach(surveyor, upload, id=found).status_code == 200
    assert phone.states(item("visit", "submit", record_id)) == ["applied"]
    with database.transaction(EVERYWHERE) as session:
        homes = {str(session.get_one(Attachment, one).household_id) for one in (plain, found, signed)}
        waiting = session.connection().exec_driver_sql("select count(*) from expected_attachment").scalar_one()
    assert (homes, waiting) == ({home["id"]}, 0)


def test_what_comes_otherwise_is_still_expected(as_: As, surveyor: TestClient) -> None:
    phone = Phone(surveyor)
    draft = made.visit(surveyor)
    photos = [str(new_id()) for _ in range(2)]
    assert phone.states(item("visit", "update", draft["id"], {"photo_ids": photos}, base=1)) == ["applied"]
    ok(made.upload(surveyor, kind="signature", id=photos[0]), 201)  # no photo
    ok(made.upload(as_("village_surveyor_2"), id=photos[1], village=OTHER_VILLAGE), 201)  # of elsewhere
    (refused,) = phone.send(item("visit", "submit", draft["id"]))
    told = {one["value"]: one["code"] for one in refused["problem"]["errors"]}
    assert told == {photos[0]: "attachment_kind", photos[1]: "attachment_expected"}
    assert phone.states(item("visit", "update", draft["id"], {"photo_ids": []}, base=2)) == ["applied"]
    assert phone.states(item("visit", "submit", draft["id"])) == ["applied"]


def test_the_single_route_takes_no_photo_that_is_not_there(surveyor: TestClient) -> None:
    body = made.visit_body(made.home(surveyor), None, photo_ids=[str(new_id())])
    answer = surveyor.post(f"{API}/visits", json=body)
    assert answer.json()["errors"][0]["code"] == "attachment_unknown"


def test_a_photo_in_parts_is_held_to_the_rules_of_a_photo(as_: As, surveyor: TestClient) -> None:
    begun = str(ok(surveyor.post(f"{API}/uploads", json={"file_name": "x", "size_bytes": 9}), 201)["id"])
    assert attach(surveyor, begun).json()["code"] == "upload_not_complete"
    text = uploaded(surveyor, b"no image at all")
    assert attach(surveyor, text).json()["code"] == "image_kind_refused"
    image = uploaded(surveyor, made.picture())
    assert attach(surveyor, image, division_code=OTHER_VILLAGE).json()["code"] == "out_of_scope"
    assert attach(as_("township_manager"), image).status_code == 404
    large = surveyor.post(f"{API}/uploads", json={"file_name": "x", "size_bytes": 10**9})
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert as_("auditor").post(f"{API}/uploads", json={"file_name": "x", "size_bytes": 9}).status_code == 403
    made_of_it = ok(attach(surveyor, image), 201)
    assert record(surveyor, "attachment", made_of_it["id"])["kind"] == "photo"
