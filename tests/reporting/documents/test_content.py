"""What the documents say: each figure is the one that was given, and each sentence follows from figures by a rule."""

from datetime import date
from itertools import pairwise

import pytest

from tests.reporting.documents import made
from toilet_api.reporting.documents.account import ReviewCounts, Township
from toilet_api.reporting.documents.bulletin import bulletin
from toilet_api.reporting.documents.content import Cell, Document, Heading, Paragraph, Table
from toilet_api.reporting.documents.dispatch import Dispatch, Part, close_share, ordered
from toilet_api.reporting.documents.final_report import final_report
from toilet_api.reporting.documents.notification import notification
from toilet_api.reporting.documents.offices import Office, governments
from toilet_api.reporting.documents.official import addressed_above, imprint_lines
from toilet_api.reporting.documents.wording import Share

OFFICE = Office(date(2026, 7, 24), number="第12期")


def said(document: Document) -> str:
    """The headings and paragraphs, one a line."""
    return "\n".join(
        block.text if isinstance(block, Heading) else block.lead + block.text
        for block in document.body
        if isinstance(block, Heading | Paragraph)
    )


def table(document: Document, title: str) -> Table:
    """The table with this in its title, of the body or the annexes."""
    found = [one for one in document.body if isinstance(one, Table)] + [one.table for one in document.annexes]
    return next(one for one in found if title in one.title)


def column(one: Table, title: str, group: str = "") -> list[Cell]:
    """The cells below a heading."""
    place = next(n for n, each in enumerate(one.columns) if each.title == title and each.group in (group, each.group))
    return [row[place] for row in one.rows]


def test_the_bulletin_is_ordered_by_the_rate_and_adds_up() -> None:
    dispatch = made.dispatch()
    document = bulletin(dispatch, OFFICE)
    shown = table(document, "进展情况")
    assert len(shown.rows) == len(made.NAMES)
    shares = [one for one in column(shown, "销号率") if isinstance(one, Share)]
    assert all((one.value or 0) >= (two.value or 0) for one, two in pairwise(shares))
    by_name = {row[1]: row for row in shown.rows}
    for part in dispatch.received:
        assert part.figures
        problems, survey = part.figures.problems, part.figures.survey
        assert by_name[part.name][2:] == (
            *(survey.households, survey.surveyed, Share(survey.surveyed, survey.households)),
            *(problems.found - problems.dismissed, problems.rectified, problems.closed),
            *(Share(problems.closed, problems.found - problems.dismissed), problems.overdue),
        )
    assert by_name["船滩镇"] == ("—", "船滩镇", *[None] * 8)
    whole = dispatch.figures
    assert shown.total
    assert shown.total[2:] == (
        *(whole.survey.households, whole.survey.surveyed, Share(whole.survey.surveyed, whole.survey.households)),
        *(whole.problems.found - whole.problems.dismissed, whole.problems.rectified, whole.problems.closed),
        *(close_share(whole), whole.problems.overdue),
    )
    text = said(document)
    for told in (
        f"共有农户{whole.survey.households}户，已摸排{whole.survey.surveyed}户",
        "较上周增加812户",
        "较上周增加96个",
        "逾期问题减少4个",
        f"逾期未销号问题{whole.problems.overdue}个",
        "本期应报19个，按时报送17个，迟报1个，未报1个。",
        "迟报的有：鲁溪镇。",
        "未报的有：船滩镇。",
        "报送后作过更正的有：澧溪镇",
        "（一）澧溪镇。高山村组运输困难",
    ):
        assert told in text, told
    assert [line for line in text.splitlines() if line[1:2] == "、"] == [
        *("一、总体进展", "二、各乡镇（区）进展", "三、逾期情况", "四、报送情况", "五、存在的问题和困难")
    ]


def test_equal_rates_share_a_rank_and_none_has_none() -> None:
    def part(code: str, found: int, closed: int) -> Part:
        return Part(code, code, made.figures(found=found, closed=closed))

    parts = [
        part("1", 10, 5),
        part("2", 40, 20),
        part("3", 10, 9),
        part("4", 0, 0),
        Part("5", "5", None),
        part("6", 9, 1),
        Part("3", "3", None),
    ]
    ranks = [(rank, one.code) for rank, one in ordered(parts)]
    assert ranks == [(1, "3"), (2, "1"), (2, "2"), (4, "6"), (None, "4"), (None, "3"), (None, "5")]


