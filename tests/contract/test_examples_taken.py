"""The example of each request is no picture: sent as it stands, to what stands in the county, it is understood.

Whether it is also granted depends on the state of the record; no example is refused for what it says. Nothing is kept.
"""

import json
from contextlib import ExitStack
from typing import Any

import httpx

from tests.contract.reading import Json, operations, parameters
from tests.contract.served import Served
from tests.contract.test_schemathesis import rehearsed as rehearsed
from tests.survey.made import VILLAGE

BODIES = ("application/json", "application/x-www-form-urlencoded")
OF_THE_PROVINCE = {"create_dataset_request": "province_inspector"}
"""Examples that somebody else than the county's administrator would send: of the province's own system."""
MISUNDERSTOOD = {"malformed", "invalid", "unknown_parameter", "unsupported_media_type", "not_acceptable"}


def sent(served: Served, name: str, value: Any) -> Any:
    """`value` with the ids of what stands in the county, where the members are named so."""
    if isinstance(value, dict):
        return {one: sent(served, one, member) for one, member in value.items() if not one.endswith("signature_ids")}
    if isinstance(value, list):
        return [sent(served, name.removesuffix("s"), one) for one in value]
    known = served.ids.get("attachment_id" if name == "photo_id" else name)
    return known[0] if known and name != "id" else value


def test_each_example_of_a_request_is_understood(rehearsed: Served, document: Json) -> None:
    wrong, taken, tried = [], 0, 0
    with ExitStack() as stack:
        names = {"county_admin", *OF_THE_PROVINCE.values()}
        clients = {name: stack.enter_context(rehearsed.client(name)) for name in names}
        for path, method, operation in operations(document):
            content = operation.get("requestBody", {}).get("content", {})
            media = next((one for one in BODIES if one in content), None)
            if media is None or operation["tags"] == ["auth"]:
                continue
            tried += 1
            client = clients[OF_THE_PROVINCE.get(operation["operationId"], "county_admin")]
            answer = called(rehearsed, client, path, method, operation, media)
            taken += answer.is_success
            if answer.status_code >= 500 or (answer.is_client_error and answer.json()["code"] in MISUNDERSTOOD):
                wrong.append(f"{operation['operationId']}: {answer.json().get('errors', answer.text)}")
    assert not wrong, "\n".join(wrong)
    assert taken > tried / 3


def called(served: Served, client: httpx.Client, path: str, method: str, operation: Json, media: str) -> httpx.Response:
    """The answer to the operation's own example."""
    address = path
    for name, parameter in parameters(operation).items():
        if parameter["in"] == "path":
            address = address.replace(f"{{{name}}}", served.ids.get(name, [VILLAGE])[0])
    body = sent(served, "", operation["requestBody"]["content"][media]["example"])
    headers = {"Content-Type": media, **({"If-Match": "*"} if method == "patch" else {})}
    return client.request(method, address, content=json.dumps(body).encode(), headers=headers)
