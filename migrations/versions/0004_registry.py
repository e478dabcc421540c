"""Households, their sealed persons, and toilets."""

from alembic import op

from migrations.support import scoped

revision = "0004_registry"
down_revision = "0003_accounts"

RECORD = """
    id uuid primary key,
    division_code text collate "C" not null check (division_code ~ '^[0-9]{12}$'),
    version int not null default 1 check (version > 0),
    created_at timestamptz not null default now(),
    created_by uuid,
    updated_at timestamptz not null default now(),
    updated_by uuid,
    removed_at timestamptz,
    removed_reason text,
    check ((removed_at is null) = (removed_reason is null))
"""
CODE = "check ({0} ~ '^[a-z][a-z0-9_]{{0,59}}$')"


def upgrade() -> None:
    op.execute(
        f"""
        create table household (
            {RECORD},
            name_masked text not null,
            id_number_masked text,
            phone_masked text,
            address_masked text,
            identity_index bytea not null check (octet_length(identity_index) = 16),
            -- Where an identity is unique: the county; for a household without an ID number its village.
            identity_place text collate "C" not null generated always as
                (left(division_code, case when id_number_masked is null then 12 else 6 end)) stored,
            name_index bytea not null,
            phone_index bytea[] not null default '{{}}' check (cardinality(phone_index) <= 3),
            family_size int check (family_size between 0 and 50),
            dwelling_state text not null default 'occupied' {CODE.format("dwelling_state")},
            note text,
            origin_digest bytea
        )
        """
    )
    op.execute(
        "create unique index household_identity on household (identity_place, identity_index) where removed_at is null"
    )
    op.execute("create index household_division on household (division_code, id)")
    op.execute("create index household_updated on household (updated_at, id)")
    op.execute("create index household_name on household (name_index)")
    # One index per place, because row-level security lets only leakproof operators (= is, @> is not) reach an index.
    for place in (1, 2, 3):
        op.execute(
            f"create index household_phone_{place} on household ((phone_index[{place}]))"
            f" where phone_index[{place}] is not null"
        )
    scoped("household")

    op.execute(
        """
        create table household_person (
            household_id uuid primary key references household (id),
            division_code text collate "C" not null check (division_code ~ '^[0-9]{12}$'),
            sealed bytea not null
        )
        """
    )
    op.execute("create index household_person_division on household_person (division_code)")
    scoped("household_person")

    op.execute(
        f"""
        create table toilet (
            {RECORD},
            household_id uuid not null references household (id),
            mode text not null {CODE.format("mode")},
            grade text not null generated always as (
                case
                when mode in ('three_compartment', 'double_urn', 'biogas_linked', 'urine_diverting',
                              'double_pit_alternating', 'full_sewer') then 'harmless'
                when mode in ('attic_compost', 'deep_pit_frostproof', 'other_sanitary') then 'sanitary'
                when mode = 'none' then 'none'
                else 'unsanitary' end) stored,
            counted boolean not null default false,
            built_year int check (built_year between 1900 and 2999),
            built_month int check (built_month is null or (built_month between 1 and 12 and built_year is not null)),
            built_by text,
            led_by text {CODE.format("led_by")},
            subsidy_fen bigint check (subsidy_fen >= 0),
            placement text {CODE.format("placement")},
            structure text {CODE.format("structure")},
            fixture text {CODE.format("fixture")},
            flush text {CODE.format("flush")},
            water_source text {CODE.format("water_source")},
            tank_material text {CODE.format("tank_material")},
            discharge text {CODE.format("discharge")},
            chambers int check (chambers between 0 and 9),
            volume_litres int check (volume_litres between 1 and 1000000),
            longitude double precision check (longitude between -180 and 180),
            latitude double precision check (latitude between -90 and 90),
            position_system text check (position_system in ('gcj02', 'wgs84', 'cgcs2000')),
            position_accuracy_m double precision check (position_accuracy_m >= 0),
            note text,
            removed_with_household boolean not null default false,
            origin_digest bytea,
            check (num_nonnulls(longitude, latitude, position_system) in (0, 3)),
            check (not (counted and removed_at is not null))
        )
        """
    )
    op.execute("create index toilet_division on toilet (division_code, id)")
    op.execute("create index toilet_household on toilet (household_id)")
    op.execute("create index toilet_updated on toilet (updated_at, id)")
    # One dwelling, one toilet: the database holds it too.
    op.execute("create unique index toilet_counted on toilet (household_id) where counted")
    scoped("toilet")
