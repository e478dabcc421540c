"""What every page of the dashboard has: its frame, its headers, and a page for what goes wrong."""

import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from toilet_api import __version__
from toilet_api.accounts.problems import PASSWORD_CHANGE_REQUIRED
from toilet_api.kernel.answers import unexpected
from toilet_api.kernel.errors import INTERNAL, MALFORMED, NOT_FOUND, UNAUTHENTICATED, UNAVAILABLE, Problem
from toilet_api.reporting.dashboard import cookie
from toilet_api.reporting.dashboard.wording import FILTERS

log = logging.getLogger("toilet_api")

FOLDER = Path(__file__).parent
# Sites run on networks without internet, and a page that shows data must not be able to send it anywhere.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    # Not `no-referrer`: with it a browser says `Origin: null` of our own forms.
    "Referrer-Policy": "same-origin",
    "Content-Language": "zh-CN",
}
LOGIN, PASSWORD = "/dashboard/login", "/dashboard/password"

_templates = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(FILTERS)
_templates.globals["version"] = __version__


def page(template: str, status: int = 200, headers: dict[str, str] | None = None, **given: Any) -> HTMLResponse:
    """A page from its template. Whatever is put into it is escaped, but for charts, which are marked as HTML."""
    made = _templates.get_template(template).render({"viewer": None, **given})
    return HTMLResponse(made, status, headers={**HEADERS, **(headers or {})})


def onward(target: str) -> RedirectResponse:
    """On to another page, which is got anew."""
    return RedirectResponse(target, 303, headers=HEADERS)


def own_path(target: str | None) -> str:
    """`target` where it is a page of the dashboard, else its first page: never another site."""
    if target and (target == "/dashboard" or target.startswith(("/dashboard?", "/dashboard/"))) and "\\" not in target:
        return target
    return "/dashboard"


class PageRoute(APIRoute):
    """A route whose refusals are pages too. Who isn't logged in is led to the login, and back again after it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return _refusal(request, problem)
            except RequestValidationError:
                return _refusal(request, NOT_FOUND.problem())
            except HTTPException as error:
                return _refusal(request, (NOT_FOUND if error.status_code == 404 else MALFORMED).problem())
            except OperationalError as error:
                log.error("database unreachable: %s", type(error.orig).__name__)  # noqa: TRY400 - it may quote data
                return _refusal(request, UNAVAILABLE.problem(headers={"Retry-After": "5"}))
            except Exception as error:  # noqa: BLE001 - whoever looks at pages gets one also for a fault of ours
                unexpected(request, error)
                return _refusal(request, INTERNAL.problem())

        return answered


def _refusal(request: Request, problem: Problem) -> Response:
    if problem.type is UNAUTHENTICATED:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        answer = onward(f"{LOGIN}?next={quote(back, safe='')}" if request.method == "GET" else LOGIN)
        cookie.take_back(request, answer)
        return answer
    if problem.type is PASSWORD_CHANGE_REQUIRED:
        return onward(PASSWORD)
    return page(
        "problem.html",
        problem.type.status,
        {name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"},
        title=problem.type.zh,
        detail=problem.detail[0],
        remedy=_remedy(problem),
        request_id=request.state.request_id,
    )


def _remedy(problem: Problem) -> str:
    if problem.type is NOT_FOUND:
        return "请核对网址；他处的数据由当地人员查看。"
    return problem.remedy[0]
