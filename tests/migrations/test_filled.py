"""Migrations over a database that a survey has filled: nothing is lost, and the new rules hold for what was there."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import make_settings, on, plain
from toilet_api.kernel.migrations import migrate, revisions
from toilet_api.settings import Settings

_numbers = itertools.count()
SURVEYED = "0006_exchange"
"""What had landed when the first counties recorded visits and problems."""
STATES = ("open", "dismissed")
FILL = """
    insert into campaign (id, division_code, name, cut_off_year, starts_on, survey_due, state, opened_at)
        values (uuidv7(), '360423', '整改', 2024, '2026-05-15', '2026-07-31', 'open', now());
    insert into household (id, division_code, name_masked, identity_index, name_index)
        select uuidv7(), '360423208202', '张**', uuid_send(uuidv7()), uuid_send(uuidv7()) from generate_series(1, 40);
    insert into toilet (id, division_code, household_id, mode)
        select uuidv7(), division_code, id, 'three_compartment' from household;
    insert into problem (id, division_code, campaign_id, problem_class, type_id, cause, household_id, toilet_id,
                         found_at, deadline, state, dismissal, dismissed_at, dismissed_reason)
        select uuidv7(), toilet.division_code, campaign.id, 'toilet', kind.id, kind.cause, household_id, toilet.id,
               now(), '2026-12-31', case when kind.code = 'no_light' then 'dismissed' else 'open' end,
               case when kind.code = 'no_light' then 'decided' end,
               case when kind.code = 'no_light' then now() end, case when kind.code = 'no_light' then '误登' end
        from toilet, campaign, problem_type as kind where kind.code in ('tank_cracked', 'no_light');
"""
KEPT = "select id, campaign_id, cause, toilet_id, deadline, state, dismissed_reason, version from problem order by id"


@pytest.fixture
def filled(server: str, tmp_path: Path) -> Iterator[Settings]:
    """A database of the time before rectification, with a small survey in it."""
    name = f"filled_{next(_numbers)}"
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
        settings = make_settings(on(server, name), tmp_path)
        migrate(settings, SURVEYED)
        run(settings, FILL)
        yield settings
        connection.execute(f"drop database {name} with (force)".encode())


def run(settings: Settings, statement: str) -> list[tuple]:
    """What the owner does, seeing everything."""
    with psycopg.connect(plain(settings.database_url), autocommit=False) as connection:
        connection.execute(
            "select set_config('search_path', 'toilet', true), set_config('toilet.scope', '{\"\"}', true)"
        )
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_what_a_survey_recorded_is_there_after_each_migration(filled: Settings) -> None:
    before = run(filled, KEPT)
    assert len(before) == 80
    for revision in revisions()[revisions().index(SURVEYED) + 1 :]:
        migrate(filled, revision)
        assert run(filled, KEPT) == before
    assert run(filled, "select distinct deadline_source, reopenings, closed_at from problem") == [("rule", 0, None)]
    levels = run(filled, "select verification_levels, at_once_causes, acceptance_shares from campaign")
    assert levels == [(["township", "county"], ["small_defect"], {"township": 100, "county": 30})]


def test_the_database_itself_holds_what_a_close_out_needs(filled: Settings) -> None:
    migrate(filled)
    for change in (
        "state = 'closed'",
        "state = 'closed', closed_at = now(), close_out_id = uuidv7()",  # never accepted
        "state = 'closed', accepted_at = now(), accepted_level = 'township'",  # without evidence
        "state = 'accepted'",
        "state = 'in_work', accepted_at = now(), accepted_level = 'county'",
        "state = 'nonsense'",
        "reopenings = 1",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            run(filled, f"update problem set {change} where state = 'open'")
    whole = "accepted_at = now(), accepted_level = 'township', closed_at = now(), close_out_id = uuidv7()"
    run(filled, f"update problem set state = 'closed', {whole} where state = 'open'")
    for change in (
        "description = 'x'",
        "deadline = '2030-01-01'",
        "close_out_id = uuidv7()",
        "accepted_level = 'county'",
    ):
        with pytest.raises(psycopg.errors.IntegrityError):
            run(filled, f"update problem set {change} where state = 'closed'")
    # Its place follows its village, and it can be reopened; nothing else.
    run(filled, "update problem set division_code = '360423208203', version = version + 1 where state = 'closed'")
    undone = "accepted_at = null, accepted_level = null, closed_at = null, close_out_id = null"
    reopened = "reopenings = 1, reopened_at = now(), reopen_reason = '复核不合格'"
    run(filled, f"update problem set state = 'open', {undone}, {reopened} where state = 'closed'")
