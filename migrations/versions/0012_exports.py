"""Exports: the job and its stored file."""

revision = "0012_exports"
down_revision = "0011_uploads"


def upgrade() -> None:
    """Nothing yet."""
