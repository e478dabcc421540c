"""Makes messy ledgers, each with its own answer key. Seeded: the same seed, the same ledger. All persons are made up.

`Ledger.key` says for each physical row what must become of it; rows that are no household are counted in `ignored`.
"""

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from toilet_api.demonstration.persons import Persons

SUBSET = Path(__file__).parents[1] / "data" / "divisions_subset.csv"

MODES = {
    "three_compartment": [
        "三格",
        "三隔",
        "3格",
        "黑桶",
        "黑桶三格",
        "三格式",
        "三格化粪池",
        "三格化粪池式",
        "水冲三格",
        "三格（黑桶）",
    ],
    "double_urn": ["双瓮", "双翁", "双格", "双瓮式", "双瓮漏斗", "双瓮漏斗式"],
    "full_sewer": ["水冲", "管网", "接管网", "完整下水道", "完整下水道水冲式", "污水管网"],
    "biogas_linked": ["沼气", "沼气池", "三联沼气", "三联通沼气池式"],
    "urine_diverting": ["粪尿分集", "粪尿分集式"],
    "double_pit_alternating": ["双坑交替", "双坑交替式"],
    "attic_compost": ["阁楼堆肥"],
    "deep_pit_frostproof": ["深坑防冻"],
    "one_or_two_compartment": ["单格", "一格", "二格", "两格"],
    "other_unsanitary": ["旱厕", "普通旱厕"],
    "bucket": ["马桶", "便桶"],
    "open_pit": ["露天坑"],
    "simple_shed": ["简易棚"],
    "none": ["无", "无厕"],
}
_MODE_WEIGHTS = [40, 12, 18, 5, 4, 2, 1, 1, 3, 4, 1, 1, 1, 2]
YEARS: list[tuple[str, Any]] = [
    ("{0}", None),
    ("{0}年", None),
    ("{0}.0", None),
    ("{0}年底前", None),
    ("{0}/6", 6),
    ("{0}年6月", 6),
    ("{0}-05-01", 5),
    ("{0}.6", 6),
    ("{0}年度", None),
    ("{0}年11月30日", 11),
    ("{0}06", 6),
]
_CHINESE = {2023: "二〇二三年", 2024: "二零二四年", 2025: "二〇二五年"}
_SERIALS = {2023: ("45047", 5), 2024: ("45413", 5), 2025: ("45778", 5)}  # the first of May of each year
LEADERS = {
    "health": ["卫健", "卫健委", "卫生局"],
    "agriculture": ["农业农村", "农业局", "县农业农村局"],
    "other_department": ["其他部门", "新农村", "扶贫办", "乡村振兴局", "住建", "水利"],
    "self": ["自建", "自改", "自己", "群众自建"],
}
_MONEY = [
    ("0", 0),
    ("500", 50_000),
    ("1,500", 150_000),
    ("2000元", 200_000),
    ("1500.50", 150_050),
    ("无", None),
    ("—", None),
    ("", None),
]
_BAD_MODES = ["好用的那种", "不知道", "四格", "三格/好用的", "无、三格", "？"]
_BAD_YEARS = ["去年", "-2024", "2024年2月31日", "2023-2024", "2031", "1824年", "今年", "二十四", "2024年13月"]
_BAD_PHONES = ["1990000123", "电话", "29900001234", "19900001234、199"]
_BAD_MONEY = [("一千五", "bad_money"), ("-500", "bad_money"), ("1500.555", "money_below_fen"), ("15,00", "bad_money")]

HEADER_ABOVE = ["序号", "乡镇", "行政村", "户主信息", "", "", "", "", "改厕信息", "", "", "", "备 注"]
HEADER_BELOW = [
    "",
    "",
    "",
    "姓名",
    "身份证\n号码",
    "家庭住址",
    "联系电话",
    "家庭人口\n（人）",
    "改厕模式",
    "改厕时间",
    "实施主体",
    "奖补资金（元）",
    "",
]
COLUMNS = [
    "serial",
    "township",
    "village",
    "name",
    "id",
    "address",
    "phone",
    "family_size",
    "mode",
    "year",
    "led_by",
    "subsidy",
    "note",
]
MERGES = [(0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 1, 2), (0, 3, 0, 7), (0, 8, 0, 11), (0, 12, 1, 12)]


@dataclass
class Expected:
    """What must become of one row."""

    row: int
    faults: list[tuple[str, str]] = field(default_factory=list)
    rules: set[str] = field(default_factory=set)
    village: str | None = None
    id_number: str | None = None
    modes: tuple[str, ...] = ()
    year: int | None = None
    subsidy_fen: int | None = None

    @property
    def outcome(self) -> str:
        return "rejected" if self.faults else "created"


@dataclass
class Ledger:
    """Rows of cells as they stand in the file, the key, and what is no household."""

    rows: list[list[Any]] = field(default_factory=list)
    key: dict[int, Expected] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, cells: list[Any]) -> int:
        """Append a row; gives its number in the file."""
        self.rows.append(cells)
        return len(self.rows)

    def counts(self) -> Counter[str]:
        return Counter(expected.outcome for expected in self.key.values())


