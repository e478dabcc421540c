"""Who led the rebuild, how many live there, whether the dwelling is lived in."""

import re

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import NO, YES, clean, says_nothing
from toilet_api.registry.codes import DWELLING_STATES, LEADERS

# 工作方案 三: 卫生健康、农业农村部门和其他部门牵头改造的，及老百姓自己改造的.
_LEADERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "self",
        re.compile(
            r"自(建|改|筹|己|行|费|家|主|愿改)|^(农户|群众|村民|百姓|老百姓|户主|个人|本人|农民)(自.*|改造|建设|建造)?$"
        ),
    ),
    ("health", re.compile(r"卫健|卫生|卫计|爱卫|疾控|健康")),
    ("agriculture", re.compile(r"农业|农村局|农委|农办|农牧|^农村部门$|^农口$")),
    (
        "other_department",
        re.compile(
            r"其[他它]|扶贫|乡村振兴|新农村|住建|住房|建设局|水利|水务|环保|生态环境|财政|民政|残联|妇联|发改|城管|交通|文旅|旅游|自然资源|国土|林业|教育|"
            r"移民|组织部|党委|政府|乡镇|街道|村委|项目办|公司|工信|整治办|人居办|秀美|美丽乡村"
        ),
    ),
)
_LEADERS_EXPECTED = ("卫健、农业农村、其他部门、自建", "health, agriculture, other_department, self")
_DWELLING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("demolished", re.compile(r"拆|灭失|倒塌|已毁")),
    ("vacant", re.compile(r"空心|空置|空房|无人|不在家|外出|在外|闲置|不常住|非常住|未住|未入住|^不住$")),
    ("occupied", re.compile(r"常住|居住|在家|入住|有人|正常|自住|^住$")),
)
_DWELLING_EXPECTED = ("常住、空心户（常年在外）、已拆除", "occupied, vacant, demolished")
# What a yes says, by the question that the heading asks.
_QUESTIONS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"空心|空置|闲置|外出|无人"), "vacant", "occupied"),
    (re.compile(r"拆除|灭失"), "demolished", "occupied"),
    (re.compile(r"是否.*(常住|居住|入住|在家|有人)"), "occupied", "vacant"),
)
_PEOPLE = re.compile(r"^共?(?:(\d{1,2})(?:\.0+)?|([一二两三四五六七八九十]))(人|口|口人|个人|个)?$")
_NUMERALS = dict(zip("一二三四五六七八九十两", (*range(1, 11), 2), strict=True))
FAMILY_MAX = 50


def read_leader(findings: Findings, place: Place, cell: Cell) -> str | None:
    """A code of `led_by`; None for a blank cell, or with a fault. Two departments at once aren't guessed."""
    text = clean(findings, place, cell)
    if not text:
        return None
    if text in LEADERS:
        return text
    if says_nothing(text):
        findings.correct(place, "led_by_none", text, "")
        return None
    parts = [part for part in re.split(r"[、;；,，/+＋]|和|及(?!其)|与", text) if part.strip()]
    found = {_first(_LEADERS, part) for part in parts}
    if len(found) != 1 or None in found:
        findings.reject(place, "bad_led_by", text, _LEADERS_EXPECTED)
        return None
    code = found.pop()
    findings.correct(place, "led_by_synonym", text, code or "")
    return code


def read_dwelling_state(findings: Findings, place: Place, cell: Cell) -> str | None:
    """A code of `dwelling_state`; None for a blank cell, or with a fault."""
    text = clean(findings, place, cell)
    if not text or text in DWELLING_STATES:
        return text or None
    code = _answer(place.heading or "", text) or _first(_DWELLING, text)
    if code is None:
        findings.reject(place, "bad_dwelling_state", text, _DWELLING_EXPECTED)
        return None
    findings.correct(place, "dwelling_state_synonym", text, code)
    return code


def read_family_size(findings: Findings, place: Place, cell: Cell) -> int | None:
    """People in the family, 0 to 50; None for a blank cell, or with a fault."""
    text = clean(findings, place, cell)
    if not text:
        return None
    if says_nothing(text):
        findings.correct(place, "none_as_empty", text, "")
        return None
    match = _PEOPLE.match(text.replace(" ", ""))
    people = None if match is None else int(match[1]) if match[1] else _NUMERALS[match[2]]
    if match is None or people is None or people > FAMILY_MAX or isinstance(cell, bool):
        findings.reject(
            place, "bad_family_size", text, (f"0 至 {FAMILY_MAX} 的整数", f"a whole number from 0 to {FAMILY_MAX}")
        )
        return None
    if match[2] or match[3] or text.startswith("共"):
        findings.correct(place, "family_size_text", text, str(people))
    return people


def _answer(heading: str, text: str) -> str | None:
    """What a yes or no means under a heading that asks a question (是否空心户); None where it asks none."""
    said = text.lower()
    if said not in YES and said not in NO:
        return None
    return next((yes if said in YES else no for asks, yes, no in _QUESTIONS if asks.search(heading)), None)


def _first(patterns: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str | None:
    return next((code for code, pattern in patterns if pattern.search(text)), None)
