"""Headings that a county's ledgers use, and the fields that they mean. A county's words hold in its townships too."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from toilet_api.accounts.caller import Caller
from toilet_api.exchange.imports.problems import BAD_FORM, SYNONYM_EXISTS
from toilet_api.exchange.imports.synonym_schemas import SynonymNew, SynonymPatch, SynonymRow, fits
from toilet_api.exchange.imports.synonym_tables import ImportSynonym
from toilet_api.exchange.ledgers.header_search import is_letter
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.ledgers.problems import BAD_MAPPING
from toilet_api.exchange.records.columns import fields_of
from toilet_api.kernel import journal
from toilet_api.kernel.errors import INVALID, OUT_OF_SCOPE, FieldError
from toilet_api.kernel.fields import new_id, now
from toilet_api.kernel.preconditions import optional_match, require_match
from toilet_api.registry.merging import difference
from toilet_api.survey.places import own_place
from toilet_api.survey.records import digest, existing, insert_once, locked, snapshot

_CONTENT = ("kind", "heading", "field")
_LEVELS = (6, 9, 12)
_ONE_AT_A_TIME = text(
    "select pg_advisory_xact_lock(hashtextextended(current_schema() || '.import_synonym.' || :place, 0))"
)


def words_for(session: Session, division_code: str, kind: str) -> dict[str, str | None]:
    """Normalised heading -> field, for an import of `division_code`: its own words, and those of the divisions above.

    The nearest division wins; within one, what was changed last. None: the column is left out.
    """
    above = [division_code[:length] for length in _LEVELS if length <= len(division_code)]
    rows = session.exec(
        rows_of(ImportSynonym.heading_key, ImportSynonym.field)
        .where(
            col(ImportSynonym.division_code).in_(above),
            ImportSynonym.kind == kind,
            col(ImportSynonym.removed_at).is_(None),
        )
        .order_by(func.length(ImportSynonym.division_code), col(ImportSynonym.updated_at), col(ImportSynonym.id))
    )
    return dict(rows.all())


def synonym_select(caller: Caller, places: ColumnElement[bool] | None = None) -> Select[Any]:
    """The words within the caller's divisions, and those of the divisions above them."""
    columns = [getattr(ImportSynonym, name) for name in SynonymRow.model_fields]
    seen = or_(caller.scope.condition(col(ImportSynonym.division_code)), _is_above(caller.scope.prefixes))
    statement = select(*columns).where(col(ImportSynonym.removed_at).is_(None), seen)
    return statement if places is None else statement.where(places)


def holding_at(division_code: str) -> ColumnElement[bool]:
    """The words that count somewhere in a division: its own, those above it and those below it."""
    column = col(ImportSynonym.division_code)
    return or_(column.startswith(division_code, autoescape=True), _is_above((division_code,)))


def _is_above(prefixes: tuple[str, ...]) -> ColumnElement[bool]:
    above = {prefix[:length] for prefix in prefixes for length in _LEVELS if length <= len(prefix)}
    return col(ImportSynonym.division_code).in_(above)


def present(row: ImportSynonym) -> SynonymRow:
    """One word, as an answer."""
    return SynonymRow(**row.model_dump(include=set(SynonymRow.model_fields)))


def create(session: Session, caller: Caller, body: SynonymNew) -> tuple[ImportSynonym, bool]:
    """A word of a division; (it, whether it was made now). Raises 409 `import_synonym_exists` for one it has."""
    place = own_place(session, caller, body.division_code, None)
    session.connection().execute(_ONE_AT_A_TIME, {"place": place})
    row = _new(caller, place, body)
    if session.get(ImportSynonym, row.id) is None:
        found = _own_word(session, place, body.kind, row.heading_key)
        if found is not None:
            raise SYNONYM_EXISTS.problem(existing_id=str(found.id), field=found.field)
    row, made = insert_once(session, row)
    if made:
        _journal(session, row, "import_synonym.created", None, op="create")
    return row, made


def change(
    session: Session, caller: Caller, synonym_id: UUID, body: SynonymPatch, if_match: str | None
) -> ImportSynonym:
    """Another field for a word. Raises 403 `out_of_scope` for a word of a division above, 412, 428."""
    row = _held(session, caller, synonym_id)
    require_match(if_match, row.version, lambda: present(row))
    if "field" in body.changes():
        known = list(fields_of(row.kind))
        if body.field is not None and body.field not in known:
            fault = ("该种导入没有这个字段", "imports of this kind have no such field")
            raise INVALID.problem(errors=[FieldError("/field", "unknown_column", fault, body.field, known)])
        _set(session, caller, row, body.field)
    return row


