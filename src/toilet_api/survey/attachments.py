"""Photos and signatures: stored by hash, unchanged, and referred to only inside of the record's own place."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from toilet_api.accounts.caller import Caller
from toilet_api.kernel import journal
from toilet_api.kernel.errors import ID_TAKEN, INVALID, FieldError
from toilet_api.kernel.fields import new_id
from toilet_api.kernel.objects import ObjectStore
from toilet_api.survey import expected, images
from toilet_api.survey.places import own_place
from toilet_api.survey.records import insert_once
from toilet_api.survey.schemas import AttachmentOut, Wgs84
from toilet_api.survey.tables import Attachment


def store(
    session: Session,
    objects: ObjectStore,
    caller: Caller,
    data: bytes,
    facts: images.ImageFacts,
    *,
    division_code: str,
    kind: str,
    attachment_id: UUID | None,
) -> tuple[Attachment, bool]:
    """A record of its own for an image; the same bytes are stored once. Gives whether it was made now."""
    place = own_place(session, caller, division_code, None)
    if len(place) < 6:
        fault = ("附件须属于县、乡镇或村", "an attachment belongs to a county, township or village")
        raise INVALID.problem(errors=[FieldError("/division_code", "division_level", fault, place)])
    longitude, latitude = facts.position or (None, None)
    row = Attachment(
        id=attachment_id or new_id(),
        division_code=place,
        kind=kind,
        sha256=objects.put(data),
        media_type=facts.media_type,
        size_bytes=len(data),
        width=facts.width,
        height=facts.height,
        captured_at=facts.captured_at,
        captured_zone_stated=facts.zone_stated,
        longitude=longitude,
        latitude=latitude,
        created_by=caller.id,
        updated_by=caller.id,
    )
    wanted = (row.sha256, kind)
    row, made = insert_once(session, row)
    if made:
        expected.join(session, row)
        journal.record(
            session,
            action="attachment.created",
            subject_type="attachment",
            subject_id=row.id,
            division_code=row.division_code,
            version=row.version,
            after={"kind": kind, "sha256": row.sha256, "size_bytes": row.size_bytes, "captured_at": row.captured_at},
            op="create",
        )
    elif (row.sha256, row.kind) != wanted:
        raise ID_TAKEN.problem()
    return row, made


def present(row: Attachment) -> AttachmentOut:
    """The metadata, as an answer."""
    gps = (
        None if row.longitude is None or row.latitude is None else Wgs84(longitude=row.longitude, latitude=row.latitude)
    )
    names = set(AttachmentOut.model_fields) - {"gps", "content_url"}
    return AttachmentOut(**row.model_dump(include=names), gps=gps, content_url=f"/api/v1/attachments/{row.id}/content")


def find(session: Session, ids: Collection[UUID]) -> dict[UUID, Attachment]:
    """The attachments of these ids that the transaction sees."""
    if not ids:
        return {}
    return {row.id: row for row in session.exec(select(Attachment).where(col(Attachment.id).in_(set(ids))))}


def faults_of(
    rows: Mapping[UUID, Attachment],
    ids: Sequence[UUID],
    kind: str,
    division_code: str,
    pointer: str,
    expected: Collection[UUID] = (),
) -> list[FieldError]:
    """What is wrong with naming `ids` in a record at `division_code`. Those of `expected` are still to come."""
    faults: list[FieldError] = []
    for place, wanted in enumerate(ids):
        row = rows.get(wanted)
        if wanted in expected:
            continue
        if row is None or not row.division_code.startswith(division_code):
            fault = ("没有该附件，或它不属于本地", "no such attachment, or it belongs elsewhere")
            faults.append(FieldError(f"{pointer}/{place}", "attachment_unknown", fault, str(wanted)))
        elif row.kind != kind:
            fault = (f"附件种类须为 {kind}", f"the attachment must be a {kind}")
            faults.append(FieldError(f"{pointer}/{place}", "attachment_kind", fault, row.kind, kind))
    return faults


def check(
    session: Session, ids: Sequence[UUID], kind: str, division_code: str, pointer: str, household_id: UUID | None = None
) -> dict[UUID, Attachment]:
    """The attachments that a record at `division_code` refers to. Raises 422 for one that isn't there, or of elsewhere.

    `household_id`: from now on they belong to that household, and follow it when its village is split.
    """
    rows = find(session, ids)
    faults = faults_of(rows, ids, kind, division_code, pointer)
    if faults:
        raise INVALID.problem(errors=faults)
    for row in rows.values():
        row.household_id = row.household_id or household_id
    return rows
