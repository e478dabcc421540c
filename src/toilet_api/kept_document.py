"""The document is made once for each state of the code, and kept in the data directory: making it takes seconds."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import fastapi
import psutil
import pydantic
import pydantic_core
import starlette

from toilet_api.kernel.fields import new_id
from toilet_api.specimens import Json

_HERE = Path(__file__).parent
_MAKERS = (fastapi.__version__, pydantic.VERSION, pydantic_core.__version__, starlette.__version__)
_NO_PART = ("__pycache__", "static")


def kept(folder: Path, make: Callable[[], Json], here: Path = _HERE) -> Json:
    """What `make` makes, or has made before of the same code. A folder that can't be written to keeps nothing."""
    state = _state(here)
    if state is None:
        return make()
    file = folder / "openapi" / f"{state}.json"
    with suppress(OSError):
        found: Json = json.loads(file.read_bytes())
        return found
    made = make()
    with suppress(OSError):
        _keep(file, made)
    return made


def _keep(file: Path, made: Json) -> None:
    """Whole or not at all, whoever else keeps it at this moment; what was made of other code goes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_name(f"{new_id()}.part")
    begun.write_text(json.dumps(made), "utf-8")
    begun.replace(file)
    for one in file.parent.glob("*.json"):
        if one != file:
            one.unlink(missing_ok=True)


def _state(here: Path) -> str | None:
    """A digest of our files and of the versions of what reads them.

    None where a file was changed since this process began: it may run what was there before.
    """
    began = psutil.Process().create_time()
    digest = blake2b(json.dumps(_MAKERS).encode(), digest_size=16)
    for file in sorted(_files(here)):
        if file.stat().st_ctime >= began:
            return None
        digest.update(f"\0{file.relative_to(here)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(here: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(here):
        folders[:] = [one for one in folders if one not in _NO_PART]
        yield from (Path(folder, name) for name in names if not name.endswith(".xz"))
