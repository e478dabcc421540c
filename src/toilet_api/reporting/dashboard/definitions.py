"""What each figure means, generated from the figures themselves: what is shown and what is explained can't part."""

from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from toilet_api.reporting.figures import Figures


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure. `anchor` is its place on the page, `path` its place in the answer of the API."""

    anchor: str
    path: str
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that belong together."""

    anchor: str
    title: str
    meaning: str
    figures: list[Definition]


def groups() -> list[Group]:
    """Every group of `Figures`, in its order."""
    return [_group(name, info) for name, info in Figures.model_fields.items()]


def anchors() -> set[str]:
    """Of all the figures, for whoever links to them."""
    return {figure.anchor for group in groups() for figure in group.figures}


def _group(name: str, info: FieldInfo) -> Group:
    inner = get_args(info.annotation)
    schema: type[BaseModel] = inner[0] if inner else info.annotation  # type: ignore[assignment]
    path = f"{name}[]" if inner else name
    figures = [
        Definition(f"{name}-{field}", f"figures.{path}.{field}", _title(field, one), _chinese(one.description or ""))
        for field, one in schema.model_fields.items()
    ]
    return Group(name, info.title or name, _chinese((schema.__doc__ or "").strip().split("\n")[0], whole=True), figures)


def _title(name: str, info: FieldInfo) -> str:
    if info.title:
        return info.title
    metadata: list[Any] = [one for one in info.metadata if isinstance(one, FieldInfo) and one.title]
    return str(metadata[0].title) if metadata else name


def _chinese(text: str, *, whole: bool = False) -> str:
    """The Chinese half of `中文 / English`."""
    zh, slash, _ = text.partition(" / ")
    return zh if slash or not whole else text
