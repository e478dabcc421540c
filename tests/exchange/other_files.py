"""A table as ODS, NDJSON and Parquet, made by hand or by the library that everyone uses, with cells of every type."""

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

from tests.exchange.pure import number

HEADER = ["村", "户主姓名", "身份证号码", "联系电话", "家庭人口", "改厕方式", "改厕时间", "补助金额", "备注"]
ROWS: list[list[Any]] = [
    ["安乐村", "张三丰", number(1), "19900001234", 4, "三格", date(2024, 6, 1), 1500.5, None],
    ["安乐村", "李四光", number(2), None, None, "双瓮", None, None, "长子代填"],
    ["丰年村", "王五", None, "19900005678", 2, "水冲", date(2023, 5, 1), 0.0, "'=1+1"],
]
_NAMESPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
)
_MEDIA = "application/vnd.oasis.opendocument.spreadsheet"


def as_ods(rows: Sequence[Sequence[Any]], sheet: str = "台账") -> bytes:
    """One sheet; a blank row stands repeated below, as spreadsheet programs fill a page."""
    table = "".join(f"<table:table-row>{''.join(map(_cell, row))}</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMESPACES} office:version="1.3">'
        f'<office:body><office:spreadsheet><table:table table:name="{sheet}">{table}'
        '<table:table-row table:number-rows-repeated="1000"><table:table-cell table:number-columns-repeated="20"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_MEDIA}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _MEDIA, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    shown = f"<text:p>{escape(str(value))}</text:p></table:table-cell>"
    if isinstance(value, date):
        return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}">{shown}'
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}">{shown}'
    return f'<table:table-cell office:value-type="string">{shown}'


def as_ndjson(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    lines = (dict(zip(header, row, strict=True)) for row in rows)
    return "".join(json.dumps(line, default=str, ensure_ascii=False) + "\n" for line in lines).encode()


def as_parquet(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    columns = {name: [row[index] for row in rows] for index, name in enumerate(header)}
    return _written(pa.table(columns))


def parquet_of_every_type() -> bytes:
    """The same households, whose columns have types that no export of ours has."""
    text = pa.array([row[1] for row in ROWS])
    return _written(
        pa.table(
            {
                "村": pa.array([row[0] for row in ROWS]).dictionary_encode(),
                "户主姓名": text.cast(pa.large_string()),
                "身份证号码": pa.array([row[2] and row[2].encode() for row in ROWS], pa.binary()),
                "联系电话": pa.array([["19900001234", None], [], None], pa.list_(pa.string())),
                "家庭人口": pa.array([Decimal("4.00"), None, Decimal("2.50")], pa.decimal128(12, 2)),
                "改厕方式": pa.array(["三格", "双瓮", "水冲"]),
                "改厕时间": pa.array([datetime(2024, 6, 1, 9, 30, tzinfo=UTC), None, None], pa.timestamp("us", "UTC")),
                "补助金额": pa.array([1e300, float("nan"), -0.0]),
                "备注": pa.array([{"a": 1}, None, {"a": 2**62}], pa.struct({"a": pa.int64()})),
                "序号": pa.array([2**64 - 1, 0, 10**16], pa.uint64()),
                "其他": pa.array([b"\xff\xfe", b"", None], pa.binary()),
                # Beyond what Python's own times can hold.
                "时": pa.array([1, 2, None], pa.time64("ns")),
                "长": pa.array([10**12, None, -1], pa.duration("s")),
            }
        )
    )


def _written(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=2)
    return out.getvalue()
