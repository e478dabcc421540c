"""Campaigns, the problem catalogue with its seed, visits, findings, the problem ledger, attachments."""

from alembic import op
from sqlalchemy import text

from migrations.support import scoped
from toilet_api.survey.catalogue_seed import SEED

revision = "0005_survey"
down_revision = "0004_registry"

_RECORD = """
    id uuid primary key,
    division_code text collate "C" not null check (division_code ~ '{shape}'),
    version int not null default 1 check (version > 0),
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid,
    removed_at timestamptz,
    removed_reason text,
    check ((removed_at is null) = (removed_reason is null))
"""
_VILLAGE, _COUNTY = "^[0-9]{12}$", "^[0-9]{6}$"
_CODE = "check ({0} ~ '^[a-z][a-z0-9_]{{0,59}}$')"
_POSITION = """
    longitude double precision check (longitude between -180 and 180),
    latitude double precision check (latitude between -90 and 90)
"""


def upgrade() -> None:
    _campaign()
    _problem_type()
    _attachment()
    _visit()
    _problem()
    _finding()


def _seen_from_below(table: str) -> None:
    """A county's campaign and catalogue are read in its villages, whose scope lies inside of it; written above.

    Their history is read where they are.
    """
    scoped(table)
    lies_below = """exists (
        select from unnest((select nullif(current_setting('toilet.scope', true), '')::text[])) as prefix
        where prefix ^@ division_code)"""
    op.execute(f"create policy below on {table} for select using ({lies_below})")
    op.execute(
        f"create policy below_{table} on audit_entry for select using (subject_type = '{table}' and {lies_below})"
    )


def _campaign() -> None:
    op.execute(
        f"""
        create table campaign (
            {_RECORD.format(shape=_COUNTY)},
            name text not null,
            document_numbers text[] not null default '{{}}',
            cut_off_year int not null check (cut_off_year between 1949 and 2200),
            starts_on date not null,
            survey_due date not null check (survey_due >= starts_on),
            deadline_rules jsonb not null default '{{}}',
            state text not null default 'planned' check (state in ('planned', 'open', 'closed')),
            opened_at timestamptz,
            closed_at timestamptz,
            origin_digest bytea
        )
        """
    )
    op.execute("create index campaign_division on campaign (division_code, id)")
    op.execute("create unique index campaign_open on campaign (division_code) where state = 'open'")
    _seen_from_below("campaign")


def _problem_type() -> None:
    op.execute(
        f"""
        create table problem_type (
            {_RECORD.format(shape="^([0-9]{6})?$")},
            code text not null {_CODE.format("code")},
            zh text not null,
            en text not null,
            problem_class text not null check (problem_class in ('toilet', 'work')),
            problem_group text not null {_CODE.format("problem_group")},
            cause text not null {_CODE.format("cause")},
            retired_at timestamptz,
            origin_digest bytea
        )
        """
    )
    op.execute("create unique index problem_type_code on problem_type (division_code, code)")
    op.execute("create index problem_type_by_code on problem_type (code)")
    _seen_from_below("problem_type")
    op.get_bind().execute(
        text(
            "insert into problem_type (id, division_code, code, zh, en, problem_class, problem_group, cause)"
            " values (:id, '', :code, :zh, :en, :problem_class, :problem_group, :cause)"
        ),
        [
            {
                "id": entry.id,
                "code": entry.code,
                "zh": entry.zh,
                "en": entry.en,
                "problem_class": entry.problem_class,
                "problem_group": entry.problem_group,
                "cause": entry.cause,
            }
            for entry in SEED
        ],
    )


def _attachment() -> None:
    op.execute(
        f"""
        create table attachment (
            {_RECORD.format(shape="^[0-9]{6}([0-9]{3}([0-9]{3})?)?$")},
            kind text not null check (kind in ('photo', 'signature')),
            household_id uuid references household (id),
            sha256 text not null check (sha256 ~ '^[0-9a-f]{{64}}$'),
            media_type text not null,
            size_bytes bigint not null check (size_bytes > 0),
            width int not null,
            height int not null,
            captured_at timestamptz,
            captured_zone_stated boolean not null default false,
            {_POSITION}
        )
        """
    )
    op.execute("create index attachment_division on attachment (division_code, id)")
    op.execute("create index attachment_household on attachment (household_id)")
    op.execute("create index attachment_content on attachment (sha256)")
    scoped("attachment")


