"""What a campaign decides (phases, levels, shares, what is mended at once) and the later life of a problem."""

from alembic import op

revision = "0007_campaign_rules"
down_revision = "0006_exchange"


def upgrade() -> None:
    op.execute(
        """
        alter table campaign
            add phases jsonb not null default '[]',
            add at_once_causes text[] not null default '{small_defect}',
            add verification_levels text[] not null default '{township,county}',
            add acceptance_shares jsonb not null default '{"township": 100, "county": 30}'
        """
    )
    op.execute(
        """
        alter table problem
            add task_id uuid,
            add deadline_source text not null default 'rule'
                check (deadline_source in ('rule', 'plan', 'postponement')),
            add accepted_at timestamptz,
            add accepted_level text check (accepted_level in ('township', 'county')),
            add closed_at timestamptz,
            add close_out_id uuid,
            add reopenings int not null default 0,
            add reopened_at timestamptz,
            add reopen_reason text,
            add constraint problem_state check (state in ('open', 'in_work', 'accepted', 'closed', 'dismissed')),
            add constraint problem_accepted check (
                (state in ('accepted', 'closed')) = (accepted_at is not null)
                and (accepted_at is null) = (accepted_level is null)),
            -- 由农户签字同意后销号: nothing is closed that was not accepted, nor without its evidence.
            add constraint problem_closed check (
                (state = 'closed') = (closed_at is not null) and (closed_at is null) = (close_out_id is null)),
            add constraint problem_reopened check (
                (reopenings > 0) = (reopened_at is not null) and (reopened_at is null) = (reopen_reason is null))
        """
    )
    op.execute("create index problem_task on problem (task_id) where task_id is not null")
    op.execute("create index problem_closed_at on problem (division_code, closed_at) where closed_at is not null")
    # A closed problem is immutable; only its place may change, with its village, and it can be reopened.
    op.execute(
        """
        create function closed_is_final() returns trigger language plpgsql as $$
        declare place text[] := array['division_code', 'version', 'updated_at', 'updated_by'];
        begin
            if to_jsonb(new) - place is distinct from to_jsonb(old) - place then
                raise exception 'a closed problem is immutable' using errcode = 'integrity_constraint_violation';
            end if;
            return new;
        end $$
        """
    )
    op.execute(
        "create trigger closed_is_final before update on problem for each row"
        " when (old.state = 'closed' and new.state = 'closed') execute function closed_is_final()"
    )
