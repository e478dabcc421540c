"""What imports of other kinds than households need."""

from alembic import op

revision = "0013_import_kinds"
down_revision = "0012_exports"


def upgrade() -> None:
    op.execute(
        """
        -- The scopes of the token that asked for the import, where it had any: its job may do no more than that.
        alter table import_job add column narrowed_to text[]
        """
    )
