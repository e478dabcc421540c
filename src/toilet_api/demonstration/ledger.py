"""The demonstration's ledgers: what a township would hand over, as CSV, from made-up households."""

import csv
import io
from random import Random

from toilet_api.demonstration.persons import Persons
from toilet_api.demonstration.places import Township

HEADINGS = (
    "序号", "乡镇", "村庄", "户主姓名", "身份证号码", "门牌号码", "家庭人口", "改厕方式", "改厕年份", "牵头部门",
    "补助金额（元）", "联系电话", "备注",
)  # fmt: skip
_MODES = (("三格化粪池式", 60), ("双瓮漏斗式", 18), ("完整下水道水冲式", 14), ("粪尿分集式", 4), ("三联通沼气池式", 4))
_LEADERS = ("农业农村", "卫健", "其他部门", "自建")


def write(township: Township, households: int, persons: Persons, random: Random, newest_year: int) -> bytes:
    """A ledger of `households` rows over the township's villages, in UTF-8 with the byte-order mark of Excel."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    modes, weights = [mode for mode, _ in _MODES], [weight for _, weight in _MODES]
    for number in range(1, households + 1):
        person = persons.next()
        writer.writerow(
            [
                number,
                township.name,
                random.choice(list(township.villages.values())),
                person.name,
                person.id_number,
                person.address,
                random.randint(1, 7),
                random.choices(modes, weights)[0],
                f"{newest_year - random.randrange(3)}年",
                random.choice(_LEADERS),
                random.choice(("500", "1000", "1500", "2000")),
                "、".join(person.phones),
                "合成数据",
            ]
        )
    return out.getvalue().encode("utf-8-sig")
