"""Imports: by who runs a township or county; their reports quote what was uploaded, so few read them.

Uploads and exports: whoever made one, and nobody else, also not in the same division.
"""

import csv
import io
from functools import partial

from httpx import Response

from tests.scope.furnish_exchange import CONTENT, PART, ledger, synonym
from tests.scope.places import ANYWHERE, BELOW_CITY, COUNTIES, HOMES, ROLES, TOWNSHIPS
from tests.scope.probe import ADMIN, NOT_FOUND, OUT_OF_SCOPE, PICTURING, RUNNING, Call, Kind, Probe

READING = RUNNING | {"auditor"}
REASON = {"reason": "测试"}
OWNERS = {size: frozenset(role for role, home in HOMES.items() if len(home) == size) for size in (2, 4, 6, 9, 12)}
"""Who has something of his own at a place, by the length of its code: whoever is at home there."""
NOBODY: dict[int, frozenset[str]] = dict.fromkeys(OWNERS, frozenset())


def _has_items(_: Call, answer: Response) -> bool:
    return bool(answer.json()["items"])


def _has_lines(_: Call, answer: Response) -> bool:
    return len(answer.text.splitlines()) > 1


def _is_workbook(_: Call, answer: Response) -> bool:
    return answer.content.startswith(b"PK")


def _counts_a_row(_: Call, answer: Response) -> bool:
    return answer.json()["rows"] == 1  # type: ignore[no-any-return]


def _is_of_home(call: Call, answer: Response) -> bool:
    """The households of a file all lie within the caller's division."""
    codes = [row["村代码"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
    return bool(codes) and all(code.startswith(call.home) for code in codes)


def _are_his_own(call: Call, answer: Response) -> bool:
    kinds = ("export", "queued export")
    own = {call.furniture.records[f"{kind} of {call.role}", call.home].id for kind in kinds}
    return {one["id"] for one in answer.json()["items"]} == own


def _photo(call: Call) -> dict[str, str]:
    return {"kind": "photo", "division_code": HOMES.get(call.role, call.place)}


def _of_somebody_else(operation: str, record: str, at: tuple[str, ...], roles: frozenset[str]) -> Probe:
    return Probe(
        operation,
        Kind.RECORD,
        case="somebody else's",
        roles=roles,
        at=at,
        record=f"somebody else's {record}",
        able=NOBODY,
        barred=NOT_FOUND,
        content=CONTENT if operation == "continue_upload" else None,
        headers=PART if operation == "continue_upload" else {},
    )


_RUN_BY = (*TOWNSHIPS, *COUNTIES)
_IMPORT = partial(Probe, kind=Kind.RECORD, roles=READING, at=BELOW_CITY, record="import")
_OWN = partial(Probe, kind=Kind.RECORD, able=OWNERS, barred=NOT_FOUND)
_UPLOAD = partial(_OWN, roles=PICTURING, at=ANYWHERE, record="upload")
_EXPORT = partial(_OWN, at=ANYWHERE, record="export")
# A county's headings are read in its townships, and changed by the county.
_WORD = partial(Probe, kind=Kind.RECORD, roles=RUNNING, at=BELOW_CITY, record="synonym", from_below=True)
_CHANGED_WORD = partial(_WORD, able={6: ADMIN, 9: RUNNING, 12: RUNNING}, barred=OUT_OF_SCOPE)

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
    Probe(
        "create_import",
        Kind.RECORD,
        case="of an upload",
        roles=RUNNING,
        at=_RUN_BY,
        record="whole upload",
        able=OWNERS,
        barred=NOT_FOUND,
        query=lambda call: {"upload_id": call.record.id, "dry_run": "true"},
        ok="202",
    ),
    _IMPORT("get_import"),
    _IMPORT("list_import_rows", check=_has_items),
    _IMPORT("get_import_summary", check=_counts_a_row),
    _IMPORT("get_import_report", check=_has_lines),
    _IMPORT("get_marked_workbook", roles=RUNNING, check=_is_workbook),
    _IMPORT("cancel_import", roles=RUNNING, record="queued import"),
    Probe("list_import_synonyms", Kind.LIST, roles=RUNNING, at=BELOW_CITY, rows="import synonym", from_below=True),
    Probe(
        "create_import_synonym",
        Kind.RECORD,
        roles=RUNNING,
        at=BELOW_CITY,
        outside=OUT_OF_SCOPE,
        json=lambda call: synonym(call.place, "当家人姓名"),
        ok="201",
    ),
    _WORD("get_import_synonym"),
    _CHANGED_WORD("update_import_synonym", json=lambda _: {"field": "address"}),
    _CHANGED_WORD("remove_import_synonym", json=lambda _: REASON),
    Probe(
        "create_upload",
        Kind.SELF,
        roles=PICTURING,
        json=lambda _: {"file_name": "台账.csv", "size_bytes": 10},
        ok="201",
    ),
    _UPLOAD("get_upload"),
    _UPLOAD("continue_upload", content=CONTENT, headers=PART),
    _UPLOAD("cancel_upload"),
    _UPLOAD("create_upload_attachment", record="pictured upload", at=BELOW_CITY, json=_photo, ok="201"),
    *(
        _of_somebody_else(operation, "upload", ANYWHERE, PICTURING)
        for operation in ("get_upload", "continue_upload", "cancel_upload")
    ),
    Probe("list_exports", Kind.SELF, check=_are_his_own),
    Probe(
        "create_export",
        Kind.RECORD,
        at=ANYWHERE,
        outside=OUT_OF_SCOPE,
        json=lambda call: {"dataset": "households", "format": "csv", "division": call.place},
        ok="202",
    ),
    _EXPORT("get_export"),
    _EXPORT("get_export_file", check=_is_of_home),
    _EXPORT("cancel_export", record="queued export"),
    *(
        _of_somebody_else(operation, "export", ANYWHERE, ROLES)
        for operation in ("get_export", "get_export_file", "cancel_export")
    ),
]
