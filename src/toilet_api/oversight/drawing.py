"""Drawing a sample in the database, and drawing it again to show that it is what it says."""

import secrets
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, case, cast, func, insert, literal, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from toilet_api.accounts.caller import Caller
from toilet_api.divisions import lookup
from toilet_api.kernel.database import EVERYWHERE, enter_scope
from toilet_api.kernel.fields import SHANGHAI
from toilet_api.kernel.scope import prefix_range
from toilet_api.oversight import strata
from toilet_api.oversight.problems import FRAME_EMPTY, SAMPLE_NOT_DRAWN
from toilet_api.oversight.sample_schemas import Frame, RedrawOut, frame_of
from toilet_api.oversight.strata import METHOD, Cell
from toilet_api.oversight.tables import Sample, SampleUnit
from toilet_api.rectification.tables import CloseOut, Task
from toilet_api.registry.tables import Toilet
from toilet_api.survey.tables import LedgerProblem

_MODE: Any = case(
    (col(LedgerProblem.problem_class) == "work", literal("work")), else_=func.coalesce(Toilet.mode, "none")
)
_CONTRACTOR: Any = func.btrim(func.coalesce(Task.contractor, ""))
_STRATUM: Any = func.concat_ws("|", func.left(LedgerProblem.division_code, 9), _MODE, _CONTRACTOR)

_SELECT = text(
    """
    update sample_unit set selected = true
    from (
        select id, stratum, row_number() over (partition by stratum order by draw_key, problem_id) as place
        from sample_unit where sample_id = :sample
    ) as lot
    join unnest(cast(:strata as text[]), cast(:sizes as int[])) as wanted (stratum, size) using (stratum)
    where sample_unit.id = lot.id and lot.place <= wanted.size
    """
)

HOW = (
    "1. 用 GET units?selected=any 取全部问题，按编号升序逐行（换行符连接，末行无换行）求 SHA-256，应等于 frame_digest。"
    "2. 每个问题的抽签值 = SHA-256(种子:问题编号) 的十六进制。"
    "3. 按“乡镇|模式|施工单位”分层；各层应抽数见 strata：够每层一个时每层先取一个，余数按层内剩余比例以最大余数法分配，"
    "余数相同的按 SHA-256(种子:层) 定序；不够时先取覆盖各乡镇、模式、施工单位的若干层，其余按 SHA-256(种子:层) 排序，"
    "从 SHA-256(种子:) 所定起点系统抽取。"
    "4. 每层取抽签值最小的若干个，按编号升序求 SHA-256，应等于 selected_digest。"
    " / 1. Take all units (GET units?selected=any); SHA-256 over their problem ids, ascending, joined by line feeds, "
    "is frame_digest. 2. The lot of a problem is the hex SHA-256 of `seed:problem_id`. 3. By strata township|mode|"
    "contractor: one of each where that is enough, the rest in proportion to what is left by largest remainder, ties "
    "by SHA-256 of `seed:stratum`; else one of each stratum of a cover, the rest systematically in the order of those "
    "hashes from a start by SHA-256 of `seed:`. 4. Of each stratum the smallest lots; SHA-256 over their ids, "
    "ascending, is selected_digest."
)


def draw(session: Session, caller: Caller, sample: Sample, villages: set[str], now: datetime) -> None:
    """Store the frame of a locked sample, each member with its lot, and select. Raises `frame_empty`.

    `villages`: the divisions that are locked for writing; a problem that closes elsewhere meanwhile is not in it.
    """
    seed = sample.seed or secrets.token_hex(16)
    frame = frame_select(session, caller, sample).where(col(LedgerProblem.division_code).in_(villages))
    # In the order in which others hold them, so that no household moves away from its unit.
    frame = frame.order_by(col(LedgerProblem.id)).with_for_update(read=True, of=LedgerProblem)
    key = func.concat(literal(f"{seed}:", Text), cast(LedgerProblem.id, Text))
    rows = frame.with_only_columns(
        func.uuidv7(),
        col(LedgerProblem.division_code),
        literal(sample.id),
        col(LedgerProblem.id),
        _STRATUM,
        func.encode(func.sha256(func.convert_to(key, "UTF8")), "hex"),
        literal(sample.size["kind"] == "all"),
    )
    names = ["id", "division_code", "sample_id", "problem_id", "stratum", "draw_key", "selected"]
    session.connection().execute(insert(SampleUnit).from_select(names, rows))
    populations = _populations(session, sample.id)
    size = sum(populations.values())
    if size == 0:
        raise FRAME_EMPTY.problem()
    allocation = strata.allocate(populations, strata.wanted_of(sample.size, size), seed)
    if sample.size["kind"] != "all":
        session.connection().execute(
            _SELECT,
            {
                "sample": sample.id,
                "strata": [cell.stratum for cell in allocation.sizes],
                "sizes": list(allocation.sizes.values()),
            },
        )
    sample.seed, sample.method, sample.drawn_at = seed, METHOD, now
    sample.frame_size, sample.frame_digest = size, _digest(session, sample.id)
    sample.sample_size, sample.raised_from = allocation.total, allocation.raised_from
    sample.strata = [
        {**cell._asdict(), "population": populations[cell], "sample": taken} for cell, taken in allocation.sizes.items()
    ]


