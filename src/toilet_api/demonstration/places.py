"""Where the demonstration plays: two sibling townships, with two sibling villages in the first."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

CLIENT = "province_client"

_TOWNSHIPS = text(
    """
    select township.code, township.name, array_agg(village.code order by village.code) as villages,
           array_agg(village.name order by village.code) as names
    from division township join division village on village.parent_code = township.code
    where township.parent_code = :county and township.valid_to is null and village.valid_to is null
    group by township.code, township.name
    having count(*) >= 2
    order by township.name like '%开发区%' desc, count(*), township.code
    """
)


class DemonstrationRefusedError(Exception):
    """It cannot play here, e.g. beside other data, with which it never mixes. Nothing is written."""


@dataclass(frozen=True)
class Township:
    """A township and its villages, as code to name."""

    code: str
    name: str
    villages: dict[str, str]


def choose(session: Session, county: str) -> tuple[Township, Township]:
    """The first and the second township of the demonstration, small ones, so that a figure can be checked by hand."""
    found = [
        Township(row.code, row.name, dict(zip(row.villages, row.names, strict=True)))
        for row in session.connection().execute(_TOWNSHIPS, {"county": county})
    ]
    if len(found) < 2:
        raise DemonstrationRefusedError(
            f"区划中没有 {county} 县，或该县有村的乡镇不足两个 / "
            f"no county {county} in the divisions, or fewer than two of its townships have two villages"
        )
    second, first = found[0], found[1]
    if county == "360423":
        # The townships whose sample ledgers are known.
        by_code = {township.code: township for township in found}
        first, second = by_code["360423208"], by_code["360423500"]
    return first, second
