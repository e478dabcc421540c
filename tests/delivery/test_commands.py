"""The commands of an operator: what they do, and what they say when they can't."""

import json
import re
from functools import cache
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.conftest import plain
from tests.delivery.conftest import commanding
from tests.delivery.running import Run, run
from toilet_api.app import connect
from toilet_api.commands import document
from toilet_api.kernel.migrations import heads
from toilet_api.settings import Settings

NOWHERE = "postgresql://nobody:hidden@127.0.0.1:1/none"


def ask(settings: Settings, question: str) -> list[tuple]:
    """What the owner reads."""
    with psycopg.connect(plain(settings.database_url)) as connection:
        return connection.execute(question.encode()).fetchall()


def test_migrate_makes_the_schema_that_the_setting_names_and_nothing_else(empty: Settings) -> None:
    command = commanding(empty)
    refused = command("worker", "--no-wait", DATABASE_SCHEMA="province_36")
    assert refused.code == 1
    assert "toilet-api migrate" in refused.err

    migrated = command("migrate", DATABASE_SCHEMA="province_36")
    assert migrated.code == 0, migrated.err
    assert "province_36" in migrated.out
    assert ask(empty, "select version_num from province_36.alembic_version") == [(one,) for one in heads()]
    assert ask(empty, "select count(*) from pg_tables where schemaname in ('public', 'toilet')") == [(0,)]
    assert command("worker", "--no-wait", DATABASE_SCHEMA="province_36").code == 0
    assert not (empty.data_dir / "postgres").exists(), "DATABASE_URL is set: no server of our own"


def test_a_person_made_on_the_command_line_must_change_the_password(
    command: Run, client: TestClient, settings: Settings
) -> None:
    made = command("users", "create", "zhang_san", "--role", "county_admin", "--division", "360423", "--name", "张三")
    assert made.code == 0, made.err
    password = re.search(r"One-time password: (\S+)", made.out)
    assert password
    form = {"grant_type": "password", "username": "zhang_san", "password": password[1]}
    token = client.post("/api/v1/auth/token", data=form).json()["access_token"]
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["display_name"], me["must_change_password"]) == ("张三", True)
    assert [(one["role"], one["division_code"]) for one in me["grants"]] == [("county_admin", "360423")]
    journal = ask(settings, "select count(*) from toilet.audit_entry where actor_name = 'command line'")
    assert journal[0][0] >= 1


def test_a_password_from_standard_input_is_held_to_the_rules(command: Run, client: TestClient) -> None:
    create = ("users", "create", "li_si", "--role", "auditor", "--division", "360423", "--password-stdin")
    weak = command(*create, stdin="short\n")
    assert weak.code == 1
    assert "/password" in weak.err
    good = command(*create, stdin="Kx7-long-enough\n")
    assert good.code == 0, good.err
    assert "Kx7-long-enough" not in good.out + good.err
    again = command(*create, stdin="Kx7-long-enough\n")
    assert again.code == 1
    assert "Traceback" not in again.err
    form = {"grant_type": "password", "username": "li_si", "password": "Kx7-long-enough"}
    assert client.post("/api/v1/auth/token", data=form).status_code == 200


def test_a_role_outside_of_its_level_and_an_unknown_division_are_refused(command: Run) -> None:
    too_high = command("users", "create", "wang_wu", "--role", "county_admin", "--division", "36")
    assert too_high.code == 1
    assert "/grants/0" in too_high.err
    unknown = command("users", "create", "wang_wu", "--role", "county_admin", "--division", "999999")
    assert unknown.code == 1
    assert "no division of this code" in unknown.err
    misnamed = command("users", "create", "王 五", "--role", "county_admin", "--division", "360423")
    assert misnamed.code == 1
    assert "USERNAME: " in misnamed.err


