"""Made-up figures, dispatches and accounts: consistent with themselves, the same every time."""

from datetime import date, datetime
from uuid import UUID

from toilet_api.kernel.fields import SHANGHAI
from toilet_api.reporting.documents.account import Account, ReviewCounts, Township, TypeCount
from toilet_api.reporting.documents.dispatch import Dispatch, Listed, Part, Ranked, Ranking
from toilet_api.reporting.figures import (
    CauseFigures,
    Figures,
    GradeCount,
    LeaderCount,
    ModeCount,
    ProblemFigures,
    ProblemToiletFigures,
    RegistryFigures,
    SurveyFigures,
    YearCount,
)
from toilet_api.reporting.statistics.summary_schemas import (
    CampaignSummary,
    CauseCounts,
    LedgerCounts,
    PlanCounts,
    Remaining,
    ShareCounts,
    SurveyCounts,
)
from toilet_api.survey.catalogue_seed import SEED
from toilet_api.survey.codes import CAUSES

NAMES = (
    *(
        "新宁镇",
        "泉口镇",
        "鲁溪镇",
        "船滩镇",
        "澧溪镇",
        "罗坪镇",
        "石门楼镇",
        "宋溪镇",
        "甫田乡",
        "清江乡",
        "石渡乡",
        "官莲乡",
    ),
    *("杨洲乡", "东林乡", "上汤乡", "横路乡", "大洞乡", "罗溪乡", "巾口乡"),
)
CAUSE_CODES = tuple(code.code for code in CAUSES.codes)
STATES = ("open", "in_work", "accepted", "closed", "dismissed")


def problems(found: int, closed: int, *, overdue: int = 0, dismissed: int = 0, reopened: int = 0) -> ProblemFigures:
    """Problems, the rest of them shared out over the other states."""
    rest = found - closed - dismissed
    accepted, in_work = rest // 6, rest // 3
    return ProblemFigures(
        found=found,
        open=rest - accepted - in_work,
        in_work=in_work,
        rectified=closed + accepted,
        accepted=accepted,
        closed=closed,
        dismissed=dismissed,
        overdue=min(overdue, rest),
        reopened=reopened,
    )


def added(parts: list[ProblemFigures]) -> ProblemFigures:
    """The sum of several."""
    return ProblemFigures(**{name: sum(getattr(one, name) for one in parts) for name in ProblemFigures.model_fields})


