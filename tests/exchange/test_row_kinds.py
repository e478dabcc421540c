"""Which rows below the header are households, and which are not: totals, signatures, pages, empty form lines."""

from typing import Any

import pytest

from tests.exchange.pure import Judged, number, sheet
from toilet_api.kernel.errors import Problem

HEADER = ["序号", "村", "户主姓名", "身份证号码", "联系电话", "改厕方式", "改厕年份", "备注"]


def line(sequence: int) -> list[Any]:
    return [sequence, "安乐村", "张三丰", number(sequence), "19900001234", "三格", 2024, None]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (["合计", None, 2], "total"),
        (["合  计", None, 2], "total"),
        ([None, "小计", None, None, None, 1], "total"),
        (["安乐村小计", None, "2户"], "total"),
        ([None, None, "合计：3户"], "total"),
        (["本页小计", None, 3], "total"),
        ([None, "安乐村", "小计", None, None, "15户"], "total"),
        ([None, "安乐村", "合计", "15", "15", "三格15户"], "total"),
        (["总计", None, 3, None, None, "三格2户，双瓮1户"], "total"),
        (["填表人：王某", None, None, "审核人：李某"], "signature"),
        (["单位负责人（签字）：", None, None, "填表人：王某", "联系电话：19900001234"], "signature"),
        ([None, None, None, "填表人：王某", "19900001234"], "signature"),
        (["村委会（盖章）"], "signature"),
        ([None, None, None, None, None, "石渡乡人民政府（公章）"], "signature"),
        ([None, None, None, None, None, None, None, "2026年6月30日"], "signature"),
        (["复核：", None, None, "制表：王某"], "signature"),
        (["村支书签字：", None, None, "驻村干部："], "signature"),
        (["注：本表一式三份"], "note"),
        (["第2页，共3页"], "page"),
        ([None, None, None, None, "第 2 页"], "page"),
        (["共 3 页 第 2 页"], "page"),
        ([None, "- 2 -"], "page"),
        ([3], "serial_only"),
        ([3, "安乐村"], "empty_form"),
        (HEADER, "repeated_header"),
    ],
)
def test_a_row_that_is_no_household(row: list[Any], kind: str) -> None:
    judged = Judged(sheet([HEADER, line(1), line(2), row]))
    assert sorted(judged.rows) == [2, 3]
    assert judged.why == {4: kind}
    assert judged.ignored == {"header": 1, kind: 1}


@pytest.mark.parametrize(
    "row",
    [
        [3, "安乐村", None, number(3), None, "三格", 2024],
        [3, "安乐村", "李四光", None, "19900001234", None, None],
        [3, "安乐村", "李四光"],
        [3, "安乐村", None, None, None, "三格"],
        [3, None, None, None, None, None, 2024],
        [3, "安乐村", "合计", number(3), None, "三格", 2024],
        ["三", "安乐村", "李四光", "360423", None, "三格", 2024, "合计两户"],
        [3, "安乐村", "李四光", None, "19900001234", "三格", 2024, "联系人：其子"],
    ],
)
def test_a_row_that_may_be_a_household_is_in_the_report(row: list[Any]) -> None:
    judged = Judged(sheet([HEADER, line(1), line(2), row]))
    assert sorted(judged.rows) == [2, 3, 4]
    assert not judged.why


def test_numbers_of_the_columns_below_the_header() -> None:
    judged = Judged(sheet([HEADER, ["1", "2", "3", "4", "5", "6", "7", "8"], line(1)]))
    assert judged.why == {2: "column_numbers"}
    assert sorted(judged.rows) == [3]


def test_a_second_header_with_other_columns_is_refused() -> None:
    other = ["序号", "户主姓名", "村", "身份证号码", "联系电话", "改厕年份", "改厕方式", "备注"]
    with pytest.raises(Problem) as raised:
        Judged(sheet([HEADER, line(1), other, line(2)]))
    assert raised.value.document()["code"] == "import_column_ambiguous"
    shorter = [None, "村", "户主姓名", "身份证号码", None, "改厕方式"]
    assert Judged(sheet([HEADER, line(1), shorter, line(2)])).why == {3: "repeated_header"}


def test_words_beside_a_phone_go_to_the_note() -> None:
    cells = ["19900001234（儿子）", "张三 19900001234", "19900001234 妻、19900001235", "19900001234（号码错）", "儿子"]
    rows = [[*line(at)[:4], cell, *line(at)[5:]] for at, cell in enumerate(cells, 1)]
    rows[2][7] = "原备注"
    judged = Judged(sheet([HEADER, *rows]))
    assert [row.note for row in judged.all] == [
        "（电话：儿子）",
        "（电话：张三）",
        "原备注；（电话：妻）",
        "（电话：号码错）",
        None,
    ]
    assert judged.rows[4].person is not None
    assert judged.rows[4].person.phones == ("19900001234", "19900001235")
    assert ("phone", "phone_remark") in judged.rules(2)
    assert judged.faults(6) == [("phone", "bad_phone")]


def test_a_title_that_is_printed_on_each_page() -> None:
    title = ["石渡乡农村户厕改造台账"]
    judged = Judged(sheet([title, HEADER, line(1), title, HEADER, line(2)]))
    assert judged.why == {4: "title", 5: "repeated_header"}
    assert judged.ignored["title"] == 2
    assert sorted(judged.rows) == [3, 6]
