"""What is written into a visit, and what it refers to: read for any number of visits together, then applied to each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.kernel.errors import INVALID, FieldError
from toilet_api.kernel.fields import Position
from toilet_api.registry.tables import Toilet
from toilet_api.survey import attachments, rules
from toilet_api.survey.catalogue import Named, chosen, types_named
from toilet_api.survey.tables import Attachment, CatalogueType, Finding, Visit
from toilet_api.survey.visit_schemas import FindingIn

PLAIN = ("method", "presence", "usability", "visited_at", "checked_against", "note")
JOURNALED = (
    *PLAIN,
    "toilet_id",
    "longitude",
    "latitude",
    "state",
    "photo_ids",
    "surveyor_id",
    "surveyor_signature_ids",
    "household_signature_ids",
    "return_reason",
)
_ATTACHED = (("photo_ids", "photo"), ("surveyor_signature_ids", "signature"), ("household_signature_ids", "signature"))

Active = list[tuple[Finding, CatalogueType]]
Changes = Mapping[str, Any]


@dataclass(slots=True)
class Around:
    """What visits and their changes refer to."""

    toilets: dict[UUID, Toilet]
    attachments: dict[UUID, Attachment]
    types: Named
    kinds: dict[UUID, CatalogueType]
    """The types of the findings that are there, and those of `types`, by id."""
    findings: dict[UUID, dict[UUID, Finding]]
    """Visit -> type -> finding, withdrawn ones included."""

    def active(self, visit_id: UUID) -> Active:
        """The findings of a visit that stand, in its own order, with their types."""
        standing = [one for one in self.findings.get(visit_id, {}).values() if one.withdrawn_at is None]
        return [(one, self.kinds[one.type_id]) for one in sorted(standing, key=lambda one: one.place)]


@dataclass(slots=True)
class Written:
    """What a change leaves to be stored beside the visit's own row."""

    findings: list[Finding] = field(default_factory=list)
    """New ones."""
    joined: list[Attachment] = field(default_factory=list)
    expected: list[tuple[UUID, str]] = field(default_factory=list)
    """Attachments that are still to come, with their kind."""


def read(session: Session, wanted: Sequence[tuple[Visit, Changes]], *, new: bool = False) -> Around:
    """Everything that these changes of visits need to know. `new`: the visits are not stored, and have no findings."""
    found: dict[UUID, dict[UUID, Finding]] = {visit.id: {} for visit, _ in wanted}
    if not new:
        for finding in session.exec(select(Finding).where(col(Finding.visit_id).in_(found))):
            found[finding.visit_id][finding.type_id] = finding
    given: list[FindingIn] = [one for _, changes in wanted for one in changes.get("findings") or ()]
    counties = {visit.division_code[:6] for visit, changes in wanted if changes.get("findings")}
    types = types_named(session, {one.problem_type for one in given}, counties)
    kinds = {kind.id: kind for kind in types.values()}
    unread = {type_id for one in found.values() for type_id in one} - kinds.keys()
    if unread:
        rows = session.exec(select(CatalogueType).where(col(CatalogueType.id).in_(unread)))
        kinds |= {kind.id: kind for kind in rows}
    toilets = {changes["toilet_id"] for _, changes in wanted if changes.get("toilet_id") is not None}
    standing = session.exec(select(Toilet).where(col(Toilet.id).in_(toilets))) if toilets else ()
    attached = {one for _, changes in wanted for name, _ in _ATTACHED for one in changes.get(name) or ()}
    attached.update(photo for one in given for photo in one.photo_ids)
    return Around({one.id: one for one in standing}, attachments.find(session, attached), types, kinds, found)


def apply(around: Around, visit: Visit, changes: Changes, now: datetime, *, may_follow: bool = False) -> Written:
    """Write members into a visit and its findings, and refuse what contradicts itself or refers to something elsewhere.

    `may_follow`: attachments that nobody has uploaded yet are expected, not refused.
    """
    written = Written()
    for name in PLAIN:
        if name in changes:
            setattr(visit, name, changes[name])
    if "position" in changes:
        _place(visit, changes["position"])
    if "toilet_id" in changes:
        _check_toilet(around, visit, changes["toilet_id"])
        visit.toilet_id = changes["toilet_id"]
    for name, kind in _ATTACHED:
        if name in changes:
            _attach(around, visit, written, changes[name], kind, f"/{name}", may_follow)
            setattr(visit, name, changes[name])
    if "findings" in changes:
        _replace_findings(around, visit, written, changes["findings"], now, may_follow)
    faults = rules.contradictions(facts(visit, around.active(visit.id)), now)
    if faults:
        raise INVALID.problem(errors=faults)
    for row in written.joined:
        row.household_id = row.household_id or visit.household_id
    return written


