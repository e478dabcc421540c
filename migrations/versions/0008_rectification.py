"""Plans with their problems, tasks with notes and postponements, checklists, acceptances, close-outs."""

import json

from alembic import op
from sqlalchemy import text

from migrations.support import scoped
from toilet_api.rectification.checklist_seed import SEED

revision = "0008_rectification"
down_revision = "0007_campaign_rules"

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
_PART = """
    id uuid primary key,
    division_code text collate "C" not null check (division_code ~ '{shape}')
"""
_TOWNSHIP, _PLACE = "^[0-9]{9}$", "^[0-9]{9}([0-9]{3})?$"


def upgrade() -> None:
    _plan()
    _task()
    _checklist()
    _acceptance()
    _close_out()
    _seed_checklists()


def _plan() -> None:
    op.execute(
        f"""
        create table plan (
            {_RECORD.format(shape=_TOWNSHIP)},
            campaign_id uuid not null references campaign (id),
            drawn_for text not null check (drawn_for ~ '^[0-9]{{9}}$'),
            series_id uuid not null,
            edition int not null check (edition > 0),
            kind text not null check (kind in ('plan', 'addendum')),
            amends_id uuid references plan (id),
            state text not null default 'draft'
                check (state in ('draft', 'submitted', 'returned', 'approved', 'superseded', 'withdrawn')),
            title text not null,
            key_points text,
            technical_route text,
            workforce text,
            funds jsonb not null default '[]',
            due_on date,
            submitted_at timestamptz,
            submitted_by uuid,
            return_reason text,
            returned_at timestamptz,
            approved_at timestamptz,
            approved_by uuid,
            filing_number text,
            superseded_at timestamptz,
            superseded_by_id uuid,
            origin_digest bytea,
            check (kind = 'plan' or amends_id is not null),
            check (state <> 'returned' or return_reason is not null),
            check (state not in ('submitted', 'approved', 'superseded') or submitted_by is not null),
            -- 审核备案: nobody approves what they submitted themselves.
            check ((state in ('approved', 'superseded')) = (approved_at is not null)),
            check (approved_at is null or (approved_by is not null and approved_by <> submitted_by)),
            check ((state = 'superseded') = (superseded_at is not null))
        )
        """
    )
    op.execute("create index plan_division on plan (division_code, id)")
    op.execute("create index plan_campaign on plan (campaign_id, division_code)")
    op.execute("create unique index plan_edition on plan (series_id, edition) where state <> 'withdrawn'")
    # By the township that it was drawn up for, so that townships that are merged keep a plan each.
    op.execute(
        "create unique index plan_in_force on plan (campaign_id, drawn_for) where kind = 'plan' and state = 'approved'"
    )
    op.execute(
        "create unique index plan_in_preparation on plan (campaign_id, drawn_for)"
        " where kind = 'plan' and state in ('draft', 'submitted', 'returned')"
    )
    scoped("plan")
    op.execute(
        f"""
        create table plan_item (
            {_PART.format(shape=_PLACE)},
            plan_id uuid not null references plan (id),
            problem_id uuid not null references problem (id),
            measure text not null,
            timetable text,
            due_on date,
            responsible_person text,
            responsible_unit text,
            contractor text,
            cost_fen bigint check (cost_fen >= 0)
        )
        """
    )
    op.execute("create unique index plan_item_problem on plan_item (plan_id, problem_id)")
    op.execute("create index plan_item_by_problem on plan_item (problem_id)")
    op.execute("create index plan_item_division on plan_item (division_code)")
    scoped("plan_item", "select, insert, update, delete")
    # An approved edition is frozen; only the places of its problems may change, with their villages.
    op.execute(
        """
        create function plan_is_frozen() returns trigger language plpgsql as $$
        declare at_work boolean;
        begin
            select state in ('draft', 'returned') into at_work from plan
            where id = case when tg_op = 'DELETE' then old.plan_id else new.plan_id end;
            if tg_op = 'UPDATE' and to_jsonb(new) - 'division_code' = to_jsonb(old) - 'division_code' then
                return new;
            end if;
            if not at_work then
                raise exception 'a submitted or approved plan is frozen'
                    using errcode = 'integrity_constraint_violation';
            end if;
            return case when tg_op = 'DELETE' then old else new end;
        end $$
        """
    )
    op.execute(
        "create trigger plan_is_frozen before insert or update or delete on plan_item"
        " for each row execute function plan_is_frozen()"
    )


