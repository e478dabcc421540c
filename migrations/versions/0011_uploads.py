"""Resumable uploads, and the words of headings that a county adds."""

from alembic import op

from migrations.support import scoped

revision = "0011_uploads"
down_revision = "0010_imports"

_PLACE = "^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"
_COUNTY_OR_BELOW = "^[0-9]{6}([0-9]{3}([0-9]{3})?)?$"


def upgrade() -> None:
    _upload()
    _import_synonym()


def _upload() -> None:
    op.execute(
        f"""
        create table upload (
            id uuid primary key,
            -- Where its owner may import; the wall behind the rule that an upload is its owner's alone.
            division_code text collate "C" not null check (division_code ~ '{_PLACE}'),
            created_by uuid not null,
            file_name text not null,
            size_bytes bigint not null check (size_bytes > 0),
            stored_bytes bigint not null default 0 check (stored_bytes between 0 and size_bytes),
            declared_sha256 text check (declared_sha256 ~ '^[0-9a-f]{{64}}$'),
            sha256 text check (sha256 ~ '^[0-9a-f]{{64}}$'),
            state text not null default 'open' check (state in ('open', 'complete', 'cancelled')),
            created_at timestamptz not null default now(),
            expires_at timestamptz,
            check ((state = 'complete') = (sha256 is not null)),
            check (state <> 'complete' or stored_bytes = size_bytes),
            check ((state = 'complete') = (expires_at is null))
        )
        """
    )
    op.execute("create index upload_owner on upload (created_by, sha256)")
    op.execute("create index upload_expiry on upload (expires_at) where expires_at is not null")
    op.execute("create index upload_division on upload (division_code)")
    # What was broken off and what was cancelled goes away: it never was a record.
    scoped("upload", "select, insert, update, delete")


def _import_synonym() -> None:
    op.execute(
        f"""
        create table import_synonym (
            id uuid primary key,
            division_code text collate "C" not null check (division_code ~ '{_COUNTY_OR_BELOW}'),
            version int not null default 1 check (version > 0),
            created_at timestamptz not null default now(),
            created_by uuid,
            updated_at timestamptz not null default now(),
            updated_by uuid,
            removed_at timestamptz,
            removed_reason text,
            kind text not null check (
                kind in ('households', 'visits', 'problems', 'close_outs', 'users', 'divisions')
            ),
            heading text not null,
            -- The heading as headings are compared. Not unique: a merge may bring two together.
            heading_key text not null check (heading_key <> ''),
            -- None: the column is left out.
            field text,
            origin_digest bytea,
            check ((removed_at is null) = (removed_reason is null))
        )
        """
    )
    op.execute(
        "create index import_synonym_word on import_synonym (division_code, kind, heading_key) where removed_at is null"
    )
    scoped("import_synonym")
    lies_below = """exists (
        select from unnest((select nullif(current_setting('toilet.scope', true), '')::text[])) as prefix
        where prefix ^@ division_code)"""
    op.execute(f"create policy below on import_synonym for select using ({lies_below})")
