-- Once, as a superuser, in the database of a deployment (here with DATABASE_SCHEMA=toilet). Then give both logins a
-- password: alter role … password '…'.
create role toilet_app nologin nobypassrls;         -- what every request runs as; row-level security holds it
create role toilet_owner login;                     -- DATABASE_OWNER_URL: owns the tables, migrates
create role toilet_login login in role toilet_app;  -- DATABASE_URL: the web processes and workers
grant toilet_app to toilet_owner with admin option;
do $$ begin execute format('grant connect, create on database %I to toilet_owner', current_database()); end $$;
