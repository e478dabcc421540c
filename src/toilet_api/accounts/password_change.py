"""A person changes his own password, over the API or at the dashboard."""

from collections.abc import Callable

from sqlmodel import Session, col, select

from toilet_api.accounts import passwords
from toilet_api.accounts.caller import Caller, ended
from toilet_api.accounts.problems import WRONG_PASSWORD
from toilet_api.accounts.sign_in import Door, confirm
from toilet_api.accounts.tables import Credential, Principal
from toilet_api.kernel import journal
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.errors import FORBIDDEN


def change(door: Door, identify: Callable[[Session], Caller], current_password: str, new_password: str) -> None:
    """Replace the password of whom `identify` finds; every login of his ends.

    Raises 403 `wrong_password` or `forbidden`, 422 `weak_password`, 429 while the door is locked, and what `identify`
    raises.
    """
    with door.database.transaction(EVERYWHERE, door.actor()) as session:
        caller = identify(session)
        # In one statement: what two statements saw could lie on both sides of another change.
        principal, credential = session.exec(
            select(Principal, Credential)
            .join(Credential, col(Credential.principal_id) == col(Principal.id))
            .where(col(Principal.id) == caller.id)
        ).one()
    if principal.token_version != caller.token_version:
        # Another change came between: this login is over, which must not read (and count) as a wrong password.
        raise ended()
    if principal.kind != "person":
        raise FORBIDDEN.problem(("对接系统没有口令。", "A system has no password; its manager rotates the secret."))
    if not confirm(door, principal, credential, current_password):
        raise WRONG_PASSWORD.problem()
    passwords.require_good(new_password, principal.username)
    passwords.require_unused(door.settings, new_password, [credential.secret_hash, *credential.previous])
    hashed = passwords.hashed(door.settings, new_password)
    with door.database.transaction(EVERYWHERE, door.actor(principal)) as session:
        current = session.exec(select(Principal).where(col(Principal.id) == caller.id).with_for_update()).one()
        if current.token_version != caller.token_version:
            raise ended()
        stored = session.exec(select(Credential).where(col(Credential.principal_id) == caller.id)).one()
        passwords.replace(session, current, stored, hashed, must_change=False)
        current.touch(current.id)
        journal.record(
            session,
            action="user.password_changed",
            subject_type="principal",
            subject_id=current.id,
            division_code=current.division_code,
            version=current.version,
        )
