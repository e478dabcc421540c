"""Oversight over HTTP."""

from fastapi import APIRouter

from toilet_api.oversight import falsification_routes, sample_routes, summary_routes, unit_routes

router = APIRouter()
for part in (sample_routes, unit_routes, falsification_routes, summary_routes):
    router.include_router(part.router)
