"""Reports of the served county: two weeks of a township that were drawn, and all that the clock has opened."""

from datetime import timedelta

from fastapi import FastAPI
from sqlmodel import Session, col, select

from tests.survey.made import TOWNSHIP
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import now
from toilet_api.reporting.reports.clock import open_due
from toilet_api.reporting.reports.drawing import draw
from toilet_api.reporting.reports.tables import Report

_DUE = timedelta(days=40)
"""Long enough ahead for the cut-off to be over, so that it may be drawn by hand."""


def furnish(app: FastAPI) -> dict[str, list[str]]:
    """The ids by the name of the path parameter; what is drawn comes first."""
    with app.state.database.transaction(EVERYWHERE) as session:
        for back in (2 * _DUE, 2 * _DUE - timedelta(days=7)):
            open_due(session, now() - back)
        earlier, drawn = _weeks(session)[:2]
        draw(session, earlier, "first", None, now())
        draw(session, drawn, "first", None, now())
        opened = session.exec(
            select(Report).where(Report.reported_for == TOWNSHIP[:6], Report.kind == "half_monthly")
        ).first()
        assert opened is not None
        return {"report_id": [str(drawn.id), str(opened.id)]}


def _weeks(session: Session) -> list[Report]:
    """The weekly reports of the township, oldest first."""
    return list(
        session.exec(
            select(Report)
            .where(Report.reported_for == TOWNSHIP, Report.kind == "weekly")
            .order_by(col(Report.period_start))
        )
    )
