"""Imports, uploads, headings and exports of the served county: each once ended, and once on its way."""

from typing import Any

import httpx
from fastapi import FastAPI

from tests.exchange.sync.phone import item
from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import API, ok
from tests.world import COUNTY
from toilet_api.kernel import jobs
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.limits import PART_MEDIA


def furnish(app: FastAPI, admin: httpx.Client) -> dict[str, list[str]]:
    """The ids by the name of the path parameter; what has ended comes first."""
    content = ledger()
    begun, done = (ok(admin.post(f"{API}/uploads", json=upload(len(content))), 201)["id"] for _ in range(2))
    headers = {"Content-Type": PART_MEDIA, "Upload-Offset": "0"}
    assert ok(admin.patch(f"{API}/uploads/{done}", content=content, headers=headers))["state"] == "complete"
    picture = survey.picture()
    pictured = ok(admin.post(f"{API}/uploads", json=upload(len(picture))), 201)["id"]
    assert ok(admin.patch(f"{API}/uploads/{pictured}", content=picture, headers=headers))["state"] == "complete"
    ended = _asked(admin, "users")
    jobs.run_worker(app.state.settings, wait=False, database=app.state.database)
    assert ok(admin.get(f"{API}/exports/{ended['export_id']}"))["state"] == "succeeded"
    waiting = _asked(admin, "divisions")  # another, so that the stored file doesn't answer it
    word = ok(admin.post(f"{API}/import-synonyms", json=synonym()), 201)
    answer = ok(admin.post(f"{API}/sync", json=batch(*(registry.body(division_code="110101001001") for _ in "ab"))))
    kept = [one["conflict_id"] for one in answer["results"]]
    ok(admin.post(f"{API}/sync-conflicts/{kept[1]}/resolve", json={"decision": "keep_server"}))
    return {
        "conflict_id": kept,
        "upload_id": [done, begun, pictured],
        "synonym_id": [word["id"]],
        **{name: [ended[name], waiting[name]] for name in ended},
    }


def _asked(admin: httpx.Client, dataset: str) -> dict[str, str]:
    imported = ok(admin.post(f"{API}/imports?dry_run=true", files={"file": ("ledger.csv", ledger())}), 202)
    exported = ok(admin.post(f"{API}/exports", json=export(dataset)), 202)
    return {"job_id": imported["id"], "export_id": exported["id"]}


def batch(*bodies: dict[str, Any]) -> dict[str, Any]:
    """What a device sends that has registered households."""
    items = [item("household", "create", str(new_id()), body) for body in bodies]
    return {"device_id": str(new_id()), "device_time": now().isoformat(), "items": items}


def ledger() -> bytes:
    """A file to upload: a row to take, and one to reject."""
    lines = f"安乐村,张三丰,{registry.id_number()},三格,2024\n安乐村,李四光,360423195001011234,三格,2024\n"
    return f"村,户主姓名,身份证号码,改厕方式,改厕年份\n{lines}".encode()


def upload(size: int = 1000) -> dict[str, Any]:
    """The body of a resumable upload."""
    return {"file_name": "台账.csv", "size_bytes": size}


def synonym(heading: str = "当家人") -> dict[str, Any]:
    """The body of a heading of the county's own."""
    return {"division_code": COUNTY, "heading": heading, "field": "name"}


def export(dataset: str = "households") -> dict[str, Any]:
    """The body of an export."""
    return {"dataset": dataset, "format": "ndjson"}


def bodies() -> dict[str, dict[str, Any]]:
    """What each creating POST of this room is sent: path -> arguments."""
    return {
        "/imports": {"params": {"dry_run": "true"}, "files": {"file": ("a.csv", ledger())}},
        "/uploads": {"json": upload()},
        "/import-synonyms": {"json": synonym("当家人姓名")},
        "/uploads/{upload_id}/attachment": {"json": {"kind": "photo", "division_code": COUNTY}},
        "/exports": {"json": export()},
    }
