"""`make bench`: run every benchmark, print a table, write `benchmarks/results/latest.json`.

Absolute times mean nothing on shared machines: each entry is a ratio to a floor measured in the same run.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import drivers, imports
from benchmarks.entry import Entry
from toilet_api.kernel.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "latest.json"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        url = postgres.start()
        try:
            entries: list[Entry] = [*drivers.run(url), *imports.run(url)]
        finally:
            postgres.stop()
    out = sys.stdout
    out.write(f"{'what':58}{'value':>12}{'floor':>12}  {'unit':12}{'ratio':>7}{'target':>8}\n")
    for entry in entries:
        verdict = "" if entry.target is None else ("holds" if entry.holds else "FALLS SHORT")
        target = "" if entry.target is None else f"{entry.target:.2f}"
        out.write(
            f"{entry.name:58}{entry.value:12.1f}{entry.floor:12.1f}  {entry.unit:12}"
            f"{entry.ratio:7.2f}{target:>8} {verdict}\n"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
