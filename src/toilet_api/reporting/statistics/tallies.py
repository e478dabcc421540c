"""From summed-up rows to the figures of a division. Pure: no SQL."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from toilet_api.registry.rules import GRADE_OF_MODE
from toilet_api.reporting.figures import (
    CauseFigures,
    Denominator,
    Figures,
    GradeCount,
    LeaderCount,
    ModeCount,
    PaceFigures,
    ProblemFigures,
    ProblemToiletFigures,
    RegistryFigures,
    SurveyFigures,
    YearCount,
)

STEPS = (
    "submitted_to_township_verified",
    "township_verified_to_county_verified",
    "work_started_to_submitted",
    "work_submitted_to_accepted",
    "found_to_accepted",
    "accepted_to_closed",
    "found_to_closed",
)
GRADES = ("harmless", "sanitary", "unsanitary", "none")
LIVE = ("open", "in_work", "accepted")


@dataclass(slots=True)
class Tally:
    """What was summed up of one division. Each counter is keyed by what it tells apart."""

    dwellings: Counter[str] = field(default_factory=Counter)
    modes: Counter[tuple[str, str]] = field(default_factory=Counter)
    years: Counter[tuple[str, str]] = field(default_factory=Counter)
    leaders: Counter[tuple[str, str]] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    problems: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """By class, cause, state, and whether it was reopened."""
    overdue: Counter[tuple[str, str]] = field(default_factory=Counter)
    rectified: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Work submitted and not accepted yet, by class and cause of its problem."""
    toilets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Problem toilets by cause ('' for all), and state."""

    def add(self, view: str, parts: Sequence[str], n: int) -> None:
        """Take in a cell of a view, its key in parts; a cell of a subject's own view adds to each counter of it.

        The last part of a problem tells whether its deadline is over.
        """
        if view.startswith("toilet"):
            self._add_toilets(view, parts, n)
        elif view.startswith("problem") and view != "problem_toilet":
            self._add_problems(view, parts, n)
        elif view == "household":
            self.dwellings[parts[0]] += n
        elif view == "survey":
            self.levels[parts[0]] += n
        elif view == "rectified":
            self.rectified[parts[0], parts[1]] += n
        elif view == "problem_toilet":
            aspect, value, state = parts
            self.toilets[value if aspect == "cause" else "", state] += n

    def _add_problems(self, view: str, parts: Sequence[str], n: int) -> None:
        problem_class, cause, _, state, reopened, overdue = parts
        if view != "problem.due":
            self.problems[problem_class, cause, state, reopened] += n
        if overdue:
            self.overdue[problem_class, cause] += n

    def _add_toilets(self, view: str, parts: Sequence[str], n: int) -> None:
        mode, year, leader, counted = parts
        if mode == "none":
            return
        whole = view == "toilet"
        if whole or view == "toilet.mode":
            self.modes[mode, counted] += n
        if whole or view == "toilet.year":
            self.years[year, counted] += n
        if whole or view == "toilet.leader":
            self.leaders[leader, counted] += n

    def figures(self, denominator: Denominator, pace: Mapping[str, PaceFigures]) -> Figures:
        """The figures; coverage as a share of `denominator`."""
        registry = self._registry(denominator)
        return Figures(
            registry=registry,
            survey=self._survey(registry.households),
            problems=ProblemFigures(**self._problems()),
            toilet_problems=ProblemFigures(**self._problems(problem_class="toilet")),
            work_problems=ProblemFigures(**self._problems(problem_class="work")),
            problem_toilets=ProblemToiletFigures(**self._toilets("")),
            by_cause=[
                CauseFigures(cause=cause, problem_toilets=self._toilets(cause)["total"], **self._problems(cause=cause))
                for cause in sorted({cause for (_, cause, _, _), n in self.problems.items() if n})
            ],
            by_mode=[ModeCount(mode=mode, toilets=n, counted=counted) for mode, n, counted in _parts(self.modes) if n],
            by_grade=self._grades(),
            by_year=[
                YearCount(built_year=int(year) if year else None, toilets=n, counted=counted)
                for year, n, counted in _parts(self.years)
            ],
            by_leader=[
                LeaderCount(led_by=leader or None, toilets=n, counted=counted)
                for leader, n, counted in _parts(self.leaders)
            ],
            pace=[pace.get(step) or PaceFigures(step=step, records=0, median_days=None) for step in STEPS],
        )

    def _registry(self, denominator: Denominator) -> RegistryFigures:
        counted: Counter[str] = Counter()
        for (mode, is_counted), n in self.modes.items():
            if is_counted == "1":
                counted[GRADE_OF_MODE[mode]] += n
        harmless, sanitary = counted["harmless"], counted["harmless"] + counted["sanitary"]
        standing = self.dwellings.total() - self.dwellings["demolished"]
        base = {"households": standing, "lived_in": self.dwellings["occupied"], "with_toilet": counted.total()}
        return RegistryFigures(
            households=self.dwellings.total(),
            occupied=self.dwellings["occupied"],
            vacant=self.dwellings["vacant"],
            demolished=self.dwellings["demolished"],
            toilets=self.modes.total(),
            counted=counted.total(),
            sanitary=sanitary,
            harmless=harmless,
            base=base[denominator],
            sanitary_coverage=share(sanitary, base[denominator]),
            harmless_coverage=share(harmless, base[denominator]),
        )

    def _survey(self, households: int) -> SurveyFigures:
        county = self.levels["county_verified"]
        township = county + self.levels["township_verified"]
        return SurveyFigures(
            households=households,
            surveyed=self.levels.total(),
            township_verified=township,
            county_verified=county,
            returned=self.levels["returned"],
        )

    def _problems(self, problem_class: str | None = None, cause: str | None = None) -> dict[str, int]:
        def wanted(of_class: str, of_cause: str) -> bool:
            return problem_class in (None, of_class) and cause in (None, of_cause)

        states: Counter[str] = Counter()
        reopened = 0
        for (of_class, of_cause, state, again), n in self.problems.items():
            if wanted(of_class, of_cause):
                states[state] += n
                reopened += n if again == "1" else 0
        submitted = sum(n for key, n in self.rectified.items() if wanted(*key))
        return {
            "found": states.total(),
            **{state: states[state] for state in (*LIVE, "closed", "dismissed")},
            "rectified": submitted + states["accepted"] + states["closed"],
            "overdue": sum(n for key, n in self.overdue.items() if wanted(*key)),
            "reopened": reopened,
        }

    def _toilets(self, cause: str) -> dict[str, int]:
        states = {state: self.toilets[cause, state] for state in (*LIVE, "closed")}
        return {"total": sum(states.values()), **states}

    def _grades(self) -> list[GradeCount]:
        sums: dict[str, list[int]] = {}
        for (mode, is_counted), n in self.modes.items():
            both = sums.setdefault(GRADE_OF_MODE[mode], [0, 0])
            both[0] += n
            both[1] += n if is_counted == "1" else 0
        return [
            GradeCount(grade=grade, toilets=sums[grade][0], counted=sums[grade][1])
            for grade in GRADES
            if grade in sums and any(sums[grade])
        ]


def share(part: int, base: int) -> float | None:
    """A part of a base, to six decimals; None without a base."""
    return round(part / base, 6) if base else None


def _parts(counter: Counter[tuple[str, str]]) -> Iterable[tuple[str, int, int]]:
    """Value, how many, and how many of them are counted; in order, those of nothing left out."""
    sums: dict[str, list[int]] = {}
    for (value, is_counted), n in counter.items():
        both = sums.setdefault(value, [0, 0])
        both[0] += n
        both[1] += n if is_counted == "1" else 0
    return [(value, both[0], both[1]) for value, both in sorted(sums.items()) if any(both)]


__all__ = ["GRADES", "LIVE", "STEPS", "Tally", "share"]
