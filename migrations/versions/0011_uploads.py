"""Resumable uploads, and the words of headings that a county adds."""

revision = "0011_uploads"
down_revision = "0010_imports"


def upgrade() -> None:
    """Nothing yet."""
