"""One item by the room's own function, as its single route does it: whatever a set can't decide goes this way."""

from typing import Any
from uuid import UUID

from sqlmodel import Session

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.sync.work import Desk, Done, Work
from toilet_api.kernel.preconditions import etag
from toilet_api.rectification import tasks
from toilet_api.rectification.tables import Task
from toilet_api.registry import households, toilets
from toilet_api.registry.tables import Household, Toilet
from toilet_api.survey import visits
from toilet_api.survey.records import existing
from toilet_api.survey.tables import Visit


def create_household(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /households`."""
    _let_go(desk, desk.households.pop(work.item.record_id, None))
    household_id, made = households.register(desk.session, desk.vault, caller, work.body)
    desk.households[household_id] = row = desk.session.get_one(Household, household_id)
    return Done(row.version, changed=made, new=made)


def create_toilet(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /toilets`."""
    _let_go(desk, desk.toilets.pop(work.item.record_id, None))
    toilet_id, made = toilets.add(desk.session, desk.vault, caller, work.body)
    desk.toilets[toilet_id] = row = desk.session.get_one(Toilet, toilet_id)
    return Done(row.version, changed=made, new=made)


def create_visit(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /visits`; its photos may follow."""
    row, made = visits.create(desk.session, caller, work.body, desk.now, may_follow=True)
    desk.visits[row.id] = row
    return Done(row.version, changed=made, new=made)


def update_household(desk: Desk, caller: Caller, work: Work) -> Done:
    """`PATCH /households/{id}`, on top of the version that is held."""
    return _changed(
        desk,
        work,
        lambda record_id, tag: households.change(desk.session, desk.vault, caller, record_id, work.body, tag),
    )


def update_toilet(desk: Desk, caller: Caller, work: Work) -> Done:
    """`PATCH /toilets/{id}`."""
    return _changed(desk, work, lambda record_id, tag: toilets.change(desk.session, caller, record_id, work.body, tag))


def update_visit(desk: Desk, caller: Caller, work: Work) -> Done:
    """`PATCH /visits/{id}`; its photos may follow."""
    return _changed(
        desk,
        work,
        lambda record_id, tag: visits.change(
            desk.session, caller, record_id, work.body, tag, desk.now, may_follow=True
        ),
    )


def submit_visit(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /visits/{id}/submit`."""
    row = visits.submit(desk.session, caller, work.item.record_id, None, desk.now)
    return Done(row.version)


def remove_household(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /households/{id}/remove`."""
    households.remove(desk.session, caller, work.item.record_id, work.body.reason)
    return Done(_version(desk.session, Household, work.item.record_id))


def remove_toilet(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /toilets/{id}/remove`."""
    toilets.remove(desk.session, caller, work.item.record_id, work.body.reason)
    return Done(_version(desk.session, Toilet, work.item.record_id))


def note_task(desk: Desk, caller: Caller, work: Work) -> Done:
    """`POST /tasks/{id}/notes`; the note has the item's id where it has none of its own."""
    body = work.body if work.body.id is not None else work.body.model_copy(update={"id": work.item.id})
    _, made = tasks.note(desk.session, caller, work.item.record_id, body, None, desk.now)
    return Done(existing(desk.session, caller, Task, work.item.record_id).version, changed=made, new=made)


def _let_go(desk: Desk, row: Household | Toilet | None) -> None:
    """Of a record that has the new one's id: the session can't hold both while the database compares them."""
    if row is not None:
        desk.session.expunge(row)


def _changed(desk: Desk, work: Work, change: Any) -> Done:
    row = desk.row(work.subject)
    before = None if row is None else row.version
    # Without a row there is nothing to be seen here: the room's function says so.
    change(work.item.record_id, etag(before or 1))
    desk.session.flush()
    row = desk.row(work.subject)
    if row is None:
        raise RuntimeError("changed, but not held")
    return Done(row.version, changed=row.version != before)


def _version(session: Session, table: type[Household] | type[Toilet] | type[Visit], record_id: UUID) -> int:
    session.flush()
    return session.get_one(table, record_id).version
