"""The survey over HTTP."""

from fastapi import APIRouter

from toilet_api.survey import attachment_routes, campaign_routes, problem_routes, visit_routes

router = APIRouter()
for part in (campaign_routes, visit_routes, problem_routes, attachment_routes):
    router.include_router(part.router)
