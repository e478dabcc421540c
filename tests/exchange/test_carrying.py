"""What an empty cell means because it stands below: merged cells, ditto marks, blocks; and what it never means."""

from typing import Any

from tests.exchange.pure import ANLE, FENGNIAN, Judged, number, sheet

HEADER = ["村", "户主姓名", "身份证号码", "改厕方式", "改厕年份", "牵头部门", "补助金额", "门牌号"]


def line(sequence: int, **cells: Any) -> list[Any]:
    given = {"村": "安乐村", "户主姓名": "张三丰", "身份证号码": number(sequence), "改厕方式": "三格", "改厕年份": 2024}
    return [(given | cells).get(heading) for heading in HEADER]


def test_a_merged_cell_counts_for_each_row_that_it_covers() -> None:
    rows = [
        HEADER,
        line(1, 改厕方式="双瓮", 改厕年份=2023, 牵头部门="卫健"),
        *(line(one, 村=None, 改厕方式=None, 改厕年份=None) for one in (2, 3)),
        line(4, 村="丰年村"),
    ]
    merges = [(2, column, 4, column) for column in (0, 3, 4, 5)]
    judged = Judged(sheet(rows, merges=merges))
    assert [judged.rows[row].village for row in (2, 3, 4, 5)] == [ANLE, ANLE, ANLE, FENGNIAN]
    for row in (3, 4):
        toilet = judged.rows[row].toilets[0]
        assert (toilet.mode, toilet.year, toilet.led_by) == ("double_urn", 2023, "health")
        assert {("village", "merged_cell"), ("mode", "merged_cell"), ("year", "merged_cell")} <= set(judged.rules(row))
    assert judged.rows[5].toilets[0].year == 2024


def test_a_merged_amount_may_be_each_or_all_and_is_refused() -> None:
    judged = Judged(sheet([HEADER, line(1, 补助金额=3000), line(2)], merges=[(2, 6, 3, 6)]))
    assert judged.faults(3) == [("subsidy", "bad_money")]
    assert judged.rows[2].is_taken


def test_personal_data_is_never_filled_from_above() -> None:
    rows = [HEADER, line(1, 门牌号="12号"), line(2, 户主姓名=None, 身份证号码=None, 门牌号="同上")]
    judged = Judged(sheet(rows, merges=[(2, 1, 3, 1), (2, 2, 3, 2)]))
    assert ("name", "no_name") in judged.faults(3)
    assert judged.rows[3].person is None


def test_ditto_marks() -> None:
    rows = [
        HEADER,
        line(1, 改厕方式="水冲"),
        line(2, 村="同上", 改厕方式="〃", 改厕年份="同上"),
        line(3, 身份证号码="同上"),
    ]
    judged = Judged(sheet(rows))
    assert judged.rows[3].village == ANLE
    assert judged.rows[3].toilets[0].mode == "full_sewer"
    assert {("village", "ditto"), ("mode", "ditto"), ("year", "ditto")} <= set(judged.rules(3))
    assert judged.faults(4) == [("id", "id_check")]


def test_a_village_written_once_at_the_head_of_its_block() -> None:
    rows = [HEADER, line(1), line(2, 村=None), line(3, 村=None), line(4, 村="丰年村"), line(5, 村="")]
    judged = Judged(sheet(rows), file_format="csv")
    assert [judged.rows[row].village for row in range(2, 7)] == [ANLE, ANLE, ANLE, FENGNIAN, FENGNIAN]
    assert ("village", "filled_down") in judged.rules(3)


def test_an_omission_in_a_column_that_repeats_its_names_is_not_guessed() -> None:
    rows = [HEADER, line(1), line(2), line(3, 村=None), line(4, 村=None), line(5, 村=None)]
    judged = Judged(sheet(rows))
    assert judged.faults(4) == [("village", "bad_village")]
    assert not Judged(sheet([HEADER, line(1), line(2, 村=None)])).rows[3].is_taken


def test_nothing_is_filled_down_across_a_subtotal() -> None:
    rows = [HEADER, line(1), line(2, 村=None), line(3, 村=None), ["小计", 3], line(4, 村=None), line(5, 村="丰年村")]
    judged = Judged(sheet(rows))
    assert [judged.rows[row].village for row in (2, 3, 4, 6, 7)] == [ANLE, ANLE, ANLE, None, FENGNIAN]


def test_a_merge_over_a_million_rows_costs_nothing() -> None:
    merges = [(2 + one, 0, 1_048_576, 0) for one in range(2000)]
    judged = Judged(sheet([HEADER, line(1), line(2, 村=None)], merges=merges))
    assert judged.rows[3].village == ANLE
