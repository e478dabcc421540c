"""The rules of merging and of order, alone."""

import random
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toilet_api.exchange.sync import merging, ordering
from toilet_api.exchange.sync.masking import HIDDEN, masked
from toilet_api.exchange.sync.merging import judge
from toilet_api.exchange.sync.reading import body_of, kind_of
from toilet_api.exchange.sync.schemas import SyncItem
from toilet_api.exchange.sync.work import Work
from toilet_api.kernel.fields import new_id

FIELDS = st.sets(st.sampled_from(["note", "family_size", "person.name", "dwelling_state"]), min_size=1)


@given(
    base=st.integers(1, 5),
    changes=st.dictionaries(st.integers(2, 9), FIELDS),
    own=st.sets(st.integers(2, 9)),
    mine=FIELDS,
    untold=st.sets(st.integers(2, 9)),
)
def test_what_clashes_is_what_others_changed_since(
    base: int, changes: dict[int, set[str]], own: set[int], mine: set[str], untold: set[int]
) -> None:
    """Held against the plainest way to say it: look at every version one after the other."""
    held = max(changes, default=1)
    later = {version: fields for version, fields in changes.items() if version > base and version not in untold}
    verdict = judge(base, held, own, later, mine)
    expected: set[str] = set()
    foreign = 0
    for version in range(1, held + 1):
        if version <= base or version in own:
            continue
        foreign += 1
        expected |= mine & later[version] if version in later else mine
    assert verdict.clashing == expected
    assert verdict.merges == bool(foreign)
    # More that the device made itself never makes more clash.
    assert judge(base, held, own | {held}, later, mine).clashing <= verdict.clashing


def test_the_journal_s_words_are_those_of_the_patches() -> None:
    after = {"name_masked": "李**", "changed_personal_fields": ["name"], "note": "x", "counted": True}
    assert merging.journaled_fields("household.updated", after) == {"person.name", "note", "counted"}
    assert merging.journaled_fields("household.updated", {"phone_masked": "1"}) == {"person.phones"}
    assert merging.journaled_fields("visit.updated", {"longitude": 1, "latitude": 2}) == {"position"}
    assert merging.journaled_fields("household.restored", {"note": "x"}) == set()
    assert merging.journaled_fields("toilet.removed", None) == set()
    patch: dict[str, Any] = {"note": "x", "person": {"name": "x", "phones": []}}
    assert merging.fields_of(patch) == {"note", "person.name", "person.phones"}


def work(place: int, kind: str, op: str, record_id: Any, **changes: Any) -> Work:
    """An item as it stands in a batch; its household is known."""
    item = SyncItem.model_construct(
        id=new_id(),
        type=kind,
        op=op,
        record_id=record_id,
        base_version=1,
        changes=changes,
        client_time=datetime.now(UTC),
    )
    made = Work(place, item, b"")
    made.kind = kind_of(item)
    made.body = body_of(made.kind, item)
    return made


@given(seed=st.integers(0, 10**6))
def test_what_is_built_on_comes_first_and_each_household_in_turn(seed: int) -> None:
    chance = random.Random(seed)
    works: list[Work] = []
    for _ in range(chance.randint(1, 4)):
        home, toilet = new_id(), new_id()
        kinds = [
            ("household", "create", home, {"division_code": "360423208202", "person": {"name": "张三丰"}}),
            ("toilet", "create", toilet, {"household_id": home, "mode": "open_pit"}),
            ("household", "update", home, {"family_size": 2}),
            ("household", "update", home, {"family_size": 3}),
            ("toilet", "update", toilet, {"chambers": 2}),
            ("toilet", "remove", toilet, {"reason": "x"}),
        ]
        chosen = chance.sample(kinds, chance.randint(1, len(kinds)))
        works += [work(len(works) + at, *one[:3], **one[3]) for at, one in enumerate(chosen)]
        for one in works[-len(chosen) :]:
            one.household_id = home
    chance.shuffle(works)
    works = [_moved(one, place) for place, one in enumerate(works)]
    ordering.connect(works)
    done: dict[int, int] = {}
    for step, wave in enumerate(ordering.waves(works)):
        assert len({one.household_id for one in wave}) == len(wave)
        for one in wave:
            assert all(needed.place in done for needed in one.needs)
        done |= {one.place: step for one in wave}
    assert sorted(done) == [one.place for one in works]
    for one in works:
        for other in works[one.place + 1 :]:
            if one.subject == other.subject and other.item.op != "create":
                assert done[one.place] < done[other.place]


def _moved(one: Work, place: int) -> Work:
    one.place = place
    return one


@given(st.dictionaries(st.sampled_from(["name", "phone", "person", "note", "toilets", "x"]), st.text(min_size=1)))
def test_what_isn_t_known_to_be_harmless_is_hidden(changes: dict[str, str]) -> None:
    shown = masked("household", "create", changes)
    assert shown.keys() == changes.keys()
    assert all(value == HIDDEN for name, value in shown.items() if name not in ("note", "toilets"))
