"""What the application keeps for its routes, as annotated types.

These are coroutines although they wait for nothing: FastAPI sends a plain function to a thread, which costs more.
"""

from typing import Annotated

from fastapi import Depends, Request

from toilet_api.kernel.database import Database
from toilet_api.kernel.objects import ObjectStore
from toilet_api.kernel.vault import Vault
from toilet_api.settings import Settings


async def _settings(request: Request) -> Settings:
    return request.app.state.settings  # type: ignore[no-any-return]


async def _database(request: Request) -> Database:
    return request.app.state.database  # type: ignore[no-any-return]


async def _vault(request: Request) -> Vault:
    return request.app.state.vault  # type: ignore[no-any-return]


async def _objects(request: Request) -> ObjectStore:
    return request.app.state.objects  # type: ignore[no-any-return]


async def request_id(request: Request) -> str:
    """The number under which this request stands in logs, errors and the audit trail."""
    return request.state.request_id  # type: ignore[no-any-return]


def language(request: Request) -> str:
    """`en` when the client prefers English, else `zh`."""
    preferred = request.headers.get("accept-language", "zh").lower()
    first = preferred.split(",")[0].strip()
    return "en" if first.startswith("en") else "zh"


async def _language(request: Request) -> str:
    return language(request)


SettingsDep = Annotated[Settings, Depends(_settings)]
DatabaseDep = Annotated[Database, Depends(_database)]
VaultDep = Annotated[Vault, Depends(_vault)]
ObjectsDep = Annotated[ObjectStore, Depends(_objects)]
RequestId = Annotated[str, Depends(request_id)]
Language = Annotated[str, Depends(_language)]
