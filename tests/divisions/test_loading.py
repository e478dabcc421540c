"""Loading the tree: all or nothing, once, whole in time.

WHOLE_COUNTRY=1: the whole shipped tree is loaded, not only a province of it.
"""

import lzma
import os
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from tests.conftest import SUBSET
from tests.divisions.made import TOWNSHIP, VILLAGE, query
from toilet_api.divisions import loading, lookup, rules
from toilet_api.kernel.database import EVERYWHERE, Database

WHOLE_COUNTRY = os.environ.get("WHOLE_COUNTRY") == "1"
COUNT = "select count(*), sum(version) from division"


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "divisions.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    before = query(database, COUNT)
    loaded = loading.load(database, SUBSET)
    assert (loaded.rows, loaded.unchanged) == (1061, 1061)
    assert query(database, COUNT) == before


def test_a_newer_list_of_one_county_adds_and_renames(database: Database, tmp_path: Path) -> None:
    newer = f"code,name\r\n{VILLAGE},安乐新村委会\r\n{TOWNSHIP}399,新建村委会\r\n360423,武宁县\r\n"
    seen: list[tuple[int, int]] = []
    loaded = loading.load(database, file(tmp_path, "\ufeff" + newer), lambda done, total: seen.append((done, total)))
    assert (loaded.rows, loaded.added, loaded.renamed, loaded.unchanged) == (3, 1, 1, 1)
    assert seen[-1] == (3, 3)
    with database.transaction(EVERYWHERE) as session:
        village = next(one for one in lookup.villages_under(session, TOWNSHIP) if one.code == VILLAGE)
        assert (village.name, village.former_names) == ("安乐新村委会", ("安乐村委会",))
        assert lookup.names(session, [TOWNSHIP + "399", "99"]) == {TOWNSHIP + "399": "新建村委会"}
    again = loading.load(database, tmp_path / "divisions.csv")
    assert (again.added, again.renamed, again.unchanged) == (0, 0, 3)


def test_one_audit_entry_tells_what_was_loaded(database: Database, tmp_path: Path) -> None:
    loading.load(database, file(tmp_path, f"code,name\n{VILLAGE},安乐新村委会\n"))
    entries = query(
        database,
        "select division_code, after ->> 'renamed', after ->> 'sha256' from audit_entry"
        " where action = 'divisions.loaded' order by at desc limit 1",
    )
    assert entries[0][:2] == (VILLAGE, "1")
    assert len(entries[0][2]) == 64


def test_what_the_county_changed_is_kept(database: Database, tmp_path: Path) -> None:
    query(
        database, "update division set name = '自改名', maintained = true where code = :code returning 1", code=VILLAGE
    )
    loaded = loading.load(database, SUBSET)
    assert (loaded.kept, loaded.renamed) == (1, 0)
    assert query(database, "select name from division where code = :code", code=VILLAGE) == [("自改名",)]


