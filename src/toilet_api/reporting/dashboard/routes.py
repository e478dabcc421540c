"""The pages of the dashboard: figures of a division, what they mean, and the way in and out.

Mounted by `mount`, like the pages of the handbook: they are no part of the OpenAPI document.
"""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Query, Request, Response
from pydantic import BeforeValidator
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from toilet_api.accounts.caller import Caller, caller_by, count, forbidden
from toilet_api.accounts.permissions import Permission
from toilet_api.accounts.problems import PASSWORD_CHANGE_REQUIRED
from toilet_api.kernel.database import EVERYWHERE, enter_scope
from toilet_api.kernel.dependencies import DatabaseDep, SettingsDep
from toilet_api.kernel.errors import NOT_FOUND, UNAUTHENTICATED
from toilet_api.kernel.fields import DivisionCode
from toilet_api.reporting.dashboard import cookie, login_routes, view
from toilet_api.reporting.dashboard.definitions import groups
from toilet_api.reporting.dashboard.map import CLASSES
from toilet_api.reporting.dashboard.overdue import MOST
from toilet_api.reporting.dashboard.page import FOLDER, PageRoute, onward, page
from toilet_api.reporting.dashboard.sorting import ORDERS, is_order, next_order
from toilet_api.reporting.dashboard.wording import STEPS
from toilet_api.reporting.figures import Denominator
from toilet_api.survey.clock import Now

NEEDED = Permission.STATISTICS_READ
router = APIRouter(prefix="/dashboard", route_class=PageRoute, include_in_schema=False)

_DENOMINATORS: dict[Denominator, str] = {
    "households": "未拆除的全部农户",
    "lived_in": "常住农户",
    "with_toilet": "有计入统计户厕的农户",
}


class _Assets(StaticFiles):
    """The style and the icon. They change with the version of the package only."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


def mount(app: FastAPI) -> None:
    """Give `app` the dashboard."""
    app.mount("/dashboard/static", _Assets(directory=FOLDER / "static"), name="dashboard")
    app.include_router(login_routes.router)
    app.include_router(router)


def _chosen(value: str) -> str | None:
    """A form sends an empty text for no choice."""
    return value or None


@router.get("")
async def show_division(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    moment: Now,
    division: Annotated[DivisionCode | None, Query()] = None,
    campaign: Annotated[UUID | None, BeforeValidator(_chosen), Query()] = None,
    sort: Annotated[str, Query(max_length=20)] = "",
    denominator: Annotated[Denominator, Query()] = "households",
) -> Response:
    """The figures of a division: everything on the page is read in one snapshot, narrowed to the viewer's scope."""
    claims = cookie.read(request)
    if claims is None:
        raise UNAUTHENTICATED.problem()
    if not is_order(sort):
        raise NOT_FOUND.problem()
    asked = view.Asked(division, campaign, sort, denominator)

    def work() -> tuple[Caller, view.View]:
        with database.snapshot(EVERYWHERE) as session:
            caller = caller_by(session, settings, claims)
            count(request, settings, caller)
            if caller.must_change_password:
                raise PASSWORD_CHANGE_REQUIRED.problem()
            scope = caller.scope_for(NEEDED)
            if scope.is_empty:
                raise forbidden(NEEDED)
            enter_scope(session, scope.prefixes)
            caller = replace(caller, scope=scope)
            return caller, view.read(session, caller, asked, moment)

    async with database.slots:
        viewer, shown = await to_thread.run_sync(work)
    if shown.place is not None and division not in (None, shown.place.code):
        return onward(shown.to(shown.place))  # an old code: its successor has the page
    return await to_thread.run_sync(lambda: _rendered(viewer, shown))


def _rendered(viewer: Caller, shown: view.View) -> Response:
    return page(
        "division.html",
        viewer=viewer,
        view=shown,
        orders=ORDERS,
        next_order=next_order,
        classes=CLASSES,
        most_late=MOST,
        steps=STEPS,
        denominators=_DENOMINATORS,
    )


@router.get("/definitions")
def show_definitions() -> Response:
    """What each figure means: nothing in it is anybody's, so anybody may read it."""
    return page("definitions.html", groups=groups(), denominators=_DENOMINATORS)


@router.get("/")
def show_without_slash() -> Response:
    """The same page."""
    return onward("/dashboard")


@router.get("/{rest:path}")
def show_nothing(rest: str) -> Response:  # noqa: ARG001 - whatever else is asked for
    """No such page."""
    raise NOT_FOUND.problem()
