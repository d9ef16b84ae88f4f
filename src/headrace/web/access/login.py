"""The login: people enter the token once and get the console's cookie. A single page without scripts."""

import asyncio
import hmac
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headrace.web import requests
from headrace.web.responses import Refused

ENTER = "/enter"  #: the path that the form is sent to
FORM_BYTES = 4096  #: the largest form that is read
DAYS = 30  #: how long the cookie is valid
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
</style></head><body><form method="post" action="/enter"><h1>Headrace</h1>
<p{style}>{message}</p><label>Token<input name="token" type="password" autocomplete="current-password" required autofocus></label>
<button>Sign in</button></form></body></html>"""


class Login:
    """The page with the form, and the answer to the form."""

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the form, and status 401."""
        await _page(401, "Enter the token that this server was started with.", wrong=False)(scope, receive, send)

    def enter(self, token: str, cookie: str) -> ASGIApp:
        """An app that answers the form: with the cookie (`name=value`) if the token is right, or else with the page again."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await _answer(Request(scope, receive), token, cookie)
            await response(scope, receive, send)

        return answer


async def _answer(request: Request, token: str, cookie: str) -> Response:
    if request.method != "POST":
        return RedirectResponse("/", 303)
    try:
        form = parse_qs((await requests.read(request, FORM_BYTES)).decode(errors="replace"))
    except Refused as refused:
        return refused.response()
    given = form.get("token", [""])[0]
    if not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        await asyncio.sleep(WRONG_SECONDS)
        return _page(403, "Wrong token. The right one is the value of HEADRACE_TOKEN.", wrong=True)
    secure = "; Secure" if request.url.scheme == "https" else ""
    kept = f"{cookie}; HttpOnly; SameSite=Lax; Path=/; Max-Age={DAYS * 86400}{secure}"
    return RedirectResponse("/", 303, {"set-cookie": kept})


def _page(status: int, message: str, *, wrong: bool) -> Response:
    return HTMLResponse(_PAGE.format(message=message, style=' class="wrong"' if wrong else ""), status)
