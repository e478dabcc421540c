"""Someone with several grants may do each thing only where he holds the permission for it."""

from tests.scope.conftest import House
from tests.scope.furnish import HATS, TWO_HATS
from tests.scope.places import VILLAGES
from tests.scope.probe import FORBIDDEN, Call, Kind, Probe, Record
from tests.scope.test_matrix import ALL, LISTS, OTHERS, ids_of, request, summary

SIGNED = {"update_visit", "submit_visit", "correct_visit"}
"""What one does with one's own signature: see the matrix."""
STEPS = [
    probe
    for probe in OTHERS
    if probe.kind is Kind.RECORD
    and probe.able is None
    and probe.operation not in SIGNED
    and set(probe.at) >= {*VILLAGES}
]


def _homes(probe: Probe) -> list[str]:
    """Where he holds what the operation needs."""
    return [home for role, home in HATS.items() if role in probe.roles]


def _expected(probe: Probe, place: str) -> str:
    homes = _homes(probe)
    if not homes:
        return FORBIDDEN
    return probe.ok if any(place.startswith(home) for home in homes) else probe.outside


def test_each_step_is_taken_only_where_it_is_granted(house: House) -> None:
    wrong, allowed = [], 0
    for probe in STEPS:
        calls = [Call(TWO_HATS, at, _record(house, probe, at), house.furniture) for at in VILLAGES]
        for call, answer in zip(calls, house.answers(request(house, probe, one) for one in calls), strict=True):
            expected = _expected(probe, call.place)
            allowed += answer.is_success
            if summary(answer) != expected:
                wrong.append(f"{probe} at {call.place}: {expected} expected, not {summary(answer)}")
    assert not wrong, "\n".join(wrong)
    assert 0 < allowed < len(STEPS) * len(VILLAGES) / 2


def _record(house: House, probe: Probe, place: str) -> Record:
    return house.furniture.at(probe.record, place) if probe.record else Record(place)


def test_each_list_shows_only_where_it_is_granted(house: House) -> None:
    for probe in LISTS:
        call = Call(TWO_HATS, "", Record(""), house.furniture)
        (answer,) = house.answers([request(house, probe, call, {**probe.everything, **ALL})])
        rows, homes = house.furniture.rows[probe.rows], tuple(_homes(probe))
        if not homes:
            assert summary(answer) == FORBIDDEN, probe
            continue
        above = {one for one, code in rows.items() if probe.from_below and any(home.startswith(code) for home in homes)}
        assert ids_of(answer) == above | {one for one, code in rows.items() if code.startswith(homes)}, probe
