"""Principals, credentials, grants, training, tokens, signing keys, failed logins."""

from alembic import op

from migrations.support import granted, scoped, walled

revision = "0003_accounts"
down_revision = "0002_divisions"

CODE = "check (division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$')"


def upgrade() -> None:
    op.execute(
        f"""
        create table principal (
            id uuid primary key,
            division_code text collate "C" not null {CODE},
            version int not null default 1 check (version > 0),
            created_at timestamptz not null default now(),
            created_by uuid,
            updated_at timestamptz not null default now(),
            updated_by uuid,
            removed_at timestamptz,
            removed_reason text,
            kind text not null check (kind in ('person', 'client')),
            username text not null check (username ~ '^[a-z0-9][a-z0-9_.-]{{2,39}}$'),
            display_name text not null,
            token_version int not null default 1,
            must_change_password boolean not null default false,
            locked_at timestamptz,
            locked_reason text,
            scopes text[],
            check ((kind = 'client') = (scopes is not null)),
            check ((removed_at is null) = (removed_reason is null))
        )
        """
    )
    op.execute("create unique index principal_username on principal (username)")
    op.execute("create index principal_division on principal (division_code, username)")
    scoped("principal")

    op.execute(
        """
        create table credential (
            principal_id uuid primary key references principal (id),
            secret_hash text not null,
            changed_at timestamptz not null default now(),
            previous text[] not null default '{}'
        )
        """
    )
    op.execute(
        f"""
        create table principal_grant (
            id uuid primary key,
            principal_id uuid not null references principal (id),
            role text not null check (role ~ '^[a-z_]+$'),
            division_code text collate "C" not null {CODE},
            granted_at timestamptz not null default now(),
            granted_by uuid,
            removed_at timestamptz,
            removed_by uuid,
            removed_reason text,
            check ((removed_at is null) = (removed_reason is null))
        )
        """
    )
    # Not unique: when two villages merge, someone may hold one role in both, and the merge must not fail for it.
    # Granting locks the principal's row, so that the API makes no doubles.
    op.execute("create index principal_grant_principal on principal_grant (principal_id) where removed_at is null")
    op.execute("create index principal_grant_division on principal_grant (division_code)")
    op.execute(
        """
        create table training (
            id uuid primary key,
            principal_id uuid not null references principal (id),
            held_on date not null,
            course text not null,
            trainer text not null,
            hours numeric(5, 1) not null check (hours > 0),
            certificate_no text,
            valid_until date check (valid_until >= held_on),
            recorded_at timestamptz not null default now(),
            recorded_by uuid,
            revoked_at timestamptz,
            revoked_by uuid,
            revoked_reason text,
            check ((revoked_at is null) = (revoked_reason is null))
        )
        """
    )
    op.execute("create index training_principal on training (principal_id, held_on)")
    op.execute(
        """
        create table refresh_token (
            id uuid primary key,
            family_id uuid not null,
            principal_id uuid not null references principal (id),
            token_hash bytea not null,
            token_version int not null,
            scope text,
            expires_at timestamptz not null,
            used_at timestamptz,
            revoked_at timestamptz
        )
        """
    )
    op.execute("create unique index refresh_token_hash on refresh_token (token_hash)")
    op.execute("create index refresh_token_family on refresh_token (family_id)")
    op.execute("create index refresh_token_principal on refresh_token (principal_id, expires_at)")
    for table, rights in (
        ("credential", "select, insert, update"),
        ("principal_grant", "select, insert, update"),
        ("training", "select, insert, update"),
        ("refresh_token", "select, insert, update, delete"),
    ):
        # What belongs to an account is seen by whoever sees the account: all of its grants, also those elsewhere,
        # because nobody may take over an account that reaches further than he does.
        visible = f"exists (select from principal p where p.id = {table}.principal_id)"
        walled(table)
        op.execute(f"create policy scope on {table} using ({visible}) with check ({visible})")
        granted(table, rights)

    # Without a scope: no division, nothing personal; reached by key only.
    op.execute(
        """
        create table signing_key (
            kid text primary key,
            public_jwk jsonb not null,
            sealed bytea not null,
            created_at timestamptz not null default now(),
            verify_until timestamptz
        )
        """
    )
    op.execute("create unique index signing_key_signs on signing_key ((true)) where verify_until is null")
    granted("signing_key", "select, insert, update, delete")
    op.execute(
        """
        create table login_attempt (
            key bytea primary key,
            failures int not null,
            last_at timestamptz not null,
            locked_until timestamptz
        )
        """
    )
    op.execute("create index login_attempt_age on login_attempt (last_at)")
    granted("login_attempt", "select, insert, update, delete")
