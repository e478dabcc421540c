"""What whoever imports must be allowed to do: what the rows do is done as them, by the same functions."""

from toilet_api.accounts.caller import Caller, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.kernel.scope import Scope

_P = Permission
NEEDED: dict[str, tuple[Permission, ...]] = {
    "visits": (_P.VISIT_WRITE,),
    "problems": (_P.PROBLEM_RECORD_WORK,),
    "close_outs": (_P.PROBLEM_CLOSE, _P.PROBLEM_CLOSE_WORK),
    "users": (_P.ACCOUNT_MANAGE,),
    "divisions": (_P.DIVISION_MANAGE,),
}
"""Kind of import -> permissions of which one is needed, beside `import.create`."""


def scope_of_rights(caller: Caller, kind: str) -> Scope:
    """Where the caller may do what an import of this kind does."""
    return Scope.of(prefix for one in NEEDED[kind] for prefix in caller.scope_for(one).prefixes)


def require_rights(caller: Caller, kind: str) -> None:
    """Refuse (403) an import of a kind that the caller could do by hand nowhere. Households need no more."""
    if kind != "households" and scope_of_rights(caller, kind).is_empty:
        raise forbidden(NEEDED[kind][0])
