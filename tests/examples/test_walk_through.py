"""The README's walk-through, line by line, against a demonstration that is really served on an embedded database.

It comes before the examples, which add to the demonstration: it says how much there is.
"""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.delivery.running import PASSWORD, Served, environment

README = Path(__file__).parents[2] / "README.md"
EXPECTED = (
    r'dry run:  \{"rows_in": 4, "created": 3, "updated": 0, "unchanged": 0, "rejected": 1, .*',
    r'uploaded: \{"rows_in": 4, "created": 3, "updated": 0, "unchanged": 0, "rejected": 1, .*',
    r"rejected: row 6, cell D6: 18 位身份证号码：.*",
    r"visit:    submitted",
    r"visit:    township_verified",
    r"visit:    county_verified",
    r"county:   化粪池（桶体）破裂, 安乐村委会, due \d{4}-\d\d-\d\d",
    r"province: open",
    r"neighbour: 404, \[\]",
    r"plan:     submitted",
    r"plan:     approved",
    r"task:     submitted",
    r"accepted: passed",
    r"unsigned: 请上传农户签名填入 household_signature_ids，或填写 statement。",
    r"problem:  closed",
    r"sample:   rate 1.0, drawn again the same: true",
    r'summary:  \{"found": \d+, "open": \d+, "in_work": 0, "accepted": 0, "closed": 1, "dismissed": 0, .*',
    r"export:   succeeded, \d+ rows",
)


def lines(name: str) -> str:
    """What stands between the markers, without the fence."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```\n<!-- end of {name} -->", README.read_text(), re.S)
    assert found
    return found[1]


def in_bash(name: str, folder: Path, address: str) -> subprocess.CompletedProcess[str]:
    """These lines of the README, run in `folder` against the server there."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines(name)],
        cwd=folder,
        env=environment(BASE=address, DEMO_PASSWORD=PASSWORD, PATH=path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_walk_through_does_the_main_job(served: Served, tmp_path: Path) -> None:
    walked = in_bash("walk-through", tmp_path, served.address)
    bulk = in_bash("in bulk", tmp_path, served.address)
    assert walked.returncode == 0, walked.stdout + walked.stderr
    said = walked.stdout.splitlines()
    assert len(said) == len(EXPECTED), walked.stdout
    for line, pattern in zip(said, EXPECTED, strict=True):
        assert re.fullmatch(pattern, line), line
    ledger = (tmp_path / "problems.jsonl").read_text(encoding="utf-8")
    assert "第二池开裂" in ledger
    assert "演示甲" not in ledger, "a whole name in a list"
    assert "厕所编号" in (tmp_path / "households.csv").read_text(encoding="utf-8-sig")
    assert bulk.returncode == 0, bulk.stdout + bulk.stderr
    assert "exit code 4" in bulk.stdout
    for name in ("ledger.csv.report.xlsx", "户厕.xlsx", "问题台账.xlsx"):
        assert zipfile.is_zipfile(tmp_path / name), name


def test_readme_shows_what_the_walk_through_prints() -> None:
    shown = re.search(r"It prints:\n\n```\n(.*?)```", README.read_text(), re.S)
    assert shown
    for line, pattern in zip(shown[1].splitlines(), EXPECTED, strict=True):
        assert re.fullmatch(pattern, line), line
