#!/bin/sh
# Runs once, when the database container makes its cluster: the logins of roles.sql get their passwords.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner="$DATABASE_OWNER_PASSWORD" --set app="$DATABASE_APP_PASSWORD" <<'SQL'
alter role toilet_owner password :'owner';
alter role toilet_login password :'app';
SQL
