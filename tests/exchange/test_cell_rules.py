"""The rules that correct or refuse one cell."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toilet_api.exchange.circumstance_rules import read_dwelling_state, read_family_size, read_leader
from toilet_api.exchange.findings import Findings, Place, masked
from toilet_api.exchange.identity_rules import read_id, read_name
from toilet_api.exchange.mode_rules import mode_of, read_modes
from toilet_api.exchange.money_rules import read_money
from toilet_api.exchange.phone_rules import read_phones
from toilet_api.exchange.year_rules import read_year
from toilet_api.registry.codes import TOILET_MODES
from toilet_api.registry.rules import check_id_number, id_check_character

TODAY = date(2026, 7, 1)
ID = "360423190101010012"
ID_X = next(
    first + "X"
    for first in (f"36042319010101{sequence:03}" for sequence in range(999))
    if id_check_character(first) == "X"
)

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.text(alphabet="三格双瓮水冲、;（）年月日0123456789.-/ xX年底前去二〇零万元,", max_size=20),
)


def reasons(findings: Findings) -> list[str]:
    return [one["reason"] for one in findings.faults]


def rules(findings: Findings) -> list[str]:
    return [one["rule"] for one in findings.corrections]


@pytest.mark.parametrize(
    ("cell", "year", "month"),
    [
        ("2024", 2024, None),
        ("2024年", 2024, None),
        ("2024年底前", 2024, None),
        ("24年", 2024, None),
        (2024.0, 2024, None),
        ("2025.0", 2025, None),
        ("2025/6", 2025, 6),
        ("2025年6月", 2025, 6),
        ("二〇二五年", 2025, None),
        ("二零二四年", 2024, None),
        ("二○二四年", 2024, None),
        (45413.0, 2024, 5),
        ("45413", 2024, 5),
        (date(2024, 5, 1), 2024, 5),
        (datetime(2024, 5, 1, 8, tzinfo=UTC), 2024, 5),
        ("2024.6", 2024, 6),
        (2024.6, 2024, 6),
        (2024.1, 2024, None),
        ("2024.10", 2024, 10),
        ("2024-05-01", 2024, 5),
        ("2024-05-01 00:00:00", 2024, 5),
        ("２０２４年", 2024, None),
        ("2024年度", 2024, None),
        ("2024年下半年", 2024, None),
        ("20240501", 2024, 5),
        ("202405", 2024, 5),
        (202405.0, 2024, 5),
        ("2024 年 6 月", 2024, 6),
        ("2024年11月底", 2024, 11),
        ("一九九八年", 1998, None),
        ("98年", 1998, None),
        ("二〇二四年十二月", 2024, 12),
        ("2024年2月29日", 2024, 2),
        ("2024年6月15日前", 2024, 6),
        (24, 2024, None),
        ("24年6月", 2024, 6),
    ],
)
def test_years_that_are_read(cell: Any, year: int, month: int | None) -> None:
    findings = Findings()
    assert read_year(findings, Place("year"), cell, TODAY) == (year, month)
    assert not findings.faults


@pytest.mark.parametrize(
    "cell",
    [
        "去年",
        "前年",
        "今年",
        "-2024",
        -2024,
        "2024年2月31日",
        "2023年2月29日",
        "2024-13",
        "2023-2024",
        "2023、2024",
        "2023年至2024年",
        "2031",
        "1824",
        "0",
        "2024年前",
        "三年",
        "二十四",
        "abc",
        2024.55,
        2024.13,
        float("inf"),
        float("nan"),
        True,
        "2024年2025年",
        "1",
        "99999",
        "2027",
        1e300,
    ],
)
def test_years_that_are_refused(cell: Any) -> None:
    findings = Findings()
    assert read_year(findings, Place("year"), cell, TODAY) == (None, None)
    assert reasons(findings) == ["bad_year"]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("三格", "three_compartment"),
        ("三隔", "three_compartment"),
        ("3格", "three_compartment"),
        ("黑桶", "three_compartment"),
        ("黑桶三格", "three_compartment"),
        ("三格式", "three_compartment"),
        ("三格化粪池", "three_compartment"),
        ("水冲三格", "three_compartment"),
        ("三格式化粪池", "three_compartment"),
        ("３格", "three_compartment"),
        ("大三格", "three_compartment"),
        ("三个格", "three_compartment"),
        ("三格水冲", "three_compartment"),
        ("双瓮", "double_urn"),
        ("双翁", "double_urn"),
        ("双格", "double_urn"),
        ("双瓮漏斗", "double_urn"),
        ("水冲", "full_sewer"),
        ("管网", "full_sewer"),
        ("接管网", "full_sewer"),
        ("完整下水道", "full_sewer"),
        ("水冲式厕所", "full_sewer"),
        ("完整上下水道水冲式", "full_sewer"),
        ("沼气", "biogas_linked"),
        ("三联沼气", "biogas_linked"),
        ("沼气池", "biogas_linked"),
        ("三联通沼气池式", "biogas_linked"),
        ("粪尿分集", "urine_diverting"),
        ("双坑交替", "double_pit_alternating"),
        ("阁楼堆肥", "attic_compost"),
        ("深坑防冻", "deep_pit_frostproof"),
        ("单格", "one_or_two_compartment"),
        ("一格", "one_or_two_compartment"),
        ("二格", "one_or_two_compartment"),
        ("两格", "one_or_two_compartment"),
        ("旱厕", "other_unsanitary"),
        ("马桶", "bucket"),
        ("露天坑", "open_pit"),
        ("简易棚", "simple_shed"),
        ("无", "none"),
        ("无厕", "none"),
        ("没有", "none"),
        ("full_sewer", "full_sewer"),
    ],
)
def test_modes_that_are_read(text: str, mode: str) -> None:
    findings = Findings()
    assert read_modes(findings, Place("mode"), text) == (mode,)


@pytest.mark.parametrize(
    ("text", "modes", "rule"),
    [
        ("三格、水冲", ("three_compartment", "full_sewer"), "two_modes"),
        ("三格;双瓮", ("three_compartment", "double_urn"), "two_modes"),
        ("三格；双翁", ("three_compartment", "double_urn"), "two_modes"),
        ("沼气/管网", ("biogas_linked", "full_sewer"), "two_modes"),
        ("三格、黑桶", ("three_compartment",), "two_modes_same"),
        ("三格（黑桶）", ("three_compartment",), "mode_synonym"),
        ("三格（1.5立方）", ("three_compartment",), "mode_synonym"),
        ("三格 双瓮", ("three_compartment", "double_urn"), "two_modes"),
    ],
)
def test_two_modes_in_a_cell(text: str, modes: tuple[str, ...], rule: str) -> None:
    findings = Findings()
    assert read_modes(findings, Place("mode"), text) == modes
    assert rule in rules(findings)


@pytest.mark.parametrize(
    "text", ["", "好用的那种", "四格", "无、三格", "三格、好用", "？", "格", None, 3.0, "抽水马桶、蹲便"]
)
def test_modes_that_are_refused(text: Any) -> None:
    findings = Findings()
    assert read_modes(findings, Place("mode"), text) == ()
    assert reasons(findings) == ["bad_mode"]


def test_every_label_and_code_is_its_own_mode() -> None:
    for code in TOILET_MODES:
        assert mode_of(code.code) == mode_of(code.zh) == code.code


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (f"{ID[:6]} {ID[6:14]} {ID[14:]} ", "id_spaces"),
        (ID + " ", "id_spaces"),
        (ID + "\u3000", "id_spaces"),
        (ID_X.lower(), "id_lower_x"),
        ("'" + ID, "id_apostrophe"),
        ("‘" + ID, "id_apostrophe"),
        ("\u200b" + ID, "invisible"),
        (ID.translate({code: code + 0xFEE0 for code in range(48, 58)}), "full_width"),
        (f"{ID[:6]}-{ID[6:14]}-{ID[14:]}", "id_separators"),
        (ID[:6] + ID[8:17], "id_15_to_18"),
        (float(ID[:6] + ID[8:17]), "id_15_to_18"),
    ],
)
def test_id_numbers_that_are_corrected(cell: Any, rule: str) -> None:
    findings = Findings()
    number = read_id(findings, Place("id"), cell, TODAY, column_was_cut=False)
    assert number in (ID, ID_X)
    assert rule in rules(findings)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("3.60423E+17", "id_float"),
        ("3.60423e+17", "id_float"),
        ("3.6E17", "id_float"),
        (3.60423e17, "id_float"),
        (float(ID), "id_float"),
        (int(ID), "id_float"),
        (ID[:15] + "000", "id_float"),
        (ID[:15] + "000.0", "id_float"),
        (ID[:17] + ("1" if ID[17] != "1" else "2"), "id_check"),
        (ID[:17], "id_check"),
        ("12345", "id_check"),
        ("36042319010231001X", "id_check"),
        ("990423190101010017", "id_check"),
        ("不知道", "id_check"),
        (0.5, "id_float"),
    ],
)
def test_id_numbers_that_are_refused(cell: Any, reason: str) -> None:
    findings = Findings()
    assert read_id(findings, Place("id"), cell, TODAY, column_was_cut=False) is None
    assert reasons(findings) == [reason]


def test_an_id_that_ends_in_zeros_is_taken_unless_its_column_was_cut() -> None:
    number = (
        next(
            n
            for s in range(1, 1000)
            for n in [f"360423190101{s % 28 + 1:02}{s:03}"]
            if id_check_character(n) == "0" and n[-2:] == "00"
        )
        + "0"
    )
    assert check_id_number(number) is None
    assert read_id(Findings(), Place("id"), number, TODAY, column_was_cut=False) == number
    findings = Findings()
    assert read_id(findings, Place("id"), number, TODAY, column_was_cut=True) is None
    assert reasons(findings) == ["id_float"]


@pytest.mark.parametrize(
    ("cell", "phones", "rule"),
    [
        ("19900001234", ("19900001234",), None),
        (19900001234.0, ("19900001234",), None),
        ("19900001234、19900001235", ("19900001234", "19900001235"), "two_phones"),
        ("19900001234 19900001235", ("19900001234", "19900001235"), "two_phones"),
        ("19900001234;0792-2780001", ("19900001234", "07922780001"), "two_phones"),
        ("1990000123419900001235", ("19900001234", "19900001235"), "two_phones"),
        ("199 0000 1234", ("19900001234",), "phone_format"),
        ("199-0000-1234", ("19900001234",), "phone_format"),
        ("+86 19900001234", ("19900001234",), "phone_format"),
        ("0792-2780001", ("07922780001",), "phone_format"),
        ("（0792）2780001", ("07922780001",), "phone_format"),
        ("2780001", ("2780001",), None),
        ("无", (), "phone_none"),
        ("１９９００００１２３４", ("19900001234",), "full_width"),
        ("", (), None),
        (None, (), None),
    ],
)
def test_phones_that_are_read(cell: Any, phones: tuple[str, ...], rule: str | None) -> None:
    findings = Findings()
    assert read_phones(findings, Place("phone"), cell) == phones
    assert not findings.faults
    assert rule is None or rule in rules(findings)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.3E+10", "phone_float"),
        ("1.99E10", "phone_float"),
        (1.5, "phone_float"),
        ("12", "bad_phone"),
        ("29900001234", "bad_phone"),
        ("1990000123", "bad_phone"),
        ("19900001234、x", "bad_phone"),
        ("19900001234、19900001235、19900001236、19900001237", "bad_phone"),
    ],
)
def test_phones_that_are_refused(cell: Any, reason: str) -> None:
    findings = Findings()
    assert read_phones(findings, Place("phone"), cell) == ()
    assert reasons(findings) == [reason]


@pytest.mark.parametrize(
    ("cell", "unit", "fen"),
    [
        ("1500", "元", 150000),
        (1500.0, None, 150000),
        ("1,500", None, 150000),
        ("1500元", None, 150000),
        ("0.15", "万元", 150000),
        (0.15, "万元", 150000),
        ("0.2万元", "元", 200000),
        ("1500.5", None, 150050),
        ("0", None, 0),
        ("无", None, None),
        ("—", None, None),
        ("", None, None),
        ("空", None, None),
        ("￥1500", None, 150000),
        (0.07, None, 7),
    ],
)
def test_money_is_exact(cell: Any, unit: str | None, fen: int | None) -> None:
    findings = Findings()
    assert read_money(findings, Place("subsidy"), cell, unit) == fen
    assert not findings.faults


@pytest.mark.parametrize(
    ("cell", "unit", "reason"),
    [
        ("1500.555", None, "money_below_fen"),
        (0.001, None, "money_below_fen"),
        (0.1 + 0.2, None, "money_below_fen"),
        ("-5", None, "bad_money"),
        (-5.0, None, "bad_money"),
        ("一千", None, "bad_money"),
        ("1,50", None, "bad_money"),
        (float("nan"), None, "bad_money"),
        (1e300, None, "bad_money"),
        (True, None, "bad_money"),
        ("0.0000001", "万元", "money_below_fen"),
    ],
)
def test_money_is_never_rounded(cell: Any, unit: str | None, reason: str) -> None:
    findings = Findings()
    assert read_money(findings, Place("subsidy"), cell, unit) is None
    assert reasons(findings) == [reason]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("卫健", "health"),
        ("县卫健委", "health"),
        ("卫生局", "health"),
        ("爱卫办", "health"),
        ("农业农村", "agriculture"),
        ("农业局", "agriculture"),
        ("新农村", "other_department"),
        ("扶贫办", "other_department"),
        ("乡村振兴局", "other_department"),
        ("住建", "other_department"),
        ("水利", "other_department"),
        ("其他部门", "other_department"),
        ("自建", "self"),
        ("自改", "self"),
        ("自己", "self"),
        ("群众自建", "self"),
        ("老百姓自己改造", "self"),
        ("health", "health"),
    ],
)
def test_leaders(text: str, code: str) -> None:
    assert read_leader(Findings(), Place("led_by"), text) == code


@pytest.mark.parametrize("text", ["甲", "卫健和农业", "3"])
def test_leaders_that_are_refused(text: str) -> None:
    findings = Findings()
    assert read_leader(findings, Place("led_by"), text) is None
    assert reasons(findings) == ["bad_led_by"]


@pytest.mark.parametrize(
    ("cell", "name", "remark", "rule"),
    [
        ("张三丰", "张三丰", None, None),
        ("张 三", "张三", None, "name_spaces"),
        ("张\u3000三", "张三", None, "name_spaces"),
        ("张三\u200b", "张三", None, "invisible"),
        ("张三（已故）", "张三", "已故", "name_remark"),
        ("阿卜杜拉·买买提", "阿卜杜拉·买买提", None, None),
    ],
)
def test_names(cell: str, name: str, remark: str | None, rule: str | None) -> None:
    findings = Findings()
    assert read_name(findings, Place("name"), cell) == (name, remark)
    assert rule is None or rule in rules(findings)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "no_name"),
        (None, "no_name"),
        ("无", "no_name"),
        ("12345", "bad_name"),
        (12345.0, "bad_name"),
        ("张" * 51, "bad_name"),
        ("张3", "bad_name"),
        ("张", "bad_name"),
        ("=1+1", "bad_name"),
    ],
)
def test_names_that_are_refused(cell: Any, reason: str) -> None:
    findings = Findings()
    assert read_name(findings, Place("name"), cell) == (None, None)
    assert reasons(findings) == [reason]


def test_reports_show_no_personal_data() -> None:
    findings = Findings()
    read_id(findings, Place("id"), f"{ID[:6]} {ID[6:]}", TODAY, column_was_cut=False)
    read_name(findings, Place("name"), "张 三丰")
    read_phones(findings, Place("phone"), "19900001234 19900001235")
    read_year(findings, Place("year"), ID, TODAY)
    shown = repr(findings)
    assert ID not in shown
    assert "三丰" not in shown
    assert "19900001234" not in shown
    assert masked("note", f"他的号码是{ID}").count("*") > 8


@given(CELLS)
def test_no_cell_breaks_a_rule(cell: Any) -> None:
    """Each rule either takes a cell whole, or says why not; none raises."""
    findings = Findings()
    year, month = read_year(findings, Place("year"), cell, TODAY)
    assert year is None or 1926 <= year <= 2026
    assert month is None or (year is not None and 1 <= month <= 12)
    modes = read_modes(findings, Place("mode"), cell)
    assert all(mode in TOILET_MODES for mode in modes)
    number = read_id(findings, Place("id"), cell, TODAY, column_was_cut=False)
    assert number is None or check_id_number(number, TODAY) is None
    fen = read_money(findings, Place("subsidy"), cell, None)
    assert fen is None or 0 <= fen <= 10**12
    assert len(read_phones(findings, Place("phone"), cell)) <= 3
    read_leader(findings, Place("led_by"), cell)
    read_name(findings, Place("name"), cell)
    read_dwelling_state(findings, Place("dwelling_state"), cell)
    people = read_family_size(findings, Place("family_size"), cell)
    assert people is None or 0 <= people <= 50


@given(st.decimals(min_value=0, max_value=10**7, places=2))
def test_money_written_and_read_is_the_same(amount: Any) -> None:
    assert read_money(Findings(), Place("subsidy"), str(amount), "元") == int(amount * 100)
