"""Where the toilets of the demonstration stand: made up around the middle of its county, some in each village."""

from collections import Counter
from random import Random

from toilet_api.demonstration.places import Township
from toilet_api.demonstration.stage import API, Stage, checked

_MIDDLES = {"360423": (115.10, 29.26)}
"""County -> the middle of it, degrees of WGS 84. Toilets of other counties get no positions: they would be wrong."""
_A_VILLAGE = 5


async def locate(stage: Stage, username: str, county: str, township: Township) -> None:
    """Give the first toilets of each village a position, as a surveyor's phone would."""
    if county not in _MIDDLES:
        return
    manager = await stage.as_(username)
    params: dict[str, str | int] = {"division": township.code, "limit": 1000}
    toilets = checked(await manager.get(f"{API}/toilets", params=params))["items"]
    done: Counter[str] = Counter()
    for toilet in sorted(toilets, key=lambda one: one["id"]):
        village = toilet["division_code"]
        if done[village] < _A_VILLAGE:
            done[village] += 1
            longitude, latitude = _position(county, village, done[village])
            body = {"position": {"longitude": longitude, "latitude": latitude, "system": "wgs84"}}
            headers = {"If-Match": f'"{toilet["version"]}"'}
            checked(await manager.patch(f"{API}/toilets/{toilet['id']}", json=body, headers=headers))


def _position(county: str, village: str, number: int) -> tuple[float, float]:
    """The same for the same village and number, whatever else is played."""
    township, place, home = (Random(f"{code}") for code in (village[:9], village, f"{village} {number}"))  # noqa: S311
    longitude, latitude = _MIDDLES[county]
    longitude += township.uniform(-0.2, 0.2) + place.uniform(-0.06, 0.06) + home.uniform(-0.004, 0.004)
    latitude += township.uniform(-0.1, 0.1) + place.uniform(-0.045, 0.045) + home.uniform(-0.004, 0.004)
    return round(longitude, 6), round(latitude, 6)