def test_missing_rows_are_closed_only_when_asked(database: Database, tmp_path: Path) -> None:
    rows = [line for line in SUBSET.read_text().splitlines() if line.startswith(f"{TOWNSHIP}")]
    kept = [
        line for line in rows if not line.startswith(f"{TOWNSHIP}2") or line.startswith((VILLAGE, f"{TOWNSHIP}203"))
    ]
    path = file(tmp_path, "\n".join(["code,name", *kept]))
    assert loading.load(database, path).closed == 0
    loaded = loading.load(database, path, close_missing=True)
    assert loaded.closed == len(rows) - len(kept) > 0
    assert loading.load(database, path, close_missing=True).closed == 0
    with pytest.raises(loading.FileRefusedError, match="principal"):  # someone works there
        loading.load(database, file(tmp_path, f"code,name\n{TOWNSHIP},石渡乡\n"), close_missing=True)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", 1, "header"),
        ("名称,代码\n", 1, "header"),
        ("code,name,more\n", 1, "header"),
        ("code,name\n", 1, "no rows"),
        ("code,name\n36,江西省\n3,短\n", 3, "digits"),
        ("code,name\n３６,江西省\n", 2, "digits"),
        ("code,name\n36042320820,少一位\n", 2, "digits"),
        ("code,name\n360423299001,孤儿村\n", 2, "360423299"),
        ("code,name\n37,山东省\n3702,青岛市\n370404,跳级\n", 4, "3704"),
        ("code,name\n36,江西省\n36,江西\n", 3, "line 2"),
        ("code,name\n36,\n", 2, "100 characters"),
        ("code,name\n36," + "长" * 101 + "\n", 2, "100 characters"),
        ("code,name\n36,江\x00西\n", 2, "control"),
        ('code,name\n36,"江\n西"\n', 3, "control"),
        ("code,name\n36,江西省,多\n", 2, "2 columns"),
        ("code,name\n\n", 2, "2 columns"),
        ('code,name\n36,"江西\n', 2, "CSV"),
        ("code,name\n36,江西省\n".encode("gb18030"), 2, "UTF-8"),
        (b"\xfd7zXZ\x00rubbish", 1, "xz"),
        (lzma.compress(b"code,name\n36,\xe6\xb1\x9f\n")[:-9], 1, "xz"),
    ],
)
def test_bad_files_are_refused_with_the_line(
    database: Database, tmp_path: Path, content: str | bytes, line: int, said: str
) -> None:
    before = query(database, COUNT)
    with pytest.raises(loading.FileRefusedError) as refused:
        loading.load(database, file(tmp_path, content))
    assert refused.value.faults[0].line == line
    assert said in refused.value.faults[0].en
    assert query(database, COUNT) == before


def test_of_many_faults_a_hundred_are_shown_and_all_counted(database: Database, tmp_path: Path) -> None:
    with pytest.raises(loading.FileRefusedError) as refused:
        loading.load(database, file(tmp_path, "code,name\n" + "x,y\n" * 250))
    assert (len(refused.value.faults), refused.value.total) == (100, 250)


def shipped() -> dict[str, str]:
    """Code -> name, of the tree that comes with the package."""
    packed = (resources.files("toilet_api.divisions") / "data" / "divisions.csv.xz").read_bytes()
    heading, *lines = lzma.decompress(packed).decode().splitlines()
    assert heading == "code,name"
    return dict(line.split(",") for line in lines)


@pytest.mark.slow
def test_the_shipped_tree_is_whole_and_sound() -> None:
    rows = shipped()
    assert len(rows) == 665_276
    assert Counter(map(len, rows)) == {2: 31, 4: 342, 6: 2_978, 9: 41_352, 12: 620_573}
    assert {code for code in rows if (parent := rules.parent_of(code)) and parent not in rows} == set()
    assert all(map(rules.is_code, rows))
    assert {name for name in rows.values() if not 1 <= len(name) <= 100 or min(name) < " "} == set()


@pytest.mark.slow
def test_what_ships_loads_without_losing_a_row(database: Database, tmp_path: Path) -> None:
    rows = shipped()
    there = dict(line.split(",") for line in SUBSET.read_text().splitlines()[1:])
    if not WHOLE_COUNTRY:
        rows, there = ({code: one[code] for code in one if code.startswith("36")} for one in (rows, there))
    content = "".join(f"{code},{name}\n" for code, name in rows.items())
    path = None if WHOLE_COUNTRY else file(tmp_path, lzma.compress(f"code,name\n{content}".encode(), preset=0))
    loaded = loading.load(database, path)
    assert (loaded.rows, loaded.added, loaded.unchanged) == (len(rows), len(rows) - len(there), len(there))
    assert len(rows) > 15_000
    again = loading.load(database, path)
    assert (again.added, again.renamed, again.unchanged) == (0, 0, len(rows))
    written = dict(query(database, "select code, name from division where code >= '36' and code < '37'"))
    assert written == {code: name for code, name in rows.items() if code.startswith("36")}
