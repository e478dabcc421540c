"""`toilet-api serve`: the database if need be, the web processes and a worker, as one thing that starts and stops."""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from typing import Annotated

import typer

from toilet_api.commands import demo, demo_password
from toilet_api.commands.children import Child, Children
from toilet_api.commands.deployment import DataDir, deployment, prepare, read_settings, say
from toilet_api.kernel import progress
from toilet_api.settings import Settings

READY_SECONDS = 90.0


def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="监听地址 / Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="端口 / Port; 0: any.")] = 8000,
    data_dir: DataDir = None,
    workers: Annotated[
        int, typer.Option(envvar="WEB_CONCURRENCY", min=1, max=64, help="接口进程数 / Web processes.")
    ] = 1,
    with_demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="空库时装入演示县 / Load the demonstration county when empty.")
    ] = False,
    jobs: Annotated[
        bool, typer.Option("--jobs/--no-jobs", help="同时运行后台任务进程 / Run a job worker as well.")
    ] = True,
    migrate: Annotated[
        bool, typer.Option("--migrate/--no-migrate", help="启动前迁移并装入区划 / Migrate and load divisions first.")
    ] = True,
) -> None:
    """启动服务（未设 DATABASE_URL 时使用内嵌数据库） / Serve the API; without DATABASE_URL on the embedded database."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    own_database = read_settings(data_dir).database_url is None
    with open_listener(host, port) as listener, deployment(data_dir) as settings:
        if migrate:
            _fill(settings, with_demo=with_demo, own_database=own_database)
        settings.secret("startup")  # makes the secret key once, before several processes would
        address = _address(host, listener)
        _run(settings, listener, address, workers=workers, jobs=jobs, with_demo=with_demo)


def _fill(settings: Settings, *, with_demo: bool, own_database: bool) -> None:
    with demo.alone(settings), progress.shown() as step:
        if with_demo and own_database and demo.clear_unfinished(settings):
            say("上次演示数据未装完，已清除重装 / An unfinished demonstration was cleared away")
        prepare(settings, step)
        if not with_demo:
            demo.adopt(settings)
        elif demo.is_empty(settings):
            say(f"装入演示县 {demo.COUNTY}，需要一会儿 / Loading the demonstration county, this takes a moment")
            demo.load(settings, demo.COUNTY, demo.HOUSEHOLDS, demo.SEED, step)


def _run(
    settings: Settings, listener: socket.socket, address: str, *, workers: int, jobs: bool, with_demo: bool
) -> None:
    listen(listener)
    descriptor = listener.fileno()
    web = [sys.executable, "-m", "toilet_api", "web", str(descriptor)]
    children = [Child(f"web {number}", web, [descriptor]) for number in range(1, workers + 1)]
    if jobs:
        children.append(Child("worker", [sys.executable, "-m", "toilet_api", "worker"]))
    running = Children(children, _environment(settings, address))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: running.ask_to_stop())
    try:
        running.start()
        _wait_until_ready(address, running)
        if not running.stopping:
            _announce(settings, address, with_demo=with_demo)
        running.watch()
        say("正在停止 / Stopping")
    finally:
        running.stop()


def open_listener(host: str, port: int) -> socket.socket:
    """The address, taken at once: a port in use is told before minutes of loading. It listens later."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _taken(f"{host}:{port}", error) from None
    return listener


def listen(listener: socket.socket) -> None:
    """From here on connections wait for the web processes."""
    try:
        listener.listen(1024)
    except OSError as error:  # someone else was bound to it as well, and listened first
        raise _taken(":".join(map(str, listener.getsockname()[:2])), error) from None


def _taken(address: str, error: OSError) -> typer.Exit:
    say(f"不能使用 {address}，请换端口（make run PORT=8123） / That address is not available: {error.strerror}")
    return typer.Exit(1)


def _address(host: str, listener: socket.socket) -> str:
    """The base URL that a browser on this machine would take."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{listener.getsockname()[1]}"


def _environment(settings: Settings, address: str) -> dict[str, str]:
    environment = dict(os.environ)
    environment["DATA_DIR"] = str(settings.data_dir)
    environment["DATABASE_URL"] = settings.database_url or ""
    environment.setdefault("PUBLIC_URL", address)
    # glibc gives each thread a heap of its own, and keeps in each what one large request or job has needed.
    environment.setdefault("MALLOC_ARENA_MAX", "2")
    # A part of an upload, a batch of an import: what is as large as that goes back to the system when it is let go.
    environment.setdefault("MALLOC_MMAP_THRESHOLD_", str(256 * 1024))
    return environment


def _wait_until_ready(address: str, running: Children) -> None:
    deadline = time.monotonic() + READY_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by way of a proxy
    while not running.stopping and time.monotonic() < deadline:
        running.watch(0.2)
        try:
            with opener.open(f"{address}/readyz", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            continue
    if not running.stopping:
        say(f"服务尚未就绪，请看 {address}/readyz / Not ready yet; see /readyz")


def _announce(settings: Settings, address: str, *, with_demo: bool) -> None:
    say()
    say(f"  接口 / API           {address}/api/v1")
    say(f"  文档 / Documentation {address}/docs")
    say(f"  指南 / Guide         {address}/docs/guide")
    if with_demo and (logins := demo.logins(settings)):
        say()
        say("  演示账号（密码相同） / Logins of the demonstration, all with one password:")
        for login in logins:
            say(f"    {login.username:<20} {login.roles:<38} {login.display_name}")
        say(f"  {demo_password.line(settings)}")
    say()
    say("  Ctrl-C 停止 / stops.")
    sys.stdout.flush()
