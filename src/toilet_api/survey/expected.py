"""Photos and signatures that a visit names before they are uploaded: a phone sends the text first, the images later."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from toilet_api.kernel.errors import FieldError
from toilet_api.survey.tables import Attachment, ExpectedAttachment, Visit

_EXPECTED = (
    "照片或签名尚未上传；请以同一编号上传后再提交",
    "a photo or signature was not uploaded yet; upload it under this id, then submit",
)


def expect(session: Session, missing: Sequence[tuple[Visit, UUID, str]]) -> None:
    """Remember attachments (visit, id, kind) that are still to come. The visits are stored."""
    if missing:
        rows = [
            {"visit_id": visit.id, "attachment_id": one, "division_code": visit.division_code, "kind": kind}
            for visit, one, kind in missing
        ]
        session.connection().execute(insert(ExpectedAttachment).on_conflict_do_nothing(), rows)


def join(session: Session, attachment: Attachment) -> None:
    """A new attachment belongs to the household of the visit that waits for it, if one does, here and for its kind."""
    waiting = session.exec(
        select(Visit.id, Visit.household_id)
        .join(ExpectedAttachment, col(ExpectedAttachment.visit_id) == col(Visit.id))
        .where(
            ExpectedAttachment.attachment_id == attachment.id,
            ExpectedAttachment.kind == attachment.kind,
            col(Visit.division_code) == attachment.division_code,
        )
        .order_by(col(Visit.id))
    ).all()
    if not waiting:
        return
    attachment.household_id = attachment.household_id or waiting[0][1]
    _forget(session, [one for one, _ in waiting], [attachment.id])


def missing_of(session: Session, visit: Visit, named: Mapping[UUID, str]) -> dict[UUID, FieldError]:
    """What is wrong with attachments that a visit waited for, by id: they have not come, or are of another kind.

    `named` says where in the visit each stands. One that came unseen by `join` is joined here.
    """
    rows = session.exec(
        select(ExpectedAttachment.attachment_id, ExpectedAttachment.kind).where(
            ExpectedAttachment.visit_id == visit.id, col(ExpectedAttachment.attachment_id).in_(set(named))
        )
    )
    waiting = dict(rows.all())
    if not waiting:
        return {}
    there = {row.id: row for row in session.exec(select(Attachment).where(col(Attachment.id).in_(waiting)))}
    faults = {}
    for one, kind in sorted(waiting.items()):
        row = there.get(one)
        if row is None or not row.division_code.startswith(visit.division_code):
            faults[one] = FieldError(named[one], "attachment_expected", _EXPECTED, str(one))
        elif row.kind != kind:
            told = (f"附件种类须为 {kind}", f"the attachment must be a {kind}")
            faults[one] = FieldError(named[one], "attachment_kind", told, str(one), kind)
        else:
            row.household_id = row.household_id or visit.household_id
            _forget(session, [visit.id], [one])
    return faults


def _forget(session: Session, visits: Sequence[UUID], ids: Sequence[UUID]) -> None:
    session.connection().execute(
        delete(ExpectedAttachment).where(
            col(ExpectedAttachment.visit_id).in_(visits), col(ExpectedAttachment.attachment_id).in_(ids)
        )
    )
