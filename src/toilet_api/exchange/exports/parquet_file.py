"""Parquet: typed columns, English names, read from COPY batch by batch."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from toilet_api.exchange.exports.columns import JOINT, LISTS, Column
from toilet_api.exchange.exports.households import PERSONAL
from toilet_api.exchange.exports.reading import Reading

_BATCH_BYTES = 8 * 1024 * 1024
_MOMENT = pa.timestamp("us", "UTC")
_TYPES = {"flag": pa.bool_(), "whole": pa.int64(), "yuan": pa.decimal128(14, 2), "day": pa.date32()}
_SEALED = "sealed"


def write(reading: Reading, path: Path, about: dict[str, str]) -> None:
    """Write the file; `about` goes into its metadata."""
    columns = reading.columns
    schema = pa.schema(
        [pa.field(column.key, _type(column), metadata={"zh": column.zh}) for column in columns], metadata=about
    )
    names = [column.key for column in columns] + ([] if reading.vault is None else [_SEALED])
    read_as = {
        column.key: pa.int64() if column.kind == "moment" else _TYPES.get(column.kind, pa.string())
        for column in columns
    }
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        batches = csv.open_csv(
            _Stream(_headed(names, reading.typed_csv())),
            read_options=csv.ReadOptions(block_size=_BATCH_BYTES, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types={**read_as, _SEALED: pa.string()},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in batches:
            plain = {} if reading.vault is None else _persons(reading, batch)
            arrays = [
                pa.array(plain[column.key], pa.string())
                if column.key in plain
                else _finished(batch.column(column.key), column)
                for column in columns
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _type(column: Column) -> Any:
    if column.kind in LISTS:
        return pa.list_(pa.string())
    return _MOMENT if column.kind == "moment" else _TYPES.get(column.kind, pa.string())


def _finished(array: Any, column: Column) -> Any:
    if column.kind in LISTS:
        return pc.split_pattern(array, JOINT)
    return array.cast(_MOMENT) if column.kind == "moment" else array


def _persons(reading: Reading, batch: Any) -> dict[str, list[str | None]]:
    ids, sealed = batch.column("id").to_pylist(), batch.column(_SEALED).to_pylist()
    opened = [reading.person(one, closed) if closed else None for one, closed in zip(ids, sealed, strict=True)]
    return {name: [None if person is None else person[name] for person in opened] for name in PERSONAL}


def _headed(names: list[str], blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield (",".join(names) + "\n").encode()
    yield from blocks


class _Stream(io.RawIOBase):
    """Blocks as a file that is read once, from the start."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._left = blocks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, wanted = [self._left], size - len(self._left)
        while size < 0 or wanted > 0:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            wanted -= len(block)
        whole = b"".join(parts)
        if size < 0:
            size = len(whole)
        self._left = whole[size:]
        return whole[:size]
