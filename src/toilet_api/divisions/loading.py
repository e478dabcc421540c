"""Loading the tree from a file: the whole country, or the newer list of one county.

All or nothing, in one transaction: rows are checked, copied to a staging table and compared there. What is missing from
the file stays, what the county has changed here stays, ended codes stay ended. The same file again changes nothing.
"""

import csv
import hashlib
import io
import lzma
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from toilet_api.divisions import rules
from toilet_api.divisions.moves import records_at
from toilet_api.divisions.treelock import lock_tree
from toilet_api.kernel import journal
from toilet_api.kernel.database import EVERYWHERE, SYSTEM, Actor, Database, driver
from toilet_api.kernel.fields import now

HEADER = ["code", "name"]
MAX_FAULTS = 100
_BLOCK = 5000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Progress = Callable[[int, int], None]
"""Called with the rows done and the rows in total."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad row: its line in the file (the header is line 1) and what is wrong, in Chinese and English."""

    line: int
    zh: str
    en: str


class FileRefusedError(ValueError):
    """The file has faults; nothing was loaded. `faults` holds the first hundred, `total` counts all."""

    def __init__(self, faults: list[Fault], total: int) -> None:
        self.faults, self.total = faults, total
        shown = "; ".join(f"line {fault.line}: {fault.zh} / {fault.en}" for fault in faults[:10])
        super().__init__(f"{total} 处错误，未加载 / {total} faults, nothing was loaded: {shown}")


@dataclass(frozen=True)
class Loaded:
    """What a load did, in rows of the file: rows = added + renamed + unchanged + kept + ended."""

    rows: int
    added: int
    renamed: int
    unchanged: int
    kept: int
    """Changed by the county here, and left so."""
    ended: int
    """Merged, moved or closed here, and left so."""
    closed: int
    """Not in the file, and closed because that was asked for."""
    sha256: str
    seconds: float = field(compare=False)


def load(
    database: Database,
    file: Path | None = None,
    progress: Progress | None = None,
    *,
    close_missing: bool = False,
    actor: Actor = SYSTEM,
) -> Loaded:
    """Load `file` (CSV with the columns code,name in UTF-8, plain or .xz); None: the whole tree, as shipped.

    With `close_missing`, divisions below the topmost codes of the file that aren't in it are closed, provided that no
    records are left in them. Raises FileRefusedError, with line numbers, and then nothing was changed.
    """
    started = time.monotonic()
    content = _read(file)
    rows, faults = _parse(content)
    faults.refuse()
    with database.transaction(EVERYWHERE, actor) as session:
        lock_tree(session)
        _stage(session, rows, progress)
        _check_parents(session, rows, faults)
        counts = _apply(session)
        closed = _close_missing(session, rows, faults) if close_missing else 0
        loaded = Loaded(
            **counts,
            closed=closed,
            sha256=hashlib.sha256(content).hexdigest(),
            seconds=round(time.monotonic() - started, 1),
        )
        _note(session, rows, loaded)
    if progress is not None:
        progress(len(rows), len(rows))
    return loaded


class _Faults:
    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.total = 0

    def add(self, line: int, zh: str, en: str) -> None:
        self.total += 1
        if len(self.first) < MAX_FAULTS:
            self.first.append(Fault(line, zh, en))

    def refuse(self) -> None:
        if self.total:
            raise FileRefusedError(sorted(self.first, key=lambda fault: fault.line), self.total)


def _read(file: Path | None) -> bytes:
    if file is None:
        content = (resources.files("toilet_api.divisions") / "data" / "divisions.csv.xz").read_bytes()
    else:
        content = file.read_bytes()
    if not content.startswith(b"\xfd7zXZ\x00"):
        return content
    try:
        return lzma.decompress(content)
    except lzma.LZMAError as error:
        raise FileRefusedError([Fault(1, "xz 压缩文件已损坏", f"the xz file is damaged: {error}")], 1) from None


def _parse(content: bytes) -> tuple[dict[str, tuple[str, int]], _Faults]:
    """Code -> (name, line), and what is wrong with the rows themselves."""
    faults = _Faults()
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.add(line, "不是 UTF-8 编码", "not UTF-8")
        return {}, faults
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    rows: dict[str, tuple[str, int]] = {}
    try:
        header = next(reader, [])
        if header != HEADER:
            faults.add(1, "表头须为 code,name", "the header must be code,name")
            return {}, faults
        for row in reader:
            if fault := _fault_of(row, rows):
                faults.add(reader.line_num, *fault)
            else:
                rows[row[0]] = (row[1].strip(), reader.line_num)
    except csv.Error as error:
        faults.add(reader.line_num, "CSV 格式有误", f"malformed CSV: {error}")
    if not rows and not faults.total:
        faults.add(1, "文件没有数据行", "the file has no rows")
    return rows, faults


def _fault_of(row: list[str], known: dict[str, tuple[str, int]]) -> tuple[str, str] | None:
    if len(row) != 2:
        return f"须为 2 列，实为 {len(row)} 列", f"expected 2 columns, found {len(row)}"
    code, name = row
    if not rules.is_code(code):
        return "区划代码须为 2、4、6、9 或 12 位数字", "a code has 2, 4, 6, 9 or 12 digits"
    if code in known:
        return f"代码 {code} 与第 {known[code][1]} 行重复", f"the code {code} stands in line {known[code][1]} already"
    if not 1 <= len(name.strip()) <= 100:
        return "名称须为 1 至 100 个字符", "a name has 1 to 100 characters"
    if _CONTROL.search(name):
        return "名称含有控制字符", "the name holds a control character"
    return None


