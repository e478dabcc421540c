"""Each script of examples/, run as a stranger would, against a demonstration that is really served."""

import csv
import json
import re
import socket
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from tests.examples.conftest import API, EXAMPLES, Example, command, given, rows

SignedIn = Callable[[str], httpx.Client]
VILLAGE = "360423208202"
_OTHER = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBhbHRvZ2V0aGVy"
HEADING = "村,户主姓名,门牌号码,改厕方式,改厕年份\n"


def ledger(folder: Path, *lines: str) -> str:
    path = folder / "台账.csv"
    path.write_text(HEADING + "".join(f"安乐村,{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_each_is_short_is_named_in_the_readme_and_is_run_here() -> None:
    scripts = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh"))
    readme, tests = (EXAMPLES / "README.md").read_text(), Path(__file__).read_text()
    for name in scripts:
        assert len((EXAMPLES / name).read_text().splitlines()) <= 100, name
        assert f"[{name}]({name})" in readme
        assert f'"{name}"' in tests


def test_whatever_they_call_stands_in_the_document() -> None:
    document = json.loads((EXAMPLES.parent / "openapi" / "openapi.json").read_text())
    known = [re.compile(API + re.sub(r"\{[^}]+}", "[^/]+", path.removeprefix(API))) for path in document["paths"]]
    named = {
        (script.name, re.sub(r"\{[^}]+}|\$[A-Z]+", "one", path))
        for script in EXAMPLES.iterdir()
        if script.suffix in (".py", ".sh")
        for path in re.findall(r"""["' ](/(?!api/)[a-z-]+/?[^\s"'?]*)["'? ]""", script.read_text())
    }
    assert len(named) > 12
    assert not [one for one in named if not any(path.fullmatch(API + one[1]) for path in known)]


def test_a_townships_night_job(example: Example, tmp_path: Path) -> None:
    whole = ledger(tmp_path, "演示夜甲,夜1号,三格,2024", "演示夜乙,夜2号,双瓮,2025")
    first = example("nightly_upload.sh", whole, who="township_manager")
    assert first.returncode == 0, first.stderr
    assert "新增 created 2, 更新 updated 0, 无变化 unchanged 0, 拒绝 rejected 0" in first.stdout
    again = example("nightly_upload.sh", whole, who="township_manager")
    assert again.returncode == 0, again.stderr
    assert "created 2" in again.stdout, "the same file on the same day is the same upload"
    wrong = ledger(tmp_path, "演示夜甲,夜1号,三格,2024", "演示夜丙,夜3号,三格,1800")
    partly = example("nightly_upload.sh", wrong, who="township_manager")
    assert partly.returncode == 4, partly.stderr
    assert "unchanged 1, 拒绝 rejected 1" in partly.stdout
    assert zipfile.is_zipfile(f"{wrong}.errors.xlsx")


def test_a_townships_night_job_that_goes_wrong(example: Example, tmp_path: Path) -> None:
    (tmp_path / "无关.csv").write_text("这里,没有\n台账,的列\n", encoding="utf-8")
    refused = example("nightly_upload.sh", "无关.csv", who="township_manager")
    assert refused.returncode == 3, refused.stdout
    assert "request_id:" in refused.stderr
    stranger = example("nightly_upload.sh", "无关.csv", who="nobody")
    assert stranger.returncode == 5
    nowhere = example("nightly_upload.sh", "无关.csv", who="nobody", TOILET_URL="http://127.0.0.1:9", RETRIES="1")
    assert nowhere.returncode == 6


def test_a_clerks_weekly_figures(example: Example, tmp_path: Path, signed_in: SignedIn) -> None:
    told = example("weekly_figures.py", "周报.csv", who="county_admin")
    assert told.returncode == 0, told.stderr
    with (tmp_path / "周报.csv").open(encoding="utf-8-sig", newline="") as file:
        _, heading, *divisions, total = csv.reader(file)
    assert len(divisions) > 1
    known = len(rows(signed_in("county_admin"), "/problems"))
    found = heading.index("发现问题")
    assert int(total[found]) == known > 0
    assert sum(int(row[found]) for row in divisions) == known
    assert example("weekly_figures.py", who="nobody").returncode == 5


def test_a_problem_from_found_to_closed(example: Example, signed_in: SignedIn) -> None:
    told = example("main_job.py", VILLAGE, "演示全程", "全1号")
    assert told.returncode == 0, told.stderr
    steps = [line.partition(": ")[2] for line in told.stdout.splitlines()]
    assert steps[0] == "visits submit -> submitted"
    assert steps[-2:] == ["acceptances pass -> passed", "problems close -> closed"]
    (home,) = signed_in("village_surveyor").post("/households/search", json={"name": "演示全程"}).json()["items"]
    (closed,) = rows(signed_in("county_admin"), "/problems", household_id=home["id"])
    assert (closed["state"], closed["problem_type"]) == ("closed", "tank_cracked")


def test_what_a_dashboard_shows(example: Example, tmp_path: Path, signed_in: SignedIn) -> None:
    told = example("dashboard_data.py", "360423", "大屏.json", who="county_admin")
    assert told.returncode == 0, told.stderr
    data = json.loads((tmp_path / "大屏.json").read_text())
    county = signed_in("county_admin")
    found = data["figures"]["problems"]["found"]
    assert found == len(rows(county, "/problems")) == sum(cell["count"] for cell in data["cells"]) > 0
    for cell in data["cells"]:
        assert county.get(f"{cell['records']}&count=exact").json()["count"] == cell["count"]
    assert data["trend"][-1]["open_at_end"] == found - data["figures"]["problems"]["closed"]
    assert sum(point["properties"]["toilets"] for point in data["map"]["features"]) > 0


def test_a_provinces_copy_follows_the_ledger(example: Example, tmp_path: Path, signed_in: SignedIn) -> None:
    def copy() -> set[tuple[str, str, int]]:
        with sqlite3.connect(tmp_path / "ledger.sqlite") as kept:
            return set(kept.execute("select id, state, version from problem"))

    county = signed_in("county_admin")

    def live() -> set[tuple[str, str, int]]:
        return {(one["id"], one["state"], one["version"]) for one in rows(county, "/problems")}

    first = example("provincial_puller.py")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("snapshot: ")
    assert copy() == live()
    body = {"division_code": "360423208", "problem_type": "no_upkeep_mechanism", "description": "演示：省里要看到"}
    made = signed_in("township_manager").post("/problems", json=body).raise_for_status().json()
    again = example("provincial_puller.py")
    assert again.returncode == 0, again.stderr
    assert "snapshot" not in again.stdout
    assert made["id"] in {row[0] for row in copy()}
    assert copy() == live()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as kept:
        kept.execute("update position set cursor = 'no cursor at all'")
    damaged = example("provincial_puller.py")
    assert "bad_cursor" in damaged.stderr


def test_a_system_that_a_county_shares_with(example: Example, tmp_path: Path, signed_in: SignedIn) -> None:
    reasons = {
        "PURPOSE": "演示：整改月调度",
        "LEGAL_BASIS": "演示：三定规定",
        "UNTIL": f"{datetime.now(UTC) + timedelta(days=300):%F}",
    }

    def consume(dataset: str, fields: str) -> subprocess.CompletedProcess[str]:
        return example("data_consumer.py", dataset, "360423", fields, "共享.csv", **reasons)

    def table() -> list[dict[str, str]]:
        with (tmp_path / "共享.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    county = signed_in("county_admin")
    assert consume("divisions", "code,name").returncode == 0, "shared with everyone"
    assert len(table()) > 1
    for _ in range(2):
        waiting = consume("toilets", "id,village,mode")
        assert waiting.returncode == 2, waiting.stderr
    (asked,) = rows(county, "/dataset-requests", state="requested")
    assert asked["purpose"] == reasons["PURPOSE"]
    approved = county.post(f"/dataset-requests/{asked['id']}/approve", json={}).raise_for_status().json()
    told = consume("toilets", "id,village,mode")
    assert told.returncode == 0, told.stderr
    assert {row["id"] for row in table()} == {row["id"] for row in rows(county, "/toilets")}
    assert set(table()[0]) == {"id", "village", "mode"}
    pulled = rows(county, "/dataset-accesses", dataset="toilets", client_id="province_client")
    assert any(one["records"] == len(table()) for one in pulled), "the county sees it"
    body = {"reason": "演示：用途不符"}
    county.post(f"/dataset-grants/{approved['dataset_grant_id']}/revoke", json=body).raise_for_status()
    over = consume("toilets", "id,village,mode")
    assert over.returncode == 3
    assert body["reason"] in over.stderr
    assert consume("toilets", "id,no_such_field").returncode == 1
    more = consume("toilets", "id,mode")
    assert more.returncode == 2, "something else is another request"
    (other,) = rows(county, "/dataset-requests", state="requested")
    county.post(f"/dataset-requests/{other['id']}/refuse", json={"reason": "演示：不需要"}).raise_for_status()
    refused = consume("toilets", "id,mode")
    assert refused.returncode == 3
    assert "演示：不需要" in refused.stderr


def test_a_phone_without_signal(example: Example, tmp_path: Path, signed_in: SignedIn) -> None:
    def phone(*arguments: str, file: str = "phone.json") -> list[str]:
        told = example("mini_program.py", VILLAGE, file, *arguments, who="village_surveyor")
        assert told.returncode == 0, told.stderr
        return told.stdout.splitlines()

    phone("pull")
    phone("record", "演示手机甲", "手1号")
    outbox = json.loads((tmp_path / "phone.json").read_text())["outbox"]
    assert [item["op"] for item in outbox] == ["create", "create"]
    assert phone("sync")[:2] == ["household applied", "visit applied"]
    home = outbox[0]["record_id"]
    surveyor = signed_in("village_surveyor")
    assert surveyor.get(f"/households/{home}").json()["name_masked"]
    # Sent once more, as after a lost answer: nothing comes twice.
    kept = json.loads((tmp_path / "phone.json").read_text())
    (tmp_path / "phone.json").write_text(json.dumps({**kept, "outbox": outbox}))
    assert phone("sync")[:2] == ["household already_applied", "visit already_applied"]
    # Another phone changes the same member meanwhile.
    phone("pull", file="other.json")
    phone("change", home, "5", file="other.json")
    assert phone("sync", file="other.json")[0] == "household applied"
    phone("change", home, "6")
    assert phone("sync")[0] == "household conflict family_size"
    assert surveyor.get(f"/households/{home}").json()["family_size"] == 5
    assert rows(signed_in("township_manager"), "/sync-conflicts", state="open")


@pytest.fixture
def receiving(tmp_path: Path, address: str) -> Iterator[Callable[[str, int], str]]:
    """Starts the example with a secret on a port; where it listens."""
    started: list[subprocess.Popen[str]] = []

    def start(secret: str, port: int) -> str:
        process = subprocess.Popen(
            command("webhook_receiver.py", str(port), "events.jsonl"),
            cwd=tmp_path,
            env=given(address, "", WEBHOOK_SECRET=secret),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process.stdout.readline().split()[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def test_another_system_is_told(receiving: Callable[[str, int], str], signed_in: SignedIn, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    county = signed_in("county_admin")
    body = {"url": f"http://127.0.0.1:{port}/", "event_types": ["problem.*"], "division": "360423"}
    made = county.post("/webhooks", json=body).raise_for_status().json()
    where = receiving(made["secret"], port)
    work = {"division_code": "360423208", "problem_type": "no_upkeep_mechanism", "description": "演示：推送"}
    problem = signed_in("township_manager").post("/problems", json=work).raise_for_status().json()
    events = tmp_path / "events.jsonl"
    for _ in range(300):
        if events.exists() and problem["id"] in events.read_text():
            break
        time.sleep(0.05)
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert [one["data"]["id"] for one in told] == [problem["id"]]
    # What is unsigned, signed by somebody else, or of an hour ago, is none of ours; what comes twice counts once.
    genuine = Webhook(made["secret"])
    message = json.dumps({"type": "problem.updated", "data": {"id": problem["id"], "version": 9}})
    for secret, age, status in ((genuine, 0, 204), (genuine, 0, 204), (genuine, 3600, 401), (Webhook(_OTHER), 0, 401)):
        moment = datetime.now(UTC) - timedelta(seconds=age)
        signed = secret.sign("msg_1", moment, message)
        named = {"webhook-id": "msg_1", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signed}
        assert httpx.post(where, content=message, headers=named, trust_env=False).status_code == status
    assert httpx.post(where, content=message, trust_env=False).status_code == 401
    assert len(events.read_text().splitlines()) == 2
