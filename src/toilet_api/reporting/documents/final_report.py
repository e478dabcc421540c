"""The county's final report (工作方案 四（五）): 摸排总结, 整改进展, 下步整改计划, by three departments together."""

from toilet_api.reporting.documents.account import Account, ReviewCounts
from toilet_api.reporting.documents.content import Body, Column, Document, Head, Imprint, Table, summed
from toilet_api.reporting.documents.final_annexes import annexes
from toilet_api.reporting.documents.final_survey import living, survey_chapter
from toilet_api.reporting.documents.offices import Office, departments
from toilet_api.reporting.documents.wording import Share, day, listed, minute, yuan
from toilet_api.survey.codes import CAUSES, PHASES

_NOTES = (
    "卫生厕所以一宅一厕计，普及率为卫生厕所户数占未拆除农户数的比重",
    "销号率为已销号问题数占登记问题数（不含已撤销）的比重",
    "一座厕所有多个问题的，按进展最慢的问题归类；有不同原因问题的，在各原因下分别计数",
    "百分数一般保留一位小数",
)


def final_report(account: Account, office: Office) -> Document:
    """The report, with its annexes."""
    issuers = office.issuers or departments(account.county_code, account.county)
    body = Body()
    numbers = listed([f"《{one}》" if not one.endswith("号") else one for one in account.document_numbers])
    body.say(
        f"按照{numbers or '上级'}要求，我县组织开展了“{account.campaign}”，"
        f"重点摸排{account.cut_off_year}年以来改造的农村户用厕所。现将有关情况报告如下，"
        f"数据截至{minute(account.as_of)}。"
    )
    body.heading("摸排总结")
    survey_chapter(body, account)
    body.heading("整改进展")
    _progress(body, account)
    body.heading("存在困难")
    _difficulties(body, account)
    body.heading("下步整改计划")
    _plan(body, account)
    body.say("特此报告。")
    title = f"关于{account.county}农村户厕问题摸排整改情况的报告"
    return Document(
        file_name=title,
        head=Head("papers", issuers, office.number, is_upward=True),
        title=title,
        body=body.done(),
        dated=office.dated,
        imprint=Imprint(office.copies_to, "抄送", issuers[0]),
        addressees=office.addressees or departments(account.county_code[:2], account.province),
        annexes=annexes(account),
        notes=(f"本报告数据由系统于{minute(account.as_of)}从问题台账实时统计，可逐条查询", *_NOTES),
    )


def _progress(body: Body, account: Account) -> None:
    problems, plans, shares = account.figures.problems, account.summary.plans, account.summary.acceptance
    told = f"{plans.townships}个乡镇（区）中，整改方案已审核备案{plans.approved}个，待审核{plans.submitted}个，"
    told += f"退回修改{plans.returned}个，编制中{plans.draft}个；现行补充方案{plans.addenda}个。"
    without = [one.name for one in account.townships if not one.plan_state and living(one.figures.problems)]
    told += f"有问题而未编制方案的：{listed(without)}。" if without else ""
    body.point("整改方案", told + f"现行方案安排经费{yuan(plans.funds_fen)}。")
    body.point(
        "整改销号",
        f"登记问题{living(problems)}个，已整改{problems.rectified}个，已销号{problems.closed}个，"
        f"销号率{Share(problems.closed, living(problems))}；待整改{problems.open}个，整改中{problems.in_work}个，"
        f"已验收待销号{problems.accepted}个；另有已撤销{problems.dismissed}个。"
        f"问题厕所{account.figures.problem_toilets.total}座中，全部问题已销号的"
        f"{account.figures.problem_toilets.closed}座。"
        + (f"逾期未销号{problems.overdue}个。" if problems.overdue else "没有逾期未销号的问题。"),
    )
    body.point(
        "验收",
        f"报请验收{shares.submitted}个，乡镇验收合格{shares.accepted_by_township}个，"
        f"占{Share(shares.accepted_by_township, shares.submitted)}（要求{shares.township_target_percent}%）；"
        f"县级复验合格{shares.rechecked_by_county}个，占{Share(shares.rechecked_by_county, shares.submitted)}"
        f"（要求{shares.county_target_percent}%）。",
    )
    reviews = [_review("县级全面复核", account.full_reviews), _review("各级抽查", account.spot_checks)]
    told = "".join(one for one in reviews if one) or "尚未开展复核、抽查。"
    told += f"曾被重新打开的问题{problems.reopened}个。" if problems.reopened else ""
    if account.falsifications:
        told += f"登记弄虚作假记录{account.falsifications}条，涉及{account.falsified}个问题。"
    else:
        told += "没有弄虚作假记录。"
    body.point("复核和抽查", told)


