"""Ranking and assessment over HTTP."""

from toilet_api.reporting.assessment import assessment_routes, call_in_routes, formula_routes

routers = (formula_routes.router, assessment_routes.router, call_in_routes.router)