def _task() -> None:
    op.execute(
        f"""
        create table task (
            {_RECORD.format(shape=_PLACE)},
            campaign_id uuid not null references campaign (id),
            problem_id uuid not null references problem (id),
            plan_id uuid references plan (id),
            path text not null check (path in ('planned', 'at_once')),
            attempt int not null default 1 check (attempt > 0),
            state text not null default 'pending'
                check (state in ('pending', 'in_work', 'submitted', 'accepted', 'cancelled')),
            measure text not null,
            timetable text,
            responsible_person text,
            responsible_unit text,
            responsible_user_id uuid,
            contractor text,
            due_on date,
            cost_fen bigint check (cost_fen >= 0),
            actual_cost_fen bigint check (actual_cost_fen >= 0),
            started_at timestamptz,
            submitted_at timestamptz,
            submitted_by uuid,
            accepted_at timestamptz,
            cancelled_at timestamptz,
            cancel_reason text,
            redos int not null default 0,
            redo_reason text,
            photos_before uuid[] not null default '{{}}',
            photos_during uuid[] not null default '{{}}',
            photos_after uuid[] not null default '{{}}',
            worker_ids uuid[] not null default '{{}}',
            origin_digest bytea,
            check ((path = 'planned') = (plan_id is not null)),
            check (state in ('pending', 'cancelled') or started_at is not null),
            check (state not in ('submitted', 'accepted') or submitted_by is not null),
            check ((state = 'accepted') = (accepted_at is not null)),
            check ((state = 'cancelled') = (cancelled_at is not null)),
            check ((cancelled_at is null) = (cancel_reason is null))
        )
        """
    )
    due = "coalesce(due_on, date '9999-12-31')"
    op.execute("create unique index task_live on task (problem_id) where state not in ('accepted', 'cancelled')")
    op.execute("create index task_problem on task (problem_id)")
    op.execute("create index task_plan on task (plan_id)")
    op.execute("create index task_campaign on task (campaign_id)")
    op.execute("create index task_division on task (division_code, state, id)")
    op.execute(f"create index task_due on task (({due}), id)")
    scoped("task")
    op.execute(
        f"""
        create table task_note (
            {_PART.format(shape=_PLACE)},
            task_id uuid not null references task (id),
            noted_at timestamptz not null,
            noted_by uuid not null,
            noted_by_name text not null,
            text text not null,
            percent int check (percent between 0 and 100),
            stage text check (stage in ('before', 'during', 'after')),
            photo_ids uuid[] not null default '{{}}',
            origin_digest bytea,
            check (cardinality(photo_ids) = 0 or stage is not null)
        )
        """
    )
    op.execute("create index task_note_task on task_note (task_id, noted_at)")
    op.execute("create index task_note_division on task_note (division_code)")
    scoped("task_note")
    op.execute(
        f"""
        create table postponement (
            {_RECORD.format(shape=_PLACE)},
            task_id uuid not null references task (id),
            state text not null default 'requested'
                check (state in ('requested', 'granted', 'refused', 'withdrawn')),
            from_due date,
            to_due date not null,
            reason text not null,
            requested_by_name text not null,
            decided_at timestamptz,
            decided_by uuid,
            decided_by_name text,
            decision_reason text,
            origin_digest bytea,
            check (from_due is null or to_due > from_due),
            check ((state in ('granted', 'refused')) = (decided_at is not null)),
            check (state <> 'refused' or decision_reason is not null),
            check (decided_at is null or (decided_by is not null and decided_by <> created_by))
        )
        """
    )
    op.execute("create unique index postponement_requested on postponement (task_id) where state = 'requested'")
    op.execute("create index postponement_task on postponement (task_id)")
    op.execute("create index postponement_division on postponement (division_code, state, id)")
    scoped("postponement")


def _checklist() -> None:
    op.execute(
        f"""
        create table checklist (
            {_RECORD.format(shape="^([0-9]{6})?$")},
            applies_to text not null check (applies_to ~ '^[a-z][a-z0-9_]{{0,59}}$'),
            edition int not null check (edition > 0),
            zh text not null,
            en text not null,
            items jsonb not null,
            based_on_id uuid references checklist (id),
            retired_at timestamptz,
            origin_digest bytea
        )
        """
    )
    op.execute("create unique index checklist_edition on checklist (division_code, applies_to, edition)")
    op.execute(
        "create unique index checklist_in_force on checklist (division_code, applies_to) where retired_at is null"
    )
    scoped("checklist")
    lies_below = """exists (
        select from unnest((select nullif(current_setting('toilet.scope', true), '')::text[])) as prefix
        where prefix ^@ division_code)"""
    op.execute(f"create policy below on checklist for select using ({lies_below})")
    op.execute(
        f"create policy below_checklist on audit_entry for select using (subject_type = 'checklist' and {lies_below})"
    )