def frame_select(session: Session, caller: Caller, sample: Sample) -> Select[Any]:
    """The closed problems of a sample's frame, in the caller's scope and the holder's division."""
    frame = frame_of(sample.frame)
    division = frame.division and lookup.resolve(session, frame.division)
    place, problem = col(LedgerProblem.division_code), LedgerProblem
    statement = (
        select(place)
        .select_from(problem)
        .outerjoin(Toilet, col(Toilet.id) == col(problem.toilet_id))
        .outerjoin(CloseOut, col(CloseOut.id) == col(problem.close_out_id))
        .outerjoin(Task, col(Task.id) == col(CloseOut.task_id))
        .where(
            col(problem.state) == "closed",
            col(problem.removed_at).is_(None),
            col(problem.closed_at) >= _midnight(frame.closed_from),
            col(problem.closed_at) < _midnight(frame.closed_to + timedelta(days=1)),
            prefix_range(place, sample.division_code),
            caller.scope.condition(place),
        )
    )
    if division:
        statement = statement.where(prefix_range(place, division.code))
    return _narrowed(statement, frame)


def _narrowed(statement: Select[Any], frame: Frame) -> Select[Any]:
    if frame.campaign_id is not None:
        statement = statement.where(col(LedgerProblem.campaign_id) == frame.campaign_id)
    if frame.modes:
        statement = statement.where(_MODE.in_(frame.modes))
    if frame.contractors:
        statement = statement.where(_CONTRACTOR.in_(frame.contractors))
    return statement


def villages_of(session: Session, caller: Caller, sample: Sample) -> set[str]:
    """The divisions where the frame lies now, locked so that none is merged while it is drawn."""
    codes = session.scalars(frame_select(session, caller, sample).distinct()).all()
    return {division.code for division in lookup.lock_for_write(session, codes).values()}


def redraw(session: Session, caller: Caller, sample: Sample) -> RedrawOut:
    """Draw again from the stored frame and seed, and say whether it comes out the same. Raises `sample_not_drawn`."""
    if sample.drawn_at is None:
        raise SAMPLE_NOT_DRAWN.problem()
    # A village may have moved out of the scope since; only digests of what lies there are shown.
    enter_scope(session, EVERYWHERE)
    rows = session.connection().execute(
        select(col(SampleUnit.problem_id), col(SampleUnit.stratum), col(SampleUnit.selected)).where(
            col(SampleUnit.sample_id) == sample.id
        )
    )
    frame: dict[UUID, Cell] = {}
    stored: set[UUID] = set()
    for problem_id, stratum, selected in rows:
        frame[problem_id] = Cell.of(stratum)
        if selected:
            stored.add(problem_id)
    enter_scope(session, caller.scope.prefixes)
    selected_again = strata.select(frame, sample.size, str(sample.seed))
    digest = strata.digest_of(frame)
    return RedrawOut(
        same=selected_again == stored and digest == sample.frame_digest,
        method=str(sample.method),
        seed=str(sample.seed),
        seed_given=sample.seed_given,
        frame_size=len(frame),
        frame_digest=digest,
        selected_digest=strata.digest_of(selected_again),
        how=HOW,
    )


def _populations(session: Session, sample_id: UUID) -> dict[Cell, int]:
    rows = session.connection().execute(
        select(col(SampleUnit.stratum), func.count())
        .where(col(SampleUnit.sample_id) == sample_id)
        .group_by(col(SampleUnit.stratum))
    )
    return {Cell.of(stratum): count for stratum, count in rows}


def _digest(session: Session, sample_id: UUID) -> str:
    """`strata.digest_of` in SQL."""
    ids = func.string_agg(
        cast(SampleUnit.problem_id, Text), aggregate_order_by(literal("\n"), col(SampleUnit.problem_id))
    )
    statement = select(func.encode(func.sha256(func.convert_to(ids, "UTF8")), "hex")).where(
        col(SampleUnit.sample_id) == sample_id
    )
    return str(session.connection().execute(statement).scalar_one())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
