"""The catalogue of data for sharing: the counties' settings, requests, grants, accesses."""

from alembic import op

from migrations.support import granted, scoped, walled

revision = "0015_data_sharing"
down_revision = "0014_change_feed"

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
_COUNTY, _BELOW_CITY = "^[0-9]{6}$", "^[0-9]{6}([0-9]{3}([0-9]{3})?)?$"
_LIES_BELOW = """exists (
    select from unnest((select nullif(current_setting('toilet.scope', true), '')::text[])) as prefix
    where prefix ^@ division_code)"""


def upgrade() -> None:
    _shares()
    _requests()
    _grants()
    _accesses()


def _shares() -> None:
    op.execute(
        f"""
        create table dataset_share (
            {_RECORD.format(shape=_COUNTY)},
            dataset text not null,
            sharing_type text not null check (sharing_type in ('unconditional', 'on_approval', 'not_shared')),
            conditions text,
            legal_basis text,
            responsible_unit text,
            -- 国发〔2016〕51号 第十条: what is not shared rests on a law or policy.
            check (sharing_type <> 'not_shared' or legal_basis is not null)
        )
        """
    )
    # Not unique: a merge of counties may bring two together; the one that was changed last holds.
    op.execute("create index dataset_share_place on dataset_share (division_code, dataset)")
    scoped("dataset_share")
    op.execute(f"create policy below on dataset_share for select using ({_LIES_BELOW})")


def _requests() -> None:
    op.execute(
        f"""
        create table dataset_request (
            {_RECORD.format(shape=_BELOW_CITY)},
            dataset text not null,
            fields text[] not null check (cardinality(fields) > 0),
            purpose text not null,
            legal_basis text not null,
            until date not null,
            consumer_id uuid not null,
            client_id text not null,
            consumer_name text not null,
            requested_by_name text not null,
            state text not null default 'requested' check (state in ('requested', 'approved', 'refused', 'withdrawn')),
            answer_due date not null,
            decided_at timestamptz,
            decided_by uuid,
            decided_by_name text,
            decision_reason text,
            origin_digest bytea,
            check ((decided_at is not null) = (state in ('approved', 'refused'))),
            check (state <> 'refused' or decision_reason is not null),
            -- Nobody decides on what he asked for.
            check (decided_by is null or (decided_by <> created_by and decided_by <> consumer_id))
        )
        """
    )
    op.execute("create index dataset_request_place on dataset_request (division_code, answer_due)")
    op.execute("create index dataset_request_consumer on dataset_request (consumer_id, created_at)")
    scoped("dataset_request")


def _grants() -> None:
    op.execute(
        f"""
        create table dataset_grant (
            {_RECORD.format(shape=_BELOW_CITY)},
            dataset_request_id uuid not null references dataset_request (id),
            dataset text not null,
            fields text[] not null check (cardinality(fields) > 0),
            purpose text not null,
            until date not null,
            consumer_id uuid not null,
            client_id text not null,
            consumer_name text not null,
            granted_by_name text not null,
            state text not null default 'active' check (state in ('active', 'revoked')),
            revoked_at timestamptz,
            revoked_by uuid,
            revoked_by_name text,
            revoke_reason text,
            check ((state = 'revoked') = (revoked_at is not null)),
            check ((state = 'revoked') = (revoke_reason is not null))
        )
        """
    )
    op.execute("create unique index dataset_grant_request on dataset_grant (dataset_request_id)")
    op.execute("create index dataset_grant_place on dataset_grant (division_code, created_at)")
    op.execute("create index dataset_grant_consumer on dataset_grant (consumer_id, dataset)")
    scoped("dataset_grant")


def _accesses() -> None:
    op.execute(
        """
        create table dataset_access (
            id uuid not null,
            at timestamptz not null default clock_timestamp(),
            pull_id uuid not null,
            division_code text collate "C" not null check (
                division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'
            ),
            principal_id uuid not null,
            client_id text not null,
            operation text not null,
            dataset text,
            fields text[],
            records bigint,
            bytes bigint not null,
            status int not null,
            request_id text,
            primary key (at, id)
        ) partition by range (at)
        """
    )
    op.execute("create index dataset_access_place on dataset_access (division_code, at, id)")
    op.execute("create index dataset_access_client on dataset_access (client_id, at)")
    op.execute("create table dataset_access_default partition of dataset_access default")
    # Every table that is partitioned by month gets its months ahead, whichever it is.
    op.execute(
        """
        create or replace function ensure_months(ahead int) returns void language plpgsql
            security definer set search_path from current as $$
        declare
            month date;
            name text;
            base text;
        begin
            for base in
                select class.relname from pg_partitioned_table parted
                join pg_class class on class.oid = parted.partrelid
                where class.relnamespace = current_schema()::regnamespace and parted.partstrat = 'r'
                order by class.relname
            loop
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
    walled("dataset_access")
    granted("dataset_access", "select, insert")
    covered = "division_code ^@ any ((select nullif(current_setting('toilet.scope', true), '')::text[])::text[])"
    # A pull of all of a province touched each of its counties as well.
    op.execute(f"create policy read on dataset_access for select using ({covered} or {_LIES_BELOW})")
    # Kept by the system itself, after the answer, wherever the pull was.
    op.execute("create policy write on dataset_access for insert with check (true)")
