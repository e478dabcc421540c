"""The registry over HTTP."""

from fastapi import APIRouter

from toilet_api.registry import household_routes, toilet_routes

router = APIRouter()
for part in (household_routes, toilet_routes):
    router.include_router(part.router)
