"""A file comes whole and checked, or not at all."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from tests.client.fake import Act, Body, FakeServer, Fault, lost, refuse, unconnected
from toilet_api.client import ApiError, DamagedError, JobFailedError, Progress, UnreachableError

CONTENT = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def content(fake: FakeServer) -> None:
    fake.content = CONTENT


def broken_after(length: int) -> Fault:
    def act(request: httpx.Request, do: Act) -> httpx.Response:
        answer = do(request)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=Body(answer.stream.content[:length], breaks=True)
        )

    return act


def ranges(fake: FakeServer) -> list[str | None]:
    return [one.headers.get("range") for one in fake.requests if one.url.path.endswith("/file")]


def test_an_export_is_made_followed_and_fetched(fake: FakeServer, tmp_path: Path) -> None:
    steps: list[Progress] = []
    path = fake.client().download(
        "households", "csv", tmp_path, division="360423", filters={"mode": "bucket"}, personal="plain", bom=True,
        progress=steps.append,
    )  # fmt: skip
    assert path == tmp_path / "户厕.csv"
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    (export,) = fake.exports.values()
    assert export["filters"] == {"mode": "bucket"}
    assert (export["division"], export["personal"], export["bom"]) == ("360423", "plain", True)
    assert steps[-1] == Progress("receiving", len(CONTENT), len(CONTENT), "bytes")


def test_a_broken_line_is_taken_up_where_it_broke(fake: FakeServer, tmp_path: Path) -> None:
    fake.fault("GET /exports", *[lambda request, act: act(request)], broken_after(300_000), refuse(503), unconnected)
    fake.fault("GET /exports", broken_after(1), lost)
    path = fake.client(retries=3).download("households", "csv", tmp_path / "a.csv")
    assert path.read_bytes() == CONTENT
    assert ranges(fake) == [None, *["bytes=300000-"] * 3, *["bytes=300001-"] * 2]
    assert len(fake.exports) == 1


def test_bytes_of_another_file_are_not_put_together(fake: FakeServer, tmp_path: Path) -> None:
    def replaced(request: httpx.Request, act: Act) -> httpx.Response:
        fake.etag = '"two"'
        return act(request)

    fake.fault("GET /exports", lambda request, act: act(request), broken_after(5000), replaced)
    assert fake.client().download("households", "csv", tmp_path / "a.csv").read_bytes() == CONTENT


def test_without_a_strong_tag_a_broken_file_begins_anew(fake: FakeServer, tmp_path: Path) -> None:
    fake.etag = 'W/"weak"'
    fake.fault("GET /exports", lambda request, act: act(request), broken_after(5000))
    assert fake.client().download("households", "csv", tmp_path / "a.csv").read_bytes() == CONTENT
    assert ranges(fake) == [None, None]


def test_what_is_not_of_the_checksum_is_fetched_again_and_then_refused(fake: FakeServer, tmp_path: Path) -> None:
    flipped = b"?" + CONTENT[1:]

    def changed(request: httpx.Request, act: Act) -> httpx.Response:
        return httpx.Response(200, stream=Body(flipped), headers={"etag": '"one"'})

    fake.fault("GET /exports", lambda request, act: act(request), changed)
    assert fake.client().download("households", "csv", tmp_path / "a.csv").read_bytes() == CONTENT
    fake.fault("GET /exports", lambda request, act: act(request), changed, changed)
    with pytest.raises(DamagedError):
        fake.client().download("households", "csv", tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()
    assert not (tmp_path / "b.csv.part").exists()


def broken_off(fake: FakeServer, to: Path) -> None:
    fake.fault("GET /exports", lambda request, act: act(request), broken_after(300_000))
    with pytest.raises(UnreachableError):
        fake.client(retries=0).download("households", "csv", to)


def test_a_later_run_goes_on_where_it_is_asked_to(fake: FakeServer, tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    broken_off(fake, to)
    assert (tmp_path / "a.csv.part").stat().st_size == 300_000
    assert fake.client().download("households", "csv", to, resume=True).read_bytes() == CONTENT
    assert ranges(fake) == [None, "bytes=300000-"]
    assert len(fake.exports) == 1
    assert list(tmp_path.iterdir()) == [to]


def test_other_words_or_no_wish_to_go_on_make_a_new_export(fake: FakeServer, tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    for options in ({"resume": True, "division": "360423"}, {}):
        broken_off(fake, to)
        told: list[str] = []
        fake.client(notice=told.append).download("households", "csv", to, **options)
        assert to.read_bytes() == CONTENT
        assert bool(told) == ("resume" in options)
    assert ranges(fake) == [None] * 4
    assert len(fake.exports) == 4


def test_an_export_that_has_gone_is_made_again(fake: FakeServer, tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    broken_off(fake, to)
    fake.fault("GET /exports", lambda request, act: act(request), refuse(410, "export_expired"))
    assert fake.client().download("households", "csv", to, resume=True).read_bytes() == CONTENT
    assert len(fake.exports) == 2


def test_a_killed_run_that_had_all_of_it(fake: FakeServer, tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    broken_off(fake, to)
    (tmp_path / "a.csv.part").write_bytes(CONTENT)
    fake.client().download("households", "csv", to, resume=True)
    assert to.read_bytes() == CONTENT
    assert len(ranges(fake)) == 1


def test_an_export_that_fails(fake: FakeServer, tmp_path: Path) -> None:
    fake.export_outcome = {"state": "failed", "problem": {"code": "export_interrupted", "title": "中断"}}
    with pytest.raises(JobFailedError, match="中断"):
        fake.client().download("households", "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []
    fake.fault("POST /exports", refuse(403, "forbidden"))
    with pytest.raises(ApiError, match="forbidden"):
        fake.client().download("households", "csv", tmp_path)


@pytest.mark.parametrize(
    ("proposed", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "households.csv"),
        (None, "households.csv"),
    ],
)
def test_the_proposed_name_leads_nowhere_else(
    fake: FakeServer, tmp_path: Path, proposed: str | None, name: str
) -> None:
    fake.export_outcome |= {"file_name": proposed}
    assert fake.client().download("households", "csv", tmp_path) == tmp_path / name


def test_the_export_has_an_id_of_ours(fake: FakeServer, tmp_path: Path) -> None:
    fake.fault("POST /exports", lost)
    fake.client().download("households", "csv", tmp_path)
    first, second = (json.loads(one.content) for one in fake.requests if one.url.path.endswith("/exports"))
    assert first == second
    assert first["id"][14] == "7"
    assert hashlib.sha256((tmp_path / "户厕.csv").read_bytes()).hexdigest() == fake.exports[first["id"]]["sha256"]
