"""The rules of the registry, pure: grades of modes, which toilet counts, what a valid ID number is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from operator import mul
from uuid import UUID

from toilet_api.kernel.fields import SHANGHAI

GRADE_OF_MODE: dict[str, str] = {
    **dict.fromkeys(
        (
            "three_compartment",
            "double_urn",
            "biogas_linked",
            "urine_diverting",
            "double_pit_alternating",
            "full_sewer",
        ),
        "harmless",
    ),
    **dict.fromkeys(("attic_compost", "deep_pit_frostproof", "other_sanitary"), "sanitary"),
    **dict.fromkeys(
        ("one_or_two_compartment", "bucket", "open_pit", "simple_shed", "other_unsanitary"),
        "unsanitary",
    ),
    "none": "none",
}
"""Mode to sanitary grade (domain.md, 3). The database derives the column `toilet.grade` alike."""

GRADES_ASCENDING = ("none", "unsanitary", "sanitary", "harmless")


@dataclass(frozen=True, slots=True)
class CountedCandidate:
    """What the counting rule needs to know of a toilet."""

    id: UUID
    mode: str
    built_year: int | None = None
    built_month: int | None = None
    removed: bool = False


def counted_toilet(dwelling_state: str, toilets: Iterable[CountedCandidate]) -> UUID | None:
    """The one toilet of a dwelling that enters the statistics (一宅一厕): the one of the highest sanitary grade.

    Among equals the one built last, then the one with the smallest id, so that the answer never depends on an order.
    A demolished dwelling counts none; removed toilets and the mode `none` never count.
    `counting.recount` is this rule in SQL.
    """
    if dwelling_state == "demolished":
        return None
    candidates = [toilet for toilet in toilets if not toilet.removed and toilet.mode != "none"]
    if not candidates:
        return None
    return min(
        candidates,
        key=lambda toilet: (
            -GRADES_ASCENDING.index(GRADE_OF_MODE[toilet.mode]),
            -(toilet.built_year or 0),
            -(toilet.built_month or 0),
            toilet.id.int,
        ),
    ).id


class IdNumberFault(StrEnum):
    """What is wrong with an ID number."""

    LENGTH = "id_number_length"
    FIFTEEN_DIGITS = "id_number_15_digits"
    CHARACTERS = "id_number_characters"
    REGION = "id_number_region"
    BIRTH_DATE = "id_number_birth_date"
    CHECK_CHARACTER = "id_number_check_character"

    @property
    def message(self) -> tuple[str, str]:
        """The text for people, Chinese and English. It never repeats the number."""
        return _FAULT_MESSAGES[self]


_FAULT_MESSAGES = {
    IdNumberFault.LENGTH: ("身份证号码应为 18 位", "An ID number has 18 characters"),
    IdNumberFault.FIFTEEN_DIGITS: (
        "15 位旧号码已停用，请填写 18 位号码",
        "Numbers of 15 digits are out of use; give the one of 18",
    ),
    IdNumberFault.CHARACTERS: (
        "身份证号码前 17 位应为数字，末位为数字或 X",
        "17 digits, then a digit or X",
    ),
    IdNumberFault.REGION: ("身份证号码的省级代码不存在", "No province has the code that the number begins with"),
    IdNumberFault.BIRTH_DATE: ("身份证号码中的出生日期不成立", "The date of birth within the number cannot be"),
    IdNumberFault.CHECK_CHARACTER: (
        "身份证号码的校验码不符（GB 11643）",
        "The check character does not fit (GB 11643)",
    ),
}

_WEIGHTS = tuple(2**exponent % 11 for exponent in range(17, 0, -1))
_CHECK_CHARACTERS = "10X98765432"
# First two digits, GB/T 2260; 83 is the residence permit for people from Taiwan, which has the form of an ID number.
_PROVINCES = frozenset(
    str(code)
    for code in (
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        71,
        81,
        82,
        83,
    )
)
_DIGITS = frozenset("0123456789")
_OLDEST_AGE = 130
"""Nobody was ever older than 122 years; beyond this a year of birth is a slip of the pen."""


def id_check_character(first_17: str) -> str:
    """The 18th character that belongs to 17 digits: ISO 7064 MOD 11-2, as GB 11643-1999 prescribes."""
    if len(first_17) != len(_WEIGHTS):
        raise ValueError("17 digits are needed")
    return _CHECK_CHARACTERS[sum(map(mul, _WEIGHTS, map(int, first_17))) % 11]


def check_id_number(number: str, today: date | None = None) -> IdNumberFault | None:
    """What is wrong with a citizen's ID number after GB 11643-1999, or None if it is well-formed.

    Takes the canonical form: 18 characters, half width, `X` in upper case; putting it into that form is
    `canonical_id_number`. Whether such a person exists, nobody can tell from the number.
    """
    if len(number) == 15 and set(number) <= _DIGITS:
        return IdNumberFault.FIFTEEN_DIGITS
    if len(number) != 18:
        return IdNumberFault.LENGTH
    if not (set(number[:17]) <= _DIGITS and (number[17] in _DIGITS or number[17] == "X")):
        return IdNumberFault.CHARACTERS
    if number[:2] not in _PROVINCES:
        return IdNumberFault.REGION
    if not _is_birth_date(number[6:14], today or datetime.now(SHANGHAI).date()):
        return IdNumberFault.BIRTH_DATE
    if id_check_character(number[:17]) != number[17]:
        return IdNumberFault.CHECK_CHARACTER
    return None


@lru_cache(maxsize=50_000)
def _is_birth_date(digits: str, today: date) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born <= today and born.year >= today.year - _OLDEST_AGE


def canonical_id_number(text: str) -> str:
    """Upper-case `X`, without outer blanks. Anything else that is unusual stays, and is refused by the check."""
    return text.strip().upper()


PHONES_AT_MOST = 3


def is_phone(text: str) -> bool:
    """A mobile number (11 digits from 13 to 19) or a landline of 7 to 12 digits, with or without hyphens."""
    digits = text.replace("-", "")
    if not digits or not set(digits) <= _DIGITS:
        return False
    if len(digits) == 11 and digits[0] == "1":
        return digits[1] in "3456789"
    return 7 <= len(digits) <= 12


def year_fault(year: int, today: date | None = None) -> tuple[int, int] | None:
    """The years that a toilet can have been built in, if `year` isn't one of them: the last hundred, no future one.

    Relative to today, never constants: the campaign was run in other years and will be run again (domain.md, 2).
    """
    this_year = (today or datetime.now(SHANGHAI).date()).year
    earliest = this_year - 100
    return None if earliest <= year <= this_year else (earliest, this_year)