def test_a_first_period_with_nothing_reads_well() -> None:
    nothing = made.figures(0, 0, 0, 0)
    dispatch = made.dispatch((), figures=nothing, before=None, before_period="", is_signed=False)
    for document in (bulletin(dispatch, OFFICE), notification(dispatch, OFFICE)):
        text = said(document)
        assert "摸排率—" in text
        assert "销号率—" in text
        assert "较" not in text
        assert not document.annexes
        assert any("尚未核签" in one for one in document.notes)
    assert "没有逾期未销号的问题" in said(bulletin(dispatch, OFFICE))
    assert "没有逾期、未摸排" in said(notification(dispatch, OFFICE))


def test_whoever_is_not_received_is_named_with_what_stands_in() -> None:
    parts = (
        made.part(1, "甲乡"),
        made.part(2, "乙乡", arrival="pending", stands_in="2026年第29周"),
        made.part(3, "丙乡", arrival="pending", figures=None),
    )
    text = said(bulletin(made.dispatch((), parts=parts, edition=2, is_stale=True, correction_reason="补登"), OFFICE))
    assert "本期应报3个，按时报送1个，已报待接收2个。" in text
    assert "乙乡（2026年第29周）" in text
    document = bulletin(made.dispatch((), parts=parts, edition=2, is_stale=True, correction_reason="补登"), OFFICE)
    assert {"本期为第2版，更正原因：补登", "定格后有下级报表作了更正，本期尚未重新汇总"} <= set(document.notes)


def test_the_notification_criticises_by_facts_and_ranks_by_a_published_assessment() -> None:
    dispatch = made.dispatch(period="2026年7月", before_period="上月")
    without = notification(dispatch, OFFICE)
    assert "尚无公布的考核结果，按销号率由高到低依次为" in said(without)
    assert len(without.annexes) == 1
    assert "红黄牌情况" not in said(without)
    ranking = made.ranking(dispatch)
    document = notification(dispatch, OFFICE, ranking)
    text = said(document)
    assert "排名依次为：第1位新宁镇（93.5分）" in text
    assert "（一）红牌（1个）。巾口乡：经核实弄虚作假1起，排名末位。" in text
    rows = table(document, "考核排名").rows
    assert [row[1] for row in rows] == list(made.NAMES)
    assert rows[-1] == ("19", "巾口乡", "66.5", "红牌：经核实弄虚作假1起；排名末位")
    assert "罗坪镇1个问题经复核、抽查等被重新打开过" in text
    incomplete = [
        p.name for p in dispatch.received if p.figures and p.figures.survey.surveyed < p.figures.survey.households
    ]
    sentence = next(line for line in text.splitlines() if "摸排尚未全面完成" in line)
    assert all(name in sentence for name in incomplete)
    assert not any(part.name in sentence for part in dispatch.received if part.name not in incomplete)
    assert "船滩镇要立即补报本期进展" in text


def test_who_issues_what_is_data_of_the_request() -> None:
    dispatch = made.dispatch()
    default = notification(dispatch, Office(date(2026, 8, 3)))
    assert default.head.issuers == ("武宁县卫生健康委员会", "武宁县农业农村局", "武宁县扶贫办公室")
    assert default.addressees == ("各乡镇人民政府",)
    assert governments(["甲街道", "乙街道", "丙镇", "丁乡", "戊管委会"]) == (
        *("各街道办事处", "各乡镇人民政府", "戊管委会"),
    )
    township = made.dispatch((), division_code="360423208", division_name="石渡乡")
    assert bulletin(township, Office(date(2026, 8, 3))).head.issuers == ("石渡乡农村户厕问题摸排整改工作专班",)
    assert notification(township, Office(date(2026, 8, 3))).head.issuers == ("石渡乡人民政府",)
    assert "全乡（镇）共有农户" in said(bulletin(township, OFFICE))
    assert governments(["甲县", "乙市", "丙区"]) == ("各县（市、区）人民政府",)
    assert default.head.number == ""
    named = Office.of(date(2026, 8, 3), ["甲局", "乙\x07委"], "甲字〔2026〕1号", ["丙"], ["丁"])
    document = notification(dispatch, named)
    assert (document.head.issuers, document.head.number) == (("甲局", "乙委"), "甲字〔2026〕1号")
    assert (document.addressees, document.imprint.copies_to) == (("丙",), ("丁",))
    assert addressed_above(document) == ("丙",)
    assert imprint_lines(document) == ("抄送：丁。",)
    many = Office.of(date(2026, 8, 3), [], None, [f"第{number}镇人民政府" for number in range(20)], ["丁"])
    crowded = notification(dispatch, many)
    assert addressed_above(crowded) == (), "the first page shows text (GB/T 9704-2012, 7.3.2)"
    assert imprint_lines(crowded)[0].startswith("主送：第0镇人民政府，")


