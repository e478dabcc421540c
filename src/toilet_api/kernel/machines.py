"""State machines as tables of (state, step, role, guard, next).

From one table come the errors, `allowed_actions`, the diagrams and the property tests.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, literal
from sqlalchemy.dialects.postgresql import JSONB

from toilet_api.kernel.errors import WRONG_STATE


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold besides state and permission: of who asks, or of the record itself."""

    name: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Step:
    """One row: a step by its name in the API, the states it starts from, where it leads, who may, what must hold.

    `rule` names the paragraph that asks for it. `driven_by`: the kind of record whose own step takes this one along;
    nobody asks for it here, so it is never among the allowed actions.
    """

    name: str
    sources: frozenset[str]
    target: str
    permission: str
    zh: str
    rule: str
    guards: tuple[Guard, ...]
    driven_by: str

    def __init__(
        self,
        name: str,
        sources: Iterable[str],
        target: str,
        *,
        permission: str,
        zh: str,
        rule: str = "",
        guards: Iterable[Guard] = (),
        driven_by: str = "",
    ) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "sources", frozenset(sources))
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "permission", str(permission))
        object.__setattr__(self, "zh", zh)
        object.__setattr__(self, "rule", rule)
        object.__setattr__(self, "guards", tuple(guards))
        object.__setattr__(self, "driven_by", driven_by)


class Machine:
    """A table of steps over the states of one kind of record."""

    def __init__(self, name: str, zh: str, initial: str, steps: Iterable[Step]) -> None:
        self.name, self.zh, self.initial, self.steps = name, zh, initial, tuple(steps)
        self.states: tuple[str, ...] = tuple(
            dict.fromkeys([initial, *(state for step in self.steps for state in (*sorted(step.sources), step.target))])
        )
        MACHINES[name] = self

    def next(self, state: str, step: str) -> str:
        """Where `step` leads from `state`. Several rows may share a name if their sources or guards differ.

        Raises the problem `wrong_state` with the current state, and the steps that are possible in it.
        """
        for row in self.steps:
            if row.name == step and state in row.sources:
                return row.target
        rows = [row for row in self.steps if row.name == step]
        sources = sorted({source for row in rows for source in row.sources})
        zh = rows[0].zh if rows else step
        possible = {row.name: row.zh for row in self.steps if state in row.sources and not row.driven_by}
        raise WRONG_STATE.problem(
            (
                f"当前状态为 {state}，不能“{zh}”；须处于 {'、'.join(sources)}。",
                f"The state is {state}; {step} needs {', '.join(sources)}.",
            ),
            rule=next((row.rule for row in rows if row.rule), ""),
            remedy=_what_next(possible),
            state=state,
            possible_steps=sorted(possible),
        )

    def allowed(self, state: str, permissions: Collection[str], failing: Collection[Guard] = ()) -> list[str]:
        """The names of the steps that someone with these permissions may take now; guards in `failing` don't hold."""
        return list(
            dict.fromkeys(
                row.name
                for row in self.steps
                if state in row.sources
                and row.permission in permissions
                and not row.driven_by
                and not any(guard in failing for guard in row.guards)
            )
        )

    def allowed_sql(
        self, state: Any, permissions: Collection[str], holds: Mapping[Guard, bool | ColumnElement[bool]] | None = None
    ) -> ColumnElement[Any]:
        """`allowed` as an SQL expression over a state column: a jsonb array.

        `holds`: whether a guard holds, known already or to be asked of each row; a guard that isn't named holds.
        """
        asked = {guard: one for guard, one in (holds or {}).items() if not isinstance(one, bool)}
        failing = {guard for guard, one in (holds or {}).items() if one is False}
        if not any(guard in asked for row in self.steps for guard in row.guards):
            return case(
                *((state == one, _array(self.allowed(one, permissions, failing))) for one in self.states),
                else_=_array([]),
            )
        found = _array([])
        for row in self.steps:
            if row.permission in permissions and not row.driven_by and not failing.intersection(row.guards):
                conditions = [asked[guard] for guard in row.guards if guard in asked]
                holding = and_(state.in_(sorted(row.sources)), *conditions)
                found = found.concat(case((holding, _array([row.name])), else_=_array([])))
        return found

    def mermaid(self) -> str:
        """The diagram for the documentation. A step that another record takes along is in brackets with its name."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for row in self.steps:
            told = row.zh + (f"（{row.driven_by}）" if row.driven_by else "")
            lines += [f"    {source} --> {row.target}: {told} {row.name}" for source in sorted(row.sources)]
        return "\n".join(dict.fromkeys(lines))


def _what_next(possible: Mapping[str, str]) -> tuple[str, str]:
    """Who may take which of the possible steps, and under which guards, is for `allowed_actions` to say."""
    if not possible:
        return ("记录已终结，不再变动。", "The record is final.")
    zh, en = "、".join(possible.values()), ", ".join(possible)
    return (
        f"请按 allowed_actions 办理；此状态下的步骤：{zh}，各有权限和条件。",
        f"Follow allowed_actions; steps of this state, each for whom it is: {en}.",
    )


def _array(names: Iterable[str]) -> ColumnElement[Any]:
    return cast(literal("[" + ",".join(f'"{name}"' for name in names) + "]", Text), JSONB)


MACHINES: dict[str, Machine] = {}
