"""Modes of toilets as clerks write them (domain.md, 3 and 4)."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import NO, YES, clean, says_nothing
from toilet_api.registry.codes import TOILET_MODES

_TAIL = (
    r"(?:式|型|卫生|无害化|水冲|冲水|化粪池?|化类池|化粪|粪池|漏斗|池|户用|户厕|厕所|厕屋|厕|桶|黑桶|改造|模式|户){0,6}"
)
_HEAD = (
    r"(?:新建|改建|大|小|单户|联户|多户|户用|农村|成品|整体|一体|一体式|一体化|"
    r"塑料|塑钢|玻璃钢|pe|pp|砖砌|砖混|水泥|混凝土|钢筋混凝土|现浇|预制|黑桶|水冲|"
    r"冲水|水冲式|冲水式|室内|室外|户内|院内|入户|独户|集中式|节水|高压|无害化|卫生|改造|标准|地埋|地埋式|玻璃纤维|注塑|模压|组装){0,4}"
)
_PATTERNS: tuple[tuple[str, str], ...] = tuple(
    (mode, f"^{_HEAD}(?:{core}){_TAIL}$")
    for mode, core in (
        ("three_compartment", r"(?:[三3叁]|iii)个?[格隔阁]|[三3]级化粪池|[三3]格式?[三3]池|黑桶(?:[三3][格隔])?"),
        ("double_urn", r"[双2二两]个?[瓮翁甕]|双格"),
        ("biogas_linked", r"[三3]连?联?通?(?:一?式)?沼气|沼气池?"),
        ("urine_diverting", r"粪尿分集|粪尿分离|尿粪分集|粪便分集|粪尿分集干封|源分离|粪尿分流"),
        ("double_pit_alternating", r"双坑交替|双坑|双池交替"),
        (
            "full_sewer",
            r"(?:完整)?(?:上?下水道|下水)(?:水冲)?|纳管|(?:接入?|连接?|纳入?|通)?(?:城镇|市政|集镇|集中)?(?:污水)?管网(?:收集)?|水冲|冲水|集中下水道收集|完整水冲|(?:完整)?上下水(?:道)?|污水管道|集中收集|接管",
        ),
        ("attic_compost", r"阁楼堆肥|阁楼|堆肥"),
        ("deep_pit_frostproof", r"深坑防冻|防冻深坑|深坑"),
        ("one_or_two_compartment", r"[一1单壹]个?[格隔]|[二2两贰]个?[格隔]|一格或二格|[一1]格[或、/]?[二2]格|单坑"),
        ("open_pit", r"露天坑|露天粪坑|露天茅坑|露天|粪坑|茅坑|土坑"),
        ("simple_shed", r"简易棚|简易|棚厕"),
        (
            "other_sanitary",
            r"其[他它]卫生|其[他它]类型卫生|卫生旱|生物降解|微生物降解|真空负压|真空|净化槽|一体化净化槽|生态卫生旱",
        ),
        ("other_unsanitary", r"其[他它]非卫生|非卫生|(?:普通|传统|老式|农村)?旱|(?:普通|传统)?土|茅房|茅厕"),
    )
)
_COMPILED = tuple((mode, re.compile(pattern)) for mode, pattern in _PATTERNS)
_EXACT = {
    **dict.fromkeys(("马桶", "便桶", "木桶", "粪桶", "马桶便桶", "尿桶"), "bucket"),
    **dict.fromkeys(
        (
            "无",
            "无厕",
            "无厕所",
            "无户厕",
            "没有",
            "没有厕所",
            "未建",
            "未建厕所",
            "无厕户",
            "无卫生间",
            "无户用厕所",
            "没厕所",
            "未建户厕",
        ),
        "none",
    ),
}
_LABELS: dict[str, str] = {re.sub(r"[\W_]", "", code.zh): code.code for code in TOILET_MODES}
_SEPARATORS = re.compile(r"[;；、/，,+＋|\n&]|和|及|与|加(?=[三双水沼粪])")
_BRACKETS = re.compile(r"[(（]([^()（）]*)[)）]")
_DESCRIBES = re.compile(
    r"^(pe|pp|塑料|玻璃钢|砖砌|砖混|黑桶|成品|新建|改建|一体|混凝土|水泥|水冲|节水|国标|预制|现浇|注塑|室内|室外|院内|户内|无害化|独户|联户|\d+(\.\d+)?(m3|立方|方|立方米|升|l))+式?$"
)

EXPECTED = (
    "三格、双瓮、沼气、粪尿分集、双坑交替、完整下水道（管网、水冲）、阁楼堆肥、深坑防冻、其他卫生厕所、一格或二格、马桶、露天坑、简易棚、旱厕、无厕",
    ", ".join(code.code for code in TOILET_MODES),
)


@lru_cache(maxsize=4096)
def mode_of(text: str) -> str | None:
    """The one mode that a text means, or None."""
    if text in TOILET_MODES:
        return text
    plain: str = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).lower())
    if plain in _EXACT:
        return _EXACT[plain]
    if plain in _LABELS:
        return _LABELS[plain]
    return next((mode for mode, pattern in _COMPILED if pattern.match(plain)), None)


def read_modes(findings: Findings, place: Place, cell: Cell) -> tuple[str, ...]:
    """The modes of a household's toilets, in the order in which they stand; empty with a fault.

    Two different modes in a cell are two toilets. `none` beside another mode contradicts itself.
    """
    text = clean(findings, place, cell)
    # A separator comes first: 三格、水冲 are two modes, 三格水冲 is one.
    whole = mode_of(text) if text and not _SEPARATORS.search(text) else None
    if whole is not None:
        if text != whole and text != TOILET_MODES.label(whole):
            findings.correct(place, "mode_synonym", text, whole)
        return (whole,)
    parts = _parts(text)
    found = [mode_of(part) for part in parts]
    modes = tuple(dict.fromkeys(mode for mode in found if mode is not None))
    if not modes or None in found or (len(modes) > 1 and "none" in modes) or len(modes) > 3:
        findings.reject(place, "bad_mode", text, EXPECTED)
        return ()
    rule = "two_modes" if len(modes) > 1 else "two_modes_same" if len(found) > 1 else "mode_synonym"
    findings.correct(place, rule, text, ";".join(modes))
    return modes


def read_ticks(findings: Findings, cells: Sequence[tuple[str, Place, Cell]]) -> tuple[str, ...]:
    """The modes whose columns are ticked; empty with a fault. What is neither a yes nor a no is not guessed."""
    modes = []
    for mode, place, cell in cells:
        text = clean(findings, place, cell)
        if text.lower() in YES or (text and mode_of(text) == mode):
            modes.append(mode)
            findings.correct(place, "mode_ticked", text, mode)
        elif text and text.lower() not in NO and not says_nothing(text):
            findings.reject(place, "bad_mode", text, ("√、是、1，或留空", "a tick, 1, or nothing"))
            return ()
    if not modes or (len(modes) > 1 and "none" in modes) or len(modes) > 3:
        findings.reject(Place("mode"), "bad_mode", "、".join(modes), EXPECTED)
        return ()
    if len(modes) > 1:
        findings.correct(Place("mode"), "two_modes", "、".join(modes), ";".join(modes))
    return tuple(modes)


def _parts(text: str) -> list[str]:
    """The cell's modes: split at separators; what stands in brackets describes, or is a mode of its own."""
    inner = [part for group in _BRACKETS.findall(text) for part in _SEPARATORS.split(group) if part.strip()]
    outer = [part for part in _SEPARATORS.split(_BRACKETS.sub("", text)) if part.strip()]
    if len(outer) == 1 and " " in outer[0].strip() and mode_of(outer[0]) is None:
        outer = outer[0].split()
    kept = [
        part for part in inner if not _DESCRIBES.match(unicodedata.normalize("NFKC", part).lower().replace(" ", ""))
    ]
    return outer + kept
