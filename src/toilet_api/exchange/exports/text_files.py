"""CSV and NDJSON. What Postgres has written goes through as it is; plain personal data is put in here, row by row."""

import csv
import io
from collections.abc import Iterator

from toilet_api.exchange.exports.copying import NULL
from toilet_api.exchange.exports.reading import Reading

BOM = b"\xef\xbb\xbf"
_AT_ONCE = 1000


def csv_blocks(reading: Reading, *, bom: bool) -> Iterator[bytes]:
    """The file: Chinese headings, then the rows."""
    yield (BOM if bom else b"") + _lines([[column.zh for column in reading.columns]])
    if reading.vault is None:
        yield from reading.csv()
        return
    for rows in _batches(reading.shown_rows()):
        yield _lines([["" if cell == NULL else cell for cell in cells] for cells in rows])


def json_blocks(reading: Reading) -> Iterator[bytes]:
    """The file: a JSON object a line."""
    if reading.vault is None:
        yield from reading.json_lines()
        return
    keys = [column.key for column in reading.columns]
    for rows in _batches(reading.json_rows()):
        lines = (
            "{" + ",".join(f'"{key}":{cell}' for key, cell in zip(keys, cells, strict=True)) + "}\n" for cells in rows
        )
        yield "".join(lines).encode()


def _batches(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
