"""What the county's final report is made of: live figures of one moment, beside the campaign that they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from toilet_api.reporting.figures import Figures
from toilet_api.reporting.statistics.summary_schemas import CampaignSummary


@dataclass(frozen=True, slots=True)
class TypeCount:
    """A type of problem, as far as it was found; dismissed ones don't count."""

    code: str
    zh: str
    problem_class: str
    problems: int
    closed: int


@dataclass(frozen=True, slots=True)
class Township:
    """A township with its figures, the state of its plan, and its problems in the work by type."""

    code: str
    name: str
    figures: Figures
    plan_state: str = ""
    """That of its plan, the furthest of several; empty without one."""
    work_types: Mapping[str, int] | None = None
    """Type -> problems in the work found there or in its villages, dismissed ones not counted."""


@dataclass(frozen=True, slots=True)
class ReviewCounts:
    """Full reviews (全面复核) or spot checks (抽查) of closed problems of the campaign: units checked, and how."""

    held: int
    selected: int
    checked: int
    upheld: int
    failed: int
    not_checkable: int


@dataclass(frozen=True, slots=True)
class Account:
    """The whole account of a campaign in a county."""

    county_code: str
    county: str
    province: str
    campaign: str
    document_numbers: tuple[str, ...]
    cut_off_year: int
    phases: tuple[tuple[str, date | None], ...]
    """Phase, and until when."""
    as_of: datetime
    figures: Figures
    summary: CampaignSummary
    townships: tuple[Township, ...]
    villages: int
    types: tuple[TypeCount, ...]
    full_reviews: ReviewCounts
    spot_checks: ReviewCounts
    falsifications: int
    """Recorded and not withdrawn; one for each who signed."""
    falsified: int
    """The problems that they are about."""
    postponed: int
    """Problems whose deadline was put off with the county's consent."""
