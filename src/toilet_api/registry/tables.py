"""The tables of households and toilets. Columns that Postgres derives are marked; nobody writes them."""

from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Computed, LargeBinary, Text
from sqlmodel import Field, SQLModel

from toilet_api.kernel.tables import DivisionCodeColumn, Record, no_items

IDENTITY_PLACE = "left(division_code, case when id_number_masked is null then 12 else 6 end)"
"""Where an identity is unique among households that stand: the county, or without ID number the village."""

GRADE = """case
    when mode in ('three_compartment', 'double_urn', 'biogas_linked', 'urine_diverting', 'double_pit_alternating',
                  'full_sewer') then 'harmless'
    when mode in ('attic_compost', 'deep_pit_frostproof', 'other_sanitary') then 'sanitary'
    when mode = 'none' then 'none'
    else 'unsanitary' end"""
"""`rules.GRADE_OF_MODE` in SQL; a test holds the two together."""


class Household(Record, table=True):
    """A household (农户). `division_code` is its village. Personal data appears masked, the plain lies in the vault."""

    name_masked: str
    id_number_masked: str | None = None
    phone_masked: str | None = None
    address_masked: str | None = None
    identity_index: bytes = Field(sa_type=LargeBinary)
    identity_place: str = Field(
        default=None, sa_type=DivisionCodeColumn, sa_column_args=(Computed(IDENTITY_PLACE, persisted=True),)
    )
    name_index: bytes = Field(sa_type=LargeBinary)
    phone_index: list[bytes] = Field(default_factory=no_items, sa_type=ARRAY(LargeBinary))
    family_size: int | None = None
    dwelling_state: str = "occupied"
    note: str | None = None
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Keyed digest of the body that created the record, so that a retry is told from another record with its id."""


class HouseholdPerson(SQLModel, table=True):
    """The vault: one sealed person per household. Lists never touch it."""

    __tablename__ = "household_person"

    household_id: UUID = Field(primary_key=True, foreign_key="household.id")
    division_code: str = Field(sa_type=DivisionCodeColumn)
    sealed: bytes = Field(sa_type=LargeBinary)


class Toilet(Record, table=True):
    """A toilet (户厕) of a household, in the household's village. Positions are WGS 84, degrees; money is fen."""

    household_id: UUID = Field(foreign_key="household.id")
    mode: str
    grade: str = Field(default=None, sa_type=Text, sa_column_args=(Computed(GRADE, persisted=True),))
    counted: bool = False
    """Whether this one enters the statistics (一宅一厕). Only `counting.recount` writes it."""
    built_year: int | None = None
    built_month: int | None = None
    built_by: str | None = None
    led_by: str | None = None
    subsidy_fen: int | None = Field(default=None, sa_type=BigInteger)
    placement: str | None = None
    structure: str | None = None
    fixture: str | None = None
    flush: str | None = None
    water_source: str | None = None
    tank_material: str | None = None
    discharge: str | None = None
    chambers: int | None = None
    volume_litres: int | None = None
    longitude: float | None = None
    latitude: float | None = None
    position_system: str | None = None
    """The system in which the position was given; what is stored is WGS 84."""
    position_accuracy_m: float | None = None
    note: str | None = None
    removed_with_household: bool = False
    """It went with its household and comes back with it."""
    origin_digest: bytes | None = Field(default=None, sa_type=LargeBinary)


__all__ = ["GRADE", "IDENTITY_PLACE", "Household", "HouseholdPerson", "Toilet"]
