"""How fast the change feed is read, held to its own queries on the bare driver, and how soon a commit is seen in it.

The floor of a page is what the server asks Postgres for it: the entries, and their records as JSON, a query for each
type; in one open transaction of the application's role, by psycopg, without HTTP, login, cursors or window. The lag is
taken from the end of a commit to the end of the answer that a client has been waiting for, while another transaction is
held open all the time.
"""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from tests.delivery.running import serving
from tests.world import PASSWORD

from benchmarks.entry import Entry, interleaved
from benchmarks.imports import COUNTY, _at_most, _database, _furnish, _plain
from toilet_api.accounts.caller import Caller, caller_of
from toilet_api.exchange.changes import records
from toilet_api.exchange.changes.subjects import SUBJECTS
from toilet_api.kernel import feed
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.settings import Settings

HOUSEHOLDS = 20_000
PAGE = 1000
ROUNDS = 5
LAGS = 60
LAG_MS = 100
_SECRET = "of the benchmark" * 4
_FILL = (
    """
    insert into household (id, division_code, name_masked, id_number_masked, phone_masked, address_masked,
                           identity_index, name_index, family_size, dwelling_state)
    select uuidv7(), village.codes[1 + mod(n, cardinality(village.codes))], '张**', '360423********0000', '199****0000',
           '石渡村*组***', uuid_send(gen_random_uuid()), uuid_send(gen_random_uuid()), 4, 'occupied'
    from generate_series(1, %(rows)s) n,
         (select array_agg(code) as codes from division where length(code) = 12 and left(code, 6) = '360423') as village
    """,
    """
    insert into toilet (id, household_id, division_code, mode, counted, built_year)
    select uuidv7(), id, division_code, 'three_compartment', true, 2024 from household where %(rows)s > 0
    """,
    """
    insert into change_entry (subject_type, subject_id, division_code, version, op)
    select kind, id, division_code, 1, 'create'
    from (select 'household' as kind, id, id as home, division_code from household
          union all select 'toilet', id, household_id, division_code from toilet) as made
    where %(rows)s > 0 order by home
    """,
)


def run(url: str) -> list[Entry]:
    """The entries, on a database of their own."""
    address = _database(url, "bench_changes")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(database_url=address, data_dir=Path(name), secret_key=_SECRET)
        _furnish(settings)
        database = Database(settings)
        _fill(address)
        variables = {"DATABASE_URL": address, "SECRET_KEY": _SECRET}
        with (
            serving("--no-migrate", "--no-jobs", "--data-dir", Path(name), seconds=600, **variables) as served,
            _floor(settings, database, address) as floor,
        ):
            client = _Client(served.address)
            assert client.walk() == 2 * HOUSEHOLDS
            rates = interleaved({"floor": lambda: _rate(floor), "feed": lambda: _rate(client.walk)}, rounds=ROUNDS)
            lags = sorted(_lags(client, address))
        database.dispose()
    return [
        Entry.rate(f"change pages of {PAGE:,}, with their records", rates["feed"], rates["floor"], "changes/s", 0.6),
        _at_most("lag from commit to visible, p95", 1000 * lags[int(len(lags) * 0.95)], LAG_MS, "ms", 1),
    ]


def _rate(walk: Any) -> float:
    started = time.perf_counter()
    count = walk()
    return float(count / (time.perf_counter() - started))


def _fill(address: str) -> None:
    with psycopg.connect(_plain(address), autocommit=True) as connection:
        connection.execute("select set_config('search_path', 'toilet', false)")
        connection.execute("select set_config('toilet.scope', '{\"\"}', false)")
        for statement in _FILL:
            connection.execute(statement.encode(), {"rows": HOUSEHOLDS})
        connection.execute("vacuum analyze")


class _Client:
    """A county's system that reads the feed on one connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        form = f"grant_type=password&username=county_admin&password={PASSWORD}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/api/v1/auth/token", form, headers)
        token = json.loads(self._connection.getresponse().read())["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"}

    def page(self, query: str) -> tuple[int, dict[str, Any]]:
        """How many changes, and the last line."""
        self._connection.request("GET", f"/api/v1/changes?{query}", headers=self._headers)
        answer = self._connection.getresponse()
        *items, end = answer.read().splitlines()
        assert answer.status == 200, end
        return len(items), json.loads(end)

    def walk(self) -> int:
        """The whole feed, page by page."""
        count, end = self.page(f"limit={PAGE}&types=household,toilet")
        while end["more"]:
            found, end = self.page(f"limit={PAGE}&types=household,toilet&since={end['next_cursor']}")
            count += found
        return count


@contextmanager
def _floor(settings: Settings, database: Database, address: str) -> Iterator[Any]:
    """A walk by the same queries on the bare driver."""
    with database.transaction(EVERYWHERE) as session:
        found = session.connection().execute(text("select id from principal where username = 'county_admin'"))
        caller = caller_of(session, settings, found.scalar_one())
        position = feed.read(session, feed.start(session), limit=1).window
    assert caller is not None
    queries = {kind: _query(kind, caller) for kind in ("household", "toilet")}
    entries = feed._PAGE.format(conditions=feed._OF_SUBJECTS).replace("%", "%%")
    for name in ("after", "upto", "goal", "base", "subjects", "limit"):
        entries = entries.replace(f":{name}", f"%({name})s")
    with psycopg.connect(_plain(address)) as connection:
        connection.execute(
            "select set_config('role', 'toilet_app', false), set_config('search_path', 'toilet', false),"
            " set_config('TimeZone', 'Asia/Shanghai', false), set_config('toilet.scope', %s, false)",
            [f'{{"{COUNTY}"}}'],
        )

        def walk() -> int:
            after, count = 0, 0
            while True:
                given = {"after": after, "upto": after + feed.STEP, "subjects": list(queries), "limit": PAGE}
                given |= {"goal": str(position.goal), "base": str(position.base)}
                rows = connection.execute(entries.encode(), given).fetchall()
                if not rows:
                    return count
                for kind, (statement, parameters, keys) in queries.items():
                    ids = [row[3] for row in rows if row[2] == kind]
                    connection.execute(statement, {**parameters, keys: ids}).fetchall()
                after, count = rows[-1][0], count + len(rows)

        yield walk


def _query(kind: str, caller: Caller) -> tuple[bytes, dict[str, Any], str]:
    """A type's query as the driver takes it: text, parameters, and which of them are the ids."""
    statement, parameters = records.compiled(SUBJECTS[kind], SUBJECTS[kind].shown[0], caller, date(2026, 6, 30))
    return statement.encode(), parameters, "keys"


def _lags(client: _Client, address: str) -> Iterator[float]:
    """Seconds from a commit to the answer, of a client that waits, while a transaction is held open."""
    change = (
        "insert into toilet.change_entry (subject_type, subject_id, division_code, version, op)"
        " select 'household', id, division_code, 2, 'update' from toilet.household limit 1"
    )
    with psycopg.connect(_plain(address)) as held, psycopg.connect(_plain(address)) as writer:
        held.execute(change.encode())
        _, end = client.page("since=now&types=household")
        for number in range(LAGS):
            answered: list[float] = []
            since = end["next_cursor"]

            def wait(since: str = since, answered: list[float] = answered) -> None:
                nonlocal end
                count, end = client.page(f"since={since}&types=household&wait=30")
                answered.append(time.perf_counter())
                assert count == 1

            waiting = threading.Thread(target=wait)
            waiting.start()
            time.sleep(0.2 + 0.003 * (number % 10))
            writer.execute(change.encode())
            writer.commit()
            committed = time.perf_counter()
            waiting.join()
            yield answered[0] - committed
