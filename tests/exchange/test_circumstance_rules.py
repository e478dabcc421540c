"""How phones, money and who led are read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.cells import reasons, rules
from toilet_api.exchange.ledgers.circumstance_rules import read_dwelling_state, read_family_size, read_leader
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.money_rules import read_money
from toilet_api.exchange.ledgers.phone_rules import read_phones


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
        ("0", (), "phone_none"),
        (0.0, (), "phone_none"),
        ("无电话", (), "phone_none"),
        ("19900001234。", ("19900001234",), "phone_format"),
        ('="19900001234"', ("19900001234",), "excel_text"),
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
        ("无补助", None, None),
        ("未享受", None, None),
        ("1500RMB", None, 150000),
        ("'1500", None, 150000),
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
        ("1500", "万元", "bad_money"),
        ("1000000.01", None, "bad_money"),
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


@given(st.decimals(min_value=0, max_value=10**6, places=2))
def test_money_written_and_read_is_the_same(amount: Any) -> None:
    assert read_money(Findings(), Place("subsidy"), str(amount), "元") == int(amount * 100)


@pytest.mark.parametrize(
    ("heading", "cell", "state"),
    [
        ("住房状态", "常住", "occupied"),
        ("住房状态", "常年外出", "vacant"),
        ("住房状态", "已拆除", "demolished"),
        ("是否常住", "是", "occupied"),
        ("是否常住", "否", "vacant"),
        ("是否常住", "√", "occupied"),
        ("是否常住", 1.0, "occupied"),
        ("是否空心户", "是", "vacant"),
        ("是否空心户", "否", "occupied"),
        ("是否空心户", "×", "occupied"),
        ("住房情况/是否外出", "是", "vacant"),
    ],
)
def test_dwellings(heading: str, cell: Any, state: str) -> None:
    findings = Findings()
    assert read_dwelling_state(findings, Place("dwelling_state", heading), cell) == state
    assert not findings.faults


@pytest.mark.parametrize("cell", ["是", "否", "√", "1", "危房", "空挂户"])
def test_a_yes_without_a_question_is_refused(cell: str) -> None:
    findings = Findings()
    assert read_dwelling_state(findings, Place("dwelling_state", "住房状态"), cell) is None
    assert reasons(findings) == ["bad_dwelling_state"]


@pytest.mark.parametrize(
    ("cell", "people"),
    [("4", 4), (4.0, 4), ("4口人", 4), ("四人", 4), ("十", 10), ("共4人", 4), ("", None), ("无", None)],
)
def test_family_sizes(cell: Any, people: int | None) -> None:
    findings = Findings()
    assert read_family_size(findings, Place("family_size"), cell) == people
    assert not findings.faults


@pytest.mark.parametrize("cell", ["4.5", 4.5, "3-4", "很多", "99", "-1", True, "4（常住2）"])
def test_family_sizes_that_are_refused(cell: Any) -> None:
    findings = Findings()
    assert read_family_size(findings, Place("family_size"), cell) is None
    assert reasons(findings) == ["bad_family_size"]
