"""The tree of divisions and what became of its codes."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Computed, DateTime
from sqlmodel import Field, SQLModel

from toilet_api.kernel.fields import now
from toilet_api.kernel.tables import DivisionCodeColumn


class Division(SQLModel, table=True):
    """A place, from province (2 digits) to village (12). Its parent is the beginning of its code.

    It is valid from `valid_from` (None: from of old) up to, not including, `valid_to` (None: still). `maintained` means
    that the county changed it here, so that a loaded file doesn't overwrite it.
    """

    code: str = Field(primary_key=True, sa_type=DivisionCodeColumn)
    name: str = Field(sa_type=DivisionCodeColumn)
    level: int | None = Field(default=None, nullable=False, sa_column_args=[Computed("", persisted=True)])
    parent_code: str | None = Field(
        default=None, sa_type=DivisionCodeColumn, sa_column_args=[Computed("", persisted=True)]
    )
    valid_from: date | None = None
    valid_to: date | None = None
    maintained: bool = False
    version: int = 1
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))

    @property
    def has_ended(self) -> bool:
        return self.valid_to is not None


class DivisionSuccessor(SQLModel, table=True):
    """What became of a code or a name. A rename keeps its code; of several successors one is the `main` one.

    An ended code resolves along its main successor. A village that was split but goes on has no main successor.
    """

    __tablename__ = "division_successor"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    old_code: str = Field(sa_type=DivisionCodeColumn)
    old_name: str
    new_code: str = Field(sa_type=DivisionCodeColumn)
    kind: str
    main: bool
    at: date
    reason: str | None = None
    recorded_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
