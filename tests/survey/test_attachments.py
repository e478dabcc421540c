"""Photos and signatures over HTTP: kept byte by byte under their hash, found by who may, and used where they belong."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.survey import made
from tests.survey.made import API, ok
from tests.survey.test_images import exif
from toilet_api.kernel.fields import new_id

As = Callable[[str], TestClient]


@pytest.fixture
def surveyor(as_: As) -> TestClient:
    return as_("village_surveyor")


def test_the_bytes_are_kept_with_the_exif_that_proves_place_and_time(surveyor: TestClient) -> None:
    photo = made.picture("JPEG", exif())
    shown = ok(made.upload(surveyor, photo), 201)
    assert shown["sha256"] == hashlib.sha256(photo).hexdigest()
    assert (shown["media_type"], shown["size_bytes"]) == ("image/jpeg", len(photo))
    assert made.moment(shown["captured_at"]) == made.moment("2026-06-30T09:30:00+08:00")
    assert shown["gps"] == {"longitude": 115.1, "latitude": 29.26, "system": "wgs84"}
    assert shown["captured_zone_stated"]
    answer = surveyor.get(shown["content_url"])
    assert answer.content == photo
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == f'attachment; filename="{shown["id"]}.jpg"'
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = surveyor.get(shown["content_url"], headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ok(surveyor.get(f"{API}/attachments/{shown['id']}")) == shown


def test_the_same_bytes_are_stored_once(surveyor: TestClient, app: FastAPI) -> None:
    photo = made.picture()
    first, second = (ok(made.upload(surveyor, photo), 201) for _ in range(2))
    assert first["id"] != second["id"]
    assert first["sha256"] == second["sha256"]
    stored = [one for one in (app.state.settings.data_dir / "objects").rglob("*") if one.is_file()]
    assert [one.name for one in stored] == [first["sha256"]]


def test_the_same_id_again_is_the_same_attachment(surveyor: TestClient) -> None:
    photo, name = made.picture(), str(new_id())
    assert made.upload(surveyor, photo, id=name).status_code == 201
    assert made.upload(surveyor, photo, id=name).status_code == 200
    for other in (made.upload(surveyor, made.picture(), id=name), made.upload(surveyor, photo, "signature", id=name)):
        assert (other.status_code, other.json()["code"]) == (409, "id_taken")


def test_what_is_no_image_is_refused_and_leaves_nothing(surveyor: TestClient, app: FastAPI) -> None:
    for data, status, code in (
        (b"MZ\x90\x00 no image", 415, "image_kind_refused"),
        (made.picture("JPEG") + b"<script>", 415, "image_kind_refused"),
        (made.picture("JPEG")[:-200], 422, "image_damaged"),
        (b"", 415, "image_kind_refused"),
    ):
        answer = made.upload(surveyor, data)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert not [one for one in (app.state.settings.data_dir / "objects").rglob("*") if one.is_file()]


def test_a_photo_larger_than_allowed_is_413(surveyor: TestClient, app: FastAPI) -> None:
    app.state.settings = app.state.settings.model_copy(update={"photo_max_bytes": 20_000})
    for size in ((200, 150), (900, 700)):  # the one passes the frame of the request, the other doesn't
        answer = made.upload(surveyor, made.picture(size=size))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert made.upload(surveyor, made.picture(size=(32, 24))).status_code == 201


def test_an_attachment_lies_somewhere(surveyor: TestClient, as_: As) -> None:
    assert made.upload(surveyor, village=made.OTHER_VILLAGE).json()["code"] == "out_of_scope"
    assert made.upload(surveyor, village="360423208999").json()["code"] in ("unknown_division", "out_of_scope")
    assert made.upload(as_("auditor")).status_code == 403
    shown = ok(made.upload(surveyor), 201)
    for role, status in (("village_surveyor_2", 404), ("township_manager_2", 404), ("county_reviewer", 200)):
        assert as_(role).get(f"{API}/attachments/{shown['id']}").status_code == status
        assert as_(role).get(shown["content_url"]).status_code == status


@pytest.mark.parametrize("name", ["photo_ids", "surveyor_signature_ids", "household_signature_ids"])
def test_a_visit_refers_only_to_what_is_of_its_kind_and_place(surveyor: TestClient, as_: As, name: str) -> None:
    body: dict[str, Any] = made.visit_body(made.home(surveyor))
    right, wrong = ("photo", "signature") if name == "photo_ids" else ("signature", "photo")
    of_other_kind = ok(made.upload(surveyor, kind=wrong), 201)["id"]
    elsewhere = ok(made.upload(as_("village_surveyor_2"), kind=right, village=made.OTHER_VILLAGE), 201)["id"]
    for given, code in ((of_other_kind, "attachment_kind"), (elsewhere, "attachment_unknown")):
        answer = surveyor.post(f"{API}/visits", json={**body, name: [given]})
        assert answer.status_code == 422
        fault = answer.json()["errors"][0]
        assert (fault["pointer"], fault["code"]) == (f"/{name}/0", code)
    good = ok(made.upload(surveyor, kind=right), 201)["id"]
    assert ok(surveyor.post(f"{API}/visits", json={**body, name: [good]}), 201)[name] == [good]


def test_a_finding_carries_its_photos_into_the_ledger(surveyor: TestClient, as_: As) -> None:
    made.campaign(as_("county_admin"))
    photo = ok(made.upload(surveyor), 201)["id"]
    signed = made.signature(surveyor)
    body = made.visit_body(made.home(surveyor), signed, "tank_cracked")
    wrong = {**body, "findings": [{"problem_type": "tank_cracked", "photo_ids": [signed]}]}
    refused = surveyor.post(f"{API}/visits", json=wrong)
    assert refused.json()["errors"][0]["pointer"] == "/findings/0/photo_ids/0"
    body["findings"] = [{"problem_type": "tank_cracked", "photo_ids": [photo], "note": "裂缝"}]
    draft = ok(surveyor.post(f"{API}/visits", json=body), 201)
    made.step(surveyor, draft, "submit")
    found = made.problems(surveyor)[0]
    assert (found["photo_ids"], found["description"]) == ([photo], "裂缝")
