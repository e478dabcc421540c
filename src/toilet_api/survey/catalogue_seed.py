"""The problem catalogue that every deployment starts with.

Source: work plan 四（二）1 for the two classes and the problems in the work itself; the tags of problem toilets from
the public ledgers of other counties. Administrators of a county add their own beside these (`catalogue.py`). A type
added to this list later needs a migration that inserts it.
"""

from dataclasses import dataclass
from uuid import UUID, uuid5

from toilet_api.kernel.codes import Code, code_list

NAMESPACE = UUID("5d0c2d0a-1f0b-5f57-9b39-0c9b3a4f6e11")
"""Seeded types have the same id in every deployment: uuid5 of this and the code."""


@dataclass(frozen=True, slots=True)
class SeedType:
    """One seeded problem type."""

    code: str
    zh: str
    en: str
    problem_class: str
    problem_group: str
    cause: str

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE, self.code)


_TOILET: tuple[tuple[str, str, str, str, str], ...] = (
    ("tank_cracked", "化粪池（桶体）破裂", "Tank is cracked", "product", "product_quality"),
    ("pipe_cracked", "管道破裂", "Pipe is cracked", "product", "product_quality"),
    ("chambers_leak", "池间串漏", "Chambers leak into each other", "product", "product_quality"),
    ("tank_seeps", "池体渗漏", "Tank seeps", "product", "product_quality"),
    ("tank_exposed", "池体裸露", "Tank is exposed", "construction", "construction_quality"),
    ("tank_tilted", "池体倾斜", "Tank is tilted", "construction", "construction_quality"),
    ("tank_floated", "池体上浮", "Tank has floated up", "construction", "construction_quality"),
    ("tank_not_sealed", "池盖或接口未密封", "Tank is not sealed", "construction", "construction_quality"),
    ("cannot_be_emptied", "无法清掏", "Tank cannot be emptied", "construction", "construction_quality"),
    ("inlet_slope_small", "进粪管坡度不足", "Inlet slope is too small", "construction", "construction_quality"),
    ("vent_missing", "未装排气管", "Vent pipe is missing", "construction", "construction_quality"),
    ("vent_wrong_chamber", "排气管装错池", "Vent is in the wrong chamber", "construction", "construction_quality"),
    ("pipe_not_connected", "管道未连通", "Pipe is not connected", "construction", "construction_quality"),
    ("floods", "低洼易淹", "The place floods", "siting_mode", "technical_mode"),
    ("disaster_risk", "选址有灾害风险", "Sited where disasters threaten", "siting_mode", "technical_mode"),
    ("tail_water_no_drain", "尾水无法排放", "Tail water cannot drain", "siting_mode", "technical_mode"),
    ("far_from_yard", "离院落过远", "Far from the yard", "siting_mode", "technical_mode"),
    ("mode_unsuitable", "技术模式不适宜当地", "Mode does not suit the place", "siting_mode", "technical_mode"),
    ("freezes_in_winter", "冬季冻结", "Freezes in winter", "siting_mode", "technical_mode"),
    ("no_water", "无水可用", "No water", "siting_mode", "technical_mode"),
    ("house_damaged", "厕屋破损", "House is damaged", "house_fixtures", "construction_quality"),
    ("no_door", "厕屋无门", "No door", "house_fixtures", "small_defect"),
    ("no_roof", "厕屋无顶", "No roof", "house_fixtures", "construction_quality"),
    ("no_light", "厕屋无照明", "No light", "house_fixtures", "small_defect"),
    ("fixture_broken", "便器或冲水设施损坏", "Fixture is broken", "house_fixtures", "small_defect"),
    ("full_not_emptied", "粪污满溢未清掏", "Full and not emptied", "management", "management"),
    ("blocked", "管道堵塞", "Blocked", "management", "small_defect"),
    ("broken_not_repaired", "设备损坏未维修", "Broken and not repaired", "management", "management"),
    ("discharged_at_will", "粪污随意排放", "Discharged at will", "management", "management"),
    ("old_pit_not_removed", "旧厕旧坑未拆除", "Old pit is not removed", "old_pit", "small_defect"),
)
_WORK: tuple[tuple[str, str, str, str], ...] = (
    ("unreasonable_targets", "目标任务不合理", "Unreasonable targets", "targets"),
    ("rushing", "盲目赶进度、压任务", "Rushing the pace, piling on tasks", "targets"),
    ("forced_on_people", "不尊重农民意愿强行推", "Forced on people", "way_of_work"),
    ("fixtures_as_rebuilt", "把发厕具当成改户厕", "Fixtures handed out as if rebuilt", "way_of_work"),
    ("one_mode_for_all", "一种技术模式套到底", "One technical mode for all", "technique"),
    ("no_trial", "新技术新产品未经试验示范", "New technology without trial", "technique"),
    ("quality_not_controlled", "产品和施工质量把控不严", "Quality is not controlled", "technique"),
    ("no_upkeep_mechanism", "管护机制不健全", "No upkeep mechanism", "mechanism"),
)
SEED: tuple[SeedType, ...] = (
    *(SeedType(code, zh, en, "toilet", group, cause) for code, zh, en, group, cause in _TOILET),
    *(SeedType(code, zh, en, "work", group, "work_process") for code, zh, en, group in _WORK),
)
PROBLEM_TYPES = code_list(
    "problem_type",
    "问题类型（各县另有自定类型，见 GET /problem-types）",
    "Problem type (counties add their own: GET /problem-types)",
    [Code(entry.code, entry.zh, entry.en) for entry in SEED],
)
