"""Fills the furnished database with what devices sent: changes to be decided, and photos that are still to come."""

from fastapi.testclient import TestClient

from tests.exchange.sync.phone import Phone, item, new_visit
from tests.scope.places import VILLAGES
from tests.scope.probe import Furniture
from toilet_api.kernel.fields import new_id


def sent(keeper: TestClient, furniture: Furniture) -> None:
    """In each village a change based on a version that the server has never had, and a draft without its photo."""
    phone = Phone(keeper)
    changes = [
        item("household", "update", furniture.at("household", village).id, {"note": "改"}, base=999)
        for village in VILLAGES
    ]
    for village, result in zip(VILLAGES, phone.send(*changes), strict=True):
        furniture.put("sync conflict", village, result["conflict_id"])
    homes = [furniture.at("household", village).id for village in VILLAGES]
    drafts = [new_visit(home, usability=None, photo_ids=[str(new_id())]) for home in homes]
    assert set(phone.states(*drafts)) == {"applied"}
