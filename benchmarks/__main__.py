"""`make bench`: run every benchmark, print a table, write `benchmarks/results/latest.json`.

`make bench ARGS="imports exports"` runs only these; the entries of the others stay in the file as they are.

Absolute times mean nothing on shared machines: each entry is a ratio to a floor measured in the same run.
"""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import changes, drivers, exports, imports, statistics, sync
from benchmarks.entry import Entry
from toilet_api.kernel.embedded import EmbeddedPostgres

BENCHMARKS = {
    "drivers": drivers.run,
    "imports": imports.run,
    "exports": exports.run,
    "sync": sync.run,
    "changes": changes.run,
    "statistics": statistics.run,
}
RESULTS = Path(__file__).parent / "results" / "latest.json"


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(wanted) - BENCHMARKS.keys():
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        url = postgres.start()
        try:
            entries: list[Entry] = [entry for name in wanted for entry in BENCHMARKS[name](url)]
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
    kept = json.loads(RESULTS.read_text("utf-8")) if len(wanted) < len(BENCHMARKS) and RESULTS.exists() else []
    found = {one["name"]: one for one in (*kept, *map(asdict, entries))}
    RESULTS.write_text(json.dumps(list(found.values()), indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
