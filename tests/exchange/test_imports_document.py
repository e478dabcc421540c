"""The page on imports and the importer's vocabulary keep up with the code."""

import re
from pathlib import Path

from toilet_api.exchange.imports import imports_document
from toilet_api.exchange.ledgers.catalogue import CORRECTIONS, IGNORED, REASONS

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "src" / "toilet_api" / "exchange"


def test_the_tables_of_the_page_are_fresh() -> None:
    page = (ROOT / "docs" / "imports.md").read_text("utf-8")
    assert page.endswith("\n" + imports_document.tables()), (
        "python -m toilet_api.exchange.imports.imports_document docs/imports.md"
    )


def test_every_code_is_used_and_every_used_one_is_in_its_list() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted(ROOM.rglob("*.py")) if path.name != "catalogue.py")
    words = set(re.findall(r'"([a-z0-9_]+)"', source))
    for codes in (CORRECTIONS, REASONS, IGNORED):
        assert {code.code for code in codes} <= words
    corrected = set(re.findall(r'\.correct\(\s*[^,"]+(?:\([^)]*\))?,\s*"([a-z0-9_]+)"', source))
    rejected = set(re.findall(r'\.reject\(\s*[^,"]+(?:\([^)]*\))?,\s*"([a-z0-9_]+)"', source))
    assert len(corrected) > 20
    assert len(rejected) > 10
    assert corrected <= {code.code for code in CORRECTIONS}
    assert rejected <= {code.code for code in REASONS}
