"""Rows that were exported from the register: they name their records, and show persons by their masks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from toilet_api.exchange.ledgers.findings import Findings, Place
from toilet_api.exchange.ledgers.sheets import Cell, as_text
from toilet_api.exchange.ledgers.text_rules import clean
from toilet_api.kernel.fields import SHANGHAI

_EXPECTED = (
    "系统编号（UUID），导出文件中即有；自编的序号请放在“序号”列",
    "an id of the system (UUID), as exports have it; serial numbers of your own go to the column 序号",
)


@dataclass(frozen=True, slots=True)
class Exported:
    """The records that a row is of, and when they were last changed before it was exported."""

    household_id: UUID
    toilet_id: UUID | None = None
    updated_at: datetime | None = None


def read_record(findings: Findings, place: Place, cell: Cell) -> UUID | None:
    """The id of a record; None for a blank cell, or with a fault."""
    text = clean(findings, place, cell)
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        findings.reject(place, "bad_id", text, _EXPECTED)
        return None


def read_moment(cell: Cell) -> datetime | None:
    """A moment as exports write it, Shanghai time without an offset; None for what is none: it only guards."""
    if isinstance(cell, datetime):
        moment = cell
    else:
        try:
            moment = datetime.fromisoformat(as_text(cell).strip())
        except ValueError:
            return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=SHANGHAI)


def is_masked(cell: Cell) -> bool:
    """Whether a cell shows a person's data as a mask, or nothing of it."""
    return cell is None or (isinstance(cell, str) and ("*" in cell or not cell.strip()))
