"""Exports: the job and its stored file."""

from alembic import op

from migrations.support import scoped

revision = "0012_exports"
down_revision = "0011_uploads"


def upgrade() -> None:
    op.execute(
        """
        create table export_job (
            id uuid primary key,
            -- The division that the file is of; the job reads nothing outside of it.
            division_code text collate "C" not null check (
                division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'
            ),
            dataset text not null,
            format text not null check (format in ('csv', 'xlsx', 'ndjson', 'parquet')),
            filters jsonb not null default '{}',
            bom boolean not null default false,
            personal text not null default 'masked' check (personal in ('masked', 'plain')),
            purpose text,
            state text not null default 'queued' check (
                state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')
            ),
            rows_total bigint,
            rows bigint not null default 0,
            file_bytes bigint,
            sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
            change_cursor text,
            as_of timestamptz,
            -- Equal for exports that ask the same with the same rights: whose file may serve again.
            likeness text not null,
            reused_from uuid,
            file_name text not null,
            file_removed_at timestamptz,
            problem jsonb,
            cancel_requested boolean not null default false,
            origin_digest bytea,
            actor_kind text not null,
            actor_name text not null,
            request_id text,
            created_at timestamptz not null default now(),
            created_by uuid not null,
            started_at timestamptz,
            finished_at timestamptz,
            check ((problem is not null) = (state = 'failed')),
            check ((purpose is not null) = (personal = 'plain')),
            check ((sha256 is not null) = (state = 'succeeded')),
            check (state <> 'succeeded' or (change_cursor is not null and as_of is not null and file_bytes is not null))
        )
        """
    )
    op.execute("create index export_job_division on export_job (division_code)")
    op.execute("create index export_job_own on export_job (created_by, created_at, id)")
    op.execute("create index export_job_alike on export_job (likeness, as_of) where state = 'succeeded'")
    op.execute("create index export_job_file on export_job (sha256) where sha256 is not null")
    scoped("export_job")