def _review(label: str, counts: ReviewCounts) -> str:
    if not counts.held:
        return ""
    return (
        f"{label}{counts.held}次，应核查{counts.selected}个，已核查{counts.checked}个，属实{counts.upheld}个，"
        f"不属实退回整改{counts.failed}个，无法核查{counts.not_checkable}个。"
    )


def _difficulties(body: Body, account: Account) -> None:
    """Each a fact of the ledger; what the people there think of it, they add by hand."""
    found = len(body.blocks)
    remaining, problems = account.summary.remaining, account.figures.problems
    technical = next((one for one in remaining if one.cause == "technical_mode"), None)
    if technical is not None:
        body.point(
            "技术模式不适宜问题整改周期长",
            f"未销号{technical.problems}个，须按时间表和路线图逐步整改，其中尚无期限{technical.without_deadline}个。",
        )
    unplanned = sum(one.problems - one.planned for one in remaining)
    if unplanned:
        body.point("部分问题尚未安排", f"未销号的问题中，{unplanned}个尚未列入方案或者安排整改。")
    if problems.overdue:
        behind = [
            f"{one.name}{one.figures.problems.overdue}个" for one in account.townships if one.figures.problems.overdue
        ]
        body.point("部分问题逾期", f"逾期未销号{problems.overdue}个：{listed(behind)}。")
    if account.postponed:
        body.point("部分问题延期", f"经县级批准延期的问题{account.postponed}个。")
    left = account.figures.survey.households - account.figures.survey.surveyed
    if left > 0:
        body.point("摸排尚未全面完成", f"尚有{left}户未摸排，其中可能还有问题厕所。")
    if len(body.blocks) == found:
        body.say("台账中没有逾期、延期、未安排、未摸排以及技术模式不适宜的未销号问题。")


def _plan(body: Body, account: Account) -> None:
    remaining = account.summary.remaining
    if not living(account.figures.problems):
        unseen = account.figures.survey.households - account.figures.survey.surveyed
        body.say("台账尚未登记问题。", f"下步完成其余{unseen}户的摸排。" if unseen > 0 else "")
    elif not remaining:
        body.say("登记的问题已全部销号。下步转入长效管护，防止问题反弹。")
    else:
        left = sum(one.problems for one in remaining)
        days = [one.last_deadline for one in remaining if one.last_deadline is not None]
        body.say(
            f"未销号问题{left}个，已列入方案或者已安排{sum(one.planned for one in remaining)}个，"
            f"计划费用{yuan(sum(one.cost_fen for one in remaining))}。"
            + (f"已定期限的，最晚{day(max(days))}前整改到位。" if days else "均尚未确定期限。")
        )
        body.show(_remaining_table(account))
    steps = [
        f"{PHASES.label(phase)}，{day(due)}前完成"
        for phase, due in account.phases
        if due is not None and due > account.as_of.date()
    ]
    if steps:
        body.say(f"时间安排：{'；'.join(steps)}。")


def _remaining_table(account: Account) -> Table:
    rows = tuple(
        (
            CAUSES.label(one.cause),
            one.problems,
            one.planned,
            one.without_deadline,
            one.last_deadline,
            yuan(one.cost_fen),
        )
        for one in account.summary.remaining
    )
    total = list(summed(rows, "合计"))
    total[5] = yuan(sum(one.cost_fen for one in account.summary.remaining))
    return Table(
        "未销号问题及整改时限",
        (
            Column("原因分类", 7),
            Column("未销号", 4),
            Column("已安排", 4),
            Column("尚无期限", 4.5),
            Column("最晚期限", 7),
            Column("计划费用", 7),
        ),
        rows,
        tuple(total),
        unit="单位：个",
    )
