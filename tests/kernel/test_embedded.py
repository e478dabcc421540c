"""The embedded server: odd places, crashes, and several users of one directory."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy
from tests.conftest import plain
from tests.folders import quick_folder

from toilet_api.kernel import embedded
from toilet_api.kernel.embedded import EmbeddedPostgres, EmbeddedPostgresError

SMALL = {"shared_buffers": "'16MB'"}


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory."""
    with quick_folder("emb-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def initialised() -> Iterator[Path]:
    """Data that a server has left behind, to be copied: making it anew takes longer than most tests."""
    with quick_folder("emb-") as directory:
        first = server(Path(directory))
        first.start()
        first.stop()
        yield Path(directory) / "postgres"


@pytest.fixture
def used(place: Path, initialised: Path) -> Path:
    """A directory in which a server has run."""
    subprocess.run(["cp", "-a", initialised, place], check=True)
    return place


def server(place: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(place, fsync=False, options=SMALL)


def one(url: str, sql: str) -> object:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        answer = connection.exec_driver_sql(sql)
        return answer.scalar() if answer.returns_rows else None


def postmaster(place: Path) -> psutil.Process:
    return psutil.Process(int((place / "postgres" / "postmaster.pid").read_text().split()[0]))


def test_a_fresh_directory_gets_a_utf8_database_in_byte_order(place: Path) -> None:
    postgres = server(place / "new")
    url = postgres.start()
    try:
        assert one(url, "select current_database()") == "toilet"
        assert one(url, "select '乡' < '村'") == ("乡".encode() < "村".encode())
        assert one(url, "select lower('Ä')") == "ä"
        assert one(url, "show server_version_num") >= "180000"
        assert stat.S_IMODE((place / "new" / "postgres").stat().st_mode) == 0o700
        assert one(url, "show listen_addresses") == "", "no TCP port is opened"
    finally:
        postgres.stop()
    assert not postgres.is_running()


@pytest.mark.parametrize(
    "name", ["blanks 目录 and quote'\"$(x)`y`", "a,b\\c", "long" * 30], ids=["blanks and quotes", "list", "long"]
)
def test_any_path_will_do(place: Path, name: str) -> None:
    postgres = server(place / name)
    try:
        assert one(postgres.start(), "select 1") == 1
    finally:
        postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user's server")
def test_a_closed_directory_is_opened_for_passing_but_not_for_listing(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    postgres = server(closed / "data")
    try:
        assert one(postgres.start(), "select 1") == 1
    finally:
        postgres.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
    assert str(closed) in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_can_run_it(place: Path) -> None:
    place.chmod(0o777)
    data = place / "own"
    server(place / "warm").start()  # imports everything: the interpreter's own files may be closed to others
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        postgres = server(data)
        answer = one(postgres.start(), "select 41 + 1")
        postgres.stop()
        os._exit(answer)  # type: ignore[arg-type]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    # Root takes over what an ordinary user made, as that user.
    postgres = server(data)
    try:
        postgres.start()
        assert postmaster(data).uids().real == 65534
    finally:
        postgres.stop()


def test_data_survives_a_killed_server(used: Path) -> None:
    postgres = EmbeddedPostgres(used, options=SMALL)
    url = postgres.start()
    one(url, "create table kept as select 7 as n")
    process = postmaster(used)
    process.kill()
    process.wait(10)
    assert (used / "postgres" / "postmaster.pid").exists()
    again = server(used)
    try:
        assert one(again.start(), "select n from kept") == 7
    finally:
        again.stop()
        postgres.stop()
    assert not again.is_running()


@pytest.mark.slow
def test_a_server_that_will_not_shut_down_is_ended_and_loses_nothing(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PostgreSQL 18 will not, when it is told to while it recovers from the death of a backend."""
    monkeypatch.setattr(embedded, "STOP_SECONDS", 1)
    postgres = EmbeddedPostgres(used, options=SMALL)
    url = plain(postgres.start())
    process = postmaster(used)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
        stuck = psutil.Process(connection.info.backend_pid)
        stuck.suspend()  # a shutdown waits for it
        goes_on = threading.Timer(1.5, stuck.resume)  # else PostgreSQL takes five seconds until it kills it
        goes_on.start()
        postgres.stop()
        goes_on.join()
    _, alive = psutil.wait_procs([process], timeout=5)
    assert all(one.status() == psutil.STATUS_ZOMBIE for one in alive)
    again = server(used)
    try:
        assert one(again.start(), "select n from kept") == 7
    finally:
        again.stop()


def test_who_starts_while_the_server_shuts_down_waits_and_starts_it_again(used: Path) -> None:
    postgres = server(used)
    url = plain(postgres.start())
    with psycopg.connect(url) as connection:
        stuck = psutil.Process(connection.info.backend_pid)
        stuck.suspend()
        postmaster(used).send_signal(signal.SIGINT)
        goes_on = threading.Timer(0.5, stuck.resume)
        goes_on.start()
        again = server(used)
        try:
            assert one(again.start(), "select 1") == 1
        finally:
            goes_on.join()
            again.stop()
            postgres.stop()


@pytest.mark.parametrize("it_ends", [True, False])
def test_who_starts_while_a_backend_outlives_its_server_waits_for_it(
    used: Path, monkeypatch: pytest.MonkeyPatch, it_ends: bool
) -> None:
    monkeypatch.setattr(embedded, "ORPHAN_SECONDS", 5 if it_ends else 0.5)
    postgres = server(used)
    connection = psycopg.connect(plain(postgres.start()))
    left = psutil.Process(connection.info.backend_pid)
    left.suspend()  # as one that is busy and doesn't look whether its server is there
    postmaster(used).kill()
    goes_on = threading.Timer(0.5, left.resume)
    if it_ends:
        goes_on.start()
    again = server(used)
    try:
        assert one(again.start(), "select 1") == 1
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    finally:
        if it_ends:
            goes_on.join()
        with suppress(psutil.NoSuchProcess):
            left.kill()
        connection.close()
        again.stop()
        postgres.stop()


def test_a_stale_pid_of_another_program_is_no_server(used: Path) -> None:
    postgres = server(used)
    postgres.start()
    postgres.stop()
    (used / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{used}/postgres\n1\n5432\n\n\n\nready\n")
    assert not postgres.is_running()
    try:
        assert one(postgres.start(), "select 1") == 1
    finally:
        postgres.stop()


def test_after_the_death_of_its_user_the_server_is_taken_over(used: Path) -> None:
    script = f"""
        import os, signal
        from pathlib import Path
        from toilet_api.kernel.embedded import EmbeddedPostgres
        EmbeddedPostgres(Path({str(used)!r}), fsync=False, options={SMALL!r}).start()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert died.returncode == -signal.SIGKILL
    before = postmaster(used).pid
    postgres = server(used)
    postgres.start()
    assert postmaster(used).pid == before
    postgres.stop()
    assert not postgres.is_running()


def test_the_last_of_two_users_stops_it(used: Path) -> None:
    first, second = server(used), server(used)
    url = first.start()
    second.start()
    first.stop()
    assert one(url, "select 1") == 1
    second.stop()
    with pytest.raises(sqlalchemy.exc.OperationalError):
        one(url, "select 1")


def test_an_interrupted_initialisation_is_made_anew(place: Path) -> None:
    (place / "postgres.unfinished" / "base").mkdir(parents=True)
    postgres = server(place)
    try:
        assert one(postgres.start(), "select 1") == 1
    finally:
        postgres.stop()
    assert not (place / "postgres.unfinished").exists()


def test_another_version_is_refused(place: Path) -> None:
    (place / "postgres").mkdir()
    (place / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 16"):
        server(place).start()


def test_a_failed_statement_leaves_no_values_in_the_log(used: Path) -> None:
    postgres = server(used)
    url = postgres.start().replace("+psycopg", "")
    try:
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
            connection.execute("select '张三丰'::int, 1/0")
    finally:
        postgres.stop()
    log = b"".join(path.read_bytes() for path in (used / "postgres" / "log").iterdir())
    assert "STATEMENT" not in log.decode()
