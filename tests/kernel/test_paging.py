"""Which format an Accept header gets, and what a cell of a table holds."""

from typing import Any

import pytest

from toilet_api.kernel.errors import Problem
from toilet_api.kernel.paging import as_csv, csv_cell, negotiate

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("application/json", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/*", CSV),
        ("application/x-ndjson", NDJSON),
        ("text/csv;q=0.5, application/x-ndjson;q=0.9", NDJSON),
        ("text/html, text/csv;q=0.1, */*;q=0.05", CSV),
        ("text/csv, application/json", CSV),
        ("application/json;q=0.2, text/csv;charset=utf-8;q=0.3", CSV),
        ("application/json;q=0, */*", CSV),
    ],
)
def test_the_preferred_format_that_there_is(accept: str, media: str) -> None:
    assert negotiate(accept) == media


@pytest.mark.parametrize("accept", ["image/png", "text/html", "text/csv;q=0", "application/json;q=0.000", "nonsense"])
def test_no_format_that_fits(accept: str) -> None:
    with pytest.raises(Problem) as refused:
        negotiate(accept)
    assert refused.value.type.code == "not_acceptable"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (-2, "-2"),
        (1.5, "1.5"),
        ("三格", "三格"),
        ("-2", "'-2"),
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("\t=1", "'\t=1"),
        (["三"], '["三"]'),
        ({"a": None}, '{"a": null}'),
    ],
)
def test_a_cell(value: Any, cell: str) -> None:
    assert csv_cell(value) == cell


def test_a_table_quotes_what_would_break_it() -> None:
    rows = ['{"a": "x,y", "b": "line\\nbreak", "c": "quo\\"te"}']
    assert as_csv(rows, ["c", "a"]).decode() == 'c,a\r\n"quo""te","x,y"\r\n'
    assert '"line\nbreak"' in as_csv(rows, ["b"]).decode()
