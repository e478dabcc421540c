"""A document as XLSX: the text on a sheet to read and print, each table on one of its own, the charts on a last one."""

import io
from datetime import datetime, time

import xlsxwriter

from toilet_api.reporting.documents.content import Document, Table
from toilet_api.reporting.documents.sheet_cells import Formats, sheet_name
from toilet_api.reporting.documents.sheet_charts import draw_charts
from toilet_api.reporting.documents.sheet_tables import write_table
from toilet_api.reporting.documents.sheet_text import TextSheet


def workbook(document: Document) -> bytes:
    """The file."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        dated = datetime.combine(document.dated, time())
        book.set_properties({"title": document.title, "author": "、".join(document.head.issuers), "created": dated})
        formats = Formats(book)
        TextSheet(book, formats, document).write()
        taken = {"正文"}
        tables = [(block.title, block, "A4") for block in document.body if isinstance(block, Table)]
        tables += [(annex.name, annex.table, annex.paper) for annex in document.annexes]
        for name, table, paper in tables:
            write_table(book.add_worksheet(sheet_name(name, taken)), formats, document, table, paper)
        draw_charts(book, formats, document, taken)
    return out.getvalue()
