"""Runs the migrations on the connection that `toilet_api.kernel.migrations` hands over."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]

connection.execute(text(f'create schema if not exists "{schema}"'))
connection.execute(text("select set_config('search_path', :schema, true)"), {"schema": schema})
connection.execute(text("select set_config('toilet.scope', '{\"\"}', true)"))  # what a migration rewrites, it sees
context.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
context.run_migrations()
