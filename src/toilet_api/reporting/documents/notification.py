"""The notification (通报): the month's ranking, lists and criticisms, each by facts alone.

工作方案 四（四）月通报；五（四）通报约谈、考核排名.
"""

from toilet_api.reporting.documents.content import Annex, Body, Column, Document, Head, Imprint, Table
from toilet_api.reporting.documents.dispatch import Dispatch, Listed, Part, Ranking, close_share, ordered, survey_share
from toilet_api.reporting.documents.offices import Office, departments, governments
from toilet_api.reporting.documents.progress import (
    arrival_sentences,
    cause_sentence,
    caveats,
    close_out_chart,
    comparison_sentence,
    ledger_sentence,
    overdue_sentences,
    progress_table,
    survey_sentence,
    unranked,
)
from toilet_api.reporting.documents.wording import NOTHING, day, listed, minute


def notification(dispatch: Dispatch, office: Office, ranking: Ranking | None = None) -> Document:
    """The notification of a period; with a published assessment it shows its ranking and its lists."""
    issuers = office.issuers or departments(dispatch.division_code, dispatch.division_name)
    below = [part.name for part in sorted(dispatch.parts, key=lambda part: part.code)]
    body = Body()
    body.say(
        f"根据农村户厕问题摸排整改工作调度通报机制，现将{dispatch.period}"
        f"{dispatch.whole}农村户厕问题摸排整改工作情况通报如下。数据截至{minute(dispatch.cutoff_at)}。"
    )
    body.heading("总体情况")
    body.point("摸排情况", survey_sentence(dispatch))
    body.point("整改情况", ledger_sentence(dispatch) + comparison_sentence(dispatch))
    body.say(cause_sentence(dispatch.figures))
    annexes: list[Annex] = []
    if dispatch.parts:
        body.heading(f"各{dispatch.below}情况")
        body.say(*_standings(dispatch, ranking))
        chart = close_out_chart(dispatch)
        if chart is not None:
            body.show(chart)
        table = progress_table(dispatch, f"{dispatch.whole}农村户厕问题摸排整改进展情况表")
        annexes.append(Annex("附表1 进展情况", table))
    if ranking is not None:
        annexes.append(Annex("附表2 考核排名", _ranking_table(dispatch, ranking)))
    _shortcomings(body, dispatch)
    if ranking is not None and (ranking.red or ranking.yellow):
        body.heading("红黄牌情况")
        for label, members in (("红牌", ranking.red), ("黄牌", ranking.yellow)):
            if members:
                body.point(f"{label}（{len(members)}个）", _with_reasons(members))
    body.heading("下步要求")
    body.say(*_demands(dispatch))
    return Document(
        file_name=f"关于{dispatch.division_name}{dispatch.period}农村户厕问题摸排整改工作情况的通报",
        head=Head("papers", issuers, office.number),
        title=f"关于{dispatch.period}农村户厕问题摸排整改工作情况的通报",
        body=body.done(),
        dated=office.dated,
        imprint=Imprint(office.copies_to, "抄送", issuers[0]),
        addressees=office.addressees or governments(below),
        annexes=tuple(annexes),
        notes=caveats(dispatch),
    )


def _standings(dispatch: Dispatch, ranking: Ranking | None) -> list[str]:
    if ranking is not None:
        told = [f"第{one.rank}位{one.name}（{_or_none(one.score)}分）" for one in ranking.rows if one.rank is not None]
        return [
            f"按{ranking.title}（{ranking.formula}，截至{day(ranking.as_of.date())}），排名依次为：{listed(told)}。"
        ]
    ranked = [
        f"{part.name}（{close_share(part.figures)}）" for rank, part in ordered(dispatch.parts) if rank and part.figures
    ]
    if not ranked:
        return [unranked(dispatch)]
    return [f"尚无公布的考核结果，按销号率由高到低依次为：{listed(ranked)}。"]


