"""What of a workbook is a ledger, and which village a part of it belongs to where no column says so."""

from typing import Any

import pytest

from tests.exchange.pure import ANLE, FENGNIAN, Judged, number, sheet
from toilet_api.kernel.errors import Problem

HEADER = ["户主姓名", "身份证号码", "住址", "改厕方式", "改厕年份"]


def line(sequence: int, address: str = "12号") -> list[Any]:
    return ["张三丰", number(sequence), address, "三格", 2024]


def test_a_title_and_a_header_for_each_village_of_one_sheet() -> None:
    rows = [
        ["石渡乡安乐村户厕台账"],
        HEADER,
        line(1),
        ["小计", "1户"],
        ["石渡乡丰年村户厕台账"],
        HEADER,
        line(2),
        line(3),
        ["填报单位：安乐村委会（盖章）"],
        line(4),
    ]
    judged = Judged(sheet(rows))
    assert {row: judged.rows[row].village for row in judged.rows} == {3: ANLE, 7: FENGNIAN, 8: FENGNIAN, 10: FENGNIAN}
    assert judged.why == {4: "total", 5: "title", 6: "repeated_header", 9: "signature"}
    assert judged.rules(7)[0] == ("village", "sheet_village")
    assert judged.rows[7].findings.corrections[0]["to"] == FENGNIAN


def test_a_line_with_the_village_between_the_households() -> None:
    judged = Judged(sheet([HEADER, line(9), ["一、安乐村"], line(1), ["二、丰年村（2户）"], line(2)]))
    assert judged.faults(2) == [("village", "bad_village")]
    assert (judged.rows[4].village, judged.rows[6].village) == (ANLE, FENGNIAN)


def test_lines_with_the_village_where_its_column_is_empty() -> None:
    judged = Judged(sheet([["村", *HEADER], ["安乐村"], ["", *line(1)], ["丰年村"], ["", *line(2)]]))
    assert [row.village for row in judged.all] == [ANLE, FENGNIAN]
    assert judged.why == {2: "title", 4: "title"}


def test_the_address_names_the_village() -> None:
    rows = [
        HEADER,
        line(1, "石渡乡安乐村3组12号"),
        line(2, "丰年村上屋"),
        line(3, "武宁县石渡乡丰年村"),
        line(4, "街上"),
    ]
    judged = Judged(sheet(rows))
    assert [row.village for row in judged.all] == [ANLE, FENGNIAN, FENGNIAN, None]
    assert ("address", "address_village") in judged.rules(2)
    assert judged.rows[2].person is not None
    assert judged.rows[2].person.address == "石渡乡安乐村3组12号"
    assert judged.faults(5) == [("village", "bad_village")]


def test_another_village_whose_name_ends_alike_is_not_taken() -> None:
    for title in ("石渡乡新安乐村户厕台账", "大安乐村台账"):
        with pytest.raises(Problem) as raised:
            Judged(sheet([[title], HEADER, line(1)]))
        assert raised.value.document()["missing"] == ["village"]


def test_a_list_of_officials_beside_the_ledger_is_left_out_in_sight() -> None:
    officials = sheet([["姓名", "村", "电话", "职务"], ["李四光", "安乐村", "19900001234", "保洁员"]], "联系人")
    judged = Judged(sheet([["村", *HEADER], ["安乐村", *line(1)]]), officials)
    assert [one["sheet"] for one in judged.plan.skipped] == ["联系人"]
    assert judged.ignored["other_sheet"] == 2
    assert len(judged.all) == 1


def test_a_sheet_of_persons_without_a_header_is_not_passed_over() -> None:
    with pytest.raises(Problem) as raised:
        Judged(sheet([["村", *HEADER], ["安乐村", *line(1)]]), sheet([["安乐村", *line(2)]], "续表"))
    problem = raised.value.document()
    assert (problem["code"], problem["sheet"], problem["first_row"]) == ("import_header_not_found", "续表", [])


def test_without_number_phone_and_address_no_household_can_be_told() -> None:
    with pytest.raises(Problem) as raised:
        Judged(sheet([["村", "户主姓名", "改厕方式", "改厕年份"], ["安乐村", "张三丰", "三格", 2024]]))
    assert raised.value.document()["missing"] == ["id"]
    judged = Judged(sheet([["村", "户主姓名", "门牌号", "改厕方式"], ["安乐村", "张三丰", "12号", "三格"]]))
    assert judged.rows[2].is_taken
    assert ("id", "no_id_number") in judged.rules(2)


def test_headers_far_down_and_of_three_levels() -> None:
    rows: list[list[Any]] = [[f"第{one}条 填写说明"] for one in range(1, 25)]
    rows += [
        ["农村户厕台账", None, None, None, None, None],
        ["基本信息", None, None, None, "改厕情况", None],
        ["村", "户主", None, None, "改厕方式", "改厕时间（年）"],
        [None, "姓名", "身份证号", "住址", None, None],
        ["安乐村", "张三丰", number(1), "12号", "三格", 2024],
    ]
    merges = [(26, 0, 26, 3), (26, 4, 26, 5), (27, 0, 28, 0), (27, 1, 27, 3), (27, 4, 28, 4), (27, 5, 28, 5)]
    judged = Judged(sheet(rows, merges=merges))
    assert sorted(judged.rows) == [29]
    assert judged.rows[29].is_taken, judged.rows[29].findings.faults
    assert judged.rows[29].toilets[0].year == 2024


def test_of_rows_that_are_no_households_the_first_thousand_are_listed_and_all_counted() -> None:
    judged = Judged(sheet([["村", *HEADER], *[["小计", "1户"]] * 1_200, ["安乐村", *line(1)]]))
    assert len(judged.plan.ignored_rows) == 1_000
    assert judged.ignored["total"] == 1_200
    assert list(judged.rows) == [1_202]
