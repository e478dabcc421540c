"""Which village a row means: by code or by name, within the scope of the import."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.headings import normalise

_SUFFIX = re.compile(
    r"(?:社区居民委员会|社区居委会|村民委员会|居民委员会|村委会|居委会|村委|居委|社区委会|社区居委|行政村|村社区|农村社区|嘎查|社区|村)$"
)
_TOWNSHIP_SUFFIX = re.compile(
    r"(?:(?:乡|镇|街道)?人民政府|乡政府|镇政府|街道办事处|办事处|街道办|街道|民族乡|镇|乡|管理委员会|管委会|苏木|农场|林场|垦殖场)$"
)
_COUNTY_SUFFIX = re.compile(r"(?:自治县|县级市|自治州|自治区|地区|县|市|区|旗|省|州|盟)$")
_NUMBERED_GROUP = r"第?[一二三四五六七八九十\d]{1,3}(?:村民)?小?[组队社]"
_GROUP = re.compile(rf"^(.*?(?:村|村委会|居委会|社区))({_NUMBERED_GROUP}|.{{1,8}}[组屯湾塆寨])$")
_GROUP_OF_STEM = re.compile(rf"^(.{{2,12}}?)({_NUMBERED_GROUP})$")
_WRITTEN = "(?:村|社区|居委|嘎查)"
_ORDINAL = re.compile(r"^\s*[(（]?[一二三四五六七八九十\d]{1,3}[)）、.．]")
# 安乐村 within 新安乐村 is another village, though not of this scope.
_BEFORE_VILLAGE = r"(?:^|(?<=[省市县区旗乡镇道办场会州盟年月位表号村居及和与\W\d]))"
_EXPECTED = (
    "导入范围内的村名或 12 位村代码",
    "the name or the 12-digit code of a village within the scope of the import",
)
_HIGHER = (("township", 9), ("county", 6), ("city", 4), ("province", 2))


@dataclass(slots=True)
class Places:
    """The divisions that an import may name: villages of its scope, the divisions above them, former codes and names.

    `names` holds every division of the scope and its ancestors by code; `former` an old code's present one, and
    `former_names` names that a present code once had.
    """

    names: dict[str, str]
    former: Mapping[str, str] = field(default_factory=dict)
    former_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: str | None = None
    """The one village of the import, when it was narrowed to one: rows then need no column of villages."""
    _exact: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _stems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _shortened: dict[str, str] = field(default_factory=dict)
    _old: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for code, name in self.names.items():
            if len(code) == 12:
                self._exact[normalise(name)].append(code)
                self._stems[village_stem(name)].append(code)
        for code, names in self.former_names.items():
            for name in names if len(code) == 12 else ():
                self._old[village_stem(name)].append(code)

    def find(self, findings: Findings, cells: Mapping[str, tuple[Place, str]]) -> str | None:
        """The code of the village that a row names, or None with a fault on `village` (or the division that disagrees).

        `cells` holds place and text by field: village, village_code, township, county, city, province.
        """
        place, text = cells.get("village") or (Place("village"), "")
        code_place, code_text = cells.get("village_code") or (Place("village"), "")
        if not text and not code_text:
            findings.reject(place, "bad_village", "", _EXPECTED)
            return None
        if code_text:
            return self._by_code(findings, code_place, code_text, text, cells)
        if _plain_code(text).isdigit():
            return self._by_code(findings, place, text, "", cells)
        candidates, rule = self._named(text, cells)
        fitting = [code for code in candidates if not self._disagreements(code, cells)]
        if len(fitting) == 1:
            if rule is not None:
                findings.correct(place, rule, text, self.names[fitting[0]])
            return fitting[0]
        if fitting:
            findings.reject(
                place,
                "ambiguous_village",
                text,
                (
                    f"加上乡镇列，或用代码：{'、'.join(sorted(fitting)[:5])}",
                    f"add the township, or give the code: {sorted(fitting)[:5]}",
                ),
            )
        elif candidates:
            self.contradicted(findings, candidates[0], cells)
        else:
            findings.reject(place, "bad_village", text, _EXPECTED)
        return None

    def village_and_group(self, text: str) -> tuple[str, str] | None:
        """安乐村三组 -> 安乐村, 三组: where the whole is no village's name, but what stands before the group is one."""
        if self._whole(text):
            return None
        for pattern in (_GROUP, _GROUP_OF_STEM):
            parts = pattern.match(text.strip())
            if parts is not None and self._whole(parts[1]):
                return parts[1], parts[2]
        return None

    def stated(self, sheet: str, titles: Sequence[str]) -> str | None:
        """The one village that a sheet's name or the titles above its header name; None where it is not just one.

        A sheet's name and what stands behind a colon (行政村：安乐) are whole names. Elsewhere in a title a village
        must be written out with 村, 社区 or the like: the bare stem may be part of a township's name.
        """
        wholes = [sheet, *(re.split(r"[:：]", title, maxsplit=1)[-1] for title in titles)]
        found = {codes[0] for codes in map(self._whole, wholes) if len(codes) == 1}
        for title in map(normalise, titles):
            found |= self._written_in(title)
        return found.pop() if len(found) == 1 else None

    def written_in(self, text: str) -> str | None:
        """The one village that is written out in a text, as an address; None where there is not just one."""
        found = self._written_in(normalise(_ORDINAL.sub("", text)))
        return found.pop() if len(found) == 1 else None

    def _whole(self, text: str) -> list[str]:
        plain = normalise(text)
        return (
            self._exact.get(plain)
            or self._stems.get(village_stem(text))
            or self._stems.get(village_stem(self._without_higher(plain)))
            or []
        )

    def _written_in(self, title: str) -> set[str]:
        """The villages written out in a title; of those that overlap, the longest (新安乐村, not 安乐村)."""
        written = {
            stem
            for stem in self._stems
            if len(stem) >= 2 and stem in title and re.search(_BEFORE_VILLAGE + re.escape(stem) + _WRITTEN, title)
        }
        longest = {one for one in written if not any(one != other and one in other for other in written)}
        codes = {code for stem in longest for code in self._stems[stem]}
        in_township = {code for code in codes if normalise(self.names.get(code[:9], "\0")) in title}
        return in_township or codes

    def _by_code(
        self, findings: Findings, place: Place, text: str, name: str, cells: Mapping[str, tuple[Place, str]]
    ) -> str | None:
        given = _plain_code(text)
        code = given if given in self.names else self.former.get(given, given)
        if len(code) != 12 or code not in self.names:
            findings.reject(place, "bad_village", text, _EXPECTED)
            return None
        if name and code not in self._named(name, cells)[0]:
            findings.reject(
                place,
                "bad_village",
                text,
                (f"代码 {code} 是{self.names[code]}，与村名不符", f"{code} is {self.names[code]}"),
            )
            return None
        if self.contradicted(findings, code, cells):
            return None
        if given != text and not re.fullmatch(r"\d+\.0+", text):
            findings.correct(place, "code_format", text, given)
        if code != given:
            findings.correct(place, "division_successor", given, code)
        return code

    def _named(self, text: str, cells: Mapping[str, tuple[Place, str]]) -> tuple[list[str], str | None]:
        """Candidates by name, and the rule that had to help; present names before former ones."""
        plain = normalise(text)
        if plain in self._exact:
            exact = self._exact[plain]
            if any(not self._disagreements(code, cells) for code in exact):
                return exact, None
        stem = village_stem(text)
        if stem in self._stems:
            return self._stems[stem], "village_suffix"
        shorter = self._without_higher(plain)
        if shorter != plain and village_stem(shorter) in self._stems:
            fitting = [
                code
                for code in self._stems[village_stem(shorter)]
                if self._path_fits(code, plain.removesuffix(shorter))
            ]
            if fitting:
                return fitting, "village_path"
        beside = self._behind_township(plain)
        if beside:
            return beside, "village_path"
        if stem in self._old:
            return self._old[stem], "division_successor"
        return self._exact.get(plain, []), None

    def _behind_township(self, text: str) -> list[str]:
        """石渡安乐村: a village behind its township's name without 乡."""
        for code, name in self.names.items():
            stem = _stem(normalise(name), "township")
            if len(code) == 9 and text.startswith(stem) and len(text) > len(stem) + 1:
                fitting = [one for one in self._stems.get(village_stem(text[len(stem) :]), ()) if one.startswith(code)]
                if fitting:
                    return fitting
        return []

    def _without_higher(self, text: str) -> str:
        """The name without the names of divisions above that stand before it: 石渡乡安乐村 → 安乐村."""
        if text not in self._shortened:
            self._shortened[text] = self._shorten(text)
        return self._shortened[text]

    def _shorten(self, text: str) -> str:
        changed = True
        while changed:
            changed = False
            for code, name in self.names.items():
                if len(code) < 12:
                    higher = normalise(name)
                    if len(text) > len(higher) + 1 and text.startswith(higher):
                        text, changed = text[len(higher) :], True
        return text

    def _path_fits(self, code: str, path: str) -> bool:
        """Whether the names before a village are those of divisions above it."""
        above = [normalise(self.names[code[:length]]) for _, length in reversed(_HIGHER) if code[:length] in self.names]
        for name in above:
            path = path.removeprefix(name)
        return not path

    def _disagreements(self, code: str, cells: Mapping[str, tuple[Place, str]]) -> list[str]:
        """The higher divisions that a row names and that aren't above `code`."""
        return [
            name
            for name, length in _HIGHER
            if name in cells and cells[name][1] and not self._is(code[:length], cells[name][1], name)
        ]

    def _is(self, code: str, text: str, name: str) -> bool:
        given = _plain_code(text)
        if given.isdigit():
            # 360423208000 is the township 360423208, written in the full 12 digits.
            given = given.removesuffix("0" * (len(given) - len(code))) if given.startswith(code) else given
            return code == self.former.get(given, given)
        known = [self.names.get(code, ""), *self.former_names.get(code, ())]
        if not known[0]:
            return True  # The tree does not name it: nothing to disagree with.
        wanted = normalise(text)
        stem = _stem(wanted, name)
        return any(
            wanted == normalise(one) or stem == _stem(normalise(one), name) or wanted.endswith(normalise(one))
            for one in known
        )

    def contradicted(self, findings: Findings, code: str, cells: Mapping[str, tuple[Place, str]]) -> bool:
        """Whether a row names higher divisions that aren't above the village `code`; each is then a fault."""
        wrong = self._disagreements(code, cells)
        for name in wrong:
            place, text = cells[name]
            length = dict(_HIGHER)[name]
            actual = self.names.get(code[:length], code[:length])
            reason = "bad_township" if name == "township" else "bad_county"
            findings.reject(
                place, reason, text, (f"{self.names[code]}属于{actual}", f"{self.names[code]} belongs to {actual}")
            )
        return bool(wrong)


def _plain_code(text: str) -> str:
    """A code of digits without blanks, quotes and the .0 of a float; anything else as it is."""
    plain = re.sub(r"\.0+$", "", re.sub(r"[\s'’‘\"]", "", text))
    return plain if plain.isascii() and plain.isdigit() else text


def village_stem(name: str) -> str:
    """A village's name without 村委会, 社区 and the like; a name that is nothing else stays."""
    plain = normalise(name)
    stem = _SUFFIX.sub("", plain)
    shorter = _SUFFIX.sub("", stem)  # 安乐村村委会
    stem = shorter if len(shorter) >= 2 else stem
    return stem if len(stem) >= 2 else plain.removesuffix("委会") if stem else plain


def _stem(name: str, kind: str) -> str:
    pattern = _TOWNSHIP_SUFFIX if kind == "township" else _COUNTY_SUFFIX
    stem = pattern.sub("", name)
    return stem if len(stem) >= 2 else name