def content_of(visit: Visit, active: Iterable[tuple[Finding, CatalogueType]]) -> dict[str, Any]:
    """A visit as the journal keeps it."""
    found: dict[str, Any] = {name: getattr(visit, name) for name in JOURNALED}
    found["findings"] = [
        {"problem_type": kind.code, "note": finding.note, "photo_ids": finding.photo_ids} for finding, kind in active
    ]
    return found


def facts(visit: Visit, active: Iterable[tuple[Finding, CatalogueType]]) -> rules.VisitFacts:
    """What the consistency rules look at."""
    return rules.VisitFacts(
        method=visit.method,
        presence=visit.presence,
        usability=visit.usability,
        has_toilet=visit.toilet_id is not None,
        visited_at=visit.visited_at,
        finding_classes=[kind.problem_class for _, kind in active],
    )


def named(visit: Visit, active: Iterable[tuple[Finding, CatalogueType]]) -> dict[UUID, str]:
    """Every photo and signature that the visit names, with where it stands in it."""
    lists: list[tuple[str, Sequence[UUID]]] = [(f"/{name}", getattr(visit, name)) for name, _ in _ATTACHED]
    lists += [(f"/findings/{place}/photo_ids", one.photo_ids) for place, (one, _) in enumerate(active)]
    return {one: f"{pointer}/{place}" for pointer, ids in lists for place, one in enumerate(ids)}


def toilet_unknown() -> Exception:
    """422: the household has no such toilet."""
    return invalid("/toilet_id", "toilet_unknown", "该农户没有这个厕所", "the household has no such toilet")


def invalid(pointer: str, code: str, zh: str, en: str) -> Exception:
    """422 with one fault."""
    return INVALID.problem(errors=[FieldError(pointer, code, (zh, en))])


def _place(visit: Visit, position: Position | None) -> None:
    visit.longitude, visit.latitude = position.to_wgs84() if position else (None, None)
    visit.position_system = position.system if position else None
    visit.position_accuracy_m = position.accuracy_m if position else None


def _check_toilet(around: Around, visit: Visit, toilet_id: UUID | None) -> None:
    if toilet_id is None:
        return
    toilet = around.toilets.get(toilet_id)
    if toilet is None or toilet.removed_at is not None or toilet.household_id != visit.household_id:
        raise toilet_unknown()


def _attach(
    around: Around, visit: Visit, written: Written, ids: Sequence[UUID], kind: str, pointer: str, may_follow: bool
) -> None:
    missing = {one for one in ids if one not in around.attachments} if may_follow else set()
    there = [one for one in ids if one not in missing]
    faults = attachments.faults_of(around.attachments, ids, kind, visit.division_code, pointer, missing)
    if faults:
        raise INVALID.problem(errors=faults)
    written.joined += [around.attachments[one] for one in there]
    written.expected += [(one, kind) for one in missing]


def _replace_findings(
    around: Around, visit: Visit, written: Written, wanted: list[FindingIn], now: datetime, may_follow: bool
) -> None:
    """The list as given; what isn't in it any more is withdrawn, what comes back stands again."""
    stored = around.findings.setdefault(visit.id, {})
    pointers = {one.problem_type: f"/findings/{place}/problem_type" for place, one in enumerate(wanted)}
    if len(pointers) < len(wanted):
        raise invalid("/findings", "finding_repeated", "同一问题类型只能登记一次", "each problem type may appear once")
    types = chosen(around.types, list(pointers), visit.division_code, pointers, stored.keys())
    for place, one in enumerate(wanted):
        _attach(around, visit, written, one.photo_ids, "photo", f"/findings/{place}/photo_ids", may_follow)
        kind = types[one.problem_type].id
        finding = stored.get(kind)
        if finding is None:
            finding = Finding(division_code=visit.division_code, visit_id=visit.id, type_id=kind, place=place)
            stored[kind] = finding
            written.findings.append(finding)
        finding.note, finding.photo_ids, finding.place, finding.withdrawn_at = one.note, one.photo_ids, place, None
    kept = {types[one.problem_type].id for one in wanted}
    for kind, finding in stored.items():
        if kind not in kept and finding.withdrawn_at is None:
            finding.withdrawn_at = now
