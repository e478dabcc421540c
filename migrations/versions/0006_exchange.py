"""Imports: the job and the report of each row."""

from alembic import op

from migrations.support import scoped

revision = "0006_exchange"
down_revision = "0005_survey"


def upgrade() -> None:
    op.execute(
        """
        create table import_job (
            id uuid primary key,
            -- The division whose villages the file may name; the job is seen by whoever may see that division.
            division_code text collate "C" not null check (
                division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'
            ),
            state text not null default 'queued' check (
                state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')
            ),
            phase text not null default 'queued' check (phase in ('queued', 'reading', 'writing', 'done')),
            dry_run boolean not null,
            on_conflict text not null check (on_conflict in ('fail', 'skip', 'update')),
            mapping jsonb not null default '{}',
            file_name text not null,
            file_sha256 text not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
            file_bytes bigint not null check (file_bytes > 0),
            file_format text,
            encoding text,
            delimiter text,
            sheets jsonb not null default '[]',
            skipped_sheets jsonb not null default '[]',
            rows_total int,
            rows_done int not null default 0,
            rows_in int not null default 0,
            created int not null default 0,
            updated int not null default 0,
            unchanged int not null default 0,
            rejected int not null default 0,
            ignored jsonb not null default '{}',
            ignored_rows jsonb not null default '[]',
            corrections jsonb not null default '{}',
            reasons jsonb not null default '{}',
            problem jsonb,
            cancel_requested boolean not null default false,
            actor_kind text not null,
            actor_name text not null,
            request_id text,
            created_at timestamptz not null default now(),
            created_by uuid,
            started_at timestamptz,
            finished_at timestamptz,
            check (rows_in = created + updated + unchanged + rejected),
            check ((problem is not null) = (state = 'failed'))
        )
        """
    )
    op.execute("create index import_job_division on import_job (division_code)")
    op.execute("create index import_job_created on import_job (created_at, id)")
    scoped("import_job")
    op.execute(
        """
        create table import_row (
            job_id uuid not null references import_job (id),
            position int not null check (position > 0),
            division_code text collate "C" not null,
            sheet text,
            row_number int not null check (row_number > 0),
            outcome text not null check (outcome in ('created', 'updated', 'unchanged', 'rejected')),
            village_code text collate "C",
            name_masked text,
            household_id uuid,
            corrections jsonb not null,
            errors jsonb not null,
            changes jsonb not null,
            primary key (job_id, position)
        )
        """
    )
    op.execute("create index import_row_outcome on import_row (job_id, outcome, position)")
    op.execute("create index import_row_division on import_row (division_code)")
    scoped("import_row")
