"""The tree of divisions and what became of its codes."""

from alembic import op

from migrations.support import granted, walled

revision = "0002_divisions"
down_revision = "0001_kernel"

COVERED = "{0} ^@ any ((select nullif(current_setting('toilet.scope', true), '')::text[])::text[])"


def upgrade() -> None:
    # PL/pgSQL, not SQL: the index of 665,000 names is built in half the time (measured: docs/divisions.md).
    op.execute(
        """
        create function division_bigrams(name text) returns text[]
            language plpgsql immutable strict parallel safe as $$
        declare
            pairs text[] := '{}';
        begin
            for place in 1 .. length(name) - 1 loop
                pairs[place] := substr(name, place, 2);
            end loop;
            return pairs;
        end $$
        """
    )
    op.execute(
        """
        create table division (
            code text collate "C" primary key
                check (code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'),
            name text collate "C" not null check (char_length(name) between 1 and 100),
            level int not null generated always as (
                case length(code) when 2 then 1 when 4 then 2 when 6 then 3 when 9 then 4 else 5 end) stored,
            -- Derived, so that a code can't disagree with its place in the tree.
            parent_code text collate "C" generated always as (
                case length(code) when 2 then null when 4 then left(code, 2) when 6 then left(code, 4)
                                  when 9 then left(code, 6) else left(code, 9) end) stored
                references division (code),
            valid_from date,
            valid_to date,
            maintained boolean not null default false,
            version int not null default 1 check (version > 0),
            updated_at timestamptz not null default now(),
            check (valid_to >= valid_from)
        )
        """
    )
    op.execute("create index division_parent on division (parent_code, code)")
    op.execute("create index division_name on division (name)")
    op.execute("create index division_search on division using gin (division_bigrams(name))")
    op.execute(
        """
        create table division_successor (
            id bigint generated always as identity primary key,
            old_code text collate "C" not null references division (code),
            old_name text not null,
            new_code text collate "C" not null references division (code),
            kind text not null check (kind in ('rename', 'merge', 'split', 'move')),
            main boolean not null,
            at date not null,
            reason text,
            recorded_at timestamptz not null default now(),
            check ((kind = 'rename') = (old_code = new_code))
        )
        """
    )
    op.execute("create index division_successor_new on division_successor (new_code)")
    op.execute("create index division_successor_old on division_successor (old_code)")
    # An ended code leads to one place.
    op.execute("create unique index division_successor_main on division_successor (old_code) where main")
    # Everyone reads the tree; it is altered, and its rows are locked by writers of records, only inside the scope.
    walled("division")
    op.execute("create policy read on division for select using (true)")
    op.execute(f"create policy add on division for insert with check ({COVERED.format('code')})")
    op.execute(
        f"create policy alter on division for update"
        f" using ({COVERED.format('code')}) with check ({COVERED.format('code')})"
    )
    # MAINTAIN: the loader refreshes the statistics of what it has loaded.
    granted("division", "select, insert, update, maintain")
    granted("division_successor", "select, insert")
