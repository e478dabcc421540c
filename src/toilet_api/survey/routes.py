"""The survey over HTTP."""

from toilet_api.survey import attachment_routes, campaign_routes, problem_routes, visit_routes

routers = (campaign_routes.router, visit_routes.router, problem_routes.router, attachment_routes.router)
