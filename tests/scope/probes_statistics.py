"""Live statistics: everyone reads those of his own part of the place that he asks for."""

from functools import partial

from httpx import Response

from tests.scope.places import ANYWHERE
from tests.scope.probe import Call, Kind, Probe


def _mine(call: Call, table: str) -> int:
    """How many rows of a table lie in the caller's part of the place."""
    codes = call.furniture.rows[table].values()
    return len([code for code in codes if code.startswith(call.home) and code.startswith(call.place)])


def _counts_the_own_part(call: Call, answer: Response) -> bool:
    found = answer.json()["figures"]
    return bool(
        found["problems"]["found"] == _mine(call, "problem")
        and (found["registry"]["households"] > 0) == (_mine(call, "household") > 0)
    )


_READ = partial(Probe, kind=Kind.RECORD, at=ANYWHERE, from_below=True, query=lambda call: {"division": call.place})


def _no_figures(_: str, answer: Response) -> bool:
    found = answer.json()["figures"]
    return not any((found["registry"]["households"], found["registry"]["toilets"], found["problems"]["found"]))


def _no_days(_: str, answer: Response) -> bool:
    return not any(value for day in answer.json()["days"] for name, value in day.items() if name != "day")


def _no_features(_: str, answer: Response) -> bool:
    return not answer.json()["features"]


PROBES = [
    _READ("get_statistics", check=_counts_the_own_part, shows_nothing=_no_figures),
    _READ(
        "get_statistics_table",
        query=lambda call: {"division": call.place, "subject": "problems", "filter": ["problem_class:toilet"]},
        check=lambda call, answer: answer.json()["total"] <= _mine(call, "problem"),
        shows_nothing=lambda _, answer: answer.json()["total"] == 0,
    ),
    _READ("get_statistics_trend", shows_nothing=_no_days),
    _READ("get_division_centres", shows_nothing=_no_features),
    _READ(
        "get_toilet_map",
        query=lambda call: {"division": call.place, "bbox": "73,18,135,54"},
        shows_nothing=_no_features,
    ),
]
