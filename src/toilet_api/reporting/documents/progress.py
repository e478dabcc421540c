"""The sentences and tables that a bulletin and a notification share, each made of figures by a rule."""

from toilet_api.reporting.documents.content import Cell, Chart, Column, Series, Table, summed
from toilet_api.reporting.documents.dispatch import (
    Dispatch,
    Part,
    close_share,
    ordered,
    rectified_share,
    survey_share,
)
from toilet_api.reporting.documents.wording import NOTHING, change, day, listed, minute, points
from toilet_api.reporting.figures import Figures
from toilet_api.survey.codes import CAUSES

BASIS = (
    "数据由问题台账生成，可在系统中逐条查询",
    "摸排率为已摸排户数占农户数的比重",
    "销号率为已销号问题数、整改完成率为已报请验收和已验收及已销号问题数，占登记问题数（不含已撤销）的比重",
    "百分数一般保留一位小数，百分点按舍入前的数计算",
)


def survey_sentence(dispatch: Dispatch) -> str:
    """摸排: households, and how many of them were seen and verified."""
    now, before = dispatch.figures.survey, dispatch.before.survey if dispatch.before else None
    return (
        f"{dispatch.whole}共有农户{now.households}户，已摸排{now.surveyed}户，摸排率{survey_share(dispatch.figures)}"
        f"{_since(dispatch, now.surveyed, before.surveyed if before else None, '户')}；"
        f"乡镇已审核{now.township_verified}户，县级已审核{now.county_verified}户。"
    )


def ledger_sentence(dispatch: Dispatch) -> str:
    """整改: found, in work, done, closed."""
    now, before = dispatch.figures.problems, dispatch.before.problems if dispatch.before else None
    toilets = dispatch.figures.problem_toilets.total
    dismissed = f"，另有{now.dismissed}个已撤销" if now.dismissed else ""
    return (
        f"累计登记问题{now.found - now.dismissed}个{dismissed}，涉及问题厕所{toilets}座；"
        f"已整改{now.rectified}个，整改完成率{rectified_share(dispatch.figures)}；"
        f"已销号{now.closed}个，销号率{close_share(dispatch.figures)}"
        f"{_since(dispatch, now.closed, before.closed if before else None, '个')}；"
        f"待整改{now.open}个，整改中{now.in_work}个，已验收待销号{now.accepted}个。"
    )


def comparison_sentence(dispatch: Dispatch) -> str:
    """How the close-out rate has moved; empty without a report before."""
    if dispatch.before is None:
        return ""
    moved = points(close_share(dispatch.figures), close_share(dispatch.before))
    overdue = change(dispatch.figures.problems.overdue, dispatch.before.problems.overdue)
    return f"与{dispatch.before_period}相比，销号率{moved}，逾期问题{overdue}{'' if overdue == '持平' else '个'}。"


def _since(dispatch: Dispatch, now: int, before: int | None, unit: str) -> str:
    if before is None:
        return ""
    moved = change(now, before)
    return f"，较{dispatch.before_period}{moved}{'' if moved == '持平' else unit}"


def cause_sentence(figures: Figures) -> str:
    """The problems by cause, the most frequent first."""
    causes = sorted(figures.by_cause, key=lambda one: (-(one.found - one.dismissed), one.cause))
    told = [
        f"{CAUSES.label(one.cause)}{one.found - one.dismissed}个（已销号{one.closed}个）"
        for one in causes
        if one.found > one.dismissed
    ]
    return f"按原因分：{listed(told)}。" if told else ""


def progress_table(dispatch: Dispatch, title: str) -> Table:
    """Everybody below in the order of the close-out rate; who sent nothing stands at the end, without figures."""
    rows = [
        (rank if rank is not None else NOTHING, part.name, *_progress(part)) for rank, part in ordered(dispatch.parts)
    ]
    missing = [part.name for part in dispatch.parts if part.figures is None]
    note = "按销号率由高到低排列，相同的并列；未登记问题的不排名。"
    if missing:
        note += f"{listed(missing)}没有已接收的报表，不计入合计。"
    counted = [row[1:] for row in rows if row[2] is not None]
    return Table(
        title,
        (
            Column("位次", 2.5),
            Column(dispatch.below, 6),
            Column("农户数", 4, "摸排"),
            Column("已摸排", 4, "摸排"),
            Column("摸排率", 4, "摸排"),
            Column("登记问题", 4.6, "整改"),
            Column("已整改", 4, "整改"),
            Column("已销号", 4, "整改"),
            Column("销号率", 4, "整改"),
            Column("逾期", 3, "整改"),
        ),
        tuple(rows),
        ("", *summed(counted, "合计")) if counted else None,
        unit="单位：户、个",
        note=note,
    )


