"""A village's working set for a device: all of it as of one snapshot, then what has changed since.

What is shown comes from the very selects of the lists. An increment takes from the change feed only which records are
touched: they are read as they are now, and whatever isn't to be seen in the village any more is gone.
"""

import base64
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Select, Text, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.accounts.permissions import Permission
from toilet_api.divisions import lookup
from toilet_api.exchange.sync.problems import SYNC_CURSOR_EXPIRED, WHOLE_AGAIN
from toilet_api.kernel import feed
from toilet_api.kernel.errors import BAD_CURSOR, NOT_FOUND
from toilet_api.kernel.routes import list_code_lists
from toilet_api.kernel.scope import Scope
from toilet_api.rectification.checklists import checklist_select
from toilet_api.rectification.tables import Checklist, Task
from toilet_api.rectification.task_views import task_select
from toilet_api.registry import views
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey.campaigns import campaign_select
from toilet_api.survey.catalogue import type_select
from toilet_api.survey.ledger_views import ledger_select
from toilet_api.survey.rules import shanghai_date
from toilet_api.survey.tables import Campaign, CatalogueType, Finding, LedgerProblem, Visit
from toilet_api.survey.visit_schemas import VisitOut, VisitRow
from toilet_api.survey.visit_views import visit_select

AT_ONCE = 5_000
"""So many changes an increment looks at; whoever was away longer asks again."""
_LEVEL = 5
_SECTIONS: dict[str, tuple[str, Permission, Any]] = {
    "households": ("household", Permission.HOUSEHOLD_READ, Household),
    "toilets": ("toilet", Permission.HOUSEHOLD_READ, Toilet),
    "visits": ("visit", Permission.VISIT_READ, Visit),
    "problems": ("problem", Permission.PROBLEM_READ, LedgerProblem),
    "tasks": ("task", Permission.TASK_READ, Task),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device asks for. `since`: the cursor of its last pull; `reference`: the tag of what it knows."""

    division: str
    since: str | None
    reference: str | None


def pull(session: Session, caller: Caller, secret: bytes, asked: Asked, now: datetime) -> bytes:
    """The answer's JSON (`SyncPull`). Raises 404 for a village out of scope, 400 or 410 for a bad cursor."""
    village = lookup.resolve(session, asked.division)
    if village is None or village.level != _LEVEL or not caller.scope.covers(village.code):
        raise NOT_FOUND.problem()
    here = replace(caller, scope=Scope((village.code,)))
    readable = {
        name: kind
        for name, (kind, permission, _) in _SECTIONS.items()
        if caller.scope_for(permission).covers(village.code)
    }
    changed: dict[str, set[Any]] | None = None
    more = False
    if asked.since is None:
        position = feed.now(session)
    else:
        start = _opened(asked.since, secret, caller, village.code)
        position, changed, more = _changed(session, start, village.code, set(readable.values()))
    statements = _statements(here, now)
    chosen: dict[str, Select[Any]] = {}
    for name, kind in readable.items():
        if changed is None:
            chosen[name] = statements[name]
        elif changed.get(kind):
            chosen[name] = statements[name].where(col(_SECTIONS[name][2].id).in_(changed[kind]))
    found = _read(session, {**chosen, **{name: statements[name] for name in _REFERENCE}})
    reference = _reference({name: found[name] for name in _REFERENCE})
    members = {
        "division_code": json.dumps(village.code),
        "whole": json.dumps(changed is None),
        "as_of": json.dumps(now.isoformat()),
        "cursor": json.dumps(_sealed(position, secret, caller, village.code)),
        "more": json.dumps(more),
        **{name: found.get(name, "[]") for name in _SECTIONS},
        "gone": json.dumps(_gone(changed or {}, found)),
        "reference": "null" if reference[0] == asked.reference else reference[1],
    }
    return ("{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}").encode()


_REFERENCE = ("campaign", "problem_types", "checklists")


def _statements(here: Caller, now: datetime) -> dict[str, Select[Any]]:
    today = shanghai_date(now)
    campaign: Any = Campaign
    stands = col(Household.removed_at).is_(None)
    return {
        "households": here.scope.narrow(
            select(*views.household_columns(here)).where(stands), col(Household.division_code)
        ),
        "toilets": here.scope.narrow(
            select(*views.toilet_columns(here)).where(col(Toilet.removed_at).is_(None)), col(Toilet.division_code)
        ),
        "visits": visit_select(here).add_columns(*_more_of_visits()),
        "problems": ledger_select(here, today),
        "tasks": task_select(here, today),
        "campaign": campaign_select(here).where(campaign.state == "open"),
        "problem_types": type_select(here).order_by(col(CatalogueType.code)),
        "checklists": checklist_select(here)
        .where(col(Checklist.retired_at).is_(None))
        .order_by(col(Checklist.applies_to), col(Checklist.edition)),
    }


def _more_of_visits() -> list[Any]:
    """What a single visit shows beside the list's columns."""
    position = func.jsonb_build_object(
        "longitude", col(Visit.longitude), "latitude", col(Visit.latitude), "system", "wgs84",
        "accuracy_m", col(Visit.position_accuracy_m),
    )  # fmt: skip
    finding = func.jsonb_build_object(
        "id", col(Finding.id), "problem_type", col(CatalogueType.code), "type_zh", col(CatalogueType.zh),
        "note", col(Finding.note), "photo_ids", col(Finding.photo_ids), "problem_id", col(Finding.problem_id),
    )  # fmt: skip
    findings = (
        select(func.coalesce(func.jsonb_agg(aggregate_order_by(finding, col(Finding.place))), func.jsonb_build_array()))
        .select_from(Finding)
        .join(CatalogueType, col(CatalogueType.id) == col(Finding.type_id))
        .where(col(Finding.visit_id) == col(Visit.id), col(Finding.withdrawn_at).is_(None))
        .correlate(Visit)
        .scalar_subquery()
    )
    made: dict[str, Any] = {"position": case((col(Visit.longitude).is_not(None), position)), "findings": findings}
    names = [name for name in VisitOut.model_fields if name not in VisitRow.model_fields]
    return [(made[name] if name in made else getattr(Visit, name)).label(name) for name in names]


def _read(session: Session, statements: Mapping[str, Select[Any]]) -> dict[str, str]:
    """All of them in one statement, which sees one snapshot: each as the text of a JSON array."""
    columns: list[Any] = []
    for name, statement in statements.items():
        rows = statement.subquery(f"{name}_row")
        listed = func.json_agg(func.row_to_json(literal_column(f"{name}_row")))
        whole = select(cast(func.coalesce(listed, func.json_build_array()), Text)).select_from(rows)
        columns.append(whole.scalar_subquery().label(name))
    return dict(session.connection().execute(select(*columns)).mappings().one())


def _reference(found: Mapping[str, str]) -> tuple[str, str]:
    """(its tag, its JSON)."""
    campaigns = json.loads(found["campaign"])
    members = {
        "campaign": json.dumps(campaigns[0] if campaigns else None, ensure_ascii=False),
        "problem_types": found["problem_types"],
        "checklists": found["checklists"],
        "code_lists": _code_lists(),
    }
    inner = ",".join(f'"{name}":{value}' for name, value in members.items())
    tag = blake2b(inner.encode(), digest_size=16).hexdigest()
    return tag, f'{{"tag":"{tag}",{inner}}}'


@lru_cache(maxsize=1)
def _code_lists() -> str:
    items = list_code_lists().model_dump(mode="json")["items"]
    return json.dumps(items, ensure_ascii=False)


def _changed(
    session: Session, start: feed.Position, village: str, subjects: Collection[str]
) -> tuple[feed.Position, dict[str, set[Any]], bool]:
    """Where the feed stands after what it tells of the village, the ids by type, and whether there is more."""
    changed: dict[str, set[Any]] = {}
    position, count, more = start, 0, True
    try:
        while more and count < AT_ONCE:
            batch = feed.read(session, position, subjects=subjects, prefixes=[village], limit=1000)
            for entry in batch.entries:
                changed.setdefault(entry.subject_type, set()).add(entry.subject_id)
            count += len(batch.entries)
            position, more = batch.position, batch.more
    except feed.ExpiredError:
        raise SYNC_CURSOR_EXPIRED.problem() from None
    return position, changed, more


def _gone(changed: Mapping[str, set[Any]], found: Mapping[str, str]) -> Sequence[dict[str, str]]:
    gone = []
    for name, (kind, _, _) in _SECTIONS.items():
        there = {row["id"] for row in json.loads(found.get(name, "[]"))} if changed.get(kind) else set()
        gone += [{"type": kind, "id": one} for one in sorted(map(str, changed.get(kind, ()))) if one not in there]
    return gone


def _sealed(position: feed.Position, secret: bytes, caller: Caller, village: str) -> str:
    payload = f"{village} {position.encode()}".encode()
    return base64.urlsafe_b64encode(_tag(payload, secret, caller) + payload).rstrip(b"=").decode()


def _opened(cursor: str, secret: bytes, caller: Caller, village: str) -> feed.Position:
    """The position of a cursor. Raises `bad_cursor` for a damaged one or another's, 410 for another village's."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        payload = sealed[12:]
        of, _, position = payload.decode().partition(" ")
        if not hmac.compare_digest(sealed[:12], _tag(payload, secret, caller)):
            raise BAD_CURSOR.problem(remedy=WHOLE_AGAIN)
        decoded = feed.Position.decode(position)
    except ValueError:
        raise BAD_CURSOR.problem(remedy=WHOLE_AGAIN) from None
    if of != village:
        raise SYNC_CURSOR_EXPIRED.problem()
    return decoded


def _tag(payload: bytes, secret: bytes, caller: Caller) -> bytes:
    return hmac.digest(secret, b"sync.pull\0" + caller.id.bytes + payload, "sha256")[:12]
