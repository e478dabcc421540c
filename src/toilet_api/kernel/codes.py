"""Code lists: English codes that a person can read, with their Chinese labels. Served at `GET /code-lists`."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its labels, the number it has in a national standard, if any, and whether it is retired."""

    code: str
    zh: str
    en: str
    national: str | None = None
    retired: bool = False


@dataclass(frozen=True)
class CodeList:
    """A list of codes. New codes may be added within v1, so clients must tolerate ones they don't know."""

    name: str
    zh: str
    en: str
    codes: tuple[Code, ...]

    def __contains__(self, code: object) -> bool:
        return any(entry.code == code for entry in self.codes)

    def __iter__(self) -> Any:
        return iter(self.codes)

    def label(self, code: str) -> str:
        """The Chinese label; the code itself when it isn't in the list."""
        return next((entry.zh for entry in self.codes if entry.code == code), code)


CODE_LISTS: dict[str, CodeList] = {}


def code_list(name: str, zh: str, en: str, codes: list[Code]) -> CodeList:
    """Declare a list; declaring publishes it."""
    if name in CODE_LISTS:
        raise ValueError(f"code list {name!r} is declared twice")
    made = CodeList(name, zh, en, tuple(codes))
    CODE_LISTS[name] = made
    return made


def field(codes: CodeList, *, but: str | None = None) -> Any:
    """A string type that takes the codes of the list, `but` one, and documents them as an extensible enum."""
    fitting = [entry for entry in codes.codes if entry.code != but]
    active = [entry for entry in fitting if not entry.retired]

    def known(value: str) -> str:
        if all(entry.code != value for entry in fitting):
            expected = ", ".join(entry.code for entry in active)
            raise PydanticCustomError(
                "unknown_code", "unknown code; expected one of {expected}", {"expected": expected}
            )
        return value

    return Annotated[
        str,
        AfterValidator(known),
        Field(
            title=codes.zh,
            description=f"{codes.zh} / {codes.en}: "
            + "; ".join(f"`{entry.code}` {entry.zh}" for entry in active)
            + "。客户端须容忍新代码 / Clients must tolerate new codes.",
            examples=[active[0].code] if active else None,
            json_schema_extra={
                "x-extensible-enum": [entry.code for entry in fitting],
                **({"x-code-list": codes.name} if but is None else {}),
            },
        ),
    ]
