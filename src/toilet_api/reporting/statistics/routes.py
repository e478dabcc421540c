"""Live statistics over HTTP. Every figure is of this moment and of the caller's own scope."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from toilet_api.accounts.caller import Caller, may
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.kernel.database import Transaction
from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import Day, DivisionCode
from toilet_api.kernel.requests import Room
from toilet_api.reporting.figures import Denominator, DivisionFigures
from toilet_api.reporting.statistics import tables
from toilet_api.reporting.statistics.answers import told
from toilet_api.reporting.statistics.asking import campaigns_of, children_of, place_of, question_of
from toilet_api.reporting.statistics.reading import figures_of
from toilet_api.reporting.statistics.schemas import StatisticsOut, SubjectCode, TableCell, TableOut, TrendOut
from toilet_api.reporting.statistics.trend import trend
from toilet_api.survey.answers import reading
from toilet_api.survey.clock import Now
from toilet_api.survey.rules import shanghai_date

router = Room(tags=["reporting"])

StatisticsReader = Annotated[Caller, may(Permission.STATISTICS_READ)]
Division = Annotated[
    DivisionCode | None,
    Query(
        description="缺省为您的辖区；旧代码按后继计 / Left out: your own scope. An old code stands for its successor"
    ),
]
CampaignId = Annotated[
    UUID | None,
    Query(title="专项行动", description="缺省为各进行中的行动 / Left out: every open campaign"),
]
LONGEST_DAYS = 1100


@router.get(
    "/statistics",
    operation_id="get_statistics",
    response_model=StatisticsOut,
    summary="实时指标 / Live figures",
    description=(
        "底数、摸排、问题台账、整改、验收、销号、逾期与各环节天数，由记录实时汇总，与逐条清点一致；限您的辖区"
        "（工作方案 四（四）调度）。 / Kept up to date by what is written; equal to counting the records."
    ),
    responses=reading(),
)
def get_statistics(
    session: Transaction,
    caller: StatisticsReader,
    now: Now,
    division: Division = None,
    campaign_id: CampaignId = None,
    denominator: Annotated[
        Denominator,
        Query(
            title="普及率分母",
            description="households 未拆除的全部农户；lived_in 常住户；with_toilet 有计入统计户厕的户 / "
            "All households not demolished; those lived in; those with a counted toilet",
        ),
    ] = "households",
    children: Annotated[
        bool, Query(title="是否含下级", description="下级区划各自的指标 / Also those of the divisions below")
    ] = False,
) -> Response:
    place = place_of(session, caller, division)
    campaigns = campaigns_of(session, caller, place, campaign_id)
    below = children_of(session, place) if children else {}
    groups = {"": place.prefixes, **{code: (code,) for code in below}}
    found = figures_of(session, groups, campaigns, shanghai_date(now), denominator)
    code = place.division_code
    shown = StatisticsOut(
        division_code=code,
        name=lookup.names(session, [code]).get(code) if code else None,
        campaign_ids=campaigns,
        as_of=now,
        denominator=denominator,
        figures=found[""],
        children=[
            DivisionFigures(division_code=child, name=name, figures=found[child]) for child, name in below.items()
        ],
    )
    return told(shown)


@router.get(
    "/statistics/table",
    operation_id="get_statistics_table",
    response_model=TableOut,
    summary="交叉统计表 / A cross-table",
    description=(
        "按至多两个维度统计一类对象，可加筛选。维度 / Dimensions: "
        + "; ".join(
            f"`{name}` {subject.zh}: {', '.join(subject.dimensions)}" for name, subject in tables.SUBJECTS.items()
        )
        + "; `division`：下级区划 / the divisions below, for each."
    ),
    responses=reading(),
)
def get_statistics_table(
    session: Transaction,
    caller: StatisticsReader,
    now: Now,
    subject: Annotated[SubjectCode, Query(title="统计对象")] = "problems",  # type: ignore[valid-type]
    group_by: Annotated[
        list[Annotated[str, Query(max_length=40)]],
        Query(title="维度", description="至多两个 / Two at most", max_length=2, examples=[["cause", "state"]]),
    ] = [],  # noqa: B006 - FastAPI copies defaults
    filters: Annotated[
        list[Annotated[str, Query(max_length=100)]],
        Query(
            alias="filter",
            title="筛选",
            description="“维度:取值”，可多个；同一维度的取值任一即可；unknown 为未知 / "
            "`dimension:value`, several; of one dimension any value counts; `unknown`: not known",
            max_length=50,
            examples=[["state:open", "state:in_work"]],
        ),
    ] = [],  # noqa: B006
    division: Division = None,
    campaign_id: CampaignId = None,
) -> Response:
    question = question_of(session, subject, group_by, filters)
    place = place_of(session, caller, division)
    campaigns = campaigns_of(session, caller, place, campaign_id)
    by_division = tables.DIVISION in question.group_by
    places = {code: (code,) for code in children_of(session, place)} if by_division else {"": place.prefixes}
    rows = tables.count(session, question, places, campaigns, shanghai_date(now))
    shown = TableOut(
        subject=subject,
        dimensions=list(question.group_by),
        division_code=place.division_code,
        campaign_ids=campaigns,
        as_of=now,
        total=sum(n for _, n in rows),
        cells=[TableCell(values=values, count=n) for values, n in rows],
    )
    return told(shown)


@router.get(
    "/statistics/trend",
    operation_id="get_statistics_trend",
    response_model=TrendOut,
    summary="逐日进展 / Day by day",
    description=(
        "各日提交摸排、登记、整改、验收、销号的数量与日末未销号数，按记录现有的日期（上海时间）统计。"
        " / By the dates that the records carry now, in Asia/Shanghai."
    ),
    responses=reading(),
)
def get_statistics_trend(
    session: Transaction,
    caller: StatisticsReader,
    now: Now,
    division: Division = None,
    campaign_id: CampaignId = None,
    since: Annotated[Day | None, Query(title="起始日", description="缺省为 90 日前 / Left out: 90 days ago")] = None,
    until: Annotated[Day | None, Query(title="截止日", description="含当日；缺省为今日 / That day included")] = None,
) -> Response:
    last = until or shanghai_date(now)
    first = since or last - timedelta(days=90)
    if not 0 <= (last - first).days < LONGEST_DAYS:
        message = (f"须不晚于截止日，且不超过 {LONGEST_DAYS} 日", f"at most {LONGEST_DAYS} days, none before the first")
        raise INVALID.problem(errors=[FieldError("/query/since", "bad_period", message, str(first))])
    place = place_of(session, caller, division)
    campaigns = campaigns_of(session, caller, place, campaign_id)
    shown = TrendOut(
        division_code=place.division_code,
        campaign_ids=campaigns,
        since=first,
        until=last,
        days=trend(session, place.prefixes, campaigns, first, last),
    )
    return told(shown)
