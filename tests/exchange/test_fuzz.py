"""Damaged files through the readers: each is refused by a problem, or read; nothing else, in bounded time and memory.

FUZZ_EXAMPLES: how many files of each sort (default 40, broad 200; of workbooks, each of which takes a
process, a tenth).
"""

import io
import random
import resource
import signal
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.breadth import tries
from tests.exchange import generator
from tests.exchange.kinds import As, Drain
from tests.exchange.ledger_files import as_csv, as_xls, as_xlsx
from tests.exchange.other_files import HEADER, ROWS, as_ndjson, as_ods, as_parquet, parquet_of_every_type
from tests.exchange.pure import places
from tests.exchange.upload import follow
from toilet_api.exchange.ledgers import reading
from toilet_api.exchange.records import planning
from toilet_api.exchange.records.columns import KINDS
from toilet_api.exchange.records.header import Words
from toilet_api.exchange.records.problem_types import Catalogue
from toilet_api.exchange.records.rows import RecordReader
from toilet_api.kernel.errors import Problem
from toilet_api.survey.catalogue_seed import SEED

EXAMPLES = tries("FUZZ_EXAMPLES", 40, 200)
BOOKS = max(6, EXAMPLES // 10)
SECONDS = 60
"""A file that takes longer than this hangs: the readers' own bound is 90 s, for a workbook of a million rows."""
GROWTH_KIB = 300_000
TODAY = date(2026, 7, 1)
SAMPLES = Path(__file__).parents[1] / "data" / "ledgers"
CATALOGUE = Catalogue(
    {one.zh: frozenset({one.code}) for one in SEED} | {one.code: frozenset({one.code}) for one in SEED},
    {one.code: one.zh for one in SEED},
)
VISITS = (
    "编号,村,户主姓名,摸排日期,摸排方式,是否在家,使用情况,问题,备注,提交\r\n"
    ",安乐村,张三丰,2026-06-30,询问并查看,在家,不能使用,池体渗漏：左侧；管道破裂,,是\r\n"
    ",丰年村,李四光,2026年6月1日 9:30,实地查看,不在家,闲置,无,=注,\r\n"
).encode()
PEOPLE = '{"username": "a_1", "display_name": "甲", "roles": ["village_surveyor"], "grant_divisions": "360423208202"}\n'


def trying(count: int) -> settings:
    """So many files, each as long as it takes."""
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@contextmanager
def in_time() -> Iterator[None]:
    def hung(*_: object) -> None:
        raise AssertionError(f"reading takes more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(content: bytes, *kinds: str) -> set[str]:
    """The codes of the problems, or `read`, by which a file is answered as a ledger and as `kinds`."""
    found: set[str] = set()
    with tempfile.NamedTemporaryFile() as file, in_time():
        file.write(content)
        file.flush()
        try:
            ledger = reading.open_ledger(Path(file.name), 5_000)
        except Problem as problem:
            return {problem.type.code}
        for read in (_as_households, *(_as_records(kind) for kind in kinds)):
            try:
                read(ledger)
            except Problem as problem:
                found.add(problem.type.code)
            else:
                found.add("read")
    return found


def _as_households(ledger: Any) -> None:
    known = places()
    plan = reading.plan(ledger, {}, known)
    for row in reading.judged_rows(plan, known, TODAY):
        assert row.findings.faults or row.person


def _as_records(kind: str) -> Callable[[Any], None]:
    def read(ledger: Any) -> None:
        plan = planning.plan(ledger, Words(kind, {}, {}, CATALOGUE.ticks() if kind == "visits" else {}))
        for planned, number, cells in plan.records():
            row = RecordReader(kind, planned, CATALOGUE, TODAY).read(number, cells)
            assert row.number == number

    return read


def _books() -> list[bytes]:
    made = generator.make("360423208", 8, seed=4)
    return [(SAMPLES / "township_360423208.xlsx").read_bytes(), as_xlsx(made), as_xls(made)]


def _texts() -> list[bytes]:
    made = generator.make("360423208", 12, seed=5)
    sample = b"".join((SAMPLES / "township_360423208.csv").read_bytes().splitlines(keepends=True)[:40])
    return [
        as_csv(made),
        as_csv(made, "utf-8", "\t"),
        sample,
        as_ndjson(HEADER, ROWS),
        VISITS,
        PEOPLE.encode() * 3,
    ]


def _zipped() -> list[bytes]:
    """Workbooks that are zip files of parts."""
    return [*_books()[:2], as_ods([HEADER, *ROWS])]


def _tables() -> list[bytes]:
    return [as_parquet(HEADER, ROWS), parquet_of_every_type()]


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A file with some of its bytes changed, lost, doubled or put elsewhere."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        size = draw(st.sampled_from([1, 2, 7, 64, 500]))
        how = draw(st.sampled_from(["flip", "overwrite", "cut", "drop", "double", "insert"]))
        if how == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "overwrite":
            content[at : at + size] = draw(st.binary(min_size=size, max_size=size))
        elif how == "cut":
            del content[max(1, at) :]
        elif how == "drop":
            del content[at : at + size]
        elif how == "double":
            content[at:at] = content[at : at + size]
        else:
            content[at:at] = draw(
                st.sampled_from([b"\0", b'"', b"\xff\xfe", b"\r", b"\n" * 40, b",", b"\xe5", b"{", b"'"])
            )
    return bytes(content)


@st.composite
def rebuilt(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A workbook whose parts were exchanged, damaged, lost, renamed or doubled; the zip around them is sound."""
    with zipfile.ZipFile(io.BytesIO(draw(st.sampled_from(originals)))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(draw(st.integers(1, 4))):
        name, other = draw(st.sampled_from(sorted(parts))), draw(st.sampled_from(sorted(parts)))
        how = draw(st.sampled_from(["swap", "damage", "lose", "rename", "replace"]))
        if how == "swap":
            parts[name], parts[other] = parts[other], parts[name]
        elif how == "damage" and parts[name]:
            parts[name] = draw(damaged([parts[name]]))
        elif how == "lose" and len(parts) > 1:
            del parts[name]
        elif how == "rename":
            parts[name + draw(st.sampled_from(["", "x", "/", "../", ".xml"]))] = parts.pop(name)
        else:
            old, new = draw(st.sampled_from(SWAPS))
            parts[name] = parts[name].replace(old, new)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


SWAPS = [
    (b'r="1"', b'r="1048576"'),
    (b'r="A1"', b'r="XFD1048576"'),
    (b't="s"', b't="n"'),
    (b't="s"', b't="e"'),
    (b"<v>", b"<v>-99999999999999999999"),
    (b"<v>1", b"<v>1e400"),
    (b"<row ", b'<row hidden="1" '),
    (b"<?xml", b'<!DOCTYPE a [<!ENTITY b "c">]><?xml'),
    (b"sheetId", b"sheetid"),
    (b"worksheets/", b"../worksheets/"),
    (b"<mergeCell ", b'<mergeCell ref="A1:XFD1048576"/><mergeCell '),
    (b"UTF-8", b"UTF-16"),
    (b'repeated="1000"', b'repeated="1048576"'),
    (b'repeated="20"', b'repeated="99999999999"'),
    (b"<table:table-cell/>", b'<table:table-cell table:number-columns-repeated="16384"/>'),
    (b'value-type="float"', b'value-type="date"'),
    (b'value-type="string"', b'value-type="percentage"'),
    (b'office:value="', b'office:value="-1e400'),
    (b'date-value="2', b'date-value="99999'),
    (b"table:name", b'table:formula="of:=1/0" table:name'),
    (b"opendocument.spreadsheet", b"opendocument.text"),
]
MESS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "村",
            "户主姓名",
            "身份证号码",
            "改厕方式",
            "编号",
            "用户名",
            "姓名",
            "角色",
            "区划",
            "摸排日期",
            "问题类型",
            "农户编号",
        ]
    ),
    st.sampled_from(
        [
            "√",
            "同上",
            "合计",
            "安乐村",
            "三格",
            "池体渗漏；：",
            "：",
            "[",
            '["a"',
            "无",
            "=1+1",
            "'=x",
            "是",
            "填表人：",
        ]
    ),
    st.sampled_from(
        ["2026-02-30", "2026年13月1日", "9999-12-31", "0001-01-01 00:00", "99999999", "1e308", "２０２６．６．３０"]
    ),
    st.sampled_from([True, False, 0, -1, 10**17, 360423208202.0, 45000, 45000.99999999, 2958465, 1e300, 1e-300]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.dates(),
    st.datetimes(),
)
TABLES = st.lists(st.lists(MESS, max_size=8), min_size=1, max_size=10)


def test_the_originals_are_sound() -> None:
    """So that each mutation has something to damage."""
    for original in (*_texts()[:4], *_books(), *_zipped(), *_tables()):
        assert "read" in answer(original)
    assert "read" in answer(VISITS, "visits")
    assert "read" in answer(PEOPLE.encode(), "users")


def test_damaged_texts() -> None:
    @trying(EXAMPLES)
    @given(damaged(_texts()))
    def check(content: bytes) -> None:
        assert answer(content, *KINDS)

    _without_growth(check)


def test_damaged_workbooks() -> None:
    zipped = _zipped()

    @trying(BOOKS)
    @given(st.one_of(damaged([*zipped, _books()[2]]), rebuilt(zipped)))
    def check(content: bytes) -> None:
        assert answer(content, "visits", "users")

    _without_growth(check)


def test_damaged_parquet() -> None:
    @trying(BOOKS)
    @given(damaged(_tables()))
    def check(content: bytes) -> None:
        assert answer(content, "visits", "users")

    _without_growth(check)


def test_any_cells() -> None:
    @trying(EXAMPLES)
    @given(TABLES, st.sampled_from([",", "\t", ";"]), st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    def check(table: list[list[Any]], delimiter: str, encoding: str) -> None:
        lines = (delimiter.join("" if cell is None else str(cell) for cell in row) for row in table)
        assert answer("\r\n".join(lines).encode(encoding), *KINDS)

    _without_growth(check)


def test_any_cells_of_a_workbook() -> None:
    @trying(BOOKS)
    @given(TABLES)
    def check(table: list[list[Any]]) -> None:
        book = openpyxl.Workbook()
        for row in table:
            book.active.append(row)
        out = io.BytesIO()
        book.save(out)
        assert answer(out.getvalue(), *KINDS)

    _without_growth(check)


def test_a_handful_over_http(as_: As, drain_jobs: Drain) -> None:
    """Whole or damaged, a file is answered by a problem, or its job ends by itself and accounts for its rows."""
    client, rolls = as_("county_admin"), random.Random(8)
    made = []
    for kind, original in (("households", _texts()[0]), ("households", _books()[1]), ("visits", VISITS)):
        for _ in range(4):
            content = bytearray(original)
            for _ in range(rolls.choice([1, 3])):
                content[rolls.randrange(len(content))] ^= 1 << rolls.randrange(8)
            answered = client.post("/api/v1/imports", files={"file": ("a", bytes(content))}, data={"kind": kind})
            assert answered.status_code in (202, 415, 422), answered.text
            made += [answered.json()["id"]] if answered.status_code == 202 else []
    drain_jobs()
    for job in (follow(client, one) for one in made):
        counts = job["counts"]
        if job["state"] == "failed":
            assert job["problem"]["code"] != "import_interrupted"
        else:
            outcomes = ("created", "updated", "unchanged", "rejected")
            assert (job["state"], counts["rows_in"]) == ("succeeded", sum(counts[one] for one in outcomes))
    assert made


def _without_growth(check: Callable[[], None]) -> None:
    """The process is no bigger afterwards than any one file can make it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    check()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_KIB
