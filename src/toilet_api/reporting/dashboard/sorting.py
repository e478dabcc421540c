"""The orders of the table of progress, chosen by plain links."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from toilet_api.reporting.dashboard.places import Place
from toilet_api.reporting.dashboard.wording import share
from toilet_api.reporting.figures import Figures


@dataclass(frozen=True, slots=True)
class Row:
    """A division with its figures."""

    place: Place
    figures: Figures

    @property
    def surveyed(self) -> float | None:
        """Share of the households that were surveyed."""
        return share(self.figures.survey.surveyed, self.figures.survey.households)

    @property
    def verified(self) -> float | None:
        """Share of the households whose survey the township has verified."""
        return share(self.figures.survey.township_verified, self.figures.survey.households)

    @property
    def closed(self) -> float | None:
        """Share of the problem toilets whose problems are all closed."""
        return share(self.figures.problem_toilets.closed, self.figures.problem_toilets.total)

    @property
    def live(self) -> int:
        """Problem toilets that aren't closed."""
        return self.figures.problem_toilets.total - self.figures.problem_toilets.closed


ORDERS: dict[str, tuple[str, Callable[[Row], float | None]]] = {
    "households": ("农户数", lambda row: row.figures.survey.households),
    "surveyed": ("已摸排", lambda row: row.surveyed),
    "verified": ("乡镇已审核", lambda row: row.verified),
    "problems": ("问题厕所", lambda row: row.figures.problem_toilets.total),
    "live": ("未销号", lambda row: row.live),
    "closed": ("已销号", lambda row: row.closed),
    "overdue": ("逾期问题", lambda row: row.figures.problems.overdue),
}
"""Name in the address -> heading, and what it sorts by."""


def in_order(rows: Sequence[Row], sort: str) -> list[Row]:
    """`sort` is a name of ORDERS, with - for the greatest first; anything else leaves the order of the codes.

    Where there is nothing to compare a row comes last; equals keep the order of their codes.
    """
    name = sort.removeprefix("-")
    if name not in ORDERS:
        return list(rows)
    worth = ORDERS[name][1]
    sign = -1 if sort.startswith("-") else 1
    return sorted(rows, key=lambda row: (worth(row) is None, sign * (worth(row) or 0)))


def is_order(sort: str) -> bool:
    """Whether it is empty or one of the orders."""
    return not sort or sort.removeprefix("-") in ORDERS


def next_order(name: str, sort: str) -> str:
    """What a click on a heading asks for: the greatest first, then the least."""
    return name if sort == f"-{name}" else f"-{name}"
