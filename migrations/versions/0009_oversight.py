"""Reviews and spot checks: samples with their frame, checks of records, falsification."""

from alembic import op

from migrations.support import scoped

revision = "0009_oversight"
down_revision = "0008_rectification"

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
_PLACE = "^[0-9]{9}([0-9]{3})?$"


def upgrade() -> None:
    op.execute(
        f"""
        create table sample (
            {_RECORD.format(shape="^[0-9]{2}([0-9]{2}([0-9]{2})?)?$")},
            kind text not null check (kind in ('full_review', 'spot_check')),
            name text not null,
            state text not null default 'planned' check (state in ('planned', 'drawn', 'completed', 'cancelled')),
            frame jsonb not null,
            size jsonb not null,
            seed text,
            seed_given boolean not null default false,
            method text,
            frame_size int,
            frame_digest text,
            sample_size int,
            raised_from int,
            strata jsonb not null default '[]',
            drawn_at timestamptz,
            completed_at timestamptz,
            cancel_reason text,
            note text,
            estimate jsonb,
            origin_digest bytea,
            check (state = 'planned' or state = 'cancelled' or num_nonnulls(seed, method, frame_digest, drawn_at) = 4),
            check ((state = 'completed') = (completed_at is not null)),
            check ((state = 'cancelled') = (cancel_reason is not null))
        )
        """
    )
    op.execute("create index sample_division on sample (division_code, id)")
    scoped("sample")
    op.execute(
        f"""
        create table sample_unit (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '{_PLACE}'),
            sample_id uuid not null references sample (id),
            problem_id uuid not null references problem (id),
            stratum text not null,
            draw_key text collate "C" not null,
            selected boolean not null,
            result text check (result in ('upheld', 'failed', 'not_checkable')),
            survey_true boolean,
            rectified_really boolean,
            closed_justified boolean,
            note text,
            photo_ids uuid[] not null default '{{}}',
            checked_at timestamptz,
            checked_by uuid,
            checked_by_name text,
            check (result is null or (selected and checked_at is not null and checked_by is not null)),
            check (result is distinct from 'failed' or note is not null)
        )
        """
    )
    op.execute("create unique index sample_unit_once on sample_unit (sample_id, problem_id)")
    op.execute("create index sample_unit_drawn on sample_unit (sample_id, id) where selected")
    op.execute("create index sample_unit_problem on sample_unit (problem_id)")
    op.execute("create index sample_unit_division on sample_unit (division_code)")
    scoped("sample_unit")
    op.execute(
        f"""
        create table falsification (
            {_RECORD.format(shape=_PLACE)},
            problem_id uuid not null references problem (id),
            sample_unit_id uuid references sample_unit (id),
            person_id uuid not null,
            person_name text not null,
            signed_as text not null check (signed_as ~ '^[a-z][a-z0-9_]{{0,59}}$'),
            statement text not null,
            state text not null default 'recorded' check (state in ('recorded', 'withdrawn')),
            withdrawn_at timestamptz,
            withdrawn_reason text,
            origin_digest bytea,
            check ((state = 'withdrawn') = (withdrawn_at is not null)),
            check ((withdrawn_at is null) = (withdrawn_reason is null))
        )
        """
    )
    op.execute("create index falsification_division on falsification (division_code, id)")
    op.execute("create index falsification_person on falsification (person_id)")
    op.execute("create index falsification_problem on falsification (problem_id)")
    op.execute("create index falsification_unit on falsification (sample_unit_id)")
    scoped("falsification")