def remove(session: Session, caller: Caller, synonym_id: UUID, reason: str, if_match: str | None) -> ImportSynonym:
    """Forget a word, with the reason."""
    row = _held(session, caller, synonym_id)
    optional_match(if_match, row.version, lambda: present(row))
    before = snapshot(row, _CONTENT)
    row.touch(caller.id)
    row.removed_at, row.removed_reason = now(), reason
    _journal(session, row, "import_synonym.removed", before, reason=reason, op="remove")
    return row


def remember(
    session: Session, caller: Caller, division_code: str, kind: str, mapping: Mapping[str, str | None]
) -> None:
    """Keep an import's mapping as words of its division: new ones are made, known ones get the field of now.

    Raises `import_bad_mapping` for a mapping by columns (`C:`): where a column stands in one file says nothing of the
    next. Its fields were checked when it was read.
    """
    unfit = [heading for heading in mapping if is_letter(heading) or not fits(heading)]
    if unfit:
        fault = ("不是可以记住的表头", "no heading that can be remembered")
        raise BAD_MAPPING.problem(
            (
                f"按列号的对应不能记住，请改用表头：{'、'.join(unfit)}。",
                f"What is mapped by its column can't be remembered; use its heading: {', '.join(unfit)}.",
            ),
            [FieldError(f"/mapping/{heading}", "not_a_heading", fault) for heading in unfit],
        )
    if len(division_code) < min(_LEVELS):
        raise BAD_FORM.problem(
            (
                "列对应只能记在县、乡镇或村；请用 division 指明。",
                "A mapping is remembered for a county or below; name it by `division`.",
            ),
            [FieldError("/remember_mapping", "division_level", ("须为县级或以下", "a county or below"), division_code)],
        )
    place = own_place(session, caller, division_code, None)
    session.connection().execute(_ONE_AT_A_TIME, {"place": place})
    for heading, name in sorted(mapping.items()):
        word = SynonymNew.model_construct(id=None, division_code=place, kind=kind, heading=heading.strip(), field=name)
        row = _new(caller, place, word)
        found = _own_word(session, place, kind, row.heading_key)
        if found is None:
            session.add(row)
            _journal(session, row, "import_synonym.created", None, op="create")
        elif found.field != name:
            _set(session, caller, found, name)


def _new(caller: Caller, place: str, body: SynonymNew) -> ImportSynonym:
    return ImportSynonym(
        **body.model_dump(exclude={"id", "division_code"}),
        id=body.id or new_id(),
        division_code=place,
        heading_key=normalise(body.heading),
        created_by=caller.id,
        updated_by=caller.id,
        origin_digest=digest(body),
    )


def _own_word(session: Session, place: str, kind: str, key: str) -> ImportSynonym | None:
    return session.exec(
        rows_of(ImportSynonym)
        .where(
            ImportSynonym.division_code == place,
            ImportSynonym.kind == kind,
            ImportSynonym.heading_key == key,
            col(ImportSynonym.removed_at).is_(None),
        )
        .order_by(col(ImportSynonym.updated_at).desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def _held(session: Session, caller: Caller, synonym_id: UUID) -> ImportSynonym:
    """The word, to change it: seen from below, it is changed only from within its own division."""
    found = existing(session, caller, ImportSynonym, synonym_id)
    if not caller.scope.covers(found.division_code):
        raise OUT_OF_SCOPE.problem(
            ("这是上级区划的表头词，请由上级修改。", "A word of the division above; leave it to the people there.")
        )
    return locked(session, caller, ImportSynonym, synonym_id)


def _set(session: Session, caller: Caller, row: ImportSynonym, name: str | None) -> None:
    before = snapshot(row, _CONTENT)
    row.field = name
    row.touch(caller.id)
    _journal(session, row, "import_synonym.updated", before)


def _journal(
    session: Session,
    row: ImportSynonym,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    op: journal.Operation = "update",
) -> None:
    after: dict[str, Any] | None = snapshot(row, _CONTENT)
    if op == "remove":
        after = None
    elif before is not None and after is not None:
        before, after = difference(before, after)
    journal.record(
        session,
        action=action,
        subject_type="import_synonym",
        subject_id=row.id,
        division_code=row.division_code,
        version=row.version,
        before=before,
        after=after,
        reason=reason,
        op=op,
    )
