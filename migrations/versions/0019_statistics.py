"""Statistics that follow what is written: each statement appends what it changes, a fold sums it up in the background.

No counter is shared by writers, so none waits for another. What a statement changes is found by comparing its rows
before and after, so a figure equals a count of the records by construction, however they are written. Two figures count
a household or toilet once for several records of it; what those records come to stands in a row of its own each
(`survey_standing`, `problem_standing`), which the same transaction keeps and which is followed like any record.
"""

from alembic import op

from migrations.support import app_role, scoped

revision = "0019_statistics"
down_revision = "0018_rate_limits"

_NOWHERE = "00000000-0000-0000-0000-000000000000"
"""The campaign of what belongs to none."""
_MILLIONTHS, _DEGREES = "round({0} * 1e6)::bigint", ("longitude", "latitude")
_DAY = "(({0}) at time zone 'Asia/Shanghai')::date"

# Table -> (subject, what tells its cells apart, what of the table counts). Together the parts make a cell's key.
_COUNTED: dict[str, list[tuple[str, list[str], str]]] = {
    "household": [("household", ["dwelling_state"], "removed_at is null")],
    "toilet": [
        (
            "toilet",
            ["mode", "coalesce(built_year::text, '')", "coalesce(led_by, '')", "counted::int::text"],
            "removed_at is null",
        ),
        (
            "place",
            [
                "floor((longitude + 180) / 360 * 65536)::int::text",
                "floor((latitude + 90) / 180 * 65536)::int::text",
            ],
            "removed_at is null and longitude is not null",
        ),
    ],
    "visit": [
        ("visit", ["state"], "removed_at is null and campaign_id is not null and state <> 'draft'"),
    ],
    "survey_standing": [("survey", ["level"], "present and level is not null")],
    "problem": [
        (
            "problem",
            [
                "problem_class",
                "cause",
                "type_id::text",
                "state",
                "(reopenings > 0)::int::text",
                "case when state in ('closed', 'dismissed') then '' else coalesce(deadline::text, '') end",
            ],
            "removed_at is null",
        ),
    ],
    "problem_standing": [("problem_toilet", ["aspect", "value", "state"], "state is not null")],
    "task": [("task", ["state", "path", "(redos > 0)::int::text"], "removed_at is null")],
}
# Table -> (event, its moment, when it counts): what happened on which day, and between which days.
_EVENTS: dict[str, list[tuple[str, str, str]]] = {
    "visit": [
        ("visits_submitted", "submitted_at", "campaign_id is not null and state <> 'draft'"),
        ("township_verified", "township_verified_at", "campaign_id is not null"),
        ("county_verified", "county_verified_at", "campaign_id is not null"),
    ],
    "problem": [
        ("found", "found_at", "true"),
        ("accepted", "accepted_at", "true"),
        ("closed", "closed_at", "true"),
        ("dismissed", "dismissed_at", "state = 'dismissed'"),
        ("reopened", "reopened_at", "true"),
    ],
    "task": [("rectified", "submitted_at", "state in ('submitted', 'accepted')")],
}
_STEPS: dict[str, list[tuple[str, str, str, str]]] = {
    "visit": [
        ("submitted_to_township_verified", "submitted_at", "township_verified_at", "campaign_id is not null"),
        (
            "township_verified_to_county_verified",
            "township_verified_at",
            "county_verified_at",
            "campaign_id is not null",
        ),
    ],
    "problem": [
        ("found_to_accepted", "found_at", "accepted_at", "true"),
        ("accepted_to_closed", "accepted_at", "closed_at", "true"),
        ("found_to_closed", "found_at", "closed_at", "true"),
    ],
    "task": [
        ("work_started_to_submitted", "started_at", "submitted_at", "state in ('submitted', 'accepted')"),
        ("work_submitted_to_accepted", "submitted_at", "accepted_at", "state = 'accepted'"),
    ],
}
FOLLOWED = tuple(_COUNTED)

