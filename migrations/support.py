"""What several migrations need: the application's role, and row-level scope."""

from alembic import context, op


def app_role() -> str:
    """The role that the application runs as."""
    return str(context.config.attributes["app_role"])


def granted(table: str, rights: str) -> None:
    """Give the application's role `rights` on a table that has no scope of its own."""
    op.execute(f'grant {rights} on {table} to "{app_role()}"')


def walled(table: str) -> None:
    """Row-level security that holds the owner as well: what forgot to take the application's role sees nothing.

    Migrations see everywhere (env.py). Who makes backups needs `bypassrls`, or to be a superuser.
    """
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")


def scoped(table: str, rights: str = "select, insert, update", column: str = "division_code") -> None:
    """Row-level security: a row is seen and written only by a transaction whose scope covers its division.

    The scope is read once per statement (a sub-select is planned as an InitPlan), and an unset scope covers nothing.
    """
    walled(table)
    covered = f"{column} ^@ any ((select nullif(current_setting('toilet.scope', true), '')::text[])::text[])"
    op.execute(f"create policy scope on {table} using ({covered}) with check ({covered})")
    granted(table, rights)
