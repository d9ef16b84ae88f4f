"""The page that is shown at unknown addresses."""

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
<p>The console has <a href="/">live results</a>, <a href="/dead">dead letters</a> and <a href="/models">models</a>.
The API is described at <a href="/openapi.json">/openapi.json</a>.</p></body></html>"""


def add(pages: FastAPI) -> None:
    """Answer unknown addresses of these pages with status 404 and this page."""
    pages.add_exception_handler(404, _answer)


async def _answer(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(_PAGE.format(style=(ASSETS / "console.css").read_text()), status_code=404)