def _progress(part: Part) -> tuple[Cell, ...]:
    figures = part.figures
    if figures is None:
        return (None,) * 8
    problems = figures.problems
    return (
        figures.survey.households,
        figures.survey.surveyed,
        survey_share(figures),
        problems.found - problems.dismissed,
        problems.rectified,
        problems.closed,
        close_share(figures),
        problems.overdue,
    )


def unranked(dispatch: Dispatch) -> str:
    """Why there is no order by the close-out rate."""
    if not dispatch.received:
        return f"本期没有已接收的{dispatch.below}报表，没有销号率可以比较。"
    return f"各{dispatch.below}均未登记问题，没有销号率可以比较。"


def close_out_chart(dispatch: Dispatch) -> Chart | None:
    """The close-out rate of everybody below, in the order of the table; None with nobody to compare."""
    shown = [part for rank, part in ordered(dispatch.parts) if rank is not None]
    if len(shown) < 2:
        return None
    shares = tuple(close_share(part.figures) for part in shown if part.figures is not None)
    return Chart(
        f"各{dispatch.below}销号率",
        tuple(part.name for part in shown),
        (Series("销号率", shares),),
        f"截至{minute(dispatch.cutoff_at)}；数值见上表。",
    )


def overdue_sentences(dispatch: Dispatch) -> list[str]:
    """Who has how many overdue problems, most first; and how many of each cause."""
    total = dispatch.figures.problems.overdue
    if total == 0:
        return [f"截至{day(dispatch.until)}，没有逾期未销号的问题。"]
    late = sorted(
        ((part.figures.problems.overdue, part) for part in dispatch.received if part.figures is not None),
        key=lambda one: (-one[0], one[1].code),
    )
    named = listed([f"{part.name}{number}个" for number, part in late if number])
    causes = listed([f"{CAUSES.label(one.cause)}{one.overdue}个" for one in dispatch.figures.by_cause if one.overdue])
    made = [f"{dispatch.whole}逾期未销号问题{total}个"]
    if named:
        made.append(f"其中{named}")
    if causes:
        made.append(f"按原因分，{causes}")
    return ["；".join(made) + "。"]


def arrival_sentences(dispatch: Dispatch) -> list[str]:
    """Who reported in time, late, not at all; who has corrected his report."""
    made: list[str] = []
    parts, due = dispatch.parts, dispatch.due
    if not parts:
        return made
    by = {
        name: [part.name for part in due if part.arrival == name] for name in ("in_time", "late", "missing", "pending")
    }
    counts = [f"本期应报{len(due)}个", f"按时报送{len(by['in_time'])}个"]
    for name, label in (("late", "迟报"), ("pending", "已报待接收"), ("missing", "未报")):
        if by[name]:
            counts.append(f"{label}{len(by[name])}个")
    made.append("，".join(counts) + "。")
    if by["late"]:
        made.append(f"迟报的有：{listed(by['late'])}。")
    if by["missing"]:
        made.append(f"未报的有：{listed(by['missing'])}。")
    if by["pending"]:
        made.append(f"已报而定格时尚未接收的有：{listed(by['pending'])}。")
    earlier = [f"{part.name}（{part.stands_in}）" for part in parts if part.stands_in]
    if earlier:
        made.append(f"本期未接收而以前期报表代替的有：{listed(earlier)}。")
    corrected = [part.name for part in parts if part.is_corrected]
    if corrected:
        made.append(f"报送后作过更正的有：{listed(corrected)}；本期数据为更正后数。")
    return made


def caveats(dispatch: Dispatch) -> tuple[str, ...]:
    """What a reader must know of this edition of the figures."""
    made = [f"本期数据截至{minute(dispatch.cutoff_at)}，由系统于{minute(dispatch.drawn_at)}定格"]
    if dispatch.edition > 1:
        reason = f"，更正原因：{dispatch.correction_reason}" if dispatch.correction_reason else ""
        made.append(f"本期为第{dispatch.edition}版{reason}")
    if not dispatch.is_signed:
        made.append("本期报表尚未核签，本件不作为正式文本")
    if dispatch.is_stale:
        made.append("定格后有下级报表作了更正，本期尚未重新汇总")
    return (*made, *BASIS)