def divisions() -> dict[str, str]:
    with SUBSET.open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file) if row and row[0].isdigit()}


def make(scope: str, households: int, seed: int, *, mess: float = 0.3, faults: float = 0.12) -> Ledger:
    """A ledger of the villages under `scope`."""
    random = Random(seed)
    maker = _Maker(scope, random)
    ledger = Ledger()
    ledger.add(["武宁县农村户用卫生厕所改造台账"] + [None] * 12)
    ledger.add(["填报单位：", None, None, None, None, None, "填报日期：2026年6月30日"] + [None] * 6)
    ledger.ignored["title"] += 2
    first = ledger.add(list(HEADER_ABOVE))
    ledger.add(list(HEADER_BELOW))
    ledger.ignored["header"] += 2
    ledger.merges = [(0, 0, 0, 12)] + [
        (top + first - 1, left, bottom + first - 1, right) for top, left, bottom, right in MERGES
    ]
    for index in range(households):
        maker.household(ledger, index + 1, mess, faults)
        if index % 97 == 96:
            ledger.add([f"{random.choice('东西南北')}村小计", None, None, 97.0] + [None] * 9)
            ledger.ignored["total"] += 1
        if index % 250 == 249:
            ledger.add([None] * 13)
            ledger.add([None] * 5 + [f"第 {index // 250 + 1} 页"] + [None] * 7)
            ledger.ignored += Counter(blank=1, page=1)
            ledger.add(
                [above or below for above, below in zip(HEADER_ABOVE, HEADER_BELOW, strict=True)][:3]
                + HEADER_BELOW[3:12]
                + ["备注"]
            )
            ledger.ignored["repeated_header"] += 1
    ledger.add(["合  计", None, None, float(households)] + [None] * 9)
    ledger.add(["填表人：王某", None, None, "审核人：", None, None, "单位负责人：", None, None, None, None, None, None])
    ledger.add(["注：本表一式三份，逐级上报。"] + [None] * 12)
    ledger.ignored += Counter(total=1, signature=1, note=1)
    return ledger


