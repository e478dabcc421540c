"""Data sharing: the catalogue is read by all, kept by the county; requests and grants by those whom they concern."""

from functools import partial

from httpx import Response

from tests.scope.furnish_sharing import ASKING, request
from tests.scope.places import ANYWHERE, BELOW_CITY
from tests.scope.probe import ADMIN, NOT_FOUND, OUT_OF_SCOPE, Call, Kind, Probe

TRACING = ADMIN | {"auditor"}
REASON = {"reason": "测试"}
_BY_COUNTY = {6: ADMIN, 9: ADMIN, 12: ADMIN}
_ALL = {"limit": "1000"}


def _at(call: Call) -> dict[str, str]:
    return {"division": call.place}


def _is_of_the_county(call: Call, answer: Response) -> bool:
    shown = answer.json()
    rows = [shown] if "dataset" in shown else [one for one in shown["items"] if one["dataset"] == "households"]
    return [(one["division_code"], one["version"] > 0) for one in rows] == [(call.place[:6], True)]


def _is_default(_: str, answer: Response) -> bool:
    """Nothing of what the county has set."""
    shown = answer.json()
    return all(one["version"] == 0 for one in ([shown] if "dataset" in shown else shown["items"]))


def _is_empty(_: str, answer: Response) -> bool:
    return not answer.json()["items"]


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _lies_there(call: Call, answer: Response) -> bool:
    codes = [one["village_code"] for one in answer.json()["items"]]
    return bool(codes) and all(code.startswith(call.place) for code in codes)


def _are_his_requests(call: Call, answer: Response) -> bool:
    if call.role in ADMIN:
        rows = call.furniture.rows["data request"]
        own = {one for one, code in rows.items() if code.startswith(call.home)}
    else:
        kind = f"own data request of {call.role}"
        own = {record.id for (one, _), record in call.furniture.records.items() if one == kind}
    return {one["id"] for one in answer.json()["items"]} == own


def _are_his_grants(call: Call, answer: Response) -> bool:
    rows = call.furniture.rows["data grant"] if call.role in ADMIN else {}
    own = {one for one, code in rows.items() if code.startswith(call.home)}
    return {one["id"] for one in answer.json()["items"]} == own


_CATALOGUE = partial(Probe, kind=Kind.RECORD, at=BELOW_CITY, query=_at, from_below=True, path={"dataset": "households"})
_KEPT = partial(Probe, kind=Kind.RECORD, roles=ADMIN, at=BELOW_CITY, query=_at, path={"dataset": "households"})
_CONCERNED = partial(Probe, kind=Kind.RECORD, at=BELOW_CITY, able=_BY_COUNTY, barred=NOT_FOUND)
_ANSWERED = partial(Probe, kind=Kind.RECORD, roles=ADMIN, at=BELOW_CITY, record="data request")

PROBES = [
    _CATALOGUE("list_datasets", check=_is_of_the_county, shows_nothing=_is_default),
    _CATALOGUE("get_dataset", check=_is_of_the_county, shows_nothing=_is_default),
    _KEPT("update_dataset", json=lambda _: {"conditions": "写明用途"}),
    _KEPT("list_dataset_history", check=_has_items, shows_nothing=_is_empty),
    Probe(
        "list_dataset_records",
        Kind.RECORD,
        at=BELOW_CITY,
        query=_at,
        path={"dataset": "households"},
        check=_lies_there,
        shows_nothing=_is_empty,
    ),
    Probe(
        "create_dataset_request",
        Kind.RECORD,
        roles=frozenset(ASKING),
        at=BELOW_CITY,
        outside=OUT_OF_SCOPE,
        json=lambda call: request(call.role, call.place),
        ok="201",
    ),
    Probe("list_dataset_requests", Kind.SELF, query=lambda _: _ALL, check=_are_his_requests),
    _CONCERNED("get_dataset_request", record="data request"),
    _ANSWERED("approve_dataset_request"),
    _ANSWERED("refuse_dataset_request", json=lambda _: REASON),
    Probe(
        "withdraw_dataset_request",
        Kind.RECORD,
        roles=frozenset(ASKING),
        at=BELOW_CITY,
        record="own data request",
    ),
    Probe("list_dataset_grants", Kind.SELF, query=lambda _: _ALL, check=_are_his_grants),
    _CONCERNED("get_dataset_grant", record="data grant"),
    Probe(
        "revoke_dataset_grant",
        Kind.RECORD,
        roles=ADMIN,
        at=BELOW_CITY,
        record="data grant",
        json=lambda _: REASON,
    ),
    Probe("list_dataset_accesses", Kind.LIST, roles=TRACING, at=ANYWHERE, rows="dataset access", from_below=True),
    Probe("list_dataset_access_days", Kind.SELF, roles=TRACING, query=lambda _: _ALL, check=_has_items),
]
