"""Periodic reports: the report, its editions, what a roll-up is made of, and the records as they stood at each draw."""

from alembic import op

from migrations.support import scoped

revision = "0020_reports"
down_revision = "0019_statistics"

_ABOVE_VILLAGE = "^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3})?)?)?$"


def upgrade() -> None:
    op.execute(
        f"""
        create table report (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '{_ABOVE_VILLAGE}'),
            version int not null default 1 check (version > 0),
            created_at timestamptz not null default now(),
            created_by uuid,
            updated_at timestamptz not null default now(),
            updated_by uuid,
            removed_at timestamptz,
            removed_reason text,
            campaign_id uuid references campaign (id),
            kind text not null check (kind in ('weekly', 'half_monthly', 'monthly')),
            -- The division that it was opened for; stays when divisions are merged.
            reported_for text collate "C" not null check (reported_for ~ '{_ABOVE_VILLAGE}'),
            period text not null,
            period_start date not null,
            period_end date not null,
            cutoff_at timestamptz not null,
            state text not null default 'opened' check (
                state in ('opened', 'drawn', 'signed', 'submitted', 'received', 'returned')
            ),
            edition int not null default 0,
            received_edition int check (received_edition between 1 and edition),
            corrected boolean not null default false,
            first_drawn_at timestamptz,
            drawn_at timestamptz,
            first_submitted_at timestamptz,
            submitted_by uuid,
            reminded_soon_at timestamptz,
            reminded_late_at timestamptz,
            check (period_start <= period_end),
            check ((state = 'opened') = (edition = 0)),
            check ((drawn_at is null) = (edition = 0) and (first_drawn_at is null) = (edition = 0)),
            check ((campaign_id is null) = (length(reported_for) < 6)),
            check ((removed_at is null) = (removed_reason is null))
        )
        """
    )
    op.execute("create unique index report_once on report (kind, reported_for, period, campaign_id) nulls not distinct")
    op.execute("create index report_division on report (division_code, kind, period_start)")
    op.execute("create index report_due on report (cutoff_at) where state in ('opened', 'drawn', 'signed', 'returned')")
    scoped("report")
    op.execute(
        """
        create table report_chain (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '^[0-9]{9}$'),
            campaign_id uuid not null references campaign (id),
            drawn_for text collate "C" not null check (drawn_for ~ '^[0-9]{9}$'),
            draws int not null default 0
        )
        """
    )
    op.execute("create unique index report_chain_once on report_chain (campaign_id, drawn_for)")
    op.execute("create index report_chain_division on report_chain (division_code)")
    scoped("report_chain")
    _editions()
    _records()


def _editions() -> None:
    op.execute(
        f"""
        create table report_edition (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '{_ABOVE_VILLAGE}'),
            report_id uuid not null references report (id),
            edition int not null check (edition > 0),
            kind text not null check (kind in ('first', 'redrawn', 'corrected')),
            reason text,
            figures jsonb not null,
            drawn_at timestamptz not null,
            drawn_on date not null,
            drawn_by uuid,
            drawn_by_name text not null,
            chain_id uuid references report_chain (id),
            draw int,
            difficulties text,
            next_steps text,
            signed_at timestamptz,
            signed_by uuid,
            signed_by_name text,
            signature_ids uuid[] not null default '{{}}',
            submitted_at timestamptz,
            submitted_by uuid,
            submitted_by_name text,
            received_at timestamptz,
            received_by uuid,
            received_by_name text,
            returned_at timestamptz,
            returned_by uuid,
            returned_by_name text,
            return_reason text,
            check ((chain_id is null) = (draw is null)),
            check ((kind = 'first') = (edition = 1)),
            check (kind <> 'corrected' or reason is not null),
            check ((returned_at is null) = (return_reason is null))
        )
        """
    )
    op.execute("create unique index report_edition_once on report_edition (report_id, edition)")
    op.execute("create index report_edition_division on report_edition (division_code)")
    scoped("report_edition")
    op.execute(
        f"""
        create table report_part (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '{_ABOVE_VILLAGE}'),
            edition_id uuid not null references report_edition (id),
            -- The division of the level below, as it was when this was rolled up.
            part_of text collate "C" not null check (part_of ~ '{_ABOVE_VILLAGE}'),
            report_id uuid references report (id),
            part_edition int,
            part_edition_id uuid references report_edition (id),
            -- The report of the period that was due; another one, or none, may have stood in for it.
            expected_report_id uuid references report (id),
            outdated boolean not null default false,
            check (num_nonnulls(report_id, part_edition, part_edition_id) in (0, 3))
        )
        """
    )
    op.execute("create index report_part_edition on report_part (edition_id)")
    op.execute("create index report_part_used on report_part (report_id)")
    op.execute("create index report_part_division on report_part (division_code)")
    scoped("report_part")
    # What was drawn stays: figures, the draw they were counted from, the parts. The place follows its division.
    op.execute(
        """
        create function report_is_frozen() returns trigger language plpgsql as $$
        begin
            raise exception 'what a report was drawn with is never changed' using errcode = 'check_violation';
        end $$
        """
    )
    _freeze(
        "report_edition",
        "report_id, edition, kind, reason, figures, drawn_at, drawn_on, drawn_by, drawn_by_name, chain_id, draw",
    )
    _freeze(
        "report_part", "edition_id, part_of, report_id, part_edition, part_edition_id, expected_report_id, outdated"
    )


def _freeze(table: str, columns: str, name: str = "is_frozen", condition: str = "") -> None:
    op.execute(
        f"create trigger {table}_{name} before update of {columns} on {table} for each row {condition}"
        " execute function report_is_frozen()"
    )


def _records() -> None:
    """A row holds from the draw `draw_from` up to, not including, `draw_to`: a draw writes only what has changed."""
    op.execute(
        """
        create table reported_record (
            chain_id uuid not null references report_chain (id),
            record_type text collate "C" not null check (
                record_type in ('household', 'toilet', 'problem', 'problem_toilet')
            ),
            record_id uuid not null,
            draw_from int not null check (draw_from > 0),
            draw_to int check (draw_to > draw_from),
            -- The township: who sees the report sees what it is made of.
            division_code text collate "C" not null check (division_code ~ '^[0-9]{9}$'),
            place_code text collate "C" not null,
            household_id uuid,
            toilet_id uuid,
            dwelling_state text,
            survey_level text,
            mode text,
            grade text,
            counted boolean,
            built_year int,
            led_by text,
            problem_class text,
            cause text,
            causes text[],
            problem_type text,
            state text,
            deadline date,
            rectified boolean,
            reopened boolean,
            primary key (chain_id, record_type, record_id, draw_from)
        )
        """
    )
    op.execute(
        "create index reported_record_now on reported_record (chain_id, record_type, record_id) where draw_to is null"
    )
    op.execute("create index reported_record_place on reported_record (chain_id, record_type, place_code, record_id)")
    op.execute("create index reported_record_division on reported_record (division_code)")
    scoped("reported_record")
    _freeze(
        "reported_record",
        "chain_id, record_type, record_id, draw_from, place_code, household_id, toilet_id, dwelling_state,"
        " survey_level, mode, grade, counted, built_year, led_by, problem_class, cause, causes, problem_type, state,"
        " deadline, rectified, reopened",
    )
    _freeze("reported_record", "draw_to", "has_ended", "when (old.draw_to is not null)")
