"""How a mode is read."""

from typing import Any

import pytest

from tests.exchange.cells import reasons, rules
from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.mode_rules import mode_of, read_modes
from toilet_api.registry.codes import TOILET_MODES


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
        ("水冲式三格化粪池", "three_compartment"),
        ("室外三格", "three_compartment"),
        ("Ⅲ格式", "three_compartment"),
        ("三级化粪池", "three_compartment"),
        ("室内水冲", "full_sewer"),
        ("纳管", "full_sewer"),
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
        ("三格式（预制）", ("three_compartment",), "mode_synonym"),
        ("水冲式厕所（室内）", ("full_sewer",), "mode_synonym"),
        ("三格 双瓮", ("three_compartment", "double_urn"), "two_modes"),
    ],
)
def test_two_modes_in_a_cell(text: str, modes: tuple[str, ...], rule: str) -> None:
    findings = Findings()
    assert read_modes(findings, Place("mode"), text) == modes
    assert rule in rules(findings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好用的那种",
        "四格",
        "无、三格",
        "三格、好用",
        "？",
        "格",
        "卫生厕所",
        "化粪池",
        "改厕",
        "√",
        "一体化设备",
        "三瓮",
        "公厕",
        None,
        3.0,
        "抽水马桶、蹲便",
    ],
)
def test_modes_that_are_refused(text: Any) -> None:
    findings = Findings()
    assert read_modes(findings, Place("mode"), text) == ()
    assert reasons(findings) == ["bad_mode"]


def test_every_label_and_code_is_its_own_mode() -> None:
    for code in TOILET_MODES:
        assert mode_of(code.code) == mode_of(code.zh) == code.code
