"""How names and ID numbers are read."""

from typing import Any

import pytest

from tests.exchange.cells import ID, ID_X, TODAY, reasons, rules
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.identity_rules import read_id, read_name
from toilet_api.registry.rules import IdNumberFault, check_id_number, id_check_character


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
        (f'="{ID}"', "excel_text"),
        (ID + ".", "id_separators"),
        (ID + "，", "id_separators"),
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
        ("3.60423190101010E+017", "id_float"),
        ("3．60423E＋17", "id_float"),
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


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (ID[:17] + ("1" if ID[17] != "1" else "2"), IdNumberFault.CHECK_CHARACTER),
        (ID[:17], IdNumberFault.LENGTH),
        (ID[:6] + "991399017", IdNumberFault.BIRTH_DATE),
    ],
)
def test_a_refused_id_number_tells_what_is_expected_and_what_is_wrong(cell: str, fault: IdNumberFault) -> None:
    findings = Findings()
    assert read_id(findings, Place("id"), cell, TODAY, column_was_cut=False) is None
    (told,) = findings.faults
    assert told["expected"] == "18 位身份证号码，以文本格式保存"
    assert told["expected_en"] == "an ID number of 18 characters, kept as text"
    assert told["detail"] == fault.message[0]


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
    ("cell", "name", "remark", "rule"),
    [
        ("张三丰", "张三丰", None, None),
        ("张 三", "张三", None, "name_spaces"),
        ("张\u3000三", "张三", None, "name_spaces"),
        ("张三\u200b", "张三", None, "invisible"),
        ("张三（已故）", "张三", "已故", "name_remark"),
        ("阿卜杜拉·买买提", "阿卜杜拉·买买提", None, None),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提", None, "name_dot"),
        ("阿卜杜拉.买买提", "阿卜杜拉·买买提", None, "name_dot"),
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
        ("村委会", "bad_name"),
        ("石渡乡敬老院", "bad_name"),
        ("空户", "bad_name"),
        ("已拆除", "bad_name"),
        ("户主", "bad_name"),
        ("张", "bad_name"),
        ("=1+1", "bad_name"),
    ],
)
def test_names_that_are_refused(cell: Any, reason: str) -> None:
    findings = Findings()
    assert read_name(findings, Place("name"), cell) == (None, None)
    assert reasons(findings) == [reason]
