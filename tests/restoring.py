"""One database a process that is put back between two tests: cloning the template costs twenty times as much.

A clone makes some five hundred files. Putting back deletes what was written since and inserts what is missing, told by
the transaction number that stands in every row. Where a test changed the schema itself or left the files swollen, a new
clone is made after all.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, event

from toilet_api.kernel.database import Database

# Of each table with rows of its own in the template: the columns that can be written, and the primary key.
_TABLES = """
    select format('%I.%I', n.nspname, c.relname) as name,
           (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
           (select string_agg(format('kept.%1$I = present.%1$I', a.attname), ' and ') from pg_index i
            join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
            where i.indrelid = c.oid and i.indisprimary) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
    order by c.oid
"""
_SEQUENCES = """
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't'
"""
_SIZE = "select sum(pg_relation_size(oid)) from pg_class where relkind = 'r' and relpersistence <> 't' and oid >= 16384"
_SWOLLEN = 16 * 1024 * 1024
_SIZED_EACH = 10
"""It grows over many tests: the size is asked for at the first time and each so many."""

# Everything of our own that defines the schema: how much there is of it, and how much of it is newer than the clone.
# What PostgreSQL brings along has smaller numbers than 16384. No joins to leave temporary tables out: this is asked
# before each test, and those of whoever is gone are gone.
_SCHEMA = """
    select array[count(*), count(*) filter (where age(number) < age(%s::xid))] from (
        select xmin from pg_class where oid >= 16384
        union all
        select xmin from pg_namespace where nspname not like 'pg\\_%%temp\\_%%'
        union all
        select xmin from pg_proc where oid >= 16384
        union all
        select xmin from pg_policy
        union all
        select xmin from pg_sequence
        union all
        select xmin from pg_trigger
        union all
        select xmin from pg_index where indexrelid >= 16384
        union all
        select xmin from pg_constraint where oid >= 16384
        union all
        select xmin from pg_attribute where attrelid >= 16384
    ) as parts (number)
"""

# Whoever still works in the database, and whoever isn't of the pool that is kept, as `drop database ... with (force)`.
_STRANGERS = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
      and (state <> 'idle' or pid <> all(%s))
"""


class Restored:
    """The database of this process's tests."""

    def __init__(self, address: Callable[[str], str], template: str, prefix: str = "test") -> None:
        """`address` gives the address of a database for the bare driver."""
        self._address = address
        self._template = template
        self._connection: psycopg.Connection[Any] | None = None
        self._witness: psycopg.Connection[Any] | None = None
        self._schema: list[int] = []
        self._since = ""
        self._whole = 0
        self._times = 0
        self._stands = 0
        self.name = prefix
        self.clones = 0
        """How many times it had to be made anew."""

    def make(self, keeping: Collection[int] = ()) -> None:
        """See that the database is as the template is.

        `keeping` are the server's processes whose connections stay, if they do nothing.
        """
        if self._connection is not None:
            try:
                kept = [*keeping, *([] if self._witness is None else [self._witness.info.backend_pid])]
                if self._is_untouched(kept) or self._put_back():
                    return
            except psycopg.Error:
                pass  # whatever a test did to it: there will be another
            self.drop()
        self._clone()

    def drop(self) -> None:
        """Do away with it."""
        if self._witness is not None:
            self._witness.close()
            self._witness = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._execute(f"drop database {self.name} with (force)")

    def _is_untouched(self, keeping: list[int]) -> bool:
        """Whether no transaction on this server has had a number, as one has that writes; sends strangers away."""
        assert self._connection is not None
        strangers = self._connection.execute(_STRANGERS, [keeping]).fetchall()
        return not strangers and self.is_as_made()

    def is_as_made(self) -> bool:
        """Whether nothing has been written since it was made or put back."""
        return self.next_number() == self._stands

    def _put_back(self) -> bool:
        assert self._connection is not None
        self._times += 1
        is_swollen = self._times % _SIZED_EACH == 1 and self._size() > self._whole + _SWOLLEN
        if is_swollen or self._describe() != self._schema:
            return False
        self._connection.execute("call pg_temp.put_back()")
        self._stands = self.next_number()
        return True

    def _clone(self) -> None:
        self.clones += 1
        self._execute(f"create database {self.name} template {self._template} strategy file_copy")
        self._connection = psycopg.connect(self._address(self.name), autocommit=True)
        self._since = self._remember(self._connection)
        self._schema, self._whole = self._describe(), self._size()
        self._stands = self.next_number()

    def _remember(self, connection: psycopg.Connection[Any]) -> str:
        """Keep the template's rows in temporary tables of this connection, and how to put them back in a procedure.

        Returns the number of the transaction after which nothing of the schema may be new.
        """
        steps = []
        connection.execute("create temporary table horizon as select pg_current_xact_id()::xid as number")
        for number, (table, columns, key) in enumerate(connection.execute(_TABLES).fetchall()):
            steps.append(f"delete from {table} where age(xmin) < age(since);")
            (rows,) = connection.execute(f"select count(*) from {table}".encode()).fetchone() or (0,)
            if rows:
                connection.execute(f"create temporary table kept_{number} as select {columns} from {table}".encode())
                steps.append(
                    f"if (select count(*) from {table}) < {rows} then"
                    f" insert into {table} ({columns}) overriding system value select {columns} from kept_{number} kept"
                    f" where not exists (select from {table} present where {key}); end if;"
                )
        for (sequence,) in connection.execute(_SEQUENCES).fetchall():
            value, called = connection.execute(f"select last_value, is_called from {sequence}".encode()).fetchone()
            steps.append(f"perform setval('{sequence}', {value}, {called});")
        body = "\n".join(steps)
        # As a replica: neither triggers nor foreign keys have a say, and the superuser passes the row security.
        connection.execute("set session_replication_role = replica")
        connection.execute("set lock_timeout = '3s'")
        connection.execute(
            f"""
            create procedure pg_temp.put_back() language plpgsql as $$
            declare since xid := (select number from horizon);
            begin
                {body}
                update horizon set number = pg_current_xact_id()::xid;
            end
            $$
            """.encode()
        )
        connection.execute("update horizon set number = pg_current_xact_id()::xid")
        found = connection.execute("select pg_current_xact_id()::xid::text").fetchone()
        assert found is not None
        return str(found[0])

    def _describe(self) -> list[int]:
        assert self._connection is not None
        found = self._connection.execute(_SCHEMA, [self._since]).fetchone()
        assert found is not None
        return list(found[0])

    @property
    def bare(self) -> psycopg.Connection[Any]:
        """A superuser's connection for which neither triggers nor foreign keys count."""
        assert self._connection is not None
        return self._connection

    @contextmanager
    def as_it_was(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that goes on seeing the database as it is now.

        It is kept: a new one has every table to learn, which takes ten times as long as to read them.
        """
        if self._witness is None:
            self._witness = psycopg.connect(self._address(self.name))
            self._witness.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._witness.read_only = True
        self._witness.execute("select count(*) from pg_class")
        try:
            yield self._witness
        finally:
            self._witness.rollback()

    def next_number(self) -> int:
        """That of the server's next transaction that writes: it is the same as long as nobody does."""
        assert self._connection is not None
        found = self._connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        assert found is not None
        return int(found[0])

    def _size(self) -> int:
        assert self._connection is not None
        found = self._connection.execute(_SIZE).fetchone()
        assert found is not None
        return int(found[0])

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


class KeptPool:
    """The app's engine, handed from test to test while the database stays the same.

    Each new one would ask the server who it is, compile every statement anew and start the server's processes anew.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._clones = 0
        self._backends: set[int] = set()

    def backends(self) -> set[int]:
        """The server's processes behind the connections."""
        return self._backends

    def lend(self, database: Database, clones: int) -> None:
        """Let a `Database` that has just been made go by the connections that are there.

        Those to an earlier of so many clones are cut; the engine still knows its statements.
        """
        if self._engine is not None and self._clones != clones:
            self._engine.dispose()
            self._backends.clear()
        self._clones = clones
        if self._engine is not None and self._engine.url == database.engine.url:
            database.engine = self._engine
            return
        if self._engine is not None:
            self._engine.dispose()
        self._engine = database.engine
        self._backends.clear()
        event.listen(self._engine, "connect", self._note)

    def take_back(self, database: Database) -> None:
        """After the test: a connection that it has not given back is its own, and the next test gets none of them."""
        if database.engine is not self._engine or self._engine.pool.checkedout():  # type: ignore[attr-defined]
            database.dispose()

    def _note(self, connection: psycopg.Connection[Any], _: Any) -> None:
        self._backends.add(connection.info.backend_pid)
        # Some thousand statements go by one connection here: those that come again are worth keeping from the first.
        connection.prepare_threshold, connection.prepared_max = 1, 3000
