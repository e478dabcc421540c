"""What imports of other kinds than households need."""

revision = "0013_import_kinds"
down_revision = "0012_exports"


def upgrade() -> None:
    """Nothing yet."""
