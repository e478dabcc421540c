"""The records behind an assessment, as they stood when it was drawn; and the change feed of assessments.

What an assessment counted can be listed for good. What a level publishes for those below it is told to them.
"""

from alembic import op

from migrations.support import scoped

revision = "0022_assessment_records"
down_revision = "0021_assessment"


_SCOPE = "(select nullif(current_setting('toilet.scope', true), '')::text[])"
_FROM_ABOVE = ("assessment", "assessment_formula", "campaign", "checklist", "import_synonym", "problem_type")


def upgrade() -> None:
    _records()
    told = ", ".join(f"'{name}'" for name in _FROM_ABOVE)
    op.execute(
        f"""
        alter policy read on change_entry using (
            division_code ^@ any ({_SCOPE}::text[]) or from_division_code ^@ any ({_SCOPE}::text[])
            or subject_type in ({told}) and exists (
                select from unnest({_SCOPE}) as prefix where prefix ^@ division_code)
        )
        """
    )


def _records() -> None:
    # A row for each place and outcome, not for each record: a province counts every household below it.
    op.execute(
        """
        create table assessment_record (
            -- It is counted from these before it is written itself.
            assessment_id uuid not null references assessment (id) deferrable initially deferred,
            part text collate "C" not null,
            -- The place as it was then; `division_code` follows it when divisions are merged.
            place_code text collate "C" not null check (place_code ~ '^[0-9]{6,12}$'),
            counted boolean not null,
            division_code text collate "C" not null check (division_code ~ '^[0-9]{6,12}$'),
            record_ids uuid[] not null check (cardinality(record_ids) > 0),
            primary key (assessment_id, part, place_code, counted)
        )
        """
    )
    op.execute("create index assessment_record_division on assessment_record (division_code)")
    scoped("assessment_record")
    op.execute(
        """
        create function assessment_record_is_frozen() returns trigger language plpgsql as $$
        begin
            raise exception 'what an assessment counted is frozen' using errcode = 'integrity_constraint_violation';
        end $$
        """
    )
    op.execute(
        "create trigger is_frozen before update of assessment_id, part, place_code, counted, record_ids"
        " on assessment_record for each row execute function assessment_record_is_frozen()"
    )
