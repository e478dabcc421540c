"""The registry over HTTP."""

from toilet_api.registry import household_routes, toilet_routes

routers = (household_routes.router, toilet_routes.router)
