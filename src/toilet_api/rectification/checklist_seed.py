"""The acceptance checklists that every deployment starts with: edition 1, for every county.

Parameters are those of domain.md section 3, as public secondary sources quote the standards. They are data with a
source, never constants: a county tightens them in an edition of its own (`checklists.py`), and a corrected common
edition comes by a migration. What was not compared with the text of a standard says so in its `note`.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from toilet_api.registry.codes import TOILET_MODES

NAMESPACE = UUID("3f7b6f52-6a0e-5d1c-8f44-7c2b9b1d50aa")
"""Seeded lists have the same id in every deployment: uuid5 of this and their use."""

_BUILD = "GB/T 38836-2020 农村三格式户厕建设技术规范"
_RUN = "GB/T 38837-2020 农村三格式户厕运行维护规范"
_SEWER = "GB/T 38838-2020 农村集中下水道收集户厕建设技术规范"
_HYGIENE = "GB 19379-2012 农村户厕卫生规范"
_USABLE = "工作方案 四（五）：符合标准且能够正常使用，农户签字同意"
_YEAR = "工作方案 四（二）1：不能使用或不能全年使用即为问题厕所"
_WORK = "工作方案 四（三）：对工作推进中存在的问题提出整改措施、时限"
_UPKEEP = "工作方案 四（六）：建立完善后续管护机制"
_TOLD = "工作方案 五（三）：强化宣传动员，调动农民参与"
_UNCONFIRMED = "引自公开的二手资料，未与标准原文核对"


@dataclass(frozen=True, slots=True)
class SeedList:
    """One seeded checklist."""

    applies_to: str
    zh: str
    en: str
    items: tuple[dict[str, Any], ...]

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE, self.applies_to)


def _item(code: str, zh: str, en: str, kind: str, source: str, **members: Any) -> dict[str, Any]:
    bare = {"unit": None, "min": None, "max": None, "veto": False, "required": True}
    return {"code": code, "zh": zh, "en": en, "kind": kind, **bare, "source": source, "note": None, **members}


def _check(code: str, zh: str, en: str, source: str, **members: Any) -> dict[str, Any]:
    return _item(code, zh, en, "check", source, **members)


def _at_least(
    code: str, zh: str, en: str, unit: str, least: float, source: str, *, required: bool = True, note: str = ""
) -> dict[str, Any]:
    told = f"{note}；{_UNCONFIRMED}" if note else _UNCONFIRMED
    return _item(code, zh, en, "measure", source, unit=unit, min=least, required=required, note=told)


_VETO = (
    _check("household_satisfied", "农户满意", "The household is satisfied", _USABLE, veto=True),
    _check("usable_all_year", "冬季能用，全年可用", "Usable in winter, all year round", _YEAR, veto=True),
    _check(
        "well_sited",
        "选址合理（不淹水、无灾害风险、不远离院落）",
        "Well sited: no floods, no danger of disasters, not far from the yard",
        _BUILD,
        veto=True,
        note=_UNCONFIRMED,
    ),
    _check(
        "no_leak_or_cross_flow",
        "不渗漏、不串漏",
        "Nothing leaks out, nor from one chamber into another",
        _HYGIENE,
        veto=True,
        note=_UNCONFIRMED,
    ),
)
_ANY = (
    *_VETO,
    _check("works_normally", "便器、冲洗等设施能正常使用", "Fixtures and flushing work", _USABLE),
    _check(
        "house_whole", "厕屋有墙、有顶、有门", "The house has walls, a roof and a door", _HYGIENE, note=_UNCONFIRMED
    ),
    _at_least(
        "house_area",
        "厕屋面积",
        "Area of the house",
        "m2",
        1.2,
        _HYGIENE,
        required=False,
        note="独立式厕屋适用，附建于住房内的不填",
    ),
    _at_least(
        "floor_above_outside",
        "厕屋地面高出室外地坪",
        "Floor above the ground outside",
        "mm",
        100,
        _HYGIENE,
        required=False,
        note="独立式厕屋适用，附建于住房内的不填",
    ),
    _check("no_flies_or_maggots", "无蝇蛆", "No flies or maggots", _HYGIENE, note=_UNCONFIRMED),
    _check("no_exposed_faeces", "无粪便暴露", "No exposed faeces", _HYGIENE, note=_UNCONFIRMED),
    _check("slight_smell_at_most", "基本无臭（至多轻微）", "At most a slight smell", _HYGIENE, note=_UNCONFIRMED),
    _check("user_informed", "农户知晓使用和维护方法", "The user knows how to use and look after it", _RUN),
    _check(
        "old_pit_removed",
        "原旱厕、旧坑已拆除或填埋",
        "The old pit is removed or filled in",
        _USABLE,
        required=False,
        note="有旧厕的适用",
    ),
)
_EMPTIED = _check(
    "can_be_emptied", "便于清掏，粪污有去处", "It can be emptied, and there is a place for it to go", _RUN
)
_OWN: dict[str, tuple[dict[str, Any], ...]] = {
    "three_compartment": (
        _at_least("effective_volume", "化粪池有效容积", "Effective volume of the tank", "m3", 1.5, _BUILD),
        _check("chamber_ratio", "三格容积比 2:1:3", "Chambers in the ratio 2:1:3", _BUILD, note=_UNCONFIRMED),
        _at_least(
            "retention_1", "第一池停留时间", "Retention in the first chamber", "d", 20, _BUILD, note="按设计值填"
        ),
        _at_least(
            "retention_2", "第二池停留时间", "Retention in the second chamber", "d", 10, _BUILD, note="按设计值填"
        ),
        _at_least(
            "retention_3", "第三池停留时间", "Retention in the third chamber", "d", 30, _BUILD, note="按设计值填"
        ),
        _at_least("effective_depth", "化粪池有效深度", "Effective depth of the tank", "m", 1, _BUILD),
        _at_least("lip_above_ground", "池口高出地面", "Lip of the tank above the ground", "mm", 150, _BUILD),
        _check("vent_in_first_chamber", "排气管装在第一池", "Vent in the first chamber", _BUILD, note=_UNCONFIRMED),
        _check("vent_above_roof", "排气管高出屋面", "Vent rises above the roof", _BUILD, note=_UNCONFIRMED),
        _check("water_tight", "满水试验不渗漏", "Tight when filled with water", _BUILD, note=_UNCONFIRMED),
        _EMPTIED,
    ),
    "double_urn": (
        _check(
            "urns_closed", "前后瓮密闭，瓮口有盖", "Both urns are closed and have lids", _HYGIENE, note=_UNCONFIRMED
        ),
        _check(
            "passing_pipe", "过粪管安装正确", "The pipe between the urns is placed right", _HYGIENE, note=_UNCONFIRMED
        ),
        _EMPTIED,
    ),
    "biogas_linked": (
        _check("linked", "厕所、畜圈与沼气池连通", "Toilet, sty and digester are linked", _HYGIENE, note=_UNCONFIRMED),
        _check(
            "digester_works",
            "沼气池密闭，产气正常",
            "The digester is tight and yields gas",
            _HYGIENE,
            note=_UNCONFIRMED,
        ),
        _EMPTIED,
    ),
    "urine_diverting": (
        _check("diverted", "粪尿分开收集", "Urine and faeces are kept apart", _HYGIENE, note=_UNCONFIRMED),
        _check(
            "covered_dry",
            "有覆盖料，贮粪仓干燥",
            "There is cover material; the vault is dry",
            _HYGIENE,
            note=_UNCONFIRMED,
        ),
        _EMPTIED,
    ),
    "double_pit_alternating": (
        _check(
            "alternating",
            "两坑交替使用，停用坑密封",
            "Used in turn; the resting pit is sealed",
            _HYGIENE,
            note=_UNCONFIRMED,
        ),
        _EMPTIED,
    ),
    "full_sewer": (
        _check("connected_to_sewer", "已接入下水道管网", "Connected to the sewer", _SEWER),
        _check("not_discharged_raw", "污水进入处理设施，不直排", "Sewage is treated, not discharged raw", _SEWER),
        _check("pipes_clear", "管道通畅、接口密封", "Pipes are clear, their joints tight", _SEWER, note=_UNCONFIRMED),
        _check(
            "frost_protected",
            "管道有防冻措施",
            "Pipes are protected from frost",
            _SEWER,
            required=False,
            note="寒冷地区适用",
        ),
    ),
    "attic_compost": (
        _check(
            "vault_closed", "贮粪仓密闭、可清掏", "The vault is closed and can be emptied", _HYGIENE, note=_UNCONFIRMED
        ),
        _EMPTIED,
    ),
    "deep_pit_frostproof": (
        _check("below_frost", "贮粪池深于冻土层", "The pit lies below the frost", _HYGIENE, note=_UNCONFIRMED),
        _EMPTIED,
    ),
    "other_sanitary": (
        _check("pit_closed", "贮粪池密闭有盖", "The pit is closed and has a lid", _HYGIENE, note=_UNCONFIRMED),
        _EMPTIED,
    ),
}
ANY_TOILET, WORK = "any_toilet", "work"
_MODES = {mode.code: mode for mode in TOILET_MODES}
SEED: tuple[SeedList, ...] = (
    *(
        SeedList(
            mode,
            f"{_MODES[mode].zh}厕所验收清单",
            f"Checklist of acceptance: {_MODES[mode].en}",
            (*_ANY[: len(_VETO)], *own, *_ANY[len(_VETO) :]),
        )
        for mode, own in _OWN.items()
    ),
    SeedList(ANY_TOILET, "其他厕所验收清单", "Checklist of acceptance: other toilets", (*_ANY, _EMPTIED)),
    SeedList(
        WORK,
        "工作推进问题验收清单",
        "Checklist of acceptance: problems in the work itself",
        (
            _check("measure_carried_out", "整改措施已落实", "The measure is carried out", _WORK),
            _check(
                "mechanism_in_place", "防止再发生的机制已建立", "A mechanism that keeps it from coming back", _UPKEEP
            ),
            _check("people_informed", "已告知村民并听取意见", "People were told, and heard", _TOLD),
        ),
    ),
)
