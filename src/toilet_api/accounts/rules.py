"""The rules of accounts, without I/O: who manages whom, what a password must be, how long a lockout lasts."""

import re
import secrets
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from toilet_api.accounts.permissions import ROLES, Permission, Role, permissions_of
from toilet_api.kernel.errors import FieldError
from toilet_api.kernel.machines import Machine, Step


class Grant(NamedTuple):
    """A role in a division."""

    role: Role
    division_code: str


def permissions_at(grants: Iterable[Grant], code: str, narrowed_to: Set[str] | None = None) -> set[str]:
    """What these grants allow at `code`."""
    return {
        permission.value
        for grant in grants
        if code.startswith(grant.division_code)
        for permission in permissions_of(grant.role, narrowed_to)
    }


@dataclass(frozen=True, slots=True)
class Power:
    """The right to manage accounts of one role under one division."""

    role: Role
    prefix: str
    below_only: bool
    """Strictly below `prefix`: the role holds something there that the manager does not hold himself."""
    permissions: frozenset[str]
    """What the manager holds at `prefix`. A system never gets a scope beyond it, at whatever level."""

    def covers(self, grant: Grant, scopes: Set[str] | None) -> bool:
        """Whether an account with this grant (and, for a system, these scopes) may be managed by it."""
        code = grant.division_code
        if grant.role is not self.role or not code.startswith(self.prefix):
            return False
        if scopes is not None:
            return scopes <= self.permissions
        return not self.below_only or len(code) > len(self.prefix)


def powers(grants: Iterable[Grant], narrowed_to: Set[str] | None = None) -> list[Power]:
    """What someone with these grants may manage.

    People: the roles that his role manages, inside his division; at his own division only roles that hold nothing
    beyond his own rights, further below any of them (a city inspector names the county's administrator, though he may
    not enter data himself). Systems: never a scope that he does not hold, because their secret passes his hands and
    is not changed at a first login.
    """
    held_grants = list(grants)
    made = []
    for grant in held_grants:
        if Permission.ACCOUNT_MANAGE not in permissions_of(grant.role, narrowed_to):
            continue
        held = frozenset(permissions_at(held_grants, grant.division_code, narrowed_to))
        for role in sorted(ROLES[grant.role].manages):
            rule = ROLES[role]
            below_only = rule.kind == "person" and not rule.permissions <= held
            made.append(Power(role, grant.division_code, below_only, held))
    return made


def _account_machine(name: str, zh: str, renewal: tuple[str, str]) -> Machine:
    manage = Permission.ACCOUNT_MANAGE
    return Machine(
        name,
        zh,
        "active",
        [
            Step("update", {"active"}, "active", permission=manage, zh="修改"),
            Step("update", {"locked"}, "locked", permission=manage, zh="修改"),
            Step("grant", {"active"}, "active", permission=manage, zh="授权"),
            Step("grant", {"locked"}, "locked", permission=manage, zh="授权"),
            Step(renewal[0], {"active"}, "active", permission=manage, zh=renewal[1]),
            Step(renewal[0], {"locked"}, "locked", permission=manage, zh=renewal[1]),
            Step("lock", {"active"}, "locked", permission=manage, zh="锁定"),
            Step("unlock", {"locked"}, "active", permission=manage, zh="解锁"),
            Step("remove", {"active", "locked"}, "removed", permission=manage, zh="删除"),
            Step("restore", {"removed"}, "active", permission=manage, zh="恢复"),
        ],
    )


USER_STATES = _account_machine("user", "用户账号", ("reset_password", "重置口令"))
CLIENT_STATES = _account_machine("client", "系统账号", ("rotate_secret", "更换密钥"))


# --- passwords (GB/T 22239-2019 8.1.4.1: complexity and regular change) ---

PASSWORD_MIN, PASSWORD_MAX, PASSWORD_CLASSES, PASSWORD_HISTORY = 10, 128, 3, 5
_CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^a-zA-Z0-9]"))
# The passwords that are tried first, without case and decorations; see _skeleton.
_COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text().split())


def _skeleton(password: str) -> str:
    """What is left of a password when the usual decorations are taken off: `Password@2024!` -> `password`."""
    return re.sub(r"[\W_]*\d*[\W_]*$", "", re.sub(r"^[\W_\d]*(?=[a-z])", "", password.lower()))


def password_faults(password: str, username: str, pointer: str = "/new_password") -> list[FieldError]:
    """Every rule that a password breaks; none when it is good."""
    faults = []
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        faults.append(
            FieldError(
                pointer,
                "password_length",
                (f"口令须为 {PASSWORD_MIN} 至 {PASSWORD_MAX} 个字符", f"{PASSWORD_MIN} to {PASSWORD_MAX} characters"),
                expected=f"{PASSWORD_MIN}..{PASSWORD_MAX}",
            )
        )
    if sum(bool(one.search(password)) for one in _CLASSES) < PASSWORD_CLASSES:
        faults.append(
            FieldError(
                pointer,
                "password_classes",
                ("大写、小写、数字、符号四类中至少三类", "at least three of upper case, lower case, digits and signs"),
                expected=PASSWORD_CLASSES,
            )
        )
    lowered = password.lower()
    if username and (username.lower() in lowered or lowered in username.lower()):
        faults.append(
            FieldError(pointer, "password_is_username", ("口令不能包含用户名", "must not contain the username"))
        )
    if lowered in _COMMON or _skeleton(password) in _COMMON or len(set(lowered)) < 5:
        faults.append(FieldError(pointer, "password_common", ("口令过于常见", "too common a password")))
    return faults


_ALPHABETS = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-+=@#")


def temporary_password() -> str:
    """A password of 16 characters that keeps the rules, without letters that are mistaken for others on paper."""
    letters = [secrets.choice(alphabet) for alphabet in _ALPHABETS]
    letters += [secrets.choice("".join(_ALPHABETS[:3])) for _ in range(12)]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


# --- lockout (GB/T 22239-2019 8.1.4.1: handling of failed logins) ---

LOCKOUT_LONGEST_SECONDS = 900
ADDRESS_FACTOR = 10
"""A source address may fail this many times as often as an account: a whole office shares one address."""


def lockout_seconds(failures: int, after: int, base: int) -> int:
    """How long to refuse after so many failures in a row: 0 below `after`, then `base`, doubled each time, capped."""
    if failures < after:
        return 0
    return int(min(LOCKOUT_LONGEST_SECONDS, base * 2 ** min(failures - after, 20)))
