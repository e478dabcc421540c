"""Imports: by who runs a township or county; their reports quote what was uploaded, so few read them."""

from functools import partial

from httpx import Response

from tests.scope.furnish import ledger
from tests.scope.places import BELOW_CITY
from tests.scope.probe import OUT_OF_SCOPE, RUNNING, Call, Kind, Probe

READING = RUNNING | {"auditor"}


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _has_lines(_: Call, answer: Response) -> bool:
    return len(answer.text.splitlines()) > 1


_IMPORT = partial(Probe, kind=Kind.RECORD, roles=READING, at=BELOW_CITY, record="import")

PROBES = [
    Probe("list_imports", Kind.LIST, roles=READING, at=BELOW_CITY, rows="import"),
    Probe(
        "create_import",
        Kind.RECORD,
        roles=RUNNING,
        at=BELOW_CITY,
        outside=OUT_OF_SCOPE,
        query=lambda call: {"division": call.place, "dry_run": "true"},
        files=lambda _: ledger(),
        ok="202",
    ),
    _IMPORT("get_import"),
    _IMPORT("list_import_rows", check=_has_items),
    _IMPORT("get_import_report", check=_has_lines),
    _IMPORT("cancel_import", roles=RUNNING, record="queued import"),
]
