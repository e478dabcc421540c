"""Who issues a document, under which number and when: data of the request, with what the work plan names as default.

Departments are called otherwise from place to place and year to year; a caller names them where the default is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from toilet_api.reporting.documents.wording import legible

_DEPARTMENTS = {
    2: ("卫生健康委员会", "农业农村厅", "扶贫办公室"),
    4: ("卫生健康委员会", "农业农村局", "扶贫办公室"),
    6: ("卫生健康委员会", "农业农村局", "扶贫办公室"),
}
"""工作方案 四（五）：县卫生健康、农业农村、扶贫三部门联合行文，报省卫健委、省农业农村厅、省扶贫办."""

_TOGETHER = {
    **dict.fromkeys("乡镇", "各乡镇人民政府"),
    "道": "各街道办事处",
    **dict.fromkeys("县市区旗", "各县（市、区）人民政府"),
}
"""By what a name ends with, how those of that kind are addressed together; 街道 have offices, no governments."""
_ITS_OWN = {**dict.fromkeys("乡镇", "人民政府"), "道": "办事处"}
_COUNTY = 6


@dataclass(frozen=True, slots=True)
class Office:
    """What the caller says of a document. Empty: the default, or room to fill it in by hand."""

    dated: date
    issuers: tuple[str, ...] = ()
    number: str = ""
    addressees: tuple[str, ...] = ()
    copies_to: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, dated: date, issuers: Sequence[str], number: str | None, addressees: Sequence[str], copies: Sequence[str]
    ) -> "Office":
        """From the parameters of a request."""
        return cls(dated, _read(issuers), legible(number or ""), _read(addressees), _read(copies))


def _read(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(legible(one) for one in names)


def departments(division_code: str, name: str) -> tuple[str, ...]:
    """The three departments of a province, city or county; below them there are none, and the government issues."""
    if len(division_code) > _COUNTY:
        return (f"{name}{_ITS_OWN.get(name[-1:], '')}",)
    return tuple(f"{name}{one}" for one in _DEPARTMENTS[len(division_code)])


def working_group(division_code: str, name: str) -> str:
    """工作方案 二：领导小组下设办公室，具体负责实施；四（二）2：乡镇（区）抽调人员成立工作专班."""
    group = "工作专班" if len(division_code) > _COUNTY else "工作领导小组办公室"
    return f"{name}农村户厕问题摸排整改{group}"


def governments(names: Sequence[str]) -> tuple[str, ...]:
    """Whom a notification goes to: those below, by their kind; 管委会 and the like by name."""
    return tuple(dict.fromkeys(_TOGETHER.get(name[-1:], name) for name in names))
