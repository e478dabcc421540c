"""docs/roles.md, written from the table: `python -m toilet_api.accounts.roles_document > docs/roles.md`."""

import sys

from toilet_api.accounts.permissions import LEVEL_NAMES, PERMISSION_LABELS, ROLES, Role
from toilet_api.accounts.rules import CLIENT_STATES, USER_STATES

_HEAD = """\
# 角色与权限 / Roles and permissions

Written from `src/toilet_api/accounts/permissions.py`; don't edit it here. `make test` fails when it is stale.
Why it is so, and how accounts are protected, stands in `security.md`.

## 角色 / Roles

| 角色 Role | 对象 Kind | 授权级别 Granted at | 可管理 Manages | 依据 Source |
|---|---|---|---|---|
"""


def _roles() -> str:
    lines = []
    for role, rule in ROLES.items():
        levels = "、".join(f"{LEVEL_NAMES[level][0]} {LEVEL_NAMES[level][1]}" for level in sorted(rule.levels))
        manages = ", ".join(f"`{other}`" for other in ROLES if other in rule.manages) or "—"
        kind = "人员 person" if rule.kind == "person" else "系统 client"
        lines.append(f"| {rule.zh} {rule.en} `{role}` | {kind} | {levels} | {manages} | {rule.rule} |\n")
    return "".join(lines)


def _permissions() -> str:
    head = "| 权限 Permission | " + " | ".join(f"`{role}`" for role in Role) + " |\n"
    lines = [head, "|---|" + ":-:|" * len(Role) + "\n"]
    for permission, (zh, en) in PERMISSION_LABELS.items():
        marks = " | ".join("●" if permission in ROLES[role].permissions else " " for role in Role)
        lines.append(f"| `{permission}` {zh} / {en} | {marks} |\n")
    return "".join(lines)


def document() -> str:
    """The whole page."""
    return (
        _HEAD
        + _roles()
        + "\n## 权限 / Permissions\n\n"
        + "Personal data is masked for everyone; only `person.reveal` shows it, with a trace. For systems the\n"
        + "table is the most that a scope can give: reading is the default, `import.create` and `import.read` must\n"
        + "be named.\n\n"
        + _permissions()
        + "\n## 账号状态 / States of an account\n\nA person:\n\n```mermaid\n"
        + USER_STATES.mermaid()
        + "\n```\n\nA system:\n\n```mermaid\n"
        + CLIENT_STATES.mermaid()
        + "\n```\n"
    )


if __name__ == "__main__":
    sys.stdout.write(document())
