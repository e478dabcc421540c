"""What was broken off or cancelled goes away, row and bytes."""

from uuid import UUID

from sqlmodel import col, delete, or_, select

from toilet_api.exchange.uploads import folder
from toilet_api.exchange.uploads.tables import Upload
from toilet_api.kernel import jobs
from toilet_api.kernel.database import EVERYWHERE
from toilet_api.kernel.fields import now


@jobs.task(name="upload.housekeeping", cron="41 * * * *")
def clear(context: jobs.Context) -> None:
    """Hourly: rows that were cancelled or have expired, then every file that no open upload needs any more."""
    files = sorted(folder.root(context.settings).glob("*"))  # before the rows: a file comes after its row
    with context.database.transaction(EVERYWHERE) as session:
        gone = or_(col(Upload.state) == "cancelled", (col(Upload.state) == "open") & (col(Upload.expires_at) < now()))
        held = select(Upload.id).where(gone).with_for_update(skip_locked=True)
        session.connection().execute(delete(Upload).where(col(Upload.id).in_(held)))
        wanted = set(session.exec(select(Upload.id).where(Upload.state == "open")))
    for file in files:
        if not _belongs_to(file.stem, wanted):
            file.unlink(missing_ok=True)


def _belongs_to(name: str, uploads: set[UUID]) -> bool:
    try:
        return UUID(name) in uploads
    except ValueError:
        return False
