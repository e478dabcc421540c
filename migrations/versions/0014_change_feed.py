"""What the change feed needs to be read: by `seq`, by whom a move concerns, and up to where it is kept."""

from alembic import op

from migrations.support import app_role

revision = "0014_change_feed"
down_revision = "0013_import_kinds"

# How many transactions may have been running at one moment, at the least; more where the server allows more.
_TOGETHER = 1000


def upgrade() -> None:
    op.execute("create index change_entry_seq on change_entry (seq)")
    _read_by_whom_it_concerns()
    _horizon()
    _state()
    _renew()
    _open()
    _forget()
    for function in ("change_state()", "change_renew()", "change_open(xid8[], xid8, bigint)", "change_forget(int)"):
        op.execute(f"revoke all on function {function} from public")
        op.execute(f'grant execute on function {function} to "{app_role()}"')


def _read_by_whom_it_concerns() -> None:
    """A move is read where the record was, too; a county's campaigns, catalogue and checklists also in its villages."""
    scope = "(select nullif(current_setting('toilet.scope', true), '')::text[])"
    op.execute("drop policy read on change_entry")
    op.execute(
        f"""
        create policy read on change_entry for select using (
            division_code ^@ any ({scope}::text[]) or from_division_code ^@ any ({scope}::text[])
            or subject_type in ('campaign', 'checklist', 'import_synonym', 'problem_type') and exists (
                select from unnest({scope}) as prefix where prefix ^@ division_code)
        )
        """
    )


def _horizon() -> None:
    op.execute(
        """
        create table change_horizon (
            sole boolean primary key default true check (sole),
            life uuid not null default gen_random_uuid(),
            -- The cluster whose transaction ids the entries carry.
            system bigint not null,
            -- Entries of older transactions, and all entries up to seq, may be missing or tell nothing.
            xid xid8 not null,
            seq bigint not null
        )
        """
    )
    op.execute(
        "insert into change_horizon (system, xid, seq) select system_identifier, '3', 0 from pg_control_system()"
    )


def _state() -> None:
    """Which life of the database it is: another cluster or timeline counts transactions of its own."""
    op.execute(
        """
        create function change_state(
            out era text, out is_home boolean, out horizon_xid xid8, out horizon_seq bigint, out next_xid xid8
        ) language plpgsql stable security definer set search_path from current as $$
        declare
            here bigint := (select system_identifier from pg_control_system());
            timeline text := case when pg_is_in_recovery() then (select timeline_id::text from pg_control_checkpoint())
                                  else left(pg_walfile_name(pg_current_wal_lsn()), 8) end;
        begin
            select substr(md5(concat_ws(' ', h.life, here, timeline)), 1, 8), h.system = here, h.xid, h.seq,
                   pg_snapshot_xmax(pg_current_snapshot())
            into era, is_home, horizon_xid, horizon_seq, next_xid
            from change_horizon h;
        end $$
        """
    )


def _renew() -> None:
    """In a cluster that a backup was restored into, what the entries of before say of transactions means nothing."""
    op.execute(
        """
        create function change_renew() returns void
            language sql security definer set search_path from current as $$
            update change_horizon
            set system = here.system_identifier, xid = pg_snapshot_xmax(pg_current_snapshot()),
                seq = coalesce(pg_sequence_last_value('change_entry_seq_seq'), 0)
            from pg_control_system() as here
            where system <> here.system_identifier
        $$
        """
    )


