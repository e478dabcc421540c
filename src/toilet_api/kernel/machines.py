"""State machines as tables. From one table come the errors, `allowed_actions`, the diagrams and the property tests."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB

from toilet_api.kernel.errors import WRONG_STATE


@dataclass(frozen=True)
class Step:
    """One step: its name in the API, the states it starts from, where it leads, who may, and which rule asks for it."""

    name: str
    sources: frozenset[str]
    target: str
    permission: str
    zh: str
    rule: str = ""

    def __init__(
        self, name: str, sources: Iterable[str], target: str, *, permission: str, zh: str, rule: str = ""
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "sources", frozenset(sources))
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "permission", str(permission))
        object.__setattr__(self, "zh", zh)
        object.__setattr__(self, "rule", rule)


class Machine:
    """A table of steps over the states of one kind of record."""

    def __init__(self, name: str, zh: str, initial: str, steps: Iterable[Step]) -> None:
        self.name, self.zh, self.initial, self.steps = name, zh, initial, tuple(steps)
        self.states: tuple[str, ...] = tuple(
            dict.fromkeys([initial, *(state for step in self.steps for state in (*sorted(step.sources), step.target))])
        )
        MACHINES[name] = self

    def next(self, state: str, step: str) -> str:
        """Where `step` leads from `state`. Several rows may share a name if their sources differ.

        Raises the problem `wrong_state` with the current state, and the steps that are possible in it.
        """
        for row in self.steps:
            if row.name == step and state in row.sources:
                return row.target
        rows = [row for row in self.steps if row.name == step]
        sources = sorted({source for row in rows for source in row.sources})
        zh = rows[0].zh if rows else step
        raise WRONG_STATE.problem(
            (
                f"当前状态为 {state}，不能“{zh}”；须处于 {'、'.join(sources)}。",
                f"The state is {state}; {step} needs {', '.join(sources)}.",
            ),
            state=state,
            possible_steps=sorted({row.name for row in self.steps if state in row.sources}),
        )

    def allowed(self, state: str, permissions: Collection[str], without: Collection[str] = ()) -> list[str]:
        """The names of the steps that someone with these permissions may take now; `without` are barred to them."""
        return list(
            dict.fromkeys(
                row.name
                for row in self.steps
                if state in row.sources and row.permission in permissions and row.name not in without
            )
        )

    def allowed_sql(
        self, state: Any, permissions: Collection[str], without: Collection[str] = ()
    ) -> ColumnElement[Any]:
        """`allowed` as an SQL expression over a state column: a jsonb array."""
        return case(
            *((state == one, cast(self._json(one, permissions, without), JSONB)) for one in self.states),
            else_=cast(literal("[]", Text), JSONB),
        )

    def _json(self, state: str, permissions: Collection[str], without: Collection[str]) -> ColumnElement[str]:
        return literal("[" + ",".join(f'"{name}"' for name in self.allowed(state, permissions, without)) + "]", Text)

    def mermaid(self) -> str:
        """The diagram for the documentation."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for row in self.steps:
            lines += [f"    {source} --> {row.target}: {row.zh} {row.name}" for source in sorted(row.sources)]
        return "\n".join(lines)


MACHINES: dict[str, Machine] = {}
