"""NDJSON as a table: each line parsed once, no member lost, and a plain answer for each line that is none."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from toilet_api.exchange.ledgers import json_lines, limits
from toilet_api.kernel.errors import Problem

NUMBER = 360423198001012216


def table(folder: Path, *lines: str, max_rows: int = 1_000) -> list[tuple[int, list[Any]]]:
    path = folder / "ledger.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(json_lines.read(path, max_rows).sheets[0].rows)


def test_names_that_come_late_and_in_another_order_keep_their_columns(tmp_path: Path) -> None:
    lines = (
        '{"name": "张三", "id": "a"}',
        '{"name": "李四", "id": "b"}',
        "",
        '{"id": "c", "phone": ["1", "2"], "name": "王五"}',
        '{"name": null, "id": ""}',
        '{"phone": "3"}',
        '{"name": "赵六", "id": "d"}',
        "{}",
    )
    assert table(tmp_path, *lines) == [
        (0, ["name", "id", "phone"]),
        (1, ["张三", "a"]),
        (2, ["李四", "b"]),
        (4, ["王五", "c", "1、2"]),
        (6, [None, None, "3"]),
        (7, ["赵六", "d"]),
    ]
    assert json_lines.read(tmp_path / "ledger.ndjson", 9).sheets[0].blanks == 2


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    line = f'{{"a": {NUMBER}, "b": -{NUMBER}, "c": 2024, "d": 12.5, "e": true, "f": {10**15 - 1}, "g": 1e300}}'
    expected = [str(NUMBER), f"-{NUMBER}", 2024, 12.5, True, 10**15 - 1, 1e300]
    # The second line goes the short way of one that names what the line before has named.
    rows = table(tmp_path, line, line)
    assert [cells for _, cells in rows[1:]] == [expected, expected]
    assert [[one.__class__ for one in cells] for _, cells in rows[1:]] == [[one.__class__ for one in expected]] * 2


REFUSED = {
    "nested": '{"a": "x", "b": {}}',
    "nested list": '{"a": "x", "b": [["y"]]}',
    "list of numbers": '{"a": "x", "b": [1]}',
    "array": '[["a", "x"], ["b", "y"]]',
    "text": '"a"',
    "not a number": '{"a": NaN, "b": "y"}',
    "infinite": '{"a": "x", "b": -Infinity}',
    "half a line": '{"a": "x", "b": ',
    "two objects": '{"a": "x", "b": "y"} {}',
    "twice": '{"a": "x", "b": "y", "a": "z"}',
    "a NUL": '{"a": "x", "b": "y\\u0000"}',
    "too long a cell": json.dumps({"a": "x", "b": "长" * (limits.CELL_TEXT_MAX + 1)}, ensure_ascii=False),
    "deep": '{"a": "x", "b": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "more digits than Python reads": f'{{"a": "x", "b": 1{"0" * 5000}}}',
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_a_line_that_is_no_row_is_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        table(tmp_path, '{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}', line)
    assert (refused.value.type.code, refused.value.extensions["line"]) == ("import_bad_ndjson", 3)


def test_bounds_of_rows_and_columns(tmp_path: Path) -> None:
    for lines, code in (
        (['{"a": 1}'] * 6, "import_too_many_rows"),
        (["{}"] * 6, "import_empty_file"),
        ([json.dumps(dict.fromkeys(map(str, range(limits.COLUMNS_MAX + 1)), 1))], "import_too_many_columns"),
        ([f'{{"n{number}": {number}}}' for number in range(limits.COLUMNS_MAX + 1)], "import_too_many_columns"),
    ):
        with pytest.raises(Problem) as refused:
            table(tmp_path, *lines, max_rows=5 if code == "import_too_many_rows" else 1_000)
        assert refused.value.type.code == code
    assert len(table(tmp_path, *['{"a": 1}'] * 5, "{}", max_rows=5)) == 6


def test_more_rows_than_a_batch_of_the_spool_holds(tmp_path: Path) -> None:
    lines = [f'{{"a": {number}}}' for number in range(1, 2_501)]
    assert table(tmp_path, *lines, max_rows=5_000) == [(0, ["a"]), *((number, [number]) for number in range(1, 2_501))]


_VALUES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text("长a1 \u3000", max_size=4)
_LINES = st.lists(st.dictionaries(st.sampled_from("abcdef"), _VALUES, max_size=6), min_size=1, max_size=8)


@examples(max_examples=150, deadline=None)
@given(_LINES)
def test_every_member_stands_under_its_name(lines: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        texts = [json.dumps(one, ensure_ascii=False) for one in (*lines, {"z": 1})]
        (_, names), *rows = table(Path(folder), *texts)
    found = {number: dict(zip(names, cells, strict=False)) for number, cells in rows}
    for number, line in enumerate(lines, 1):
        shown = {name: value for name, value in line.items() if value is not None and str(value).strip(" \u3000")}
        there = {name: value for name, value in found.get(number, {}).items() if value is not None}
        there = {name: value for name, value in there.items() if str(value).strip(" \u3000")}
        assert {name: str(value) for name, value in there.items()} == {name: str(v) for name, v in shown.items()}