def test_rotated_keys_keep_old_tokens_valid_and_withdrawn_ones_do_not(
    command: Run, client: TestClient, app: FastAPI, settings: Settings
) -> None:
    form = {"grant_type": "password", "username": "auditor", "password": "Demo-2026-Wuning"}
    token = client.post("/api/v1/auth/token", data=form).json()["access_token"]

    def kids() -> list[str]:
        app.state.database.dispose()
        connect(app, settings)  # as after a restart: nothing at hand
        return [one["kid"] for one in client.get("/.well-known/jwks.json").json()["keys"]]

    def status() -> int:
        return client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code

    (first,) = kids()
    rotated = command("keys", "rotate")
    assert rotated.code == 0, rotated.err
    second = rotated.out.split()[-1]
    assert kids() == [second, first]
    assert status() == 200
    withdrawn = command("keys", "rotate", "--withdraw")
    assert kids() == [withdrawn.out.split()[-1]]
    assert status() == 401


def test_a_list_of_divisions_is_loaded_from_a_file(command: Run, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "villages.csv"
    file.write_text("code,name\n360423208299,新设村委会\n", encoding="utf-8")
    loaded = command("divisions", "load", file)
    assert loaded.code == 0, loaded.err
    assert "added 1" in loaded.out
    assert ask(settings, "select name from toilet.division where code = '360423208299'") == [("新设村委会",)]
    file.write_text("code,name\n36042320829,短\n", encoding="utf-8")
    refused = command("divisions", "load", file)
    assert refused.code == 1
    assert "line 2" in refused.err


@pytest.mark.slow
def test_the_document_is_printed_written_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "document", cache(document.document))  # made once; it takes seconds
    file = tmp_path / "new" / "openapi.json"
    assert run("openapi", "--check", file).code == 1
    assert run("openapi", "--output", file).code == 0
    assert json.loads(file.read_text())["openapi"].startswith("3.1")
    assert run("openapi", "--check", file).code == 0
    file.write_text(file.read_text().replace("/api/v1/toilets", "/api/v1/privies"))
    stale = run("openapi", "--check", file)
    assert stale.code == 1
    assert "make openapi" in stale.out


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DATABASE_URL": "mysql://u:hidden@db/x"}, "DATABASE_URL: "),
        ({"DATABASE_URL": NOWHERE}, "The database is not available"),
        ({"DATABASE_URL": NOWHERE, "SECRET_KEY": "hidden"}, "SECRET_KEY: "),
        ({"DATABASE_URL": NOWHERE, "DATABASE_SCHEMA": "hidden; drop"}, "DATABASE_SCHEMA: "),
    ],
)
def test_wrong_settings_are_told_in_a_line_without_their_values(variables: dict[str, str], told: str) -> None:
    ended = run("migrate", **variables)
    assert ended.code == 1
    assert told in ended.err
    assert "hidden" not in ended.err
    assert "Traceback" not in ended.err


def test_an_empty_variable_is_an_unset_one() -> None:
    with_empty = run("migrate", DATABASE_URL=NOWHERE, DATABASE_OWNER_URL="", VAULT_KEYS="", SECRET_KEY="")
    assert "The database is not available" in with_empty.err


def test_the_figures_are_checked_against_the_records(command: Run, settings: Settings) -> None:
    with psycopg.connect(plain(settings.database_url)) as owner:
        owner.execute("select set_config('toilet.scope', '{\"\"}', true)")
        owner.execute(
            "insert into toilet.household (id, division_code, name_masked, identity_index, name_index)"
            " select uuidv7(), '360423208202', '张**', uuid_send(uuidv7()), uuid_send(uuidv7())"
            " from generate_series(1, 3)"
        )
    good = command("statistics", "check")
    assert good.code == 0, good.err
    assert "Every figure equals" in good.out
    with psycopg.connect(plain(settings.database_url)) as owner:
        owner.execute("select set_config('toilet.scope', '{\"\"}', true)")
        owner.execute("update toilet.statistic_delta set n = 4")
    bad = command("statistics", "check")
    assert bad.code == 1
    assert "household 360423208202" in bad.out
    assert "4 ≠ 3" in bad.out
