"""From an outcome to what is stored and shown: the lines of an assessment, its lists, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from toilet_api.reporting.assessment.codes import PARTS
from toilet_api.reporting.assessment.schemas import Listed, ListedReason, PartLine, PooledPart, Result, UnitLine
from toilet_api.reporting.assessment.scoring import FALSIFICATION, Facts, Hit, Method, Outcome, PartScore, Unit
from toilet_api.reporting.assessment.shrinkage import Count

RATE_DECIMALS, SCORE_DECIMALS = 6, 2


@dataclass(frozen=True, slots=True)
class Frame:
    """What an outcome is of."""

    holder: str
    names: Mapping[str, str]
    campaigns: Mapping[UUID, str]
    """Campaign -> its county."""
    as_of: datetime
    before: Sequence[dict[str, Any]] = ()
    """The lines of the assessment that was published before this one."""
    kept_as: UUID | None = None
    """The assessment that keeps the records; None: nothing is stored, and the lists are of today."""

    def records(self, code: str, part: str) -> str:
        """Where the records behind a part of a division are listed."""
        if self.kept_as is not None:
            return f"/api/v1/assessments/{self.kept_as}/records?{urlencode({'part': part, 'place': code})}"
        query = [("part", part), ("division", code), ("held_by", self.holder)]
        query += [("campaign_id", str(one)) for one, county in self.campaigns.items() if code.startswith(county)]
        return f"/api/v1/assessments/records?{urlencode(query)}"


def result_of(outcome: Outcome, method: Method, frame: Frame) -> Result:
    """The result, best first."""
    before = {line["division_code"]: line for line in frame.before}
    lines = [_line(code, unit, frame, before.get(code, {})) for code, unit in outcome.units.items()]
    lines.sort(key=lambda line: (line.rank is None, line.rank, line.division_code))
    return Result(parts=pooled_parts(outcome, method), units=lines, **lists_of(lines))


def lists_of(lines: Sequence[UnitLine]) -> dict[str, list[Listed]]:
    """The red and the yellow list of these lines."""
    return {
        f"{colour}_list": [
            Listed(division_code=line.division_code, name=line.name, since=line.listed_since, reasons=line.reasons)
            for line in lines
            if line.listed == colour and line.listed_since is not None
        ]
        for colour in ("red", "yellow")
    }


def pooled_parts(outcome: Outcome, method: Method) -> list[PooledPart]:
    """Each part over all divisions, with the weight that it came to."""
    shown = []
    for entry in PARTS:
        pool = outcome.pools.get(entry.code)
        total, counted = (pool.total, pool.total.n > 0) if pool else (_falsifications(outcome), True)
        shown.append(
            PooledPart(
                part=entry.code,
                weight=method.weights[entry.code],
                weight_used=round(outcome.used.get(entry.code, 0.0), SCORE_DECIMALS),
                has_figures=counted,
                numerator=total.x,
                denominator=total.n if pool else None,
                rate=_rounded(total.rate),
                prior_strength=_rounded(pool.strength) if pool and counted else None,
            )
        )
    return shown


def facts_from(lines: Sequence[dict[str, Any]]) -> dict[str, Facts]:
    """The counts of a stored assessment, to sum them up in another way."""
    return {line["division_code"]: _facts_from(line) for line in lines}


def _facts_from(line: dict[str, Any]) -> Facts:
    parts = {one["part"]: one for one in line["parts"]}
    return Facts(
        {
            part: Count(one["numerator"], one["denominator"])
            for part, one in parts.items()
            if part != FALSIFICATION and one["denominator"]
        },
        falsifications=parts.get(FALSIFICATION, {}).get("numerator", 0),
        live=line["problems"],
        overdue=line["overdue"],
    )


def _falsifications(outcome: Outcome) -> Count:
    return Count(sum(unit.facts.falsifications for unit in outcome.units.values()), 0)


def _line(code: str, unit: Unit, frame: Frame, before: dict[str, Any]) -> UnitLine:
    return UnitLine(
        division_code=code,
        name=frame.names.get(code),
        rank=unit.rank,
        score=unit.score,
        score_low=unit.low,
        score_high=unit.high,
        problems=unit.facts.live,
        overdue=unit.facts.overdue,
        listed=unit.colour,
        listed_since=_since(frame, before.get("listed") == unit.colour, before.get("listed_since"))
        if unit.hits
        else None,
        reasons=[_reason(hit, frame, before) for hit in unit.hits],
        parts=[
            _part(code, part, unit.parts[part], frame) for part in (one.code for one in PARTS) if part in unit.parts
        ],
    )


def _part(code: str, part: str, one: PartScore, frame: Frame) -> PartLine:
    deeds = part == FALSIFICATION
    return PartLine(
        part=part,
        numerator=one.count.x,
        denominator=None if deeds else one.count.n,
        raw_rate=None if deeds else _rounded(one.count.rate),
        rate=_rounded(one.shrunk.rate) if one.shrunk else None,
        low=_rounded(one.shrunk.low) if one.shrunk else None,
        high=_rounded(one.shrunk.high) if one.shrunk else None,
        score=round(one.score, SCORE_DECIMALS),
        own_figures=one.own,
        records=frame.records(code, part),
    )


def _reason(hit: Hit, frame: Frame, before: dict[str, Any]) -> ListedReason:
    rule = hit.rule
    same = next(
        (
            one
            for one in before.get("reasons", ())
            if (one["kind"], one["list"], one["part"]) == (rule.kind, rule.colour, rule.part)
        ),
        None,
    )
    return ListedReason(
        kind=rule.kind,
        list=rule.colour,
        part=rule.part,
        value=round(hit.value, RATE_DECIMALS),
        limit=rule.limit,
        numerator=hit.numerator,
        denominator=hit.denominator,
        text=_text(hit),
        since=_since(frame, same is not None, same["since"] if same else None),
    )


def _since(frame: Frame, unbroken: bool, earlier: str | None) -> datetime:
    return datetime.fromisoformat(earlier) if unbroken and earlier else frame.as_of


def _text(hit: Hit) -> str:
    rule, x, n = hit.rule, hit.numerator, hit.denominator
    match rule.kind:
        case "overdue_share_above":
            return f"逾期 {x} 个，占 {n} 个问题的 {_percent(hit.value)}，高于 {_percent(rule.limit)}"
        case "part_below":
            return f"{PARTS.label(rule.part or '')} {x}/{n}，为 {_percent(hit.value)}，低于 {_percent(rule.limit)}"
        case "score_below":
            return f"得分 {hit.value:g}，低于 {rule.limit:g}"
        case "last_share":
            return f"排名第 {x}，共 {n} 个单位，列末位 {_percent(rule.limit)}"
        case "falsifications_at_least":
            return f"弄虚作假记录 {hit.value:g} 条"
        case _:
            return "没有任何台账"


def _percent(share: float) -> str:
    """To a tenth of a percent, for reading; the value itself stands beside it."""
    return f"{100 * share:.1f}%"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, RATE_DECIMALS)