# View -> (subject, which parts of the key it keeps; the others are left empty). A subject's own view keeps all of them,
# at all levels; in a village there is so little that the others needn't be kept there. Where the mode isn't told apart,
# `none` doesn't count, because it is no toilet.
_VIEWS = [
    ("toilet.mode", "toilet", (1, 4), "true"),
    ("toilet.year", "toilet", (2, 4), "parts[1] <> 'none'"),
    ("toilet.leader", "toilet", (3, 4), "parts[1] <> 'none'"),
    ("toilet.mode_year", "toilet", (1, 2, 4), "true"),
    ("toilet.mode_leader", "toilet", (1, 3, 4), "true"),
    ("toilet.year_leader", "toilet", (2, 3, 4), "parts[1] <> 'none'"),
    ("problem.cause", "problem", (1, 2, 4, 5), "true"),
    ("problem.due", "problem", (1, 2, 6), "parts[4] not in ('closed', 'dismissed')"),
]
_PARTS = {"toilet": 4, "problem": 6}
_WIDTHS = (2, 4, 6, 9, 12)
# Grid of 2^zoom cells each way -> the width of the codes that it is kept for: fine grids for small places. The one cell
# of grid 0 is the globe: it gives the centre of each division.
_GRIDS = [(16, 12), (14, 12), (12, 9), (10, 6), (8, 6), (6, 6), *((0, width) for width in _WIDTHS)]


def upgrade() -> None:
    _ledgers()
    _standings()
    for table in FOLLOWED:
        _follow(table)
    _fold()
    _begin()


def _ledgers() -> None:
    """What statements changed and wasn't summed up yet, and the sums: all cells of a view of a division in one row.

    Positions are summed in millionths of a degree.
    """
    op.execute(
        """
        create table statistic_delta (
            subject text collate "C" not null,
            campaign_id uuid not null,
            division_code text collate "C" not null,
            key text collate "C" not null,
            n bigint not null,
            east bigint not null default 0,
            north bigint not null default 0
        ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
        """
    )
    op.execute("create index statistic_delta_division on statistic_delta (division_code)")
    scoped("statistic_delta", "select, insert")
    op.execute(
        """
        create table statistic_sum (
            view text collate "C" not null,
            campaign_id uuid not null,
            division_code text collate "C" not null,
            keys text[] collate "C" not null,
            counts bigint[] not null,
            primary key (view, campaign_id, division_code)
        ) with (fillfactor = 80)
        """
    )
    scoped("statistic_sum", "select")
    op.execute(
        """
        create table statistic_grid (
            zoom int not null,
            x int not null,
            y int not null,
            division_code text collate "C" not null,
            n bigint not null,
            east bigint not null,
            north bigint not null,
            primary key (zoom, x, y, division_code)
        ) with (fillfactor = 80)
        """
    )
    scoped("statistic_grid", "select")


def _standings() -> None:
    op.execute(
        """
        create table survey_standing (
            campaign_id uuid not null references campaign (id),
            household_id uuid not null references household (id),
            division_code text collate "C" not null,
            present boolean not null,
            returned int not null default 0,
            submitted int not null default 0,
            township_verified int not null default 0,
            county_verified int not null default 0,
            level text generated always as (case
                when county_verified > 0 then 'county_verified' when township_verified > 0 then 'township_verified'
                when submitted > 0 then 'submitted' when returned > 0 then 'returned' end) stored,
            primary key (campaign_id, household_id)
        )
        """
    )
    op.execute("create index survey_standing_household on survey_standing (household_id)")
    op.execute("create index survey_standing_division on survey_standing (division_code)")
    scoped("survey_standing")
    op.execute(
        """
        create table problem_standing (
            campaign_id uuid not null references campaign (id),
            toilet_id uuid not null references toilet (id),
            aspect text collate "C" not null check (aspect in ('all', 'cause', 'type')),
            value text collate "C" not null,
            division_code text collate "C" not null,
            open int not null default 0,
            in_work int not null default 0,
            accepted int not null default 0,
            closed int not null default 0,
            state text generated always as (case
                when open > 0 then 'open' when in_work > 0 then 'in_work'
                when accepted > 0 then 'accepted' when closed > 0 then 'closed' end) stored,
            primary key (campaign_id, toilet_id, aspect, value)
        )
        """
    )
    op.execute("create index problem_standing_toilet on problem_standing (toilet_id)")
    op.execute("create index problem_standing_division on problem_standing (division_code)")
    scoped("problem_standing")


