"""How a cell names a village: by code or name, with or without what stands above and behind."""

import pytest

from tests.exchange.pure import ANLE, places
from toilet_api.exchange.ledgers.findings import Findings, Place


def find(**cells: str) -> tuple[str | None, Findings]:
    findings = Findings()
    named = {field: (Place(field.removesuffix("_code")), text) for field, text in cells.items()}
    return places().find(findings, named), findings


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("安乐村委会", None),
        ("安乐", "village_suffix"),
        ("安乐村", "village_suffix"),
        ("安乐村村委会", "village_suffix"),
        ("安乐村民委员会", "village_suffix"),
        ("安乐行政村", "village_suffix"),
        ("安 乐 村", "village_suffix"),
        ("安乐村（行政村）", "village_suffix"),
        ("石渡乡安乐村", "village_path"),
        ("石渡安乐村", "village_path"),
        ("石渡乡-安乐村", "village_path"),
        ("江西省九江市武宁县石渡乡安乐村", "village_path"),
        ("360423208202", None),
        ("360423208202.0", None),
        ("360423 208202", "code_format"),
        ("'360423208202", "code_format"),
    ],
)
def test_a_village_is_found(text: str, rule: str | None) -> None:
    found, findings = find(village=text)
    assert found == ANLE
    assert [one["rule"] for one in findings.corrections] == ([rule] if rule else [])
    assert all(one["from"] == text for one in findings.corrections)


@pytest.mark.parametrize(
    "text",
    [
        "不存在村",
        "安楽村",
        "安乐村、丰年村",
        "新安乐村",
        "3.60423E+11",
        "360423208",
        "360423208202000",
        "360423208299",
        "1",
        "",
    ],
)
def test_a_village_is_refused(text: str) -> None:
    found, findings = find(village=text)
    assert found is None
    assert [(one["column"], one["reason"]) for one in findings.faults] == [("village", "bad_village")]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"township": "石渡乡"}, None),
        ({"township": "石渡"}, None),
        ({"township": "石渡乡人民政府"}, None),
        ({"township": "360423208"}, None),
        ({"township": "360423208000", "county": "360423000000", "city": "360400", "province": "360000"}, None),
        ({"province": "江西", "city": "九江", "county": "武宁"}, None),
        ({"village_code": "360423208202"}, None),
        ({"township": "罗坪镇"}, "township"),
        ({"township": "360423209000"}, "township"),
        ({"county": "修水县"}, "county"),
        ({"province": "湖南省"}, "province"),
        ({"village_code": "360423208206"}, "village"),
    ],
)
def test_what_stands_beside_a_village_must_fit(cells: dict[str, str], column: str | None) -> None:
    found, findings = find(village="安乐村", **cells)
    assert (found == ANLE) == (column is None)
    assert [one["column"] for one in findings.faults] == ([column] if column else [])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("安乐村三组", ("安乐村", "三组")),
        ("安乐村第3村民小组", ("安乐村", "第3村民小组")),
        ("安乐1组", ("安乐", "1组")),
        ("石渡乡安乐3组", ("石渡乡安乐", "3组")),
        ("安乐村李家屯", ("安乐村", "李家屯")),
        ("安乐村", None),
        ("不存在村三组", None),
    ],
)
def test_a_group_behind_the_name(text: str, parts: tuple[str, str] | None) -> None:
    assert places().village_and_group(text) == parts
