"""The one password of all logins of the demonstration: DEMO_PASSWORD, or one that is made up and kept."""

import os
import secrets
from pathlib import Path

from sqlalchemy import text

from toilet_api.accounts.passwords import matches
from toilet_api.accounts.rules import PASSWORD_MAX, password_faults
from toilet_api.demonstration.places import DemonstrationRefusedError
from toilet_api.kernel.database import EVERYWHERE, Database
from toilet_api.settings import Settings


def choose(settings: Settings) -> str:
    """What a new demonstration takes. Raises DemonstrationRefusedError where nobody could log in with it."""
    given = os.environ.get("DEMO_PASSWORD")
    if not given:
        return _kept(settings) or _keep_new(settings)
    if len(given) > PASSWORD_MAX or not given.isprintable():
        raise DemonstrationRefusedError(
            f"DEMO_PASSWORD 须为不超过 {PASSWORD_MAX} 个可见字符 / "
            f"DEMO_PASSWORD must be at most {PASSWORD_MAX} printable characters"
        )
    return given


def weaknesses(password: str) -> list[str]:
    """The rules that a password breaks. A demonstration may have a weak one, but not without a word."""
    return [" / ".join(fault.message) for fault in password_faults(password, "", "")]


def line(settings: Settings) -> str:
    """What the logins in the database take, for the person at the terminal."""
    given, kept = os.environ.get("DEMO_PASSWORD"), _kept(settings)
    stored = _stored(settings)
    if given and matches(settings, stored, given):
        return "密码 / Password: DEMO_PASSWORD"
    note = " （DEMO_PASSWORD 只在首次装入时有效 / counts at the first start only）" if given else ""
    if kept and matches(settings, stored, kept):
        return f"密码 / Password: {kept}   ({_path(settings)}){note}"
    return f"密码：首次装入时的，或此后改过的 / Password: that of the first start, or changed since{note}"


def _path(settings: Settings) -> Path:
    return settings.data_dir / "demo_password"


def _kept(settings: Settings) -> str | None:
    path = _path(settings)
    return path.read_text().strip() if path.exists() else None


def _keep_new(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # Every kind of character that the password rules ask for, and none that a shell or a URL would change.
    made = f"Demo-{secrets.token_hex(3)}-{secrets.token_hex(3)}-{secrets.randbelow(90) + 10}"
    handle = os.open(_path(settings), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(made + "\n")
    return made


def _stored(settings: Settings) -> str | None:
    """The hash of one of them; they all had the same password at first."""
    database = Database(settings)
    try:
        with database.transaction(EVERYWHERE) as session:
            found: str | None = session.connection().execute(
                text(
                    """
                    select secret_hash from credential join principal on principal.id = credential.principal_id
                    where principal.username = 'county_admin'
                    """
                )
            ).scalar_one_or_none()  # fmt: skip
            return found
    finally:
        database.dispose()