def _open() -> None:
    """A new goal, and the least and greatest `seq` of what it sees and its base doesn't. It reads no record.

    The base is told by its `running` transactions and by the id `beyond` which it sees none. It is looked for among
    the first entries of transactions: of the running ones, and of the first thousand beyond. Later ones began after the
    base was taken, and write greater `seq` than `sure_before`, given out before that. `low` is null for nothing.
    """
    op.execute(
        f"""
        create function change_open(
            running xid8[], beyond xid8, sure_before bigint,
            out era text, out is_home boolean, out horizon_xid xid8, out next_xid xid8,
            out snapshot pg_snapshot, out sure bigint, out low bigint, out high bigint
        ) language plpgsql volatile security definer set search_path from current as $$
        declare
            scope text := current_setting('toilet.scope', true);
            counter regclass := 'change_entry_seq_seq';
            own xid8 := pg_current_xact_id_if_assigned();
            together int := greatest(
                {_TOGETHER},
                current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int);
            one xid8;
            found_seq bigint;
            kept bigint;
        begin
            perform set_config('toilet.scope', '{{""}}', true);
            if current_setting('transaction_isolation') = 'read committed' then
                sure := coalesce(pg_sequence_last_value(counter), 0);
                select pg_current_snapshot() into snapshot;
            else -- the snapshot was taken long ago: what it sees had been given out by then
                select pg_current_snapshot() into snapshot;
                select e.seq into sure from change_entry e where pg_visible_in_snapshot(e.xid, snapshot)
                order by e.seq desc limit 1;
                sure := coalesce(sure, 0);
            end if;
            if own < pg_snapshot_xmax(snapshot) then -- a snapshot counts its own transaction as ended
                select format('%s:%s:%s', pg_snapshot_xmin(snapshot), pg_snapshot_xmax(snapshot),
                              string_agg(xid::text, ',' order by xid))
                into snapshot
                from (select pg_snapshot_xip(snapshot) union select own) as others (xid);
            end if;
            high := coalesce(pg_sequence_last_value(counter), 0);
            select s.era, s.is_home, s.horizon_xid, s.next_xid, s.horizon_seq
            into era, is_home, horizon_xid, next_xid, kept from change_state() as s;
            if beyond is not null and sure_before <= kept then -- from the oldest on
                low := kept + 1;
            elsif beyond is not null then
                foreach one in array running loop
                    if pg_visible_in_snapshot(one, snapshot) then
                        select e.seq into found_seq from change_entry e where e.xid = one order by e.seq limit 1;
                        low := least(low, found_seq);
                    end if;
                end loop;
                one := beyond;
                for passed in 1 .. together loop
                    select e.xid, e.seq into one, found_seq from change_entry e
                    where e.xid > one and e.xid < pg_snapshot_xmax(snapshot) and pg_visible_in_snapshot(e.xid, snapshot)
                    order by e.xid, e.seq limit 1;
                    exit when not found;
                    low := least(low, found_seq);
                    if passed = together then
                        low := least(low, sure_before + 1);
                    end if;
                end loop;
            end if;
            if low is not null then -- over what isn't kept any more
                select e.seq into low from change_entry e where e.seq >= greatest(low, kept + 1)
                order by e.seq limit 1;
            end if;
            perform set_config('toilet.scope', coalesce(scope, ''), true);
        end $$
        """
    )


def _forget() -> None:
    """Drop the months that ended more than so many days ago. Gives up where others hold the table, for another time."""
    op.execute(
        """
        create function change_forget(days int) returns int
            language plpgsql security definer set search_path from current set lock_timeout = '2s' as $$
        declare
            month regclass;
            newest xid8;
            dropped int := 0;
        begin
            for month in
                select inhrelid::regclass from pg_inherits where inhparent = 'change_entry'::regclass
                  and inhrelid::regclass::text ~ 'change_entry_[0-9]{6}$'
                  and (to_date(right(inhrelid::regclass::text, 6), 'YYYYMM') + interval '1 month')
                      < now() - make_interval(days => days + 1)
                order by 1
            loop
                begin
                    lock table change_entry in access exclusive mode;
                    execute format('select xid from %s order by xid desc limit 1', month) into newest;
                    update change_horizon
                    set xid = greatest(xid, (newest::text::numeric + 1)::text::xid8) where newest is not null;
                    execute format('drop table %s', month);
                    dropped := dropped + 1;
                exception when lock_not_available then
                    return dropped;
                end;
            end loop;
            return dropped;
        end $$
        """
    )
