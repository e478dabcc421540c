"""The table of roles and the state machines as HTML, from the very tables that the code obeys."""

from html import escape

from toilet_api.accounts.permissions import LEVEL_NAMES, PERMISSION_LABELS, ROLES
from toilet_api.kernel.machines import MACHINES, Machine, Step


def roles_and_steps() -> str:
    """What each role may do, and every step of every record."""
    parts = [
        "<h1>角色与流程</h1>",
        "<p>以下表格由程序本身所用的规则表生成。每项授权是“角色＋区划”，只在该区划及其下级有效。</p>",
        "<h2>角色与权限</h2>",
        _roles(),
        "<h2>流程</h2>",
        "<p>每条记录的 <code>allowed_actions</code> 即当前用户此刻可执行的步骤。</p>",
    ]
    parts += [_machine(machine) for machine in MACHINES.values()]
    return "".join(parts)


def _roles() -> str:
    head = "".join(f"<th scope=col>{escape(rule.zh)}<br><code>{role}</code></th>" for role, rule in ROLES.items())
    granted = "".join(
        f"<td>{'、'.join(LEVEL_NAMES[level][0] for level in sorted(rule.levels))}</td>" for rule in ROLES.values()
    )
    rows = [f"<tr><th scope=row>授予的层级</th>{granted}</tr>"]
    for permission, (zh, _) in PERMISSION_LABELS.items():
        cells = "".join(f"<td>{'✓' if permission in rule.permissions else ''}</td>" for rule in ROLES.values())
        rows.append(f"<tr><th scope=row>{escape(zh)}<br><code>{permission}</code></th>{cells}</tr>")
    table = f'<table class="matrix"><thead><tr><th></th>{head}</tr></thead>{"".join(rows)}</table>'
    return f'<div class="scroll">{table}</div>'


def _machine(machine: Machine) -> str:
    rows = "".join(
        f"<tr><td>{escape(step.zh)}<br><code>{escape(step.name)}</code></td>"
        f"<td>{_states(sorted(step.sources))}</td><td>{_states([step.target])}</td>"
        f"<td><code>{escape(step.permission)}</code></td><td>{_conditions(step)}</td><td>{escape(step.rule)}</td></tr>"
        for step in machine.steps
    )
    head = "<tr><th>步骤</th><th>原状态</th><th>新状态</th><th>所需权限</th><th>条件</th><th>依据</th></tr>"
    return (
        f"<h3>{escape(machine.zh)} <code>{escape(machine.name)}</code></h3>"
        f"<p>初始状态：{_states([machine.initial])}</p>"
        f'<div class="scroll"><table><thead>{head}</thead>{rows}</table></div>'
    )


def _conditions(step: Step) -> str:
    driven = [f"随{MACHINES[step.driven_by].zh}变动"] if step.driven_by else []
    return "；".join(escape(one) for one in [*(guard.zh for guard in step.guards), *driven])


def _states(states: list[str]) -> str:
    return " ".join(f'<code class="state">{escape(state)}</code>' for state in states)
