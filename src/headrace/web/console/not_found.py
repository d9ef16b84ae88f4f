"""The page that is shown at unknown addresses."""

import html

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from headrace.web.console.layout import ASSETS

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Headrace</title><style>
{style}
body {{ background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 20vh auto; max-width: 24rem;
  padding: 0 1rem; }}
a {{ color: var(--water); }}
</style></head><body><h1>Page not found</h1>
<p>The console has <a href="{base}/">live results</a>, <a href="{base}/dead">dead letters</a>, <a href="{base}/sources">sources</a> and
<a href="{base}/models">models</a>. The API is described at <a href="{base}/openapi.json">/openapi.json</a>.</p></body></html>"""


def add(pages: FastAPI) -> None:
    """Answer unknown addresses of these pages with status 404 and this page."""
    pages.add_exception_handler(404, _answer)


async def _answer(request: Request, _error: Exception) -> Response:
    style, base = (ASSETS / "console.css").read_text(), request.scope.get("root_path", "")
    return HTMLResponse(_PAGE.format(style=style, base=html.escape(base)), status_code=404)
