"""The problem types that a file may name, and how its cells name them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.sheets import Cell
from toilet_api.exchange.ledgers.text_rules import says_nothing
from toilet_api.exchange.records.cells import SEPARATORS, read_list, text_of
from toilet_api.survey.tables import CatalogueType


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The problem types that a file may name, by label and code; of several counties one label may mean several."""

    codes: Mapping[str, frozenset[str]]
    labels: Mapping[str, str]

    def ticks(self) -> dict[str, str]:
        """Heading -> code, for columns of ticks."""
        return {word: next(iter(codes)) for word, codes in self.codes.items() if len(codes) == 1}

    def read(self, findings: Findings, place: Place, text: str) -> str | None:
        """The code of one problem type."""
        found = self.codes.get(normalise(text)) or self.codes.get(_bracketed(text)) or frozenset()
        if len(found) == 1:
            return next(iter(found))
        expected = (
            (f"用代码：{'、'.join(sorted(found))}", f"the code, one of {', '.join(sorted(found))}")
            if found
            else ("问题目录中的名称或代码，见 GET /problem-types", "a label or code of GET /problem-types")
        )
        findings.reject(place, "bad_problem_type", text, expected)
        return None

    def _apart(self, text: str) -> list[str]:
        """Problems stand apart by ； or line breaks, and by 、 or commas where no note could hold those.

        A label that has a 、 in itself is put together again.
        """
        if "：" in text or ":" in text:
            return [part.strip() for part in re.split(r"[；;\n|]+", text) if part.strip()]
        left = [part.strip() for part in SEPARATORS.split(text) if part.strip()]
        made: list[str] = []
        while left:
            sizes = (size for size in range(min(4, len(left)), 1, -1) if self._knows("、".join(left[:size])))
            size = next(sizes, 1)
            made.append("、".join(left[:size]))
            left = left[size:]
        return made

    def _knows(self, text: str) -> bool:
        return normalise(text) in self.codes or _bracketed(text) in self.codes

    def read_findings(self, findings: Findings, place: Place, cell: Cell) -> dict[str, str | None] | None:
        """Code -> note: `池体渗漏：第二池底部；管道破裂`. None for a blank cell, empty for “无”."""
        text = text_of(findings, place, cell)
        if not text:
            return None
        if says_nothing(text):
            return {}
        parts = read_list(findings, place, cell) or [] if text.startswith("[") else self._apart(text)
        made: dict[str, str | None] = {}
        for part in parts:
            label, _, note = part.partition("：") if "：" in part else part.partition(":")
            code = self.read(findings, place, label.strip())
            if code in made:
                findings.reject(place, "dup_problem_type", label, ("同一问题只写一次", "each problem once"))
            elif code is not None:
                made[code] = note.strip() or None
        return made


def _bracketed(text: str) -> str:
    """With what stands in brackets; a normalised heading is without."""
    return normalise(re.sub(r"[()（）]", "", text))


def catalogue_for(session: Session, division_code: str) -> Catalogue:
    """The problem types that a file of this division may name: the common ones, and those of its counties."""
    county = col(CatalogueType.division_code)
    statement = select(CatalogueType).where(
        (county == "") | (county == division_code[:6]) | county.startswith(division_code, autoescape=True)
    )
    found: dict[str, set[str]] = {}
    labels: dict[str, str] = {}
    for one in session.exec(statement):
        labels.setdefault(one.code, one.zh)
        for word in (one.zh, one.code):
            for key in (normalise(word), _bracketed(word)):
                found.setdefault(key, set()).add(one.code)
    return Catalogue({key: frozenset(codes) for key, codes in found.items()}, labels)