def _acceptance() -> None:
    op.execute(
        f"""
        create table acceptance (
            {_RECORD.format(shape=_PLACE)},
            campaign_id uuid not null references campaign (id),
            household_id uuid references household (id),
            toilet_id uuid references toilet (id),
            checklist_id uuid not null references checklist (id),
            level text not null check (level in ('township', 'county')),
            state text not null default 'open' check (state in ('open', 'passed', 'partial', 'failed', 'cancelled')),
            planned_on date,
            panel jsonb not null,
            panel_user_ids uuid[] not null,
            checked_at timestamptz,
            results jsonb not null default '[]',
            signatures jsonb not null default '[]',
            photo_ids uuid[] not null default '{{}}',
            note text,
            reason text,
            decided_at timestamptz,
            decided_by uuid,
            cancelled_at timestamptz,
            origin_digest bytea,
            check ((state in ('passed', 'partial', 'failed')) = (decided_at is not null)),
            check (decided_at is null or (checked_at is not null and decided_by = any(panel_user_ids))),
            check (state not in ('partial', 'failed') or reason is not null)
        )
        """
    )
    op.execute("create index acceptance_division on acceptance (division_code, state, id)")
    op.execute("create index acceptance_signed on acceptance using gin (signatures jsonb_path_ops)")
    op.execute("create index acceptance_household on acceptance (household_id)")
    op.execute("create index acceptance_toilet on acceptance (toilet_id)")
    op.execute("create index acceptance_campaign on acceptance (campaign_id)")
    scoped("acceptance")
    op.execute(
        f"""
        create table acceptance_problem (
            {_PART.format(shape=_PLACE)},
            acceptance_id uuid not null references acceptance (id),
            problem_id uuid not null references problem (id),
            task_id uuid not null references task (id),
            is_open boolean not null default true,
            outcome text check (outcome in ('accepted', 'redo')),
            redo text,
            redo_due date,
            check (outcome is distinct from 'redo' or redo is not null),
            check (outcome is null or not is_open)
        )
        """
    )
    op.execute("create unique index acceptance_problem_once on acceptance_problem (acceptance_id, problem_id)")
    op.execute("create unique index acceptance_problem_open on acceptance_problem (problem_id) where is_open")
    op.execute("create index acceptance_problem_task on acceptance_problem (task_id)")
    op.execute("create index acceptance_problem_problem on acceptance_problem (problem_id)")
    op.execute("create index acceptance_problem_division on acceptance_problem (division_code)")
    scoped("acceptance_problem", "select, insert, update, delete")


def _close_out() -> None:
    op.execute(
        f"""
        create table close_out (
            {_RECORD.format(shape=_PLACE)},
            problem_id uuid not null references problem (id),
            task_id uuid not null references task (id),
            kind text not null check (kind in ('signature', 'statement', 'decision')),
            signature_ids uuid[] not null default '{{}}',
            statement text,
            no_signature_reason text,
            witness_masked text,
            witness_relation text,
            witness_signature_ids uuid[] not null default '{{}}',
            decision text,
            note text,
            closed_at timestamptz not null,
            closed_by uuid not null,
            closed_by_name text not null,
            reopened_at timestamptz,
            -- 由农户签字同意后销号: no close-out without the evidence of its kind.
            check (kind <> 'signature' or cardinality(signature_ids) > 0),
            check (kind <> 'statement' or (statement is not null and no_signature_reason is not null
                                           and witness_masked is not null
                                           and cardinality(witness_signature_ids) > 0)),
            check (kind <> 'decision' or decision is not null)
        )
        """
    )
    op.execute("create index close_out_problem on close_out (problem_id, closed_at)")
    op.execute("create unique index close_out_standing on close_out (problem_id) where reopened_at is null")
    op.execute("create index close_out_division on close_out (division_code, closed_at)")
    scoped("close_out")
    op.execute(
        f"""
        create table close_out_witness (
            close_out_id uuid primary key references close_out (id),
            division_code text collate "C" not null check (division_code ~ '{_PLACE}'),
            sealed bytea not null
        )
        """
    )
    op.execute("create index close_out_witness_division on close_out_witness (division_code)")
    scoped("close_out_witness")


def _seed_checklists() -> None:
    op.get_bind().execute(
        text(
            "insert into checklist (id, division_code, applies_to, edition, zh, en, items)"
            " values (:id, '', :applies_to, 1, :zh, :en, cast(:items as jsonb))"
        ),
        [
            {
                "id": entry.id,
                "applies_to": entry.applies_to,
                "zh": entry.zh,
                "en": entry.en,
                "items": json.dumps(entry.items, ensure_ascii=False),
            }
            for entry in SEED
        ],
    )
