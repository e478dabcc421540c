"""Which column is which: synonyms, brackets, two levels, columns of ticks."""

import pytest

from tests.exchange.pure import ANLE, Judged, number, sheet
from toilet_api.exchange.ledgers.headings import recognise
from toilet_api.kernel.errors import Problem


@pytest.mark.parametrize(
    ("heading", "above", "field"),
    [
        ("序\n号", "", "serial"),
        ("所在乡（镇）", "", "township"),
        ("县（市、区）", "", "county"),
        ("所在村（社区）", "", "village"),
        ("行政村\n名称", "", "village"),
        ("乡镇/村", "", "village"),
        ("户 主 姓 名", "", "name"),
        ("户主姓名（全称）", "", "name"),
        ("姓名", "户主基本信息", "name"),
        ("姓名", "管护人", None),
        ("电话", "施工负责人", None),
        ("*身份证号码", "", "id"),
        ("身份证号码（18位）", "", "id"),
        ("联系电话2", "", "phone"),
        ("备注1", "", "note"),
        ("家庭人口数（人）", "", "family_size"),
        ("是否空心户", "", "dwelling_state"),
        ("改厕方式（三格式/双瓮式）", "", "mode"),
        ("改造后厕所类型", "", "mode"),
        ("改造前厕所类型", "", None),
        ("厕所类型", "改造前", None),
        ("厕所类型", "改造后", "mode"),
        ("原厕所类型", "", None),
        ("改厕时间(年)", "", "year"),
        ("补助资金（万元）", "", "subsidy"),
        ("元", "补助金额", "subsidy"),
        ("资金来源", "", None),
        ("是否改厕", "", None),
        ("village_code", "", "village_code"),
        ("mode", "", "mode"),
    ],
)
def test_a_heading_and_its_field(heading: str, above: str, field: str | None) -> None:
    found = recognise(heading, above)
    assert (found.field if found else None) == field


def test_the_type_after_the_rebuild_counts() -> None:
    header = ["村", "户主姓名", "身份证号码", "厕所类型", "改造前厕所类型", "改造后厕所类型"]
    judged = Judged(sheet([header, ["安乐村", "张三丰", number(1), "", "旱厕", "三格"]]))
    assert judged.rows[2].toilets[0].mode == "three_compartment"


ABOVE = ["村", "户主姓名", "身份证号码", "改厕模式", None, None, "改厕年份"]
BELOW = [None, None, None, "三格式", "双瓮式", "水冲式", None]
MERGES = [(1, 0, 2, 0), (1, 1, 2, 1), (1, 2, 2, 2), (1, 3, 1, 5), (1, 6, 2, 6)]


@pytest.mark.parametrize(
    ("cells", "modes"),
    [
        (["√", None, None], ["three_compartment"]),
        (["", "是", "否"], ["double_urn"]),
        ([0.0, 0.0, 1.0], ["full_sewer"]),
        (["×", "×", "☑"], ["full_sewer"]),
        (["三格", None, None], ["three_compartment"]),
        (["√", None, "√"], ["three_compartment", "full_sewer"]),
        ([None, None, None], []),
        (["×", "×", "×"], []),
        (["√", "?", None], []),
        ([2, None, None], []),
    ],
)
def test_a_column_for_each_mode_with_ticks(cells: list[object], modes: list[str]) -> None:
    row = ["安乐村", "张三丰", number(1), *cells, 2024]
    for judged, at in (
        (Judged(sheet([ABOVE, BELOW, row], merges=MERGES)), 3),
        (Judged(sheet([ABOVE, BELOW, row]), file_format="csv"), 3),
        (Judged(sheet([[below or above for above, below in zip(ABOVE, BELOW, strict=True)], row])), 2),
    ):
        assert [column.how for column in judged.plan.sheets[0].header.of("mode")] == ["tick"] * 3
        assert judged.rows[at].village == ANLE
        assert [toilet.mode for toilet in judged.rows[at].toilets] == modes
        assert judged.faults(at) == ([] if modes else [("mode", "bad_mode")])
        assert not modes or ("mode", "mode_ticked") in judged.rules(at)


def test_one_column_headed_by_a_mode_is_no_column_of_ticks() -> None:
    with pytest.raises(Problem) as raised:
        Judged(sheet([["村", "户主姓名", "身份证号码", "水冲"], ["安乐村", "张三丰", number(1), "√"]]))
    assert raised.value.document()["missing"] == ["mode"]
