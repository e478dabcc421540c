"""Masks: what of a personal datum may stand in a list, a log or an audit entry.

A mask never reveals more than half of a value that it does not recognise. Masks are kept beside the sealed
datum, so that no list has to open the vault.
"""

import re
import unicodedata

_PLACE = re.compile(r"^.*(?:省|市|县|区|旗|乡|镇|街道|社区|村|寨|屯|组|队)(?=.|$)")
_DIGITS = re.compile(r"\d+|[一二三四五六七八九十百]+(?=号|组|队|幢|栋|单元|室)")


def mask_name(name: str) -> str:
    """The first character, the rest as `*`: 张三 → 张*, 欧阳娜娜 → 欧***. A single character is hidden."""
    text = name.strip()
    return text[0] + "*" * (len(text) - 1) if len(text) > 1 else "*" * len(text)


def mask_id_number(number: str) -> str:
    """First 6 (the county) and last 4 of 18 or 15 characters (GB 11643): 360423********2216. Others: see `_ends`."""
    text = "".join((number if number.isascii() else unicodedata.normalize("NFKC", number)).split())
    if len(text) in (15, 18):
        return text[:6] + "*" * (len(text) - 10) + text[-4:]
    return _ends(text)


def mask_phone(phone: str) -> str:
    """First 3 and last 4 of 11 digits: 199****6915. Shorter ones keep at most their last 4 digits, or nothing."""
    plain = phone.isascii() and phone.isdigit()
    digits = phone if plain else re.sub(r"\D", "", unicodedata.normalize("NFKC", phone))
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) >= 11:
        return digits[:3] + "*" * (len(digits) - 7) + digits[-4:]
    return "*" * (len(digits) - 4) + digits[-4:] if len(digits) >= 8 else "*" * len(digits)


def mask_address(address: str) -> str:
    """The place down to the village or group, without any number: 石渡村3组12号 → 石渡村*组***."""
    text = unicodedata.normalize("NFKC", address).strip()
    if not text:
        return ""
    place = _PLACE.match(text)
    if place is None:
        return "***"
    kept = _DIGITS.sub("*", place.group())
    return kept if place.end() == len(text) else kept + "***"


def _ends(text: str) -> str:
    """Of a number of unknown kind: 2 characters at each end from 8 characters on, else nothing."""
    return text[:2] + "*" * (len(text) - 4) + text[-2:] if len(text) >= 8 else "*" * len(text)