def _visit() -> None:
    op.execute(
        f"""
        create table visit (
            {_RECORD.format(shape=_VILLAGE)},
            campaign_id uuid references campaign (id),
            household_id uuid not null references household (id),
            toilet_id uuid references toilet (id),
            state text not null default 'draft' {_CODE.format("state")},
            method text not null {_CODE.format("method")},
            presence text not null {_CODE.format("presence")},
            usability text {_CODE.format("usability")},
            visited_at timestamptz not null,
            {_POSITION},
            position_system text check (position_system in ('gcj02', 'wgs84', 'cgcs2000')),
            position_accuracy_m double precision check (position_accuracy_m >= 0),
            checked_against text[] not null default '{{}}',
            note text,
            photo_ids uuid[] not null default '{{}}',
            surveyor_id uuid not null,
            surveyor_name text not null,
            surveyor_signature_ids uuid[] not null default '{{}}',
            household_signature_ids uuid[] not null default '{{}}',
            submitted_at timestamptz,
            township_verified_at timestamptz,
            township_verified_by uuid,
            county_verified_at timestamptz,
            county_verified_by uuid,
            return_reason text,
            returned_at timestamptz,
            corrections int not null default 0,
            origin_digest bytea,
            check (num_nonnulls(longitude, latitude, position_system) in (0, 3)),
            check (state = 'draft' or (submitted_at is not null and campaign_id is not null)),
            check (state <> 'returned' or return_reason is not null),
            -- 谁摸排、谁签字、谁负责: nobody verifies their own visit; the database holds it too.
            check (state not in ('township_verified', 'county_verified')
                   or (township_verified_by is not null and township_verified_by <> surveyor_id)),
            check (state <> 'county_verified'
                   or (county_verified_by is not null and county_verified_by <> surveyor_id))
        )
        """
    )
    op.execute("create index visit_division on visit (division_code, state, id)")
    op.execute("create index visit_household on visit (household_id, visited_at)")
    op.execute("create index visit_toilet on visit (toilet_id)")
    op.execute("create index visit_surveyor on visit (surveyor_id, visited_at)")
    op.execute("create index visit_time on visit (visited_at, id)")
    op.execute("create index visit_campaign on visit (campaign_id)")
    scoped("visit")


def _problem() -> None:
    op.execute(
        f"""
        create table problem (
            {_RECORD.format(shape="^[0-9]{9}([0-9]{3})?$")},
            campaign_id uuid not null references campaign (id),
            problem_class text not null check (problem_class in ('toilet', 'work')),
            type_id uuid not null references problem_type (id),
            cause text not null {_CODE.format("cause")},
            visit_id uuid references visit (id),
            household_id uuid references household (id),
            toilet_id uuid references toilet (id),
            description text,
            photo_ids uuid[] not null default '{{}}',
            found_at timestamptz not null,
            deadline date,
            state text not null default 'open' {_CODE.format("state")},
            dismissal text check (dismissal in ('decided', 'withdrawn')),
            dismissed_at timestamptz,
            dismissed_reason text,
            origin_digest bytea,
            check ((problem_class = 'toilet') = (household_id is not null)),
            check (num_nonnulls(dismissal, dismissed_at, dismissed_reason) in (0, 3)),
            check ((state = 'dismissed') = (dismissal is not null))
        )
        """
    )
    # One live problem per toilet (or household without one) and type; `rules.SETTLED_STATES` are those left out.
    live = "household_id is not null and removed_at is null and state not in ('closed', 'dismissed')"
    op.execute(
        "create unique index problem_live on problem"
        f" (household_id, coalesce(toilet_id, household_id), type_id) where {live}"
    )
    # The ledger's orders, for a county's part of many and for all; a deadline that isn't set yet sorts last.
    due = "coalesce(deadline, date '9999-12-31')"
    op.execute(f"create index problem_due on problem (({due}), id)")
    op.execute("create index problem_found on problem (found_at, id)")
    op.execute("create index problem_division on problem (division_code, id)")
    op.execute(f"create index problem_division_due on problem (division_code, state, ({due}), id)")
    op.execute("create index problem_division_type on problem (division_code, type_id)")
    op.execute("create index problem_household on problem (household_id)")
    op.execute("create index problem_toilet on problem (toilet_id)")
    op.execute("create index problem_visit on problem (visit_id)")
    op.execute("create index problem_campaign on problem (campaign_id)")
    scoped("problem")


def _finding() -> None:
    op.execute(
        """
        create table finding (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '^[0-9]{12}$'),
            visit_id uuid not null references visit (id),
            type_id uuid not null references problem_type (id),
            note text,
            photo_ids uuid[] not null default '{}',
            place int not null,
            problem_id uuid references problem (id),
            withdrawn_at timestamptz
        )
        """
    )
    op.execute("create unique index finding_type on finding (visit_id, type_id)")
    op.execute("create index finding_problem on finding (problem_id)")
    op.execute("create index finding_division on finding (division_code)")
    scoped("finding")
