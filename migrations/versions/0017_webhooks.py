"""Subscriptions of other systems, and what was delivered to them."""

from alembic import op

from migrations.support import scoped

revision = "0017_webhooks"
down_revision = "0016_sync"

_PLACE = "^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"


def upgrade() -> None:
    _webhook()
    _delivery()


def _webhook() -> None:
    op.execute(
        f"""
        create table webhook (
            id uuid primary key,
            -- What is sent lies within it; the wall behind the rule that a subscription is its owner's alone.
            division_code text collate "C" not null check (division_code ~ '{_PLACE}'),
            version int not null default 1 check (version > 0),
            created_at timestamptz not null default now(),
            created_by uuid,
            updated_at timestamptz not null default now(),
            updated_by uuid,
            removed_at timestamptz,
            removed_reason text,
            url text not null,
            event_types text[] not null check (cardinality(event_types) > 0),
            description text,
            state text not null default 'active' check (state in ('active', 'paused', 'suspended', 'disabled')),
            state_reason text,
            state_since timestamptz not null default now(),
            narrowed_to text[],
            lacking text[] not null default '{{}}',
            position text not null,
            position_at timestamptz not null default now(),
            sealed bytea not null,
            former_secret_until timestamptz,
            failures int not null default 0 check (failures >= 0),
            failing_since timestamptz,
            quiet_until timestamptz,
            last_success_at timestamptz,
            last_failure_at timestamptz,
            last_outcome text,
            origin_digest bytea,
            check ((state_reason is not null) = (state in ('suspended', 'disabled'))),
            check ((failing_since is not null) = (failures > 0)),
            check ((removed_at is null) = (removed_reason is null))
        )
        """
    )
    op.execute("create index webhook_owner on webhook (created_by, created_at, id)")
    op.execute("create index webhook_division on webhook (division_code)")
    scoped("webhook")


def _delivery() -> None:
    op.execute(
        """
        create table webhook_delivery (
            -- Not "id": it is a part of its subscription, whose division it follows unnoted.
            message_id uuid primary key,
            webhook_id uuid not null references webhook (id),
            division_code text collate "C" not null,
            event_type text not null,
            seq bigint,
            subject_type text not null,
            subject_id uuid not null,
            op text not null,
            subject_version int,
            subject_division text collate "C",
            from_division text collate "C",
            occurred_at timestamptz not null,
            state text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'withheld')),
            tries int not null default 0 check (tries >= 0),
            next_at timestamptz,
            attempts jsonb not null default '[]',
            created_at timestamptz not null default now(),
            finished_at timestamptz,
            check ((next_at is not null) = (state = 'pending')),
            check ((finished_at is null) = (state = 'pending'))
        )
        """
    )
    op.execute(
        "create index webhook_delivery_due on webhook_delivery (webhook_id, next_at, seq) where state = 'pending'"
    )
    op.execute("create index webhook_delivery_dead on webhook_delivery (webhook_id) where state = 'dead'")
    op.execute("create index webhook_delivery_listed on webhook_delivery (webhook_id, created_at, message_id)")
    op.execute("create index webhook_delivery_finished on webhook_delivery (finished_at)")
    op.execute("create index webhook_delivery_division on webhook_delivery (division_code)")
    # What was sent long ago goes away: it never was a record.
    scoped("webhook_delivery", "select, insert, update, delete")
