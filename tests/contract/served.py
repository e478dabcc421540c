"""A furnished county behind a real server on 127.0.0.1, so that what is tested is what goes over the wire."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI

from tests.conftest import plain
from tests.contract import (
    served_assessment,
    served_exchange,
    served_rectification,
    served_reports,
    served_sharing,
    served_webhooks,
)
from tests.contract.wire import Wire
from tests.registry import made as registry
from tests.survey import made as survey
from tests.survey.made import API, ok
from tests.world import COUNTY, PASSWORD
from toilet_api.commands.protocol import Protocol

START_SECONDS = 20


@dataclass
class Served:
    """The server's address, its app, and the ids of what stands in its database, by the name of the path parameter."""

    address: str
    app: FastAPI
    ids: dict[str, list[str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str) -> str:
        """An access token of a demonstration account."""
        if name not in self.tokens:
            form = {"grant_type": "password", "username": name, "password": PASSWORD}
            if name.endswith("_client"):
                form = {"grant_type": "client_credentials", "client_id": name, "client_secret": PASSWORD}
            answer = httpx.post(f"{self.address}{API}/auth/token", data=form, trust_env=False)
            self.tokens[name] = ok(answer)["access_token"]
        return self.tokens[name]

    @cached_property
    def owner(self) -> psycopg.Connection[Any]:
        """The owner's way to the database. It is kept: a new one has every table to learn, which takes longest."""
        settings = self.app.state.settings
        options = f"-c search_path={settings.database_schema}"
        return psycopg.connect(plain(settings.database_url), autocommit=True, options=options)

    def client(self, name: str) -> httpx.Client:
        """A client that is logged in."""
        headers = {"Authorization": f"Bearer {self.token(name)}", "Accept-Encoding": "identity"}
        return httpx.Client(base_url=self.address, headers=headers, trust_env=False, transport=Wire())


async def here(work: Callable[..., Any], *given: Any, **_: Any) -> Any:
    """Instead of `to_thread.run_sync`, as long as there is never more than one request: in the server's own thread."""
    return work(*given)


@contextmanager
def serving(app: FastAPI) -> Iterator[Served]:
    """`app` on a free port, as `toilet-api serve` runs it, in a thread of this process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, http=Protocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not server.started and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert server.started
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
        server.should_exit = True
        thread.join(START_SECONDS)


def furnish(served: Served) -> None:
    """One record of every kind, in the states that steps start from."""
    with served.client("county_admin") as admin, served.client("village_surveyor") as surveyor:
        opened = survey.campaign(admin, verification_levels=[])
        planned = survey.campaign(admin, is_open=False, name="第二轮")
        home = survey.home(surveyor)
        empty = registry.household(surveyor, division_code=survey.VILLAGE, toilets=[])
        gone = survey.home(surveyor)
        ok(admin.post(f"{API}/households/{gone['id']}/remove", json={"reason": "重复登记"}))
        found = survey.submitted(surveyor, "tank_cracked", household=home)  # type: ignore[arg-type]
        draft = survey.visit(surveyor, household=home)
        photo = ok(survey.upload(surveyor), 201)
        people = {one["username"]: one["id"] for one in ok(admin.get(f"{API}/users", params={"limit": 1000}))["items"]}
        own_type = ok(admin.post(f"{API}/problem-types", json=problem_type()), 201)
        common = ok(admin.get(f"{API}/problem-types", params={"limit": 1}))["items"][0]
        pupil = people["village_surveyor"]
        trained = ok(admin.get(f"{API}/users/{pupil}/trainings"))["items"][0]
        body = {"role": "village_surveyor", "division_code": survey.OTHER_VILLAGE}
        grant = ok(admin.post(f"{API}/users/{pupil}/grants", json=body), 201)
        system = {"client_id": "county_platform", "display_name": "县平台", "division_code": COUNTY}
        client = ok(admin.post(f"{API}/clients", json=system), 201)
        exchanged = served_exchange.furnish(served.app, admin)
        with served.client("province_inspector") as inspector:
            exchanged |= served_sharing.furnish(inspector, admin)
        exchanged |= served_webhooks.furnish(admin)
        exchanged |= served_reports.furnish(served.app)
    with ExitStack() as stack:
        names = ("county_admin", "county_reviewer", "township_manager", "village_surveyor")
        clients = {name: stack.enter_context(served.client(name)) for name in names}
        later = served_rectification.furnish(clients, home)
        later |= served_assessment.furnish(clients["county_admin"], opened["id"])
    served.ids = {
        "campaign_id": [opened["id"], planned["id"]],
        "household_id": [home["id"], empty["id"], gone["id"]],
        "toilet_id": [home["toilets"][0]["id"], gone["toilets"][0]["id"]],
        "visit_id": [found["id"], draft["id"]],
        "attachment_id": [photo["id"]],
        "type_id": [own_type["id"], common["id"]],
        "user_id": [pupil, people["township_manager"]],
        "training_id": [trained["id"]],
        "grant_id": [grant["id"]],
        "id": [client["id"]],
        **exchanged,
        **later,
    }
    served.ids["problem_id"].insert(0, found["findings"][0]["problem_id"])


def problem_type(**members: Any) -> dict[str, Any]:
    """The body of a problem type of the county's own."""
    return {
        "division_code": COUNTY,
        "code": "local_type",
        "zh": "本县自定问题",
        "en": "A type of the county's own",
        "problem_class": "toilet",
        "problem_group": "management",
        "cause": "management",
        **members,
    }
