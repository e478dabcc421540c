"""What devices without signal send: their items, the conflicts kept for a decision, and attachments still to come."""

from alembic import op

from migrations.support import granted, scoped

revision = "0016_sync"
down_revision = "0015_data_sharing"

_PLACE = "^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"


def upgrade() -> None:
    _item()
    _conflict()
    _expected()


def _item() -> None:
    """Like `idempotency_key`: found by the sender's own id and the item's, and by nothing else."""
    op.execute(
        """
        create table sync_item (
            principal_id uuid not null,
            id uuid not null,
            -- Of the whole item, so that a resend is told from another item with its id.
            digest bytea not null,
            device_id uuid not null,
            type text not null,
            op text not null,
            record_id uuid not null,
            -- The version of the record that this item made; none where it changed nothing.
            version int check (version > 0),
            -- None only while the transaction that has the item is at it.
            state text,
            result jsonb,
            client_time timestamptz not null,
            clock_offset_seconds double precision not null,
            received_at timestamptz not null default now(),
            primary key (principal_id, id)
        )
        """
    )
    op.execute("create index sync_item_made on sync_item (principal_id, record_id) where version is not null")
    op.execute("create index sync_item_age on sync_item (received_at)")
    granted("sync_item", "select, insert, update, delete")


def _conflict() -> None:
    op.execute(
        f"""
        create table sync_conflict (
            id uuid primary key,
            -- Where the record lies; of one that is not there, where the item puts it, else where the sender is.
            division_code text collate "C" not null check (division_code ~ '{_PLACE}'),
            -- What it belongs to, and moves with.
            household_id uuid references household (id),
            kind text not null check (kind in ('conflict', 'rejected')),
            state text not null default 'open' check (state in ('open', 'resolved')),
            type text not null,
            op text not null,
            record_id uuid not null,
            base_version int,
            server_version int,
            fields text[] not null default '{{}}',
            -- What the client wanted to write, personal data included.
            sealed bytea not null,
            problem jsonb,
            item_id uuid not null,
            device_id uuid not null,
            sent_by uuid not null,
            sent_by_name text not null,
            client_time timestamptz not null,
            clock_offset_seconds double precision not null,
            received_at timestamptz not null default now(),
            decision text check (decision in ('keep_server', 'take_client', 'set_values')),
            note text,
            decided_by uuid,
            decided_by_name text,
            decided_at timestamptz,
            check ((kind = 'rejected') = (problem is not null)),
            check ((state = 'resolved') = (decision is not null)),
            check ((decision is null) = (decided_at is null) and (decision is null) = (decided_by is null))
        )
        """
    )
    op.execute("create index sync_conflict_division on sync_conflict (division_code, state, received_at, id)")
    op.execute("create index sync_conflict_time on sync_conflict (received_at, id)")
    op.execute("create index sync_conflict_household on sync_conflict (household_id) where household_id is not null")
    op.execute("create index sync_conflict_record on sync_conflict (record_id)")
    scoped("sync_conflict")


def _expected() -> None:
    op.execute(
        """
        create table expected_attachment (
            visit_id uuid not null references visit (id),
            attachment_id uuid not null,
            division_code text collate "C" not null check (division_code ~ '^[0-9]{12}$'),
            kind text not null check (kind in ('photo', 'signature')),
            primary key (visit_id, attachment_id)
        )
        """
    )
    op.execute("create index expected_attachment_id on expected_attachment (attachment_id)")
    op.execute("create index expected_attachment_division on expected_attachment (division_code)")
    scoped("expected_attachment", "select, insert, update, delete")
