"""Fills the furnished database with reports of every level, in each state that a step starts from."""

from datetime import date, timedelta
from uuid import UUID

from tests.scope.places import CITIES, COUNTIES, PROVINCES, TOWNSHIPS, VILLAGES
from tests.scope.probe import Furniture
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.kernel.fields import new_id, now
from toilet_api.reporting.reports.periods import period_of
from toilet_api.reporting.reports.summing import total
from toilet_api.reporting.reports.tables import Report, ReportChain, ReportEdition, ReportedRecord, ReportPart

KINDS = {9: "weekly", 6: "half_monthly", 4: "monthly", 2: "monthly"}
STATES = ("received", "submitted", "signed", "drawn")
"""The newest is drawn; each of the others is of a period before."""
AT = (*TOWNSHIPS, *COUNTIES, *CITIES, *PROVINCES)


def furnish(furniture: Furniture, database: Database) -> None:
    """Written straight into the tables: what the clock and people make of them has tests of its own."""
    with database.transaction(EVERYWHERE) as session:
        for place in AT:
            campaign = UUID(furniture.records["open campaign", place[:6]].id) if len(place) > 4 else None
            chain = ReportChain(division_code=place, campaign_id=campaign or new_id(), drawn_for=place, draws=1)
            if len(place) == 9:
                session.add(chain)
                session.flush()
                session.add(_record(place, chain.id))
            for number, state in enumerate(STATES):
                report, edition = _report(place, campaign, state, number)
                if len(place) == 9:
                    edition.chain_id, edition.draw = chain.id, 1
                session.add(report)
                session.flush()
                session.add(edition)
                session.flush()
                if len(place) < 9:
                    session.add(ReportPart(division_code=place, edition_id=edition.id, part_of=place))
                furniture.put(f"{state} report", place, report.id)


def _record(place: str, chain: UUID) -> ReportedRecord:
    village = next(one for one in VILLAGES if one.startswith(place))
    return ReportedRecord(
        chain_id=chain,
        record_type="problem",
        record_id=new_id(),
        draw_from=1,
        division_code=place,
        place_code=village,
        problem_class="toilet",
        state="open",
    )


def _report(place: str, campaign: UUID | None, state: str, number: int) -> tuple[Report, ReportEdition]:
    kind = KINDS[len(place)]
    period = period_of(kind, date(2026, 1, 10) + number * timedelta(days=31))
    submitted = now() if state in ("submitted", "received") else None
    report = Report(
        division_code=place,
        campaign_id=campaign,
        kind=kind,
        reported_for=place,
        period=period.key,
        period_start=period.start,
        period_end=period.end,
        cutoff_at=period.cutoff_at,
        state=state,
        edition=1,
        received_edition=1 if state == "received" else None,
        first_drawn_at=now(),
        drawn_at=now(),
        first_submitted_at=submitted,
    )
    edition = ReportEdition(
        division_code=place,
        report_id=report.id,
        edition=1,
        figures=total([]).model_dump(mode="json"),
        drawn_at=now(),
        drawn_on=now().date(),
        drawn_by_name="system",
        submitted_at=submitted,
    )
    return report, edition
