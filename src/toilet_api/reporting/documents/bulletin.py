"""The bulletin (工作简报): how far everybody is, who is overdue, who did not report. 工作方案 四（五）每星期五报送."""

from toilet_api.reporting.documents.content import Body, Document, Head, Imprint
from toilet_api.reporting.documents.dispatch import Dispatch, close_share, ordered
from toilet_api.reporting.documents.offices import Office, working_group
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
from toilet_api.reporting.documents.wording import listed, minute

MASTHEAD = "农村户厕问题摸排整改工作简报"


def bulletin(dispatch: Dispatch, office: Office) -> Document:
    """The bulletin of a period."""
    issuers = office.issuers or (working_group(dispatch.division_code, dispatch.division_name),)
    body = Body()
    body.say(
        f"现将{dispatch.division_name}{dispatch.period}（{dispatch.days}）农村户厕问题摸排整改工作进展通报如下。"
        f"数据截至{minute(dispatch.cutoff_at)}。"
    )
    body.heading("总体进展")
    body.point("摸排进展", survey_sentence(dispatch))
    body.point("整改进展", ledger_sentence(dispatch) + comparison_sentence(dispatch))
    body.say(cause_sentence(dispatch.figures))
    if dispatch.parts:
        body.heading(f"各{dispatch.below}进展")
        body.say(_leaders(dispatch))
        body.show(progress_table(dispatch, f"各{dispatch.below}进展情况"))
        chart = close_out_chart(dispatch)
        if chart is not None:
            body.show(chart)
    body.heading("逾期情况")
    body.say(*overdue_sentences(dispatch))
    if dispatch.parts:
        body.heading("报送情况")
        body.say(*arrival_sentences(dispatch))
    _remarks(body, dispatch)
    return Document(
        file_name=f"{dispatch.division_name}{MASTHEAD}（{dispatch.period}）",
        head=Head("bulletin", issuers, office.number, MASTHEAD),
        title=f"{dispatch.division_name}农村户厕问题摸排整改工作进展（{dispatch.period}）",
        body=body.done(),
        dated=office.dated,
        imprint=Imprint(office.copies_to or tuple(part.name for part in dispatch.parts), "发", issuers[0]),
        notes=caveats(dispatch),
        is_sealed=False,
    )


def _leaders(dispatch: Dispatch) -> str:
    """Who is at or above the whole's rate, and who is below it: by the figures alone."""
    whole = close_share(dispatch.figures).value
    ranked = [(close_share(part.figures), part.name) for rank, part in ordered(dispatch.parts) if rank and part.figures]
    if whole is None or not ranked:
        return unranked(dispatch)
    ahead = [f"{name}（{share}）" for share, name in ranked if (share.value or 0) >= whole]
    behind = [f"{name}（{share}）" for share, name in ranked if (share.value or 0) < whole]
    told = f"{dispatch.whole}销号率{close_share(dispatch.figures)}。"
    if ahead:
        told += f"达到或高于{dispatch.whole}水平的有{len(ahead)}个：{listed(ahead)}。"
    if behind:
        told += f"低于{dispatch.whole}水平的有{len(behind)}个：{listed(behind)}。"
    return told


def _remarks(body: Body, dispatch: Dispatch) -> None:
    """What the reports themselves say, in their own words and by name."""
    for title, member in (("存在的问题和困难", "difficulties"), ("下步打算", "next_steps")):
        told = [(dispatch.whole, getattr(dispatch, member)), *((p.name, getattr(p, member)) for p in dispatch.parts)]
        given = [(name, text) for name, text in told if text.strip()]
        if given:
            body.heading(title)
            for name, text in given:
                body.point(name, " ".join(text.split()))
