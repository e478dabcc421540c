"""How division codes are built (统计用区划代码和城乡划分代码编制规则, National Bureau of Statistics). Pure."""

from collections.abc import Collection, Iterable

LEVEL_OF_LENGTH = {2: 1, 4: 2, 6: 3, 9: 4, 12: 5}
PARENT_LENGTH = {2: 0, 4: 2, 6: 4, 9: 6, 12: 9}
LEVEL_NAMES = {
    1: ("省级", "province"),
    2: ("市级", "city"),
    3: ("县级", "county"),
    4: ("乡级", "township"),
    5: ("村级", "village"),
}

# Entries that only hold a place in the code; nobody says them in an address.
PLACEHOLDERS = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划")

# The ranges of the last digits. Township: 001 streets, 100 towns, 200 townships, 400 others. Village: 001 residents'
# committees, 200 villagers' committees, 400 others.
_RANGES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((11, 99),),
    2: ((1, 99),),
    3: ((1, 99),),
    4: ((1, 99), (100, 199), (200, 399), (400, 999)),
    5: ((1, 199), (200, 399), (400, 999)),
}


def is_code(text: str) -> bool:
    """Whether `text` has the shape of a division code."""
    return len(text) in LEVEL_OF_LENGTH and text.isascii() and text.isdigit()


def level_of(code: str) -> int:
    """1 province, 2 city, 3 county, 4 township, 5 village. Raises KeyError for another length."""
    return LEVEL_OF_LENGTH[len(code)]


def parent_of(code: str) -> str | None:
    """The code one level up; None for a province."""
    return code[: PARENT_LENGTH[len(code)]] or None


def prefixes_of(code: str) -> list[str]:
    """The codes from the province down to `code` itself."""
    return [code[:length] for length in LEVEL_OF_LENGTH if length <= len(code)]


def free_code(parent: str, taken: Collection[str], like: str | None = None) -> str | None:
    """A code below `parent` that was never used; None when the range is full.

    With `like`, a code of another parent: the same last digits if they are free, else the next of the same range.
    Without: the next of the range of townships or villagers' committees (the lowest range for other levels).
    """
    level = (level_of(parent) if parent else 0) + 1
    width = 2 if level <= 3 else 3
    used = {int(code[len(parent) :]) for code in taken}
    if like is not None:
        wanted = int(like[-width:])
        if wanted not in used:
            return f"{parent}{wanted:0{width}d}"
        low, high = next(pair for pair in _RANGES[level] if pair[0] <= max(wanted, pair[0]) and wanted <= pair[1])
    else:
        low, high = (200, 399) if level >= 4 else _RANGES[level][0]
    # After the highest one in use first: a number that was skipped may be known elsewhere.
    start = max((number for number in used if low <= number <= high), default=low - 1) + 1
    for number in (*range(start, high + 1), *range(low, start)):
        if number not in used:
            return f"{parent}{number:0{width}d}"
    return None


def recoded(codes: Iterable[str], old_root: str, new_root: str) -> dict[str, str]:
    """The codes of a subtree after its root has got another code."""
    return {code: new_root + code[len(old_root) :] for code in codes}
