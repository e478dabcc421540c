"""Webhooks: whoever made one, and nobody else, also not in the same division."""

from functools import partial

from httpx import Response

from tests.scope.furnish_webhooks import SUBSCRIBED, SUBSCRIBING, webhook
from tests.scope.probe import NOT_FOUND, OUT_OF_SCOPE, Call, Kind, Probe
from tests.scope.probes_exchange import NOBODY, OWNERS

SPAN = {"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-02T00:00:00+08:00"}


def _are_his_own(call: Call, answer: Response) -> bool:
    kinds = ("webhook", "paused webhook")
    own = {call.furniture.records[f"{kind} of {call.role}", call.home].id for kind in kinds}
    return {one["id"] for one in answer.json()["items"]} == own


def _is_his_own(call: Call, answer: Response) -> bool:
    delivery = call.furniture.at("delivery", call.home, call.role)
    return [one["id"] for one in answer.json()["items"]] == [delivery.id]


_OWN = partial(
    Probe,
    kind=Kind.RECORD,
    roles=SUBSCRIBING,
    at=SUBSCRIBED,
    record="webhook",
    able=OWNERS,
    barred=NOT_FOUND,
)
_DELIVERY = partial(_OWN, record="delivery")

PROBES = [
    Probe("list_webhooks", Kind.SELF, roles=SUBSCRIBING, check=_are_his_own),
    Probe(
        "create_webhook",
        Kind.RECORD,
        roles=SUBSCRIBING,
        at=SUBSCRIBED,
        outside=OUT_OF_SCOPE,
        json=lambda call: webhook(call.place),
        ok="201",
    ),
    _OWN("get_webhook"),
    _OWN("update_webhook", json=lambda _: {"description": "测试"}),
    _OWN("pause_webhook"),
    _OWN("resume_webhook", record="paused webhook", json=lambda _: {}),
    _OWN("remove_webhook", json=lambda _: {"reason": "测试"}),
    _OWN("rotate_webhook_secret", json=lambda _: {}),
    _OWN("test_webhook"),
    _OWN("replay_webhook", json=lambda _: SPAN),
    _OWN("list_webhook_deliveries", check=_is_his_own),
    _DELIVERY("get_webhook_delivery"),
    _DELIVERY("redeliver_webhook_delivery"),
    *(
        Probe(
            operation,
            Kind.RECORD,
            case="somebody else's",
            roles=SUBSCRIBING,
            at=SUBSCRIBED,
            record="somebody else's webhook",
            able=NOBODY,
            barred=NOT_FOUND,
        )
        for operation in ("get_webhook", "pause_webhook", "list_webhook_deliveries")
    ),
]