def figures(
    households: int = 1000,
    surveyed: int = 900,
    found: int = 60,
    closed: int = 40,
    *,
    overdue: int = 0,
    dismissed: int = 0,
    work: int = 0,
    reopened: int = 0,
) -> Figures:
    """Figures of one place."""
    vacant, demolished = households // 8, households // 50
    toilets = households - households // 40
    causes: list[CauseFigures] = []
    left, left_closed = found, closed
    for place, cause in enumerate(CAUSE_CODES[:5]):
        part = left if place == 4 else left // 2
        done = min(part, left_closed if place == 4 else left_closed // 2)
        left, left_closed = left - part, left_closed - done
        late, gone = (overdue, dismissed) if place == 0 else (0, 0)
        counted = problems(
            part, min(done, part - gone), overdue=late, dismissed=gone, reopened=reopened if not place else 0
        )
        causes.append(CauseFigures(cause=cause, problem_toilets=part - gone, **counted.model_dump()))
    toilet_problems = added([ProblemFigures(**one.model_dump(exclude={"cause", "problem_toilets"})) for one in causes])
    work_problems = problems(work, work // 2)
    causes.append(CauseFigures(cause="work_process", problem_toilets=0, **work_problems.model_dump()))
    ill = toilet_problems.found - toilet_problems.dismissed
    sanitary = toilets * 9 // 10
    return Figures(
        registry=RegistryFigures(
            households=households,
            occupied=households - vacant - demolished,
            vacant=vacant,
            demolished=demolished,
            toilets=toilets,
            counted=toilets,
            sanitary=sanitary,
            harmless=toilets * 8 // 10,
            base=households - demolished,
            sanitary_coverage=sanitary / (households - demolished) if households > demolished else None,
            harmless_coverage=None,
        ),
        survey=SurveyFigures(
            households=households,
            surveyed=surveyed,
            township_verified=surveyed * 9 // 10,
            county_verified=surveyed * 8 // 10,
            returned=0,
        ),
        problems=added([toilet_problems, work_problems]),
        toilet_problems=toilet_problems,
        work_problems=work_problems,
        problem_toilets=ProblemToiletFigures(
            total=ill,
            open=toilet_problems.open,
            in_work=toilet_problems.in_work,
            accepted=toilet_problems.accepted,
            closed=toilet_problems.closed,
        ),
        by_cause=causes,
        by_mode=[
            ModeCount(mode="three_compartment", toilets=toilets * 7 // 10, counted=0),
            ModeCount(mode="full_sewer", toilets=toilets - toilets * 7 // 10, counted=0),
            ModeCount(mode="none", toilets=0, counted=0),
        ],
        by_grade=[
            GradeCount(grade="harmless", toilets=toilets * 8 // 10, counted=0),
            GradeCount(grade="unsanitary", toilets=toilets - toilets * 8 // 10, counted=0),
        ],
        by_year=[YearCount(built_year=2024, toilets=toilets // 2, counted=0)],
        by_leader=[LeaderCount(led_by="agriculture", toilets=toilets, counted=0)],
        pace=[],
    )


def summed(parts: list[Figures]) -> Figures:
    """The figures of places together, member by member."""

    def total(members: list[dict[str, object]]) -> dict[str, object]:
        made: dict[str, object] = {}
        for name, first in members[0].items():
            values = [one[name] for one in members]
            if isinstance(first, dict):
                made[name] = total(values)  # type: ignore[arg-type]
            elif isinstance(first, list):
                made[name] = [total(list(rows)) for rows in zip(*values, strict=True)]  # type: ignore[call-overload]
            elif isinstance(first, int) and name != "built_year":
                made[name] = sum(values)  # type: ignore[arg-type]
            else:
                made[name] = first
        return made

    return Figures.model_validate(total([one.model_dump() for one in parts])) if parts else figures(0, 0, 0, 0)


def place_figures(number: int) -> Figures:
    """Those of the n-th township; each is another."""
    households = 1800 + 613 * (number * 7 % 11)
    found = 24 + 11 * (number * 5 % 13)
    return figures(
        households,
        households - (0 if number % 4 else 37 + number),
        found,
        found * (96 - 5 * (number % 10)) // 100,
        overdue=number % 5,
        dismissed=number % 3,
        work=3 + number % 4,
        reopened=int(number == 5),
    )


def part(number: int, name: str, **members: object) -> Part:
    """A township's report."""
    given = {"figures": place_figures(number), **members}
    return Part(code=f"360423{100 + number}", name=name, **given)  # type: ignore[arg-type]


def dispatch(names: tuple[str, ...] = NAMES, **members: object) -> Dispatch:
    """A county's weekly report, with one township late, one missing, one corrected."""
    parts = [part(number, name) for number, name in enumerate(names)]
    if len(names) > 4:
        parts[2] = part(2, names[2], arrival="late")
        parts[3] = part(3, names[3], figures=None, arrival="missing")
        parts[4] = part(4, names[4], is_corrected=True, difficulties="高山村组运输困难，化粪池运不上去。")
    whole = summed([one.figures for one in parts if one.figures is not None])
    before = whole.model_copy(
        update={
            "survey": whole.survey.model_copy(update={"surveyed": whole.survey.surveyed - 812}),
            "problems": whole.problems.model_copy(
                update={"closed": whole.problems.closed - 96, "overdue": whole.problems.overdue + 4}
            ),
        }
    )
    given = {
        "division_code": "360423",
        "division_name": "武宁县",
        "period": "2026年第30周",
        "since": date(2026, 7, 18),
        "until": date(2026, 7, 24),
        "cutoff_at": datetime(2026, 7, 24, 17, 30, tzinfo=SHANGHAI),
        "drawn_at": datetime(2026, 7, 24, 17, 31, tzinfo=SHANGHAI),
        "figures": whole,
        "before": before,
        "before_period": "上周",
        "parts": tuple(parts),
        **members,
    }
    return Dispatch(**given)  # type: ignore[arg-type]


def ranking(of: Dispatch) -> Ranking:
    """A published assessment of the parts."""
    rows = tuple(Ranked(number, one.code, one.name, 95 - number * 1.5) for number, one in enumerate(of.parts, 1))
    return Ranking(
        "2026年7月考核",
        datetime(2026, 7, 31, 18, tzinfo=SHANGHAI),
        "武宁县考核办法第1版",
        rows,
        yellow=(Listed(rows[-2].name, ("逾期问题占12.5%，超过10%",)),),
        red=(Listed(rows[-1].name, ("经核实弄虚作假1起", "排名末位")),),
    )


def _ledger(one: ProblemFigures) -> LedgerCounts:
    return LedgerCounts(**one.model_dump(exclude={"rectified"}))


def summary(whole: Figures, townships: int) -> CampaignSummary:
    """What oversight's summary says of the same ledger."""
    left = whole.problems.found - whole.problems.closed - whole.problems.dismissed
    remaining = [
        Remaining(cause="technical_mode", problems=left // 3, planned=left // 4, without_deadline=left // 9,
                  last_deadline=date(2027, 6, 30), cost_fen=123_456_00),
        Remaining(cause="construction_quality", problems=left - left // 3, planned=left - left // 3,
                  without_deadline=0, last_deadline=date(2026, 12, 31), cost_fen=8_000_000),
    ]  # fmt: skip
    return CampaignSummary(
        campaign_id=UUID(int=1),
        campaign_name="农村户厕问题摸排整改",
        division_code="360423",
        as_of=datetime(2026, 9, 25, 10, 5, tzinfo=SHANGHAI),
        survey=SurveyCounts(
            households=whole.registry.households, households_surveyed=whole.survey.surveyed,
            toilets=whole.registry.toilets, problem_toilets=whole.problem_toilets.total, visits_submitted=0,
            visits_township_verified=0, visits_county_verified=0, visits_returned=0,
        ),
        ledger=_ledger(whole.problems),
        toilet_problems=_ledger(whole.toilet_problems),
        work_problems=_ledger(whole.work_problems),
        causes=[
            CauseCounts(cause=one.cause, **one.model_dump(exclude={"cause", "problem_toilets", "rectified"}))
            for one in whole.by_cause
        ],
        plans=PlanCounts(townships=townships, approved=max(0, townships - 2), submitted=1, returned=0, draft=1,
                         addenda=3, funds_fen=25_000_000),
        acceptance=ShareCounts(submitted=whole.problems.rectified, accepted_by_township=whole.problems.rectified,
                               rechecked_by_county=whole.problems.rectified // 3, township_target_percent=100,
                               county_target_percent=30),
        remaining=remaining if left else [],
        divisions=[],
    )  # fmt: skip


def account(names: tuple[str, ...] = NAMES, **members: object) -> Account:
    """A county at the end of September."""
    townships = tuple(
        Township(
            code=f"360423{100 + number}",
            name=name,
            figures=place_figures(number),
            plan_state="approved" if number else "draft",
            work_types={"no_upkeep_mechanism": 1 + number % 2, "rushing": 2 + number % 4 - number % 2},
        )
        for number, name in enumerate(names)
    )
    whole = summed([one.figures for one in townships])
    toilet_types = [one for one in SEED if one.problem_class == "toilet"][:12]
    work_types = [one for one in SEED if one.problem_class == "work"]
    types = [
        TypeCount(one.code, one.zh, one.problem_class, 120 - 7 * place, 90 - 7 * place)
        for place, one in enumerate(toilet_types)
    ]
    for one in work_types:
        number = sum((place.work_types or {}).get(one.code, 0) for place in townships)
        types.append(TypeCount(one.code, one.zh, one.problem_class, number, number // 2))
    given = {
        "county_code": "360423",
        "county": "武宁县",
        "province": "江西省",
        "campaign": "农村户厕问题摸排整改行动",
        "document_numbers": ("农办社〔2026〕4号", "赣农厅办字〔2026〕15号"),
        "cut_off_year": 2024,
        "phases": (("survey", date(2026, 7, 31)), ("evaluation", date(2026, 9, 30)), ("consolidation", None)),
        "as_of": datetime(2026, 9, 25, 10, 5, tzinfo=SHANGHAI),
        "figures": whole,
        "summary": summary(whole, len(names)),
        "townships": townships,
        "villages": 11 * len(names),
        "types": tuple(types),
        "full_reviews": ReviewCounts(1, 320, 320, 311, 6, 3),
        "spot_checks": ReviewCounts(0, 0, 0, 0, 0, 0),
        "falsifications": 6,
        "falsified": 1,
        "postponed": 4,
        **members,
    }
    return Account(**given)  # type: ignore[arg-type]