def _rows(operation: str) -> str:
    """The rows of a statement, each with the sign by which it counts."""
    new, old = "select 1 as sign, * from new_rows", "select -1 as sign, * from old_rows"
    return {"insert": new, "delete": old, "update": f"{new} union all {old}"}[operation]


def _changes(table: str, rows: str) -> str:
    """The statements that append what `rows` change."""
    campaign = "campaign_id" if table not in ("household", "toilet") else f"'{_NOWHERE}'::uuid"
    statements = [_counted(subject, keys, condition, rows, campaign) for subject, keys, condition in _COUNTED[table]]
    dated = [
        f"('{event}', {_DAY.format(moment)}::text, {moment} is not null and {condition})"
        for event, moment, condition in _EVENTS.get(table, ())
    ]
    if dated:
        statements.append(_several("day", dated, rows, "removed_at is null"))
    stepped = [
        f"('{step}', ({_DAY.format(end)} - {_DAY.format(start)})::text,"
        f" {start} is not null and {end} is not null and {condition})"
        for step, start, end, condition in _STEPS.get(table, ())
    ]
    if stepped:
        statements.append(_several("pace", stepped, rows, "removed_at is null"))
    if table == "visit":
        statements.append(_surveyed(rows))
    if table == "problem":
        statements.append(_problem_toilets(rows))
    return ";\n".join(statements)


def _counted(subject: str, parts: list[str], condition: str, rows: str, campaign: str) -> str:
    columns, sums, having = "n", "sum(sign)", "sum(sign) <> 0"
    if subject == "place":
        columns = "n, east, north"
        sums = ", ".join(("sum(sign)", *(f"sum(sign * {_MILLIONTHS.format(name)})" for name in _DEGREES)))
        having = f"({sums}) <> (0, 0, 0)"
    key = " || '|' || ".join(parts)
    return (
        f"insert into statistic_delta (subject, campaign_id, division_code, key, {columns})\n"
        f"select '{subject}', {campaign}, division_code, {key}, {sums}\n"
        f"from ({rows}) as written where {condition} group by 1, 2, 3, 4 having {having}"
    )


def _several(subject: str, members: list[str], rows: str, condition: str) -> str:
    return (
        "insert into statistic_delta (subject, campaign_id, division_code, key, n)\n"
        f"select '{subject}', campaign_id, division_code, member.key || '|' || member.day, sum(sign)\n"
        f"from ({rows}) as written cross join lateral (values {', '.join(members)}) as member (key, day, counts)\n"
        f"where {condition} and member.counts group by 1, 2, 3, 4 having sum(sign) <> 0"
    )


def _surveyed(rows: str) -> str:
    """What visits change of their households' standing.

    A household without one is held, so that it can't move or be removed until its first standing is there to follow.
    """
    counts = ", ".join(
        f"sum(sign) filter (where state = '{state}') as {state}"
        for state in ("returned", "submitted", "township_verified", "county_verified")
    )
    added = ", ".join(
        f"{state} = standing.{state} + excluded.{state}"
        for state in ("returned", "submitted", "township_verified", "county_verified")
    )
    return f"""
        perform from household where id in (
            select household_id from ({rows}) as written where not exists (
                select from survey_standing as standing where standing.campaign_id = written.campaign_id
                  and standing.household_id = written.household_id)
        ) order by id for share;
        insert into survey_standing as standing (campaign_id, household_id, division_code, present, returned, submitted,
                                                 township_verified, county_verified)
        select changed.campaign_id, household.id, household.division_code, household.removed_at is null,
               coalesce(returned, 0), coalesce(submitted, 0), coalesce(township_verified, 0),
               coalesce(county_verified, 0)
        from (
            select campaign_id, household_id, {counts} from ({rows}) as written
            where removed_at is null and campaign_id is not null and state <> 'draft'
            group by campaign_id, household_id
        ) as changed join household on household.id = changed.household_id
        where (returned, submitted, township_verified, county_verified) is distinct from (0, 0, 0, 0)
        order by changed.campaign_id, household.id
        on conflict (campaign_id, household_id) do update set {added}"""


