"""The charts on one sheet, beside the numbers that they are drawn from."""

from math import ceil
from typing import Any

import xlsxwriter

from toilet_api.reporting.documents.content import Chart, Document
from toilet_api.reporting.documents.official import CHART_COLORS, FANG, HEI
from toilet_api.reporting.documents.sheet_cells import PAPER, Formats, sheet_name, write_cell


def draw_charts(book: xlsxwriter.Workbook, formats: Formats, document: Document, taken: set[str]) -> None:
    """The charts on one sheet, beside the numbers that they are drawn from."""
    charts = [block for block in document.body if isinstance(block, Chart)]
    if not charts:
        return
    name = sheet_name("图", taken)
    sheet = book.add_worksheet(name)
    sheet.set_paper(PAPER["A4"])
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 22)
    row = 0
    for chart in charts:
        sheet.write_string(row, 0, chart.title, formats(HEI, 12))
        for column, series in enumerate(chart.series, 1):
            sheet.write_string(row + 1, column, series.name, formats.ruled(bold=True))
            for place, value in enumerate(series.values):
                write_cell(sheet, row + 2 + place, column, value, formats, bold=False)
        for place, label in enumerate(chart.labels):
            sheet.write_string(row + 2 + place, 0, label, formats.ruled(num_format="@"))
        _insert(book, sheet, name, chart, row)
        row += max(len(chart.labels) + 4, 4 + ceil((80 + 22 * len(chart.labels) * len(chart.series)) / 20))


def _insert(book: xlsxwriter.Workbook, sheet: Any, name: str, chart: Chart, row: int) -> None:
    drawn = book.add_chart({"type": "bar"})
    last = row + 1 + len(chart.labels)
    for column, series in enumerate(chart.series, 1):
        drawn.add_series(
            {
                "name": series.name,
                "categories": [name, row + 2, 0, last, 0],
                "values": [name, row + 2, column, last, column],
                "data_labels": {"value": True},
                "gap": 45,
                "fill": {"color": CHART_COLORS[(column - 1) % len(CHART_COLORS)]},
            }
        )
    drawn.set_title({"name": chart.title, "name_font": {"name": HEI.name, "size": 12}})
    drawn.set_y_axis({"reverse": True, "num_font": {"name": FANG.name}})
    drawn.set_x_axis({"min": 0, **({"max": 1} if chart.in_percent else {}), "major_gridlines": {"visible": False}})
    if len(chart.series) == 1:
        drawn.set_legend({"none": True})
    drawn.set_size({"width": 560, "height": 80 + 22 * len(chart.labels) * len(chart.series)})
    sheet.insert_chart(row, len(chart.series) + 2, drawn)
