"""Who calls, from where; and how a place looks from there: own, parent, child or sibling."""

from collections.abc import Iterable

HOMES = {
    "province_inspector": "36",
    "city_inspector": "3604",
    "county_admin": "360423",
    "county_reviewer": "360423",
    "township_manager": "360423208",
    "village_surveyor": "360423208202",
    "auditor": "360423",
    "province_client": "36",
}
"""The division of each caller, as the demonstration grants it."""
ROLES = frozenset(HOMES)
ANONYMOUS = "anonymous"

VILLAGES = (
    "360423208202",  # the surveyor's
    "360423208203",  # its sibling
    "360423500001",  # in the sibling township
    "360424100002",  # in the sibling county
    "360103001001",  # in the sibling city
    "110101001001",  # in another province
)
TOWNSHIPS = tuple(dict.fromkeys(code[:9] for code in VILLAGES))
COUNTIES = tuple(dict.fromkeys(code[:6] for code in VILLAGES))
CITIES = tuple(dict.fromkeys(code[:4] for code in VILLAGES))
PROVINCES = tuple(dict.fromkeys(code[:2] for code in VILLAGES))
BELOW_CITY = (*VILLAGES, *TOWNSHIPS, *COUNTIES)
ANYWHERE = (*BELOW_CITY, *CITIES, *PROVINCES)
EMPTY = ("360423208204", "360423500002", "360424100003", "360103001002", "110101001002")
"""Villages where no record stands, one in each township."""

NOWHERE = "nowhere"
"""The relation of a record that doesn't exist: it must look like one that is out of scope."""


def relation(home: str, place: str) -> str:
    """What `place` is, seen from `home`. `sibling` stands for whatever lies beside it, near or far."""
    if place == home:
        return "own"
    if place.startswith(home):
        return "child"
    return "parent" if home.startswith(place) else "sibling"


def around(home: str, places: Iterable[str]) -> dict[tuple[str, int], str]:
    """The nearest of `places` for each relation, above and below for each length of code."""
    found: dict[tuple[str, int], str] = {}
    for place in sorted(places, key=lambda one: -_shared(home, one)):
        where = relation(home, place)
        found.setdefault((where, 0 if where == "sibling" else len(place)), place)
    return found


def _shared(one: str, other: str) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