def _problem_toilets(rows: str) -> str:
    """What problems change of their toilets' standing: over all, by cause, and by type."""
    states = ("open", "in_work", "accepted", "closed")
    counts = ", ".join(f"coalesce(sum(sign) filter (where state = '{state}'), 0) as {state}" for state in states)
    changed = " or ".join(f"coalesce(sum(sign) filter (where state = '{state}'), 0) <> 0" for state in states)
    added = ", ".join(f"{state} = standing.{state} + excluded.{state}" for state in states)
    return f"""
        insert into problem_standing as standing (campaign_id, toilet_id, aspect, value, division_code,
                                                  open, in_work, accepted, closed)
        select campaign_id, toilet_id, part.aspect, part.value,
               coalesce(max(division_code) filter (where sign > 0), max(division_code)), {counts}
        from ({rows}) as written
        cross join lateral (values ('all', ''), ('cause', cause), ('type', type_id::text)) as part (aspect, value)
        where toilet_id is not null and removed_at is null and state <> 'dismissed'
        group by 1, 2, 3, 4 having {changed}
        order by 1, 2, 3, 4
        on conflict (campaign_id, toilet_id, aspect, value) do update set {added}"""


_RECTIFIED = "insert into statistic_delta (subject, campaign_id, division_code, key, n)"


def _rectified_by_task(rows: str) -> str:
    """Work that waits for acceptance, by what its problem is; the problem is held, so that its cause can't change."""
    return f"""
        perform from problem where id in (select problem_id from ({rows}) as written where state = 'submitted')
        order by id for share;
        {_RECTIFIED}
        select 'rectified', written.campaign_id, written.division_code,
               problem.problem_class || '|' || problem.cause, sum(sign)
        from ({rows}) as written join problem on problem.id = written.problem_id
        where written.removed_at is null and written.state = 'submitted'
        group by 1, 2, 3, 4 having sum(sign) <> 0"""


def _rectified_by_problem(rows: str) -> str:
    return f"""
        {_RECTIFIED}
        select 'rectified', task.campaign_id, task.division_code,
               written.problem_class || '|' || written.cause, sum(sign)
        from ({rows}) as written join task on task.problem_id = written.id
        where task.removed_at is null and task.state = 'submitted'
        group by 1, 2, 3, 4 having sum(sign) <> 0"""


_PRESENCE = """
        update survey_standing set present = new_rows.removed_at is null
        from new_rows join old_rows using (id)
        where survey_standing.household_id = new_rows.id
          and (new_rows.removed_at is null) <> (old_rows.removed_at is null)"""


def _follow(table: str) -> None:
    """Triggers on `table`, once a statement, on the rows that it wrote."""
    for operation, transitions in (
        ("insert", "new table as new_rows"),
        ("update", "old table as old_rows new table as new_rows"),
        ("delete", "old table as old_rows"),
    ):
        rows = _rows(operation)
        statements = _changes(table, rows)
        if table == "task":
            statements += f";\n{_rectified_by_task(rows)}"
        if operation == "update":
            statements += {
                "household": f";\n{_PRESENCE}",
                "problem": f";\n{_rectified_by_problem(rows)}",
            }.get(table, "")
        name = f"statistic_{table}_{operation}"
        op.execute(
            f"create function {name}() returns trigger language plpgsql set search_path from current as"
            f" $$ begin\n{statements};\nreturn null; end $$"
        )
        op.execute(
            f"create trigger {name} after {operation} on {table} referencing {transitions}"
            f" for each statement execute function {name}()"
        )


