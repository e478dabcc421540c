"""The estimate of a sample as it is answered: the tallies from the database, the arithmetic from `estimate`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, col

from toilet_api.divisions import lookup
from toilet_api.oversight.codes import SAMPLE_MODES
from toilet_api.oversight.estimate import Tally, by_part, estimate, rate_in, rates_taken, total
from toilet_api.oversight.problems import SAMPLE_NOT_DRAWN
from toilet_api.oversight.sample_schemas import EstimateOut, FaultsOut, GroupOut
from toilet_api.oversight.strata import Cell
from toilet_api.oversight.tables import Sample, SampleUnit

DEFAULT_CONFIDENCE = 0.95
METHOD = (
    "按乡镇、模式、施工单位分层，以各层问题数加权；无法核查的不计；某层没有核查结论的，取所在乡镇（再无则取全部）核查的比例，各分组同。"
    "方差含有限总体校正，置信区间为有效样本量上的 Wilson 区间，并以已查明的个数为界；全部查明时即为实际比例。"
    " / Stratified by township, mode and contractor, weighted by population; what couldn't be checked is left out; a "
    "stratum without a result takes the rate of its township's checks, else of all; the groups likewise. Variance with "
    "finite population correction; Wilson's interval on the effective sample size, bounded by what is known; with "
    "everything checked it is the rate itself."
)


def estimate_of(session: Session, sample: Sample, confidence: float | None) -> EstimateOut:
    """What the checks so far say about the frame. Of a completed sample, the frozen answer unless another confidence
    is asked for. Raises `sample_not_drawn`.
    """
    if sample.drawn_at is None:
        raise SAMPLE_NOT_DRAWN.problem()
    if sample.estimate is not None and confidence in (None, sample.estimate["confidence"]):
        return EstimateOut.model_validate(sample.estimate)
    wanted = confidence or float(sample.size.get("confidence", DEFAULT_CONFIDENCE))
    cells = _tallies(session, sample)
    whole, found = total(cells.values()), estimate(cells, wanted)
    townships = lookup.names(session, {cell.township for cell in cells})
    return EstimateOut(
        confidence=wanted,
        population=whole.population,
        n=whole.selected,
        checked=whole.decided + whole.not_checkable,
        upheld=whole.upheld,
        failed=whole.failed,
        not_checkable=whole.not_checkable,
        rate=_rounded(found.rate),
        low=_rounded(found.low),
        high=_rounded(found.high),
        faults=_faults(session, sample.id),
        by_township=_groups(cells, "township", townships),
        by_mode=_groups(cells, "mode", {code.code: code.zh for code in SAMPLE_MODES}),
        by_contractor=_groups(cells, "contractor", {}),
        method=METHOD,
    )


def _tallies(session: Session, sample: Sample) -> dict[Cell, Tally]:
    """The cells as they were drawn, with the results of today."""
    rows: Any = session.connection().execute(
        select(col(SampleUnit.stratum), col(SampleUnit.result), func.count())
        .where(col(SampleUnit.sample_id) == sample.id, col(SampleUnit.selected), col(SampleUnit.result).is_not(None))
        .group_by(col(SampleUnit.stratum), col(SampleUnit.result))
    )
    results: dict[str, dict[str, int]] = {}
    for stratum, result, count in rows:
        results.setdefault(stratum, {})[result] = count
    found = {}
    for one in sample.strata:
        cell = Cell(one["township"], one["mode"], one["contractor"])
        found[cell] = Tally(one["population"], one["sample"], **results.get(cell.stratum, {}))
    return found


def _faults(session: Session, sample_id: UUID) -> FaultsOut:
    names = {"survey_untrue": "survey_true", "not_rectified": "rectified_really", "not_justified": "closed_justified"}
    row = (
        session.connection()
        .execute(
            select(
                *(
                    func.count().filter(col(getattr(SampleUnit, column)).is_(False)).label(name)
                    for name, column in names.items()
                )
            ).where(col(SampleUnit.sample_id) == sample_id, col(SampleUnit.result) == "failed")
        )
        .mappings()
        .one()
    )
    return FaultsOut(**row)


def _groups(cells: dict[Cell, Tally], part: str, names: Mapping[str, str]) -> list[GroupOut]:
    found: list[GroupOut] = []
    rates = rates_taken(cells)
    for key, members in by_part(cells, part).items():
        here = total(members.values())
        found.append(
            GroupOut(
                key=key,
                name=names.get(key),
                population=here.population,
                selected=here.selected,
                checked=here.decided + here.not_checkable,
                upheld=here.upheld,
                failed=here.failed,
                not_checkable=here.not_checkable,
                rate=_rounded(rate_in(members, rates)),
            )
        )
    return found


def _rounded(rate: float | None) -> Any:
    return None if rate is None else round(rate, 6)
