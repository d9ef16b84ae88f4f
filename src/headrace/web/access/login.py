"""The login: people enter the token once and get the console's cookie. A single page without scripts."""

import asyncio
import html
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.web import requests
from headrace.web.access.paths import ENTER
from headrace.web.access.session import Session
from headrace.web.responses import Refused

FORM_BYTES = 4096  #: the largest form that is read
WRONG_SECONDS = 0.5  #: how long a wrong token is answered late, which makes guessing slow

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Headrace</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 1rem;
  background: light-dark(#f6f8f8, #0f1517); color: light-dark(#182225, #dfe8ea); }}
form {{ display: grid; gap: .75rem; width: min(22rem, 100%); }}
h1 {{ font-size: 1.4rem; margin: 0; font-weight: 650; }}
label {{ display: grid; gap: .25rem; }}
input, button {{ font: inherit; padding: .6rem .8rem; border-radius: .5rem; border: 1px solid light-dark(#c3cfd2, #34454a);
  background: light-dark(#fff, #172023); color: inherit; }}
button {{ background: light-dark(#0b6e72, #2aa3a6); color: light-dark(#fff, #06181a); border: 0; cursor: pointer; font-weight: 600; }}
p {{ margin: 0; }} .wrong {{ color: light-dark(#a4321f, #f0907d); }}
</style></head><body><form method="post" action="{action}"><h1>Headrace</h1>
<p{style}>{message}</p><label>Token<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Sign in</button></form></body></html>"""


class Login:
    """The page with the form, and the answer to the form."""

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the form, and status 401."""
        message = "Enter the token that this server was started with."
        await _page(scope, 401, message, wrong=False)(scope, receive, send)

    def enter(self, session: Session) -> ASGIApp:
        """An app that answers the form: with the session's cookie if the token is right, or else with the page again."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await _answer(Request(scope, receive), session)
            await response(scope, receive, send)

        return answer


async def _answer(request: Request, session: Session) -> Response:
    root: str = request.scope.get("root_path", "")
    if request.method != "POST":
        return RedirectResponse(f"{root}/", 303)
    try:
        form = parse_qs((await requests.read(request, FORM_BYTES)).decode(errors="replace"))
    except Refused as refused:
        return refused.response()
    except ValueError:  # more fields than parse_qs reads
        form = {}
    if not session.is_token(form.get("token", [""])[0]):
        await asyncio.sleep(WRONG_SECONDS)
        return _page(request.scope, 403, "Wrong token. The right one is the value of HEADRACE_TOKEN.", wrong=True)
    # The form's page knows, if a proxy does not tell.
    encrypted = "https" in (request.scope["scheme"], request.headers.get("origin", "").partition(":")[0])
    cookie = session.set_cookie(root or "/", encrypted=encrypted)
    return RedirectResponse(f"{root}/", 303, {"set-cookie": cookie})


def _page(scope: Scope, status: int, message: str, *, wrong: bool) -> Response:
    action = html.escape(scope.get("root_path", "") + ENTER)
    style = ' class="wrong"' if wrong else ""
    return HTMLResponse(_PAGE.format(action=action, message=message, style=style), status)
