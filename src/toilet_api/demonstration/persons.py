"""Made-up heads of household. Well-formed, and nobody's.

ID numbers have right check characters but dates of birth from 1900 to 1919, so that no living person can hold one;
phone numbers are from a block of 1990000xxxx, which isn't given to subscribers.
"""

from datetime import date, timedelta
from random import Random

from toilet_api.registry.people import Person
from toilet_api.registry.rules import id_check_character

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
_GIVEN = "秀英桂兰玉梅芳华建国志强明军平勇磊洋艳杰娟涛超敏静丽霞刚红波斌燕辉鹏飞云生根水金木春"
_FIRST_BIRTH = date(1900, 1, 1)
_BIRTH_DAYS = (date(1919, 12, 31) - _FIRST_BIRTH).days + 1
_SEQUENCES = 999


class Persons:
    """A stream of persons of one county, each ID number once."""

    def __init__(self, county: str, random: Random) -> None:
        self._county, self._random = county, random
        self._numbers: set[int] = set()

    def next(self) -> Person:
        """One more."""
        random = self._random
        name = random.choice(_SURNAMES) + "".join(random.choices(_GIVEN, k=random.choice((1, 2, 2, 2))))
        address = f"{random.randint(1, 30)}组{random.randint(1, 99)}号"
        phones = (f"1990000{random.randrange(10_000):04}",) if random.random() < 0.93 else ()
        return Person(name, self._id_number(), phones, address)

    def _id_number(self) -> str:
        while True:
            number = self._random.randrange(_BIRTH_DAYS * _SEQUENCES)
            if number not in self._numbers:
                break
        self._numbers.add(number)
        born = _FIRST_BIRTH + timedelta(days=number // _SEQUENCES)
        first = f"{self._county}{born:%Y%m%d}{number % _SEQUENCES + 1:03}"
        return first + id_check_character(first)