def _ranking_table(dispatch: Dispatch, ranking: Ranking) -> Table:
    reasons = {one.name: f"红牌：{'；'.join(one.reasons)}" for one in ranking.red}
    for one in ranking.yellow:
        reasons.setdefault(one.name, f"黄牌：{'；'.join(one.reasons)}")
    return Table(
        f"{dispatch.whole}农村户厕问题摸排整改考核排名表",
        (Column("位次", 3), Column(dispatch.below, 9), Column("得分", 5), Column("红黄牌及事由", 24)),
        tuple((_or_none(one.rank), one.name, _or_none(one.score), reasons.get(one.name, "")) for one in ranking.rows),
        unit="单位：分",
        note=f"{ranking.title}，{ranking.formula}，截至{minute(ranking.as_of)}。",
    )


def _or_none(value: float | None) -> str:
    """Ranks and scores as the assessment shows them; 没有任何台账的不排名."""
    return NOTHING if value is None else f"{value:g}"


def _with_reasons(members: tuple[Listed, ...]) -> str:
    """Those who are listed for the same reasons stand together."""
    together: dict[tuple[str, ...], list[str]] = {}
    for one in members:
        together.setdefault(one.reasons, []).append(one.name)
    return "；".join(f"{listed(names)}：{'，'.join(reasons)}" for reasons, names in together.items()) + "。"


def _named(parts: list[Part]) -> str:
    return listed([part.name for part in parts])


def _shortcomings(body: Body, dispatch: Dispatch) -> None:
    """存在的问题: each a fact that the figures show, with who and how much."""
    body.heading("存在的问题")
    found = len(body.blocks)
    counted = [(part, part.figures) for part in dispatch.received if part.figures is not None]
    overdue = dispatch.figures.problems.overdue
    if overdue:
        body.point("逾期未整改到位", "".join(overdue_sentences(dispatch)))
    nothing_closed = [
        part for part, one in counted if one.problems.found > one.problems.dismissed and not one.problems.closed
    ]
    if nothing_closed:
        body.point("尚无问题销号", f"{_named(nothing_closed)}已登记问题，至今没有一个销号。")
    incomplete = [
        f"{part.name}（{survey_share(one)}）" for part, one in counted if one.survey.surveyed < one.survey.households
    ]
    if incomplete:
        body.point("摸排尚未全面完成", f"{listed(incomplete)}仍有农户未摸排。")
    reopened = [f"{part.name}{one.problems.reopened}个" for part, one in counted if one.problems.reopened]
    if reopened:
        body.point("销号后重新打开", f"{listed(reopened)}问题经复核、抽查等被重新打开过。")
    if any(part.arrival != "in_time" for part in dispatch.due):
        body.point("报送不及时", "".join(arrival_sentences(dispatch)))
    if len(body.blocks) == found:
        body.say("本期数据中没有逾期、未摸排、未销号、重新打开或者迟报、未报的情况。")


def _demands(dispatch: Dispatch) -> list[str]:
    """What follows from the facts; each with the paragraph of the work plan behind it."""
    problems, survey = dispatch.figures.problems, dispatch.figures.survey
    made = []
    if survey.surveyed < survey.households:
        left = survey.households - survey.surveyed
        made.append(f"未摸排的{left}户要逐村逐户逐厕摸排到位，不留死角盲区（工作方案四（二）3）。")
    if problems.overdue:
        made.append(
            f"逾期的{problems.overdue}个问题要逐个说明原因、明确时限，整改一个、验收一个、销号一个（工作方案四（三））。"
        )
    if problems.accepted:
        made.append(f"已验收的{problems.accepted}个问题，农户签字同意后及时销号（工作方案四（五））。")
    if problems.open:
        made.append(f"待整改的{problems.open}个问题要列入整改方案或者立行立改（工作方案四（三））。")
    missing = [part.name for part in dispatch.parts if part.arrival == "missing"]
    if missing:
        made.append(f"{listed(missing)}要立即补报本期进展。")
    if not made and problems.found == problems.dismissed:
        made.append("本期没有登记的问题，要确保摸排全面、准确（工作方案四（二）3）。")
    return made or ["已登记的问题全部销号，要健全长效管护机制，巩固整改成果（工作方案四（六））。"]
