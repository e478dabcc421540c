"""Imports of every kind of record, all or nothing where asked for, and a report that names any record."""

from alembic import op

revision = "0010_imports"
down_revision = "0009_oversight"


def upgrade() -> None:
    op.execute(
        """
        alter table import_job
            add column kind text not null default 'households' check (
                kind in ('households', 'visits', 'problems', 'close_outs', 'users', 'divisions')
            ),
            add column mode text not null default 'row_by_row' check (mode in ('row_by_row', 'all_or_nothing')),
            -- Whether the job has changed anything: not so for a dry run, nor where all or nothing came to nothing.
            add column written boolean not null default false
        """
    )
    op.execute("update import_job set written = (state = 'succeeded' and not dry_run and created + updated > 0)")
    op.execute("alter table import_row add column record_type text, add column record_id uuid")
    op.execute(
        "update import_row set record_type = 'household', record_id = household_id where household_id is not null"
    )
