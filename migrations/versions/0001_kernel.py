"""The application's role, the journal, idempotency keys, the job queue."""

from alembic import op

from migrations.support import app_role, granted, walled
from toilet_api.kernel import jobs

revision = "0001_kernel"
down_revision = None


def upgrade() -> None:
    role = app_role()
    op.execute(
        f"""
        do $$ begin
            if not exists (select from pg_roles where rolname = '{role}') then
                create role "{role}" nologin nobypassrls;
            end if;
        exception when duplicate_object or unique_violation then null;  -- another deployment made it this moment
        end $$
        """
    )
    op.execute(f'grant "{role}" to current_user')
    op.execute(f"do $$ begin execute format('grant usage on schema %I to \"{role}\"', current_schema()); end $$")
    op.execute(
        """
        create table audit_entry (
            id uuid not null,
            at timestamptz not null default clock_timestamp(),
            actor_id uuid,
            actor_kind text not null,
            actor_name text not null,
            request_id text,
            action text not null,
            subject_type text not null,
            subject_id uuid,
            division_code text collate "C",
            version int,
            before jsonb,
            after jsonb,
            reason text,
            primary key (at, id)
        ) partition by range (at)
        """
    )
    op.execute("create index audit_entry_subject on audit_entry (subject_type, subject_id, at)")
    op.execute("create index audit_entry_division on audit_entry (division_code, at)")
    op.execute(
        """
        create table change_entry (
            xid xid8 not null default pg_current_xact_id(),
            seq bigint not null generated always as identity,
            at timestamptz not null default clock_timestamp(),
            subject_type text not null,
            subject_id uuid not null,
            division_code text collate "C",
            from_division_code text collate "C",
            version int,
            op text not null check (op in ('create', 'update', 'remove', 'restore', 'move')),
            primary key (at, seq)
        ) partition by range (at)
        """
    )
    op.execute("create index change_entry_order on change_entry (xid, seq)")
    # Months ahead are made by ensure_months(), which migrations and a daily job call; the default partition catches
    # what comes while nobody called it, so that no write ever fails for want of a partition.
    op.execute("create table audit_entry_default partition of audit_entry default")
    op.execute("create table change_entry_default partition of change_entry default")
    op.execute(
        """
        create function ensure_months(ahead int) returns void language plpgsql
            security definer set search_path from current as $$
        declare
            month date;
            name text;
            base text;
        begin
            foreach base in array array['audit_entry', 'change_entry'] loop
                for step in 0..ahead loop
                    month := date_trunc('month', now())::date + make_interval(months => step);
                    name := base || to_char(month, '_YYYYMM');
                    if to_regclass(name) is null then
                        begin
                            execute format(
                                'create table %I partition of %I for values from (%L) to (%L)',
                                name, base, month::timestamptz, (month + interval '1 month')::timestamptz);
                        exception when check_violation then
                            -- rows of that month are in the default partition already; they stay there
                            null;
                        end;
                    end if;
                end loop;
            end loop;
        end $$
        """
    )
    op.execute("select ensure_months(3)")
    op.execute(f'grant execute on function ensure_months(int) to "{role}"')
    granted("audit_entry", "select, insert")
    granted("change_entry", "select, insert")
    op.execute(
        """
        create table idempotency_key (
            principal_id uuid not null,
            key text not null,
            digest bytea not null,
            status int,
            headers jsonb,
            body bytea,
            created_at timestamptz not null default now(),
            primary key (principal_id, key)
        )
        """
    )
    op.execute("create index idempotency_key_age on idempotency_key (created_at)")
    granted("idempotency_key", "select, insert, update, delete")
    op.get_bind().exec_driver_sql(jobs.schema_sql().replace("%", "%%"))
    op.execute(
        f"""
        do $$ declare name text; begin
            for name in select quote_ident(tablename) from pg_tables
                        where schemaname = current_schema() and tablename like 'procrastinate%' loop
                execute 'grant select, insert, update, delete on ' || name || ' to "{role}"';
            end loop;
            execute format('grant usage on all sequences in schema %I to "{role}"', current_schema());
        end $$
        """
    )
    for table in ("audit_entry", "change_entry"):
        # What is written of a record is read by whoever may see its division; a move writes outside of the own scope.
        covered = "division_code ^@ any ((select nullif(current_setting('toilet.scope', true), '')::text[])::text[])"
        walled(table)
        op.execute(f"create policy read on {table} for select using ({covered})")
        op.execute(f"create policy write on {table} for insert with check (true)")
    op.execute(f'grant select on alembic_version to "{role}"')