class _Maker:
    def __init__(self, scope: str, random: Random) -> None:
        names = divisions()
        self._random, self._names = random, names
        self._villages = [code for code in names if len(code) == 12 and code.startswith(scope)]
        self._townships = [name for code, name in names.items() if len(code) == 9 and code[:6] == "360423"]
        self._townships_of: dict[str, set[str]] = {}
        for code in self._villages:
            self._townships_of.setdefault(names[code], set()).add(names[code[:9]])
        self._persons = Persons(scope[:6], random)
        self._taken: list[tuple[int, str]] = []

    def household(self, ledger: Ledger, serial: int, mess: float, faults: float) -> None:
        random, names = self._random, self._names
        person = self._persons.next()
        village = random.choice(self._villages)
        mode = random.choices(list(MODES), _MODE_WEIGHTS)[0]
        year = random.choice((2023, 2024, 2025))
        text, _ = random.choice(YEARS)
        led_by = random.choice(list(LEADERS))
        money, fen = random.choice(_MONEY)
        cells: dict[str, Any] = {
            "serial": float(serial),
            "township": names[village[:9]],
            "village": names[village],
            "name": person.name,
            "id": person.id_number,
            "address": person.address,
            "phone": person.phones[0] if person.phones else None,
            "family_size": float(random.randint(1, 8)),
            "mode": random.choice(MODES[mode]),
            "year": text.format(year),
            "led_by": random.choice(LEADERS[led_by]),
            "subsidy": money,
            "note": random.choice((None, None, None, "长子在外务工")),
        }
        expected = Expected(0, village=village, id_number=person.id_number, modes=(mode,), year=year, subsidy_fen=fen)
        for _ in range(3):
            if random.random() < mess:
                self._mess(cells, expected, mode, year)
        while random.random() < faults:
            self._spoil(cells, expected)
        expected.row = ledger.add([cells[name] for name in COLUMNS])
        ledger.key[expected.row] = expected
        if not expected.faults and expected.id_number:
            self._taken.append((expected.row, expected.id_number))

    def _mess(self, cells: dict[str, Any], expected: Expected, mode: str, year: int) -> None:
        """One deviation that a named rule corrects."""
        random = self._random
        number = cells["id"]
        plain_id = isinstance(number, str) and number == expected.id_number and len(number) == 18

        def spaced() -> None:
            cells["id"] = f"{number[:6]} {number[6:14]} {number[14:]} "

        def narrow() -> None:
            cells["id"] = number.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})

        def old() -> None:
            cells["id"] = number[:6] + number[8:17]

        def anonymous() -> None:
            cells["id"], expected.id_number = None, None

        def two_modes() -> None:
            second = random.choice([one for one in MODES if one not in (mode, "none")])
            joiner = random.choice("；;、/")
            cells["mode"] = f"{MODES[mode][0]}{joiner}{MODES[second][0]}"
            expected.modes = (mode, second)

        def twice() -> None:
            cells["mode"] = f"{MODES[mode][0]}、{MODES[mode][-1]}"

        def second_phone() -> None:
            cells["phone"] = f"{cells['phone']}{random.choice('、;/ ')}19900001234"

        def grouped_phone() -> None:
            cells["phone"] = f"{cells['phone'][:3]} {cells['phone'][3:7]}-{cells['phone'][7:]}"

        changes: list[tuple[str, str, Callable[[], Any], bool]] = [
            ("id", "id_spaces", spaced, plain_id),
            ("id", "full_width", narrow, plain_id),
            ("id", "id_lower_x", lambda: cells.update(id=number.lower()), plain_id and number.endswith("X")),
            ("id", "id_apostrophe", lambda: cells.update(id="'" + number), plain_id),
            ("id", "id_15_to_18", old, plain_id),
            ("id", "excel_text", lambda: cells.update(id=f'="{number}"'), plain_id),
            ("id", "no_id_number", anonymous, plain_id and bool(cells["address"])),
            ("phone", "two_phones", second_phone, bool(cells["phone"]) and cells["phone"] != "19900001234"),
            ("phone", "phone_format", grouped_phone, bool(cells["phone"])),
            ("name", "name_spaces", lambda: cells.update(name=f"{cells['name'][0]}　{cells['name'][1:]}"), True),
            ("name", "invisible", lambda: cells.update(name=cells["name"] + "\u200b"), True),
            ("village", "village_path", lambda: cells.update(village=cells["township"] + cells["village"]), True),
            ("mode", "two_modes", two_modes, mode != "none"),
            ("mode", "two_modes_same", twice, mode not in ("none", "attic_compost") and len(MODES[mode]) > 1),
            ("year", "year_chinese", lambda: cells.update(year=_CHINESE[year]), True),
            ("year", "year_serial", lambda: cells.update(year=_SERIALS[year][0]), True),
            ("year", "year_text", lambda: cells.update(year=f"{year}年新建（已完成）"), True),
            ("year", "year_two_digits", lambda: cells.update(year=f"{year % 100}.6"), True),
            ("year", "year_two_digits", lambda: cells.update(year=f"{year % 100}年"), True),
            ("family_size", "family_size_text", lambda: cells.update(family_size="4人"), True),
        ]
        untouched = getattr(expected, "_touched", set())
        possible = [one for one in changes if one[3] and one[0] not in untouched]
        if possible:
            column, rule, change, _ = random.choice(possible)
            change()
            untouched.add(column)
            expected._touched = untouched  # type: ignore[attr-defined]
            expected.rules.add(rule)

    def _spoil(self, cells: dict[str, Any], expected: Expected) -> None:
        """One fault, in a column that is still sound and was not messed with."""
        random = self._random
        touched: set[str] = getattr(expected, "_touched", set())
        money, money_reason = random.choice(_BAD_MONEY)
        wrong_check = None
        if isinstance(cells["id"], str) and len(cells["id"]) == 18:
            last = random.choice([one for one in "0123456789X" if one != cells["id"][-1].upper()])
            wrong_check = cells["id"][:17] + last
            if wrong_check.endswith("000"):
                wrong_check = None
        # A township that has a village of that name as well would make the row right.
        right = self._townships_of.get(cells["village"], ()) or (cells["township"],)
        other = random.choice([name for name in self._townships if name not in right])
        spoils: list[tuple[str, str, Any]] = [
            ("id", "id_float", random.choice(["3.60423E+17", float(int("360423190101010001"))])),
            ("village", "bad_village", random.choice(["不存在村", "", "360424999999"])),
            ("township", "bad_township", other),
            ("mode", "bad_mode", random.choice([*_BAD_MODES, ""])),
            ("year", "bad_year", random.choice(_BAD_YEARS)),
            ("name", "no_name", random.choice(["", "无", None])),
            ("name", "bad_name", random.choice(["12345", "张" * 51])),
            ("phone", "bad_phone", random.choice(_BAD_PHONES)),
            ("phone", "phone_float", "1.99E+10"),
            ("subsidy", money_reason, money),
            ("led_by", "bad_led_by", random.choice(["甲", "卫健和农业"])),
            ("family_size", "bad_family_size", random.choice(["很多", "99", "-1"])),
        ]
        if wrong_check:
            spoils.append(("id", "id_check", wrong_check))
        if self._taken and not expected.faults and not touched & {"id"} and random.random() < 0.3:
            cells["id"] = random.choice(self._taken)[1]
            expected.faults.append(("id", "dup"))
            touched |= {"id", *(COLUMNS)}
        else:
            possible = [
                one
                for one in spoils
                if one[0] not in touched
                and not (one[0] == "township" and "village" in touched)
                and not (one[0] == "village" and "township" in touched)
            ]
            if not possible:
                return
            column, reason, value = random.choice(possible)
            cells[column] = value
            expected.faults.append((column, reason))
            touched |= {column} | ({"village", "township"} if column in ("village", "township") else set())
            if column in ("id", "name", "address", "phone"):
                # What identifies the household may hang on these; leave them as they are from here on.
                touched |= {"id"}
        expected._touched = touched  # type: ignore[attr-defined]
