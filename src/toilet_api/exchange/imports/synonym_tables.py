"""The table of the words that a county's ledgers use for their columns."""

from typing import ClassVar

from toilet_api.kernel.tables import Record


class ImportSynonym(Record, table=True):
    """A heading (表头词) and the field that it means in imports of one kind; None: its column is left out."""

    __tablename__ = "import_synonym"
    seen_from_below: ClassVar[bool] = True

    kind: str
    heading: str
    heading_key: str
    """The heading as headings are compared."""
    field: str | None = None
    origin_digest: bytes | None = None
