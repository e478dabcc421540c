"""Makes the pictures of docs/dashboard.md anew: `python -m tests.reporting.dashboard.pictures`.

On a database of its own with a made-up county, in Debian's chromium.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.conftest import SUBSET, make_settings
from tests.reporting.dashboard.browser import CHROMIUM, Browser, browser
from tests.reporting.dashboard.made import fill
from tests.reporting.dashboard.serving import served
from tests.world import PASSWORD, load_people
from toilet_api.app import create_app
from toilet_api.divisions import loading
from toilet_api.kernel.database import Database
from toilet_api.kernel.embedded import EmbeddedPostgres
from toilet_api.kernel.migrations import migrate

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
DESK, PHONE = (1280, 1100), (360, 800)
MOST_BYTES = 200_000


def take(seen: Browser, address: str) -> None:
    """Every picture, from logging in to the bottom of a page."""
    seen.size(*DESK)
    seen.go(f"{address}/dashboard")
    seen.picture(_at("login"))
    seen.submit("main form", username="county_admin", password=PASSWORD)
    seen.picture(_at("county"))
    seen.picture(_at("trend"), of="section:has(#trend)")
    seen.picture(_at("map"), of="section:has(#map)")
    seen.go(f"{address}/dashboard/definitions")
    seen.picture(_at("definitions"))
    seen.size(*DESK, dark=True)
    seen.go(f"{address}/dashboard?division=360423&sort=-overdue")
    seen.picture(_at("dark"))
    seen.size(*PHONE)
    seen.go(f"{address}/dashboard?division=360423208")
    seen.picture(_at("phone"))
    for name in ("progress", "overdue", "map"):
        seen.picture(_at(f"phone-{name}"), of=f"section:has(#{name})")


def _at(name: str) -> Path:
    return FOLDER / f"dashboard-{name}.png"


def shrink(path: Path) -> None:
    """Fewer colours, where a picture is large: nobody sees the difference on a page of figures."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES, f"{path.name} has {path.stat().st_size} bytes"


def main() -> None:
    """Set up, look, take down."""
    assert CHROMIUM, "chromium is not installed here"
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="toilet-pictures-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", fsync=False)
        try:
            settings = make_settings(postgres.start(), Path(folder))
            migrate(settings)
            database = Database(settings)
            loading.load(database, SUBSET)
            load_people(database, settings)
            fill(database)
            with served(create_app(settings)) as address, browser() as seen:
                take(seen, address)
            database.dispose()
        finally:
            postgres.stop()
    for path in sorted(FOLDER.glob("dashboard-*.png")):
        shrink(path)
        print(path.name, path.stat().st_size)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