def test_the_final_report_has_every_section_and_each_annex_adds_up() -> None:
    account = made.account()
    document = final_report(account, Office(date(2026, 9, 25)))
    text = said(document)
    assert [line for line in text.splitlines() if line[1:2] == "、"] == [
        *("一、摸排总结", "二、整改进展", "三、存在困难", "四、下步整改计划")
    ]
    assert document.head.is_upward
    assert document.addressees == ("江西省卫生健康委员会", "江西省农业农村厅", "江西省扶贫办公室")
    assert [one.name for one in document.annexes] == [
        *("附表1 摸排情况", "附表2 问题厕所分类", "附表3 整改销号", "附表4 工作推进问题")
    ]
    figures = account.figures
    for told in (
        *("农办社〔2026〕4号、赣农厅办字〔2026〕15号", "数据截至2026年9月25日10时05分", "化粪池（桶体）破裂120个"),
        *(
            f"共摸排出问题厕所{figures.problem_toilets.total}座",
            "县级全面复核1次，应核查320个",
            "登记弄虚作假记录6条，涉及1个问题",
        ),
        *("17个，待审核1个，退回修改0个，编制中1个", "现行方案安排经费25万元", "计划费用203456元", "三格化粪池式"),
        *("检查评估，2026年9月30日前完成", "最晚2027年6月30日前整改到位", "经县级批准延期的问题4个"),
    ):
        assert told in text, told
    assert "各级抽查" not in text
    assert "问题摸排，2026年7月31日" not in text
    sums = {
        ("摸排情况表", "合计"): figures.registry.households,
        ("摸排情况表", "已摸排"): figures.survey.surveyed,
        ("问题厕所分类", "合计"): figures.problem_toilets.total,
        ("整改销号情况表", "登记问题"): figures.problems.found - figures.problems.dismissed,
        ("整改销号情况表", "已销号"): figures.problems.closed,
        ("工作推进问题", "登记问题"): figures.work_problems.found,
    }
    for (title, heading), total in sums.items():
        one = table(document, title)
        cells = [cell for cell in column(one, heading) if isinstance(cell, int)]
        assert len(cells) == len(made.NAMES)
        assert sum(cells) == total, (title, heading)
        assert one.total
        assert total in one.total
    causes = table(document, "按原因分类")
    assert causes.total
    assert causes.total[1] == figures.problem_toilets.total


def test_a_county_with_nothing_left_and_one_with_nothing_at_all() -> None:
    done = made.figures(100, 100, 20, 20)
    place = Township("360423100", "甲乡", done, "approved")
    account = made.account(
        figures=done, summary=made.summary(done, 1), townships=(place,), types=(), postponed=0, falsifications=0
    )
    text = said(final_report(account, OFFICE))
    assert "登记的问题已全部销号" in text
    assert "台账中没有逾期、延期" in text
    assert "没有弄虚作假记录" in text
    nothing = made.figures(0, 0, 0, 0)
    none = ReviewCounts(0, 0, 0, 0, 0, 0)
    account = made.account(
        (), figures=nothing, summary=made.summary(nothing, 0), full_reviews=none, types=(), document_numbers=()
    )
    document = final_report(account, OFFICE)
    assert "没有登记问题厕所。" in said(document)
    assert "尚未开展复核、抽查。" in said(document)
    assert "按照上级要求" in said(document)
    assert all(one.table.total is None for one in document.annexes)


@pytest.mark.parametrize(("code", "whole", "below"), [("36", "全省", "市（县）"), ("3604", "全市", "县（市、区）")])
def test_each_level_speaks_of_itself(code: str, whole: str, below: str) -> None:
    dispatch: Dispatch = made.dispatch(division_code=code, division_name="某地")
    text = said(bulletin(dispatch, OFFICE))
    assert f"{whole}共有农户" in text
    assert f"各{below}进展" in text
