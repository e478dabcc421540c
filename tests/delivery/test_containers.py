"""Dockerfile and docker-compose.yml, read closely: every name in them exists, and no secret has a default."""

import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
import yaml

from tests.conftest import plain
from toilet_api.cli import cli
from toilet_api.commands import heartbeat
from toilet_api.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# Read by the commands themselves, beside the settings.
OTHERS = {"LOG_LEVEL", "WEB_CONCURRENCY", "HOST", "PORT"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return found


def known(arguments: list[str]) -> bool:
    """Whether `toilet-api` takes this command with these options."""
    command = typer.main.get_command(cli)
    context = command.make_context("toilet-api", [arguments[0], *arguments[1:]], resilient_parsing=True)
    name, found, rest = command.resolve_command(context, arguments)
    options = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return bool(name) and all(one in options for one in rest if one.startswith("-"))


def test_services_run_commands_and_set_settings_that_exist(services: dict[str, Any]) -> None:
    assert set(services) == {"database", "migrate", "app", "worker"}
    settings = {name.upper() for name in Settings.model_fields} | OTHERS
    for name in ("migrate", "app", "worker"):
        assert known(services[name]["command"]), name
        assert set(services[name]["environment"]) <= settings, name
    assert services["database"]["image"].startswith("postgres:18")


def test_the_image_has_a_default_command_that_exists_and_runs_as_nobody_special() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    assert known(yaml.safe_load(command))
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3
    assert re.search(r"^USER toilet$", stages[2], re.M)
    assert "HEALTHCHECK" in stages[2]


def test_what_the_image_copies_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source
    mounts = [one.split(":")[0] for one in yaml.safe_load(COMPOSE)["services"]["database"]["volumes"] if one[0] == "."]
    assert len(mounts) == 2
    for mount in mounts:
        assert (ROOT / mount).is_file()


def test_no_secret_has_a_default() -> None:
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_OWNER_PASSWORD", "DATABASE_APP_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE)
        assert uses
        assert all(use.startswith(":?") for use in uses), name
    published = re.findall(r"^ +- (\$\{PUBLISH.*)$", COMPOSE, re.M)
    assert published == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_each_service_waits_for_what_it_needs_and_tells_how_it_is(services: dict[str, Any]) -> None:
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("app", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert "DATABASE_OWNER_URL" not in services[name]["environment"], "only migrations own the tables"
    assert "healthcheck" in services["database"]
    assert services["worker"]["healthcheck"]["test"] == ["CMD", "python", "-m", heartbeat.__name__]
    volumes = yaml.safe_load(COMPOSE)["volumes"]
    assert set(volumes) == {"database", "files"}


def test_the_scripts_of_the_database_are_sound() -> None:
    subprocess.run(["sh", "-n", ROOT / "deploy" / "passwords.sh"], check=True)
    roles = (ROOT / "deploy" / "roles.sql").read_text()
    for role in re.findall(r"alter role (\w+)", (ROOT / "deploy" / "passwords.sh").read_text()):
        assert f"create role {role} login" in roles
    assert "password '" not in re.sub(r"--.*", "", roles)


def test_the_heartbeat_is_that_of_a_worker(settings: Settings) -> None:
    def beat(seconds_ago: int) -> None:
        with psycopg.connect(plain(settings.database_url)) as connection:
            connection.execute("delete from toilet.procrastinate_workers")
            connection.execute(
                "insert into toilet.procrastinate_workers (last_heartbeat) values (now() - make_interval(secs => %s))",
                [seconds_ago],
            )

    assert heartbeat.beats(settings) is False
    beat(5)
    assert heartbeat.beats(settings) is True
    beat(heartbeat.SECONDS + 5)
    assert heartbeat.beats(settings) is False
    assert heartbeat.beats(settings.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"})) is False