def _fold() -> None:
    """`statistic_fold(most)` sums up to `most` rows of what was appended, and answers how many; one at a time.

    The application may read the sums and add to what was appended; only this changes the sums. It works in the scope of
    whoever calls it, which must be everywhere.
    """
    views = []
    for view, subject, kept, condition in _VIEWS:
        key = " || '|' || ".join(
            f"parts[{number}]" if number in kept else "''" for number in range(1, _PARTS[subject] + 1)
        )
        views.append(
            f"select '{view}' as view, campaign_id, code, {key} as key, n"
            " from level9 cross join lateral string_to_array(key, '|') as parts"
            f" where level9.view = '{subject}' and {condition}"
        )
    sums = "sum(n) as n, sum(east) as east, sum(north) as north"
    levels = ", ".join(
        f"level{width} as materialized (select view, campaign_id, left(code, {width}) as code, key, {sums}"
        f" from {below} group by view, campaign_id, left(code, {width}), key)"
        for width, below in ((6, "views9"), (4, "level6"), (2, "level4"))
    )
    grids = ", ".join(f"({zoom}, {width})" for zoom, width in _GRIDS)
    op.execute(
        f"""
        create function statistic_fold(most int) returns bigint language plpgsql security definer
        set search_path from current set work_mem = '64MB' as $$
        declare folded bigint;
        begin
            if not pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.statistic', 0)) then
                return 0;
            end if;
            with taken as materialized (
                delete from statistic_delta where ctid = any (array(select ctid from statistic_delta limit most))
                returning *
            ),
            level12 as materialized (
                select subject as view, campaign_id, division_code as code, key, {sums} from taken
                group by subject, campaign_id, division_code, key
            ),
            level9 as materialized (
                select view, campaign_id, left(code, 9) as code, key, {sums} from level12
                group by view, campaign_id, left(code, 9), key
            ),
            views9 as materialized (
                select * from level9
                union all
                select view, campaign_id, code, key, sum(n), 0, 0 from ({" union all ".join(views)}) as smaller
                group by view, campaign_id, code, key
            ),
            {levels},
            placed as (
                select 12 as width, * from level12 where length(code) = 12
                union all select 9, * from views9 union all select 6, * from level6
                union all select 4, * from level4 union all select 2, * from level2
            ),
            summed as (
                insert into statistic_sum (view, campaign_id, division_code, keys, counts)
                select view, campaign_id, code, array_agg(key), array_agg(n::bigint) from placed
                where view <> 'place' and n <> 0
                group by view, campaign_id, code order by view, campaign_id, code
                on conflict (view, campaign_id, division_code) do update set (keys, counts) = (
                    select coalesce(array_agg(key), '{{}}'), coalesce(array_agg(n), '{{}}')
                    from (
                        select key, sum(n)::bigint as n
                        from (
                            select * from unnest(statistic_sum.keys, statistic_sum.counts) as kept (key, n)
                            union all
                            select * from unnest(excluded.keys, excluded.counts) as added (key, n)
                        ) as both_ group by key having sum(n) <> 0
                    ) as merged
                )
            ),
            gridded as (
                insert into statistic_grid (zoom, x, y, division_code, n, east, north)
                select zoom, split_part(key, '|', 1)::int >> (16 - zoom), split_part(key, '|', 2)::int >> (16 - zoom),
                       code, sum(n), sum(east), sum(north)
                from placed join (values {grids}) as grid (zoom, kept_for) on kept_for = width
                where view = 'place' group by 1, 2, 3, 4
                having (sum(n), sum(east), sum(north)) <> (0, 0, 0) order by 1, 2, 3, 4
                on conflict (zoom, x, y, division_code) do update set n = statistic_grid.n + excluded.n,
                    east = statistic_grid.east + excluded.east, north = statistic_grid.north + excluded.north
            )
            select count(*) into folded from taken;
            return folded;
        end $$
        """
    )
    op.execute("revoke execute on function statistic_fold(int) from public")
    op.execute(f'grant execute on function statistic_fold(int) to "{app_role()}"')


def _begin() -> None:
    """What has been recorded before counts as well."""
    for table in FOLLOWED:
        if table.endswith("_standing"):
            continue  # made by the triggers of what they come from
        rows = f"select 1 as sign, * from {table}"
        statements = _changes(table, rows)
        if table == "task":
            statements += f";\n{_rectified_by_task(rows)}"
        op.execute(f"do $$ begin\n{statements};\nend $$")
    op.execute("select statistic_fold(2000000000)")
