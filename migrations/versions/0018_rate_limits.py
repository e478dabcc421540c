"""What each caller has used of its rate."""

from alembic import op

from migrations.support import granted

revision = "0018_rate_limits"
down_revision = "0017_webhooks"


def upgrade() -> None:
    op.execute(
        """
        -- Unlogged: what it holds is worth a minute. Lost in a crash, everyone's minute begins anew.
        create unlogged table rate_use (
            who text not null,
            window_start bigint not null,
            used int not null,
            primary key (who, window_start)
        )
        """
    )
    granted("rate_use", "select, insert, update, delete")
