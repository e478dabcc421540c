"""`/docs` (every operation, to try out), `/docs/guide` (for people, in Chinese), `/docs/roles` (who may what)."""

import html
from importlib import resources
from pathlib import Path
from string import Template

from fastapi import FastAPI
from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from toilet_api.handbook.tables import roles_and_steps
from toilet_api.settings import Settings

# Sites run on networks without internet, and a page that shows data must not be able to send it anywhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
PAGES = (("/docs", "接口文档"), ("/docs/guide", "使用指南"), ("/docs/roles", "角色与流程"))

_folder = Path(str(resources.files("toilet_api.handbook")))


class _Assets(StaticFiles):
    """The scripts and styles. They change with the version of the package only, so a browser may keep them a while."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response


def mount(app: FastAPI) -> None:
    """Give `app` its documentation pages. They stay out of the OpenAPI document."""

    def operations(_: Request) -> Response:
        head = '<link rel="stylesheet" href="/docs/static/swagger-ui/swagger-ui.css">'
        scripts = "".join(
            f'<script src="/docs/static/{name}"></script>' for name in ("swagger-ui/swagger-ui-bundle.js", "api.js")
        )
        body = f'<div id="operations" data-document="{html.escape(app.openapi_url or "")}"></div>'
        return _page("/docs", body + scripts, head, wide=True)

    def guide(request: Request) -> Response:
        settings: Settings = request.app.state.settings
        address = settings.public_url.rstrip("/")
        text = (_folder / "guide.zh.md").read_text(encoding="utf-8").replace("{{BASE}}", address)
        body = _rendered(text)
        return _page("/docs/guide", f'<article>{body}</article><script src="/docs/static/copy.js"></script>')

    def roles(_: Request) -> Response:
        return _page("/docs/roles", f"<article>{roles_and_steps()}</article>", wide=True)

    app.mount("/docs/static", _Assets(directory=_folder / "static"), name="handbook")
    for (path, _), page in zip(PAGES, (operations, guide, roles), strict=True):
        app.add_route(path, page, include_in_schema=False)


def _rendered(text: str) -> str:
    """Markdown as HTML. The sections are numbered in Chinese (一、二、…) and get the anchors s1, s2, …"""
    body: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for number, sign in enumerate("一二三四五六七八九", 1):
        body = body.replace(f"<h2>{sign}、", f'<h2 id="s{number}">{sign}、')
    return body


def _page(path: str, body: str, head: str = "", *, wide: bool = False) -> HTMLResponse:
    shell = Template((_folder / "shell.html").read_text(encoding="utf-8"))
    links = "".join(
        f'<a href="{target}"{" aria-current=page" if target == path else ""}>{title}</a>' for target, title in PAGES
    )
    made = shell.substitute(
        title=dict(PAGES)[path], head=head, links=links, body=body, width="wide" if wide else "narrow"
    )
    return HTMLResponse(made, headers=HEADERS)
