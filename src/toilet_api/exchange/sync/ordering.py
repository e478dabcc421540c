"""In which order the items of a batch are done. Pure.

Items of one household follow each other as given, but a record's creation comes before whatever builds on it. Items
of different households don't wait for each other: they are done together, in waves of at most one item a household.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from uuid import UUID

from toilet_api.exchange.sync.work import Subject, Work

_STEPS = ("submit", "remove")


def connect(works: Sequence[Work]) -> None:
    """Note what each item builds on: the items that create the records which it names.

    A step (submit, remove) also builds on all earlier items of its record: what it hands in must be what was seen.
    """
    makers: dict[Subject, Work] = {}
    for work in works:
        if work.item.op == "create":
            makers.setdefault(work.subject, work)
            for toilet in getattr(work.body, "toilets", ()):
                if toilet.id is not None:
                    makers.setdefault(("toilet", toilet.id), work)
    earlier: dict[Subject, list[Work]] = {}
    for work in works:
        named = [work.subject, *_named(work)]
        work.needs = [makers[one] for one in named if one in makers and makers[one] is not work]
        if work.item.op in _STEPS:
            work.needs += [one for one in earlier.get(work.subject, ()) if one not in work.needs]
        if work.item.op != "create":
            earlier.setdefault(work.subject, []).append(work)


def _named(work: Work) -> Iterator[Subject]:
    """The records that an item refers to, beside its own."""
    for kind in ("household", "toilet"):
        record_id: UUID | None = getattr(work.body, f"{kind}_id", None)
        if record_id is not None:
            yield kind, record_id


def waves(works: Sequence[Work]) -> Iterator[list[Work]]:
    """The items in waves; each is in a later one than what it needs, and than the item of its household before it."""
    wave_of: dict[int, int] = {}
    last: dict[object, int] = {}

    def place(work: Work) -> int:
        if work.place not in wave_of:
            after = max((place(one) for one in work.needs), default=0)
            chain = work.household_id or work.subject
            wave_of[work.place] = last[chain] = max(after, last.get(chain, 0)) + 1
        return wave_of[work.place]

    ordered = sorted(works, key=lambda work: (place(work), work.place))
    # `place` goes through the items as given; sorting asks for each only once.
    for _, wave in groupby(ordered, key=lambda work: wave_of[work.place]):
        yield list(wave)
