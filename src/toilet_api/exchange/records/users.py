"""Users from a file: accounts made by the level above, without a password that anybody knows yet."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import col, select

from toilet_api.accounts import granting, people
from toilet_api.accounts.authority import grants_of, managed, state_of
from toilet_api.accounts.schemas import GrantMade, UserCreate, UserPatch
from toilet_api.accounts.tables import Principal
from toilet_api.exchange.ledgers.headings import normalise
from toilet_api.exchange.records.kind import Kind
from toilet_api.exchange.records.rows import RecordRow

_PAIRS = (
    "与角色逐一对应的区划代码或名称，用“、”分开",
    "a division for each role, by code or name, separated by 、",
)


class Users(Kind[Principal]):
    name = "users"
    record_type = "user"
    may_change: ClassVar = frozenset(UserPatch.model_fields)
    how: ClassVar = {
        "state": (
            "锁定、解锁、删除、恢复用户须逐个办理并说明理由",
            "lock, unlock, remove or restore the user, with a reason",
        ),
        "username": ("用户名不能修改；请另建用户", "a username doesn't change; make another user"),
        "roles": ("增减授权请用 POST /users/{id}/grants", "grant and take away by POST /users/{id}/grants"),
        "grant_divisions": ("增减授权请用 POST /users/{id}/grants", "grant and take away by POST /users/{id}/grants"),
        "": ("由系统决定，请留空", "decided by the system; leave it blank"),
    }

    def find(self, row: RecordRow) -> Principal | None:
        given = row.values
        if "username" in given:
            given["username"] = given["username"].lower()
        for name in ("division_code", "grant_divisions"):
            if name in given:
                self._resolve(row, name)
        statement = select(Principal).where(Principal.kind == "person")
        if "id" in given:
            statement = statement.where(Principal.id == given["id"])
        elif "username" in given:
            statement = statement.where(Principal.username == given["username"])
        else:
            row.missing("username", ("用户名", "the username"))
            return None
        found = self.session.exec(self.caller.scope.narrow(statement, col(Principal.division_code))).first()
        if found is None:
            for name in ("username", "display_name", "roles", "grant_divisions"):
                if not given.get(name):
                    row.missing(name, ("新用户必填", "needed for a new user"))
        if "roles" in given and "grant_divisions" in given and not row.findings.faults:
            self._pair(row)
        return found

    def _resolve(self, row: RecordRow, name: str) -> None:
        """Names of divisions become codes; codes are for the room to judge."""
        codes = []
        for text in row.values[name].replace("；", "、").replace(",", "、").replace("，", "、").split("、"):
            word = text.strip()
            if not word:
                continue
            names = self.around.places.names
            found = (
                [word]
                if word.isdigit()
                else [one for one, called in names.items() if normalise(called) == normalise(word)]
            )
            if len(found) != 1:
                reason = "ambiguous_record" if found else "bad_division"
                row.reject(
                    name, reason, ("区划代码，或导入范围内唯一的名称", "a code, or a name that is one's own"), word
                )
                return
            codes.append(found[0])
        row.values[name] = codes if name == "grant_divisions" else "".join(codes[:1])

    def _pair(self, row: RecordRow) -> None:
        """One division for all roles, one role for all divisions, or as many of each."""
        roles, codes = row.values["roles"], row.values["grant_divisions"]
        if len(roles) != len(codes) and 1 not in (len(roles), len(codes)):
            row.reject("grant_divisions", "bad_division", _PAIRS, "、".join(codes))
            return
        size = max(len(roles), len(codes))
        row.values["roles"] = roles * size if len(roles) == 1 else roles
        row.values["grant_divisions"] = codes * size if len(codes) == 1 else codes

    def create(self, row: RecordRow) -> Principal:
        given = row.values
        body = UserCreate(
            id=given.get("id"),
            username=given["username"],
            display_name=given["display_name"],
            division_code=given.get("division_code"),
            grants=[
                GrantMade(role=role, division_code=code)
                for role, code in zip(given["roles"], given["grant_divisions"], strict=True)
            ],
        )
        # The password that was made up is told to nobody: it would stand in a report. Whoever hands the account
        # over makes a new one by reset-password, which is shown that once.
        principal, _ = people.add_user(self.session, self.around.settings, self.caller, body)
        return principal

    def change(self, row: RecordRow, record: Principal, fields: Collection[str]) -> None:
        body = UserPatch(**{name: row.values[name] for name in fields})
        home = None
        if body.division_code is not None:
            home = granting.place(self.session, body.division_code, "/division_code", self.caller)
        principal = managed(self.session, self.caller, "person", record.id, "update")
        people.change(self.session, self.caller, principal, body, home)

    def shown(self, record: Principal) -> dict[str, Any]:
        grants = grants_of(self.session, record.id)
        return {
            "id": record.id,
            "username": record.username,
            "display_name": record.display_name,
            "division_code": record.division_code,
            "state": state_of(record),
            "roles": [grant.role for grant in grants],
            "grant_divisions": [grant.division_code for grant in grants],
        }

    def same(self, row: RecordRow, name: str, stored: Any) -> bool:
        """Roles and their divisions are compared as pairs."""
        other = {"roles": "grant_divisions", "grant_divisions": "roles"}.get(name)
        if other is None or other not in row.values or row.record_id is None:
            return super().same(row, name, stored)
        grants = grants_of(self.session, row.record_id)
        held = {(grant.role, grant.division_code) for grant in grants}
        return held == set(zip(row.values["roles"], row.values["grant_divisions"], strict=True))

    def identity(self, record: Principal) -> UUID:
        return record.id

    def field_at(self, pointer: str) -> str:
        parts = pointer.strip("/").split("/")
        if parts[0] == "grants":
            return "roles" if parts[-1] == "role" else "grant_divisions"
        return parts[0] or "row"
