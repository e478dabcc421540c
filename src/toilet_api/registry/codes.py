"""The code lists of households and toilets. What a code means for the statistics stands in `rules.py`.

Sources: the eleven modes and their grades are those of the national sanitary toilet statistics as public reports quote
them (domain.md, 3); who led a rebuild is 工作方案 三 (卫生健康、农业农村、其他部门、老百姓自己); the other lists follow
the audit pages that counties publish (domain.md, 2 and 4). An administrator's county may not use each of them: all but
the mode, and who led the rebuild of one that exists, can stay empty.
"""

from typing import TYPE_CHECKING

from toilet_api.kernel.codes import Code, code_list, field

TOILET_MODES = code_list(
    "toilet_mode",
    "改厕模式",
    "Technical mode of a toilet",
    [
        Code("three_compartment", "三格化粪池式", "three-compartment septic tank"),
        Code("double_urn", "双瓮漏斗式", "double urn with funnel"),
        Code("biogas_linked", "三联通沼气池式", "linked with a biogas digester"),
        Code("urine_diverting", "粪尿分集式", "urine diverting"),
        Code("double_pit_alternating", "双坑交替式", "double pit, alternating"),
        Code("full_sewer", "完整下水道水冲式", "full sewer flush"),
        Code("attic_compost", "阁楼堆肥式", "attic compost"),
        Code("deep_pit_frostproof", "深坑防冻式", "deep pit, frost proof"),
        Code("other_sanitary", "其他卫生厕所", "another sanitary toilet"),
        Code("one_or_two_compartment", "一格或二格池", "tank of one or two compartments"),
        Code("bucket", "马桶（便桶）", "bucket"),
        Code("open_pit", "露天坑", "open pit"),
        Code("simple_shed", "简易棚", "simple shed"),
        Code("other_unsanitary", "其他非卫生厕所", "another toilet that is not sanitary"),
        Code("none", "无厕", "no toilet"),
    ],
)

TOILET_GRADES = code_list(
    "toilet_grade",
    "卫生等级",
    "Sanitary grade",
    [
        Code("harmless", "无害化卫生厕所", "harmless sanitary toilet"),
        Code("sanitary", "卫生厕所", "sanitary toilet, not harmless"),
        Code("unsanitary", "非卫生厕所", "not sanitary"),
        Code("none", "无厕", "no toilet"),
    ],
)

LEADERS = code_list(
    "led_by",
    "牵头改造单位",
    "Who led the rebuild",
    [
        Code("health", "卫生健康部门", "health department"),
        Code("agriculture", "农业农村部门", "agriculture department"),
        Code("other_department", "其他部门", "another department"),
        Code("self", "农户自建自改", "the household itself"),
    ],
)

DWELLING_STATES = code_list(
    "dwelling_state",
    "住房状态",
    "State of the dwelling",
    [
        Code("occupied", "常住", "lived in"),
        Code("vacant", "常年在外空心户", "empty all year"),
        Code("demolished", "已拆除", "demolished"),
    ],
)

PLACEMENTS = code_list(
    "toilet_placement",
    "厕所位置",
    "Where the toilet stands",
    [
        Code("indoor", "室内", "inside the dwelling"),
        Code("courtyard", "院内", "in the yard"),
        Code("outside", "院外", "outside the yard"),
    ],
)

STRUCTURES = code_list(
    "toilet_structure",
    "厕屋结构",
    "Structure of the toilet house",
    [
        Code("brick_concrete", "砖混", "brick and concrete"),
        Code("brick_wood", "砖木", "brick and wood"),
        Code("prefabricated", "装配式（彩钢、复合板）", "prefabricated panels"),
        Code("wood", "木", "wood"),
        Code("earth", "土坯", "earth"),
        Code("within_dwelling", "与住房一体", "part of the dwelling"),
        Code("other", "其他", "other"),
    ],
)

FIXTURES = code_list(
    "toilet_fixture",
    "便器",
    "Fixture",
    [
        Code("squatting_pan", "蹲便器", "squatting pan"),
        Code("sitting_pan", "坐便器", "sitting pan"),
        Code("none", "无便器", "none"),
        Code("other", "其他", "other"),
    ],
)

FLUSHES = code_list(
    "flush_kind",
    "冲水方式",
    "How it is flushed",
    [
        Code("cistern", "水箱", "cistern"),
        Code("pressure_bucket", "高压冲水桶", "pressure bucket"),
        Code("flush_valve", "自来水冲洗阀", "flush valve on the tap"),
        Code("ladle", "舀水冲", "poured by hand"),
        Code("dry", "不用水", "dry"),
        Code("other", "其他", "other"),
    ],
)

WATER_SOURCES = code_list(
    "water_source",
    "水源",
    "Source of water",
    [
        Code("tap", "自来水", "tap water"),
        Code("well", "井水", "well"),
        Code("rain_or_surface", "雨水或地表水", "rain or surface water"),
        Code("carried", "挑水、运水", "carried"),
        Code("none", "无", "none"),
    ],
)

TANK_MATERIALS = code_list(
    "tank_material",
    "化粪池材质",
    "Material of the tank",
    [
        Code("plastic", "塑料（PE、PP）", "plastic"),
        Code("glass_fibre", "玻璃钢", "glass-fibre reinforced plastic"),
        Code("concrete", "钢筋混凝土", "reinforced concrete"),
        Code("brick", "砖砌", "brick"),
        Code("other", "其他", "other"),
    ],
)

DISCHARGES = code_list(
    "discharge_kind",
    "粪污去向",
    "Where the waste goes",
    [
        Code("farmland", "还田利用", "used on own fields"),
        Code("collected", "抽运集中处理", "emptied and treated elsewhere"),
        Code("sewer", "污水管网", "sewer"),
        Code("on_site", "就地生态处理", "treated on site"),
        Code("at_will", "直排", "discharged at will"),
        Code("other", "其他", "other"),
    ],
)

if TYPE_CHECKING:  # to a type checker a code is a string
    ToiletMode = str
    ToiletGrade = str
    Leader = str
    DwellingState = str
    Placement = str
    Structure = str
    Fixture = str
    Flush = str
    WaterSource = str
    TankMaterial = str
    Discharge = str
else:
    ToiletMode = field(TOILET_MODES)
    ToiletGrade = field(TOILET_GRADES)
    Leader = field(LEADERS)
    DwellingState = field(DWELLING_STATES)
    Placement = field(PLACEMENTS)
    Structure = field(STRUCTURES)
    Fixture = field(FIXTURES)
    Flush = field(FLUSHES)
    WaterSource = field(WATER_SOURCES)
    TankMaterial = field(TANK_MATERIALS)
    Discharge = field(DISCHARGES)
