"""Bars as a chart of the word processor's own, so that they print sharply and in the paper's typefaces.

DrawingML charts (ECMA-376 part 1, 21.2); python-docx has none. The values stand in the chart itself.
"""

from xml.sax.saxutils import escape

from docx.document import Document as WordFile
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from toilet_api.reporting.documents import official
from toilet_api.reporting.documents.content import Chart, Series
from toilet_api.reporting.documents.wording import Share, legible

_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_MAIN = "http://schemas.openxmlformats.org/drawingml/2006/main"
_EMU_MM = 36000
_SHOWN = (
    '<c:dLblPos val="outEnd"/><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/>'
    '<c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/>'
)
"""Of a label: the value alone, at the end of its bar."""
_BAR_MM, _FRAME_MM, _HIGHEST_MM = 6.5, 16, 200


def chart_element(file: WordFile, chart: Chart, number: int) -> object:
    """The inline drawing of a chart; its part is added to the file."""
    bars = len(chart.labels) * len(chart.series)
    height = min(_HIGHEST_MM, _FRAME_MM + max(3, bars) * _BAR_MM)
    part = Part(PackURI(f"/word/charts/chart{number}.xml"), _TYPE, _chart_xml(chart).encode(), file.part.package)
    relation = file.part.relate_to(part, _RELATION)
    title = escape(legible(chart.title), {'"': "&quot;"})
    return parse_xml(
        '<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
        f' xmlns:a="{_MAIN}" xmlns:c="{_CHART}"'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{official.TEXT_MM * _EMU_MM}" cy="{round(height * _EMU_MM)}"/>'
        f'<wp:docPr id="{number}" name="chart {number}" descr="{title}"/><wp:cNvGraphicFramePr/>'
        f'<a:graphic><a:graphicData uri="{_CHART}"><c:chart r:id="{relation}"/></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing>"
    )


def _chart_xml(chart: Chart) -> str:
    series = "".join(_series(chart, place, one) for place, one in enumerate(chart.series))
    legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>' if len(chart.series) > 1 else ""
    top = '<c:max val="100"/>' if chart.in_percent else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<c:chartSpace xmlns:c="{_CHART}" xmlns:a="{_MAIN}"><c:roundedCorners val="0"/>'
        '<c:chart><c:autoTitleDeleted val="1"/><c:plotArea><c:layout/>'
        '<c:barChart><c:barDir val="bar"/><c:grouping val="clustered"/><c:varyColors val="0"/>'
        f'{series}<c:gapWidth val="45"/><c:axId val="1"/><c:axId val="2"/></c:barChart>'
        '<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="maxMin"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="l"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
        '<c:crossAx val="2"/><c:crosses val="autoZero"/></c:catAx>'
        f'<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>{top}<c:min val="0"/></c:scaling>'
        '<c:delete val="1"/><c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="none"/>'
        '<c:crossAx val="1"/><c:crosses val="max"/></c:valAx>'
        f'</c:plotArea>{legend}<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        "<c:spPr><a:ln><a:noFill/></a:ln></c:spPr>"
        f'<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="1000"><a:latin typeface="{official.DIGITS}"/>'
        f'<a:ea typeface="{official.FANG.name}"/></a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
        "</c:chartSpace>"
    )


def _series(chart: Chart, place: int, series: Series) -> str:
    labels = "".join(f'<c:pt idx="{n}"><c:v>{escape(legible(one))}</c:v></c:pt>' for n, one in enumerate(chart.labels))
    drawn = [(n, one) for n, one in enumerate(series.values) if one is not None and _value(one) is not None]
    values = "".join(f'<c:pt idx="{n}"><c:v>{_value(one)}</c:v></c:pt>' for n, one in drawn)
    told = "".join(_label(n, one) for n, one in drawn if isinstance(one, Share))
    count = len(chart.labels)
    color = official.CHART_COLORS[place % len(official.CHART_COLORS)].removeprefix("#")
    return (
        f'<c:ser><c:idx val="{place}"/><c:order val="{place}"/>'
        f'<c:tx><c:strRef><c:f>Sheet1!$A${place + 1}</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>'
        f"{escape(legible(series.name))}</c:v></c:pt></c:strCache></c:strRef></c:tx>"
        f'<c:spPr><a:solidFill><a:srgbClr val="{color}"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>'
        f"<c:dLbls>{told}{_SHOWN}</c:dLbls>"
        f'<c:cat><c:strRef><c:f>Sheet1!$B$1</c:f><c:strCache><c:ptCount val="{count}"/>{labels}'
        "</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>Sheet1!$C$1</c:f><c:numCache><c:formatCode>General</c:formatCode>"
        f'<c:ptCount val="{count}"/>{values}</c:numCache></c:numRef></c:val></c:ser>'
    )


def _label(place: int, share: Share) -> str:
    """A share is written as the table has it."""
    return (
        f'<c:dLbl><c:idx val="{place}"/><c:tx><c:rich><a:bodyPr/><a:p><a:r><a:t>{share}'
        "</a:t></a:r></a:p></c:rich></c:tx>"
        f"{_SHOWN}</c:dLbl>"
    )


def _value(value: int | Share) -> float | int | None:
    if isinstance(value, Share):
        return None if value.value is None else float(value.value * 100)
    return value
