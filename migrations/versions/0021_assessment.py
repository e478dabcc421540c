"""Formulas of assessment, rankings, lists and call-ins."""

from alembic import op

from migrations.support import scoped

revision = "0021_assessment"
down_revision = "0020_reports"

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
_HOLDER = "^[0-9]{2}([0-9]{2}([0-9]{2})?)?$"
_CALLED = "^[0-9]{6}([0-9]{3})?$"
_LIES_BELOW = """exists (
    select from unnest((select nullif(current_setting('toilet.scope', true), '')::text[])) as prefix
    where prefix ^@ division_code)"""


def upgrade() -> None:
    _formula()
    _assessment()
    _freeze()
    _call_in()


def _formula() -> None:
    # More than one may be published at a place: a merge of counties brings two together, and the latest holds.
    op.execute(
        f"""
        create table assessment_formula (
            {_RECORD.format(shape=_HOLDER)},
            campaign_id uuid references campaign (id),
            name text not null,
            number int check (number > 0),
            state text not null default 'draft' check (state in ('draft', 'published', 'superseded', 'withdrawn')),
            weights jsonb not null,
            shrinkage jsonb not null,
            falsification_points int not null check (falsification_points between 1 and 100),
            lists jsonb not null,
            source text not null,
            note text,
            published_at timestamptz,
            published_by_name text,
            superseded_at timestamptz,
            superseded_by_id uuid references assessment_formula (id),
            withdrawn_reason text,
            origin_digest bytea,
            check ((length(division_code) = 6) = (campaign_id is not null)),
            check ((state in ('published', 'superseded')) = (num_nonnulls(number, published_at) = 2)),
            check ((state = 'superseded') = (superseded_at is not null)),
            check ((state = 'withdrawn') = (withdrawn_reason is not null))
        )
        """
    )
    op.execute("create index assessment_formula_division on assessment_formula (division_code, id)")
    scoped("assessment_formula")
    _shown_below("assessment_formula")


def _assessment() -> None:
    op.execute(
        f"""
        create table assessment (
            {_RECORD.format(shape=_HOLDER)},
            name text not null,
            formula_id uuid not null references assessment_formula (id),
            campaign_ids uuid[] not null,
            as_of timestamptz not null,
            state text not null default 'draft' check (state in ('draft', 'published', 'superseded', 'withdrawn')),
            parts jsonb not null,
            units jsonb not null,
            ranked int not null check (ranked >= 0),
            yellow int not null check (yellow >= 0),
            red int not null check (red >= 0),
            corrects_id uuid references assessment (id),
            correction_reason text,
            note text,
            published_at timestamptz,
            published_by_name text,
            superseded_at timestamptz,
            superseded_by_id uuid references assessment (id),
            withdrawn_reason text,
            origin_digest bytea,
            check ((corrects_id is null) = (correction_reason is null)),
            check ((state in ('published', 'superseded')) = (published_at is not null)),
            check ((state = 'superseded') = (num_nonnulls(superseded_at, superseded_by_id) = 2)),
            check ((state = 'withdrawn') = (withdrawn_reason is not null))
        )
        """
    )
    op.execute("create index assessment_division on assessment (division_code, id)")
    op.execute("create index assessment_corrects on assessment (corrects_id)")
    scoped("assessment")
    _shown_below("assessment")


def _freeze() -> None:
    """What was published stays as it is; only its place's code and what became of it may change."""
    op.execute(
        """
        create function assessment_is_frozen() returns trigger language plpgsql as $$
        declare
            moving constant text[] := array['division_code', 'version', 'updated_at', 'updated_by', 'state',
                                            'superseded_at', 'superseded_by_id'];
        begin
            if old.state in ('published', 'superseded') and (
                   to_jsonb(new) - moving is distinct from to_jsonb(old) - moving
                   or new.state not in ('published', 'superseded')
                   or (old.state = 'superseded' and new.state <> 'superseded')
               ) then
                raise exception 'what was published is frozen' using errcode = 'integrity_constraint_violation';
            end if;
            return new;
        end $$
        """
    )
    for table in ("assessment_formula", "assessment"):
        op.execute(
            f"create trigger assessment_is_frozen before update on {table}"
            " for each row execute function assessment_is_frozen()"
        )


def _call_in() -> None:
    op.execute(
        f"""
        create table call_in (
            {_RECORD.format(shape=_CALLED)},
            called_by text collate "C" not null check (called_by ~ '{_HOLDER}'),
            campaign_id uuid references campaign (id),
            assessment_id uuid references assessment (id),
            state text not null default 'planned' check (state in ('planned', 'held', 'followed_up', 'cancelled')),
            planned_at timestamptz not null,
            place text,
            called text not null,
            reasons jsonb not null,
            note text,
            held_at timestamptz,
            attendance jsonb not null default '[]',
            minutes text,
            demands jsonb not null default '[]',
            due_on date,
            outcome text check (outcome in ('met', 'partly_met', 'not_met')),
            result text,
            followed_up_at timestamptz,
            cancel_reason text,
            origin_digest bytea,
            check (jsonb_array_length(reasons) > 0),
            check ((state in ('held', 'followed_up')) = (num_nonnulls(held_at, minutes, due_on) = 3)),
            check ((state = 'followed_up') = (num_nonnulls(outcome, result, followed_up_at) = 3)),
            check ((state = 'cancelled') = (cancel_reason is not null))
        )
        """
    )
    op.execute("create index call_in_division on call_in (division_code, id)")
    op.execute("create index call_in_assessment on call_in (assessment_id)")
    scoped("call_in")


def _shown_below(table: str) -> None:
    """Published, it is shown to whoever it is about, and all of theirs (公布); a draft isn't."""
    shown = f"state in ('published', 'superseded') and {_LIES_BELOW}"
    op.execute(f"create policy below on {table} for select using ({shown})")
