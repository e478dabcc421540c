"""The final report's annexes: four tables with a row for each township."""

from collections.abc import Callable, Sequence

from toilet_api.rectification.codes import PLAN_STATES
from toilet_api.reporting.documents.account import Account, Township
from toilet_api.reporting.documents.content import Annex, Cell, Column, Table, summed
from toilet_api.reporting.documents.wording import Share
from toilet_api.survey.codes import CAUSES

_NUMBER, _NAME = Column("序号", 2.5), Column("乡镇（区）", 7)


def annexes(account: Account) -> tuple[Annex, ...]:
    """附表1 to 附表4."""
    return (
        Annex("附表1 摸排情况", _survey(account)),
        Annex("附表2 问题厕所分类", _problem_toilets(account), "A3"),
        Annex("附表3 整改销号", _close_out(account)),
        Annex("附表4 工作推进问题", _work(account), "A3"),
    )


def _table(
    account: Account,
    title: str,
    columns: Sequence[Column],
    cells: Callable[[Township], Sequence[Cell]],
    unit: str,
    note: str = "",
) -> Table:
    rows = tuple((number, one.name, *cells(one)) for number, one in enumerate(account.townships, 1))
    total = ("", *summed([row[1:] for row in rows], "合计")) if rows else None
    return Table(f"{account.county}{title}", (_NUMBER, _NAME, *columns), rows, total, f"单位：{unit}", note)


def _survey(account: Account) -> Table:
    def cells(one: Township) -> Sequence[Cell]:
        registry, survey = one.figures.registry, one.figures.survey
        return (
            registry.households,
            registry.occupied,
            registry.vacant,
            registry.demolished,
            survey.surveyed,
            Share(survey.surveyed, survey.households),
            survey.township_verified,
            survey.county_verified,
            registry.toilets,
            registry.sanitary,
            registry.harmless,
            Share(registry.sanitary, registry.base),
        )

    return _table(
        account,
        "农村户厕摸排情况表",
        (
            Column("合计", 4, "农户"),
            Column("常住", 4, "农户"),
            Column("空心户", 4, "农户"),
            Column("已拆除", 4, "农户"),
            Column("已摸排", 4, "摸排"),
            Column("摸排率", 4, "摸排"),
            Column("乡镇审核", 4.5, "摸排"),
            Column("县级审核", 4.5, "摸排"),
            Column("户厕数", 4, "户厕"),
            Column("卫生厕所", 4.5, "户厕"),
            Column("无害化", 4, "户厕"),
            Column("普及率", 4, "户厕"),
        ),
        cells,
        "户、座",
        "普及率为卫生厕所户数占未拆除农户数的比重。",
    )


def _problem_toilets(account: Account) -> Table:
    causes = [code for code in CAUSES.codes if code.code != "work_process"]

    def cells(one: Township) -> Sequence[Cell]:
        found = one.figures.problem_toilets
        by = {cause.cause: cause for cause in one.figures.by_cause}
        counts: list[Cell] = []
        for code in causes:
            cause = by.get(code.code)
            toilets, problems = (cause.problem_toilets, cause.found - cause.dismissed) if cause else (0, 0)
            counts += [toilets, problems]
        return (found.total, found.open, found.in_work, found.accepted, found.closed, *counts)

    columns = [
        *(Column(title, 4, "问题厕所") for title in ("合计", "待整改", "整改中", "待销号", "已销号")),
        *(Column(title, 3.5, code.zh) for code in causes for title in ("座", "问题数")),
    ]
    return _table(
        account,
        "农村问题厕所分类情况表",
        columns,
        cells,
        "座、个",
        "厕所按其进展最慢的问题归类；有不同原因问题的，在各原因下分别计数。",
    )


def _close_out(account: Account) -> Table:
    def cells(one: Township) -> Sequence[Cell]:
        problems = one.figures.problems
        living = problems.found - problems.dismissed
        return (
            PLAN_STATES.label(one.plan_state) if one.plan_state else "未编制",
            living,
            problems.open,
            problems.in_work,
            problems.accepted,
            problems.closed,
            Share(problems.closed, living),
            problems.overdue,
            problems.reopened,
            problems.dismissed,
        )

    return _table(
        account,
        "农村户厕问题整改销号情况表",
        (
            Column("整改方案", 6),
            Column("登记问题", 4.5),
            Column("待整改", 4),
            Column("整改中", 4),
            Column("待销号", 4),
            Column("已销号", 4),
            Column("销号率", 4),
            Column("逾期", 4),
            Column("曾重开", 4),
            Column("已撤销", 4),
        ),
        cells,
        "个",
        "登记问题不含已撤销的；含工作推进中的问题。",
    )


def _work(account: Account) -> Table:
    kinds = [one for one in account.types if one.problem_class == "work"]

    def cells(one: Township) -> Sequence[Cell]:
        found = one.work_types or {}
        work = one.figures.work_problems
        return (work.found - work.dismissed, work.closed, *(found.get(kind.code, 0) for kind in kinds))

    return _table(
        account,
        "农村户厕工作推进问题情况表",
        (
            Column("登记问题", 4.5),
            Column("已销号", 4),
            *(Column(kind.zh, 5) for kind in kinds),
        ),
        cells,
        "个",
        "不含已撤销的；县级登记而不属于乡镇的，不在本表。",
    )
