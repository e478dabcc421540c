"""${message}"""

from alembic import op

from migrations.support import granted, scoped

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    pass
