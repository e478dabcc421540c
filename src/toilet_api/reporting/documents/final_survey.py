"""The first chapter of the final report: what the survey found."""

from toilet_api.registry.codes import LEADERS, TOILET_GRADES, TOILET_MODES
from toilet_api.reporting.documents.account import Account
from toilet_api.reporting.documents.content import Body, Chart, Column, Series, Table, summed
from toilet_api.reporting.documents.wording import Share, listed
from toilet_api.reporting.figures import CauseFigures, ProblemFigures
from toilet_api.survey.codes import CAUSES


def living(one: ProblemFigures) -> int:
    """Problems found and not dismissed."""
    return one.found - one.dismissed


def survey_chapter(body: Body, account: Account) -> None:
    """一、摸排总结."""
    registry, survey = account.figures.registry, account.figures.survey
    body.point(
        "摸排范围和进度",
        f"全县{len(account.townships)}个乡镇（区）、{account.villages}个村共有农户{registry.households}户，"
        f"其中常住{registry.occupied}户、常年在外空心户{registry.vacant}户、已拆除{registry.demolished}户。"
        f"已摸排{survey.surveyed}户，摸排率{Share(survey.surveyed, survey.households)}；"
        f"乡镇已审核{survey.township_verified}户，县级已审核{survey.county_verified}户"
        + (f"；退回待更正{survey.returned}户。" if survey.returned else "。")
        + ("" if survey.surveyed >= survey.households else f"尚有{survey.households - survey.surveyed}户未摸排。"),
    )
    body.point("户厕底数", _toilets(account))
    body.point("问题厕所", _problem_toilets(account))
    if account.figures.problem_toilets.total:
        body.show(_by_cause_table(account), _by_cause_chart(account))
    body.point("工作推进中的问题", _work(account))


def _toilets(account: Account) -> str:
    figures = account.figures
    registry = figures.registry
    told = (
        f"共有户厕{registry.toilets}座，计入统计{registry.counted}座；卫生厕所{registry.sanitary}户，"
        f"普及率{Share(registry.sanitary, registry.base)}，其中无害化卫生厕所{registry.harmless}户，"
        f"普及率{Share(registry.harmless, registry.base)}。"
    )
    rows = (
        (
            "按改厕模式分",
            [(TOILET_MODES.label(one.mode), one.toilets) for one in figures.by_mode if one.mode != "none"],
        ),
        (
            "按卫生等级分",
            [(TOILET_GRADES.label(one.grade), one.toilets) for one in figures.by_grade if one.grade != "none"],
        ),
        (
            "按牵头单位分",
            [(LEADERS.label(one.led_by) if one.led_by else "未登记", one.toilets) for one in figures.by_leader],
        ),
    )
    for label, counts in rows:
        given = [f"{name}{number}座" for name, number in counts if number]
        if given:
            told += f"{label}：{listed(given)}。"
    years = sorted(((one.built_year, one.toilets) for one in figures.by_year), key=lambda one: (one[0] is None, one[0]))
    since = sum(number for year, number in years if year is not None and year >= account.cut_off_year)
    unknown = sum(number for year, number in years if year is None)
    told += f"{account.cut_off_year}年以来改造的{since}座" + (f"，改厕年份未登记的{unknown}座。" if unknown else "。")
    return told


def _problem_toilets(account: Account) -> str:
    found, toilets = account.figures.problem_toilets, account.figures.toilet_problems
    if not found.total:
        return "没有登记问题厕所。"
    kinds = sorted(
        (one for one in account.types if one.problem_class == "toilet" and one.problems),
        key=lambda one: (-one.problems, one.code),
    )
    told = f"共摸排出问题厕所{found.total}座，占户厕总数的{Share(found.total, account.figures.registry.toilets)}，"
    told += f"问题{living(toilets)}个。"
    if kinds:
        told += f"按问题类型分：{listed([f'{one.zh}{one.problems}个' for one in kinds])}。"
    return told + "按原因分类见下表。"


def _toilet_causes(account: Account) -> list[CauseFigures]:
    """The causes of toilets' problems, in the order of the code list."""
    by = {one.cause: one for one in account.figures.by_cause}
    return [by[code.code] for code in CAUSES.codes if code.code in by and code.code != "work_process"]


def _by_cause_table(account: Account) -> Table:
    rows = tuple(
        (
            CAUSES.label(one.cause),
            one.problem_toilets,
            living(one),
            one.open,
            one.in_work,
            one.accepted,
            one.closed,
            Share(one.closed, living(one)),
            one.overdue,
        )
        for one in _toilet_causes(account)
    )
    total = list(summed(rows, "合计")) if rows else None
    if total is not None:
        total[1] = account.figures.problem_toilets.total  # a toilet of two causes stands in two rows
    return Table(
        "问题厕所按原因分类情况",
        (
            Column("原因分类", 8),
            Column("问题厕所", 4),
            Column("问题数", 4),
            Column("待整改", 4),
            Column("整改中", 4),
            Column("待销号", 4),
            Column("已销号", 4),
            Column("销号率", 4),
            Column("逾期", 3),
        ),
        rows,
        tuple(total) if total else None,
        unit="单位：座、个",
        note="一座厕所有不同原因的问题，在各原因下分别计数，合计不重复。",
    )


def _by_cause_chart(account: Account) -> Chart:
    causes = _toilet_causes(account)
    return Chart(
        "问题厕所的问题按原因分类",
        tuple(CAUSES.label(one.cause) for one in causes),
        (
            Series("登记问题", tuple(living(one) for one in causes)),
            Series("已销号", tuple(one.closed for one in causes)),
        ),
        "数值见上表。",
    )


def _work(account: Account) -> str:
    work = account.figures.work_problems
    if not living(work):
        return "没有登记工作推进中的问题。"
    kinds = sorted(
        (one for one in account.types if one.problem_class == "work" and one.problems),
        key=lambda one: (-one.problems, one.code),
    )
    told = f"共登记{living(work)}个，已销号{work.closed}个"
    if kinds:
        told += f"：{listed([f'{one.zh}{one.problems}个（已销号{one.closed}个）' for one in kinds])}"
    return told + "。分乡镇情况见附表4。"