def _stage(session: Session, rows: dict[str, tuple[str, int]], progress: Progress | None) -> None:
    session.connection().execute(
        text(
            'create temporary table division_staging (code text collate "C" primary key,'
            ' name text collate "C" not null) on commit drop'
        )
    )
    connection = driver(session)
    with connection.cursor() as cursor, cursor.copy("copy pg_temp.division_staging (code, name) from stdin") as copy:
        for done, block in _blocks(sorted(rows)):
            # Names hold no control characters, so only the backslash needs escaping.
            copy.write("".join(f"{code}\t{rows[code][0].replace(chr(92), chr(92) * 2)}\n" for code in block))
            if progress is not None:
                # Inserting takes about as long as all before it.
                progress(done // 2, len(rows))
    session.connection().execute(text("analyze division_staging"))


def _blocks(codes: list[str]) -> Iterator[tuple[int, list[str]]]:
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        yield start + len(block), block


def _check_parents(session: Session, rows: dict[str, tuple[str, int]], faults: _Faults) -> None:
    """Every new row needs a parent: in the file, or here and not ended."""
    orphans = session.connection().execute(
        text(
            """
            select staged.code from division_staging as staged
            cross join lateral (select case length(staged.code) when 4 then left(staged.code, 2)
                when 6 then left(staged.code, 4) when 9 then left(staged.code, 6) else left(staged.code, 9) end as code
            ) as above
            left join division as parent on parent.code = above.code
            where length(staged.code) > 2
              and not exists (select from division where division.code = staged.code)
              and (parent.valid_to is not null
                   or (parent.code is null
                       and not exists (select from division_staging as staged_parent
                                       where staged_parent.code = above.code)))
            """
        )
    )
    for (code,) in orphans:
        parent = rules.parent_of(code)
        faults.add(rows[code][1], f"没有上级区划 {parent}", f"its parent {parent} does not exist or has ended")
    faults.refuse()


def _apply(session: Session) -> dict[str, Any]:
    connection = session.connection()
    first = connection.execute(text("select not exists (select from division)")).scalar_one()
    found = connection.execute(
        text(
            """
            select count(*),
                   count(*) filter (where division.code is null),
                   count(*) filter (where division.valid_to is not null),
                   count(*) filter (where division.valid_to is null and division.name <> staged.name
                                      and division.maintained),
                   count(*) filter (where division.valid_to is null and division.name <> staged.name
                                      and not division.maintained)
            from division_staging as staged left join division on division.code = staged.code
            """
        )
    ).one()
    rows, added, ended, kept, renamed = found
    today = now().date()
    if added:
        connection.execute(
            text(
                "insert into division (code, name, valid_from)"
                " select code, name, :since from division_staging as staged"
                " where not exists (select from division where division.code = staged.code) order by code"
            ),
            {"since": None if first else today},
        )
    if renamed:
        connection.execute(
            text(
                """
                with renamed as (
                    update division set name = staged.name, version = division.version + 1, updated_at = now()
                    from division_staging as staged, division as old
                    where division.code = staged.code and old.code = division.code and division.name <> staged.name
                      and division.valid_to is null and not division.maintained
                    returning division.code, old.name as old_name
                )
                insert into division_successor (old_code, old_name, new_code, kind, main, at)
                select code, old_name, code, 'rename', false, :today from renamed
                """
            ),
            {"today": today},
        )
    if added or renamed:
        connection.execute(text("analyze division"))
    return {
        "rows": rows,
        "added": added,
        "renamed": renamed,
        "kept": kept,
        "ended": ended,
        "unchanged": rows - added - renamed - kept - ended,
    }


def _roots(codes: Iterable[str]) -> list[str]:
    known = set(codes)
    return sorted(code for code in known if rules.parent_of(code) not in known)


def _close_missing(session: Session, rows: dict[str, tuple[str, int]], faults: _Faults) -> int:
    missing = list(
        session.connection()
        .execute(
            text(
                """
                select division.code from division, unnest(cast(:roots as text[])) as root
                where division.code > root and division.code < root || ':' and division.valid_to is null
                  and not division.maintained
                  and not exists (select from division_staging as staged where staged.code = division.code)
                order by division.code
                """
            ),
            {"roots": _roots(rows)},
        )
        .scalars()
    )
    if not missing:
        return 0
    for code, tables in records_at(session, missing).items():
        held = ", ".join(f"{table} {count}" for table, count in tables.items())
        faults.add(1, f"文件缺少 {code}，但其下还有记录（{held}）", f"{code} is missing but still has records ({held})")
    orphaned = session.connection().execute(
        text(
            "select parent_code, min(code) from division where parent_code = any(:missing) and valid_to is null"
            " and not code = any(:missing) group by parent_code"
        ),
        {"missing": missing},
    )
    for parent, child in orphaned:
        faults.add(1, f"文件缺少 {parent}，但其下还有 {child}", f"{parent} is missing but {child} goes on below it")
    faults.refuse()
    session.connection().execute(
        text(
            "update division set valid_to = greatest(:today, valid_from), version = version + 1, updated_at = now()"
            " where code = any(:missing)"
        ),
        {"missing": missing, "today": now().date()},
    )
    return len(missing)


def _note(session: Session, rows: dict[str, tuple[str, int]], loaded: Loaded) -> None:
    """One audit entry for the load: 665,276 would say no more."""
    roots = _roots(rows)
    journal.record(
        session,
        action="divisions.loaded",
        subject_type="division",
        subject_id=None,
        division_code=roots[0] if len(roots) == 1 else "",
        after=asdict(loaded) | {"date": date.isoformat(now().date())},
        op="note",
    )
