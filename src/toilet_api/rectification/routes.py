"""Rectification over HTTP."""

from fastapi import APIRouter

from toilet_api.rectification import (
    acceptance_routes,
    checklist_routes,
    close_out_routes,
    plan_item_routes,
    plan_routes,
    postponement_routes,
    task_routes,
)

router = APIRouter()
for part in (
    plan_routes,
    plan_item_routes,
    task_routes,
    postponement_routes,
    checklist_routes,
    acceptance_routes,
    close_out_routes,
):
    router.include_router(part.router)
