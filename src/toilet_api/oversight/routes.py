"""Oversight over HTTP."""

from toilet_api.oversight import falsification_routes, sample_routes, unit_routes

routers = (sample_routes.router, unit_routes.router, falsification_routes.router)
