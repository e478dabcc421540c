"""How the tests are shared out, and the settings and addresses that they use. The fixtures are in fixtures.py."""

import gc
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.folders import MEMORY
from toilet_api.settings import Settings

SUBSET = Path(__file__).parent / "data" / "divisions_subset.csv"

if MEMORY is not None:  # for tmp_path too
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, and with them the whole house; not where tests are only handed out to other processes."""
    worker = getattr(config, "workerinput", None)
    if worker is not None and hasattr(os, "sched_setaffinity"):
        _keep_to_own_cores(int(worker["workerid"].removeprefix("gw")), worker["workercount"])
    if worker is not None or config.getoption("dist", "no") == "no":
        with warnings.catch_warnings():  # one of Starlette's own client
            warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient` is deprecated")
            config.pluginmanager.import_plugin("tests.fixtures")


def _keep_to_own_cores(number: int, of: int) -> None:
    """Give each process, with the server that it starts, its share of the cores.

    A test and its server take turns, and it takes a fifth longer where each turn wakes another core. A third process
    on two cores gains nothing: it has everything to learn for itself.
    """
    share = sorted(os.sched_getaffinity(0))[number::of]
    if share:
        os.sched_setaffinity(0, share)


# Of tests that share something dear: where they stand, and what they share.
_HOUSES = {
    "tests/scope/": "the house of the matrix",
    "tests/contract/": "the county of the contract, and the document",
    "tests/handbook/": "the county of the contract, and the document",
    "tests/examples/": "the demonstration",
    "tests/exchange/test_killed.py": "the deployment that is killed",
    "tests/reporting/dashboard/test_browser.py": "the browser",
}


class TogetherWhereDear(LoadScopeScheduling):
    """Test by test to whichever process is free; but the folders whose tests share a furnished house go as one.

    Of one's own, because pytest-xdist 3.8 marks its groups in a place that pytest 9.2 doesn't read.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((house for folder, house in _HOUSES.items() if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherWhereDear | None:
    """For `-n 2`; another `--dist` is left as it is."""
    return TogetherWhereDear(config, log) if config.getvalue("dist") == "load" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins early, so that no process works on alone at the end; who can try more is marked."""
    for item in items:
        if isinstance(item, pytest.Function) and not {"tries", "in_turn"}.isdisjoint(vars(item.module)):
            item.add_marker("broad")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_sessionfinish() -> None:
    """At its end pytest has all that is left looked through, five times: of the whole house that is seconds."""
    gc.freeze()


@cache
def _as_tests_have_them() -> Settings:
    """Quick passwords, a pool that leaves room for parallel tests."""
    return Settings(
        database_url="postgresql://nowhere/nothing",
        database_schema="toilet",
        secret_key="test-only-secret-key-that-is-long-enough",
        argon2_time_cost=1,
        argon2_memory_kib=64,
        database_pool_size=10,
        rate_limit_people=0,
        rate_limit_clients=0,
        rate_limit_sign_ins=0,
        reports_by_clock=False,
    )


def make_settings(url: str, data_dir: Path) -> Settings:
    """Settings for a test. Read from the environment once: to look there again for each takes milliseconds."""
    return _as_tests_have_them().model_copy(update={"database_url": url, "data_dir": data_dir})


def on(url: str, database: str) -> str:
    """The same server, another database."""
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")


def plain(url: str) -> str:
    """The same address for the bare driver."""
    return url.replace("postgresql+psycopg://", "postgresql://")
