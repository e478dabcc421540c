"""`python -m toilet_api.commands.heartbeat`: exit code 0 while a worker lives. For health checks: it loads little."""

import sys

import psycopg
from psycopg import sql

from toilet_api.settings import Settings

# Workers give a sign of life every 10 seconds, and count as dead after 30.
SECONDS = 30


def beats(settings: Settings) -> bool:
    """Whether a worker has given a sign of life lately. Not reaching the database is none."""
    url = (settings.database_url or "").replace("+psycopg://", "://", 1)
    question = sql.SQL(
        "select exists (select from {} where last_heartbeat > clock_timestamp() - make_interval(secs => %s))"
    ).format(sql.Identifier(settings.database_schema, "procrastinate_workers"))
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            found = connection.execute(question, [SECONDS]).fetchone()
    except psycopg.Error:
        return False
    return bool(found and found[0])


if __name__ == "__main__":
    sys.exit(not beats(Settings()))
