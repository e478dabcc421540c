"""Rectification over HTTP."""

from toilet_api.rectification import (
    acceptance_routes,
    checklist_routes,
    close_out_routes,
    plan_item_routes,
    plan_routes,
    postponement_routes,
    task_routes,
)

routers = (
    plan_routes.router,
    plan_item_routes.router,
    task_routes.router,
    postponement_routes.router,
    checklist_routes.router,
    acceptance_routes.router,
    close_out_routes.router,
)
