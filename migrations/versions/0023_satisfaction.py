"""What a household says of the work when a review or spot check asks it again (回访), beside what was found."""

from alembic import op

revision = "0023_satisfaction"
down_revision = "0022_assessment_records"


def upgrade() -> None:
    op.execute(
        """
        alter table sample_unit
            add column household_satisfaction text check (household_satisfaction ~ '^[a-z][a-z0-9_]{0,59}$'),
            add check (household_satisfaction is null or checked_at is not null)
        """
    )
