"""The description of the API at `/openapi.json`."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import msgspec
from fastapi import FastAPI

from headrace import __version__
from headrace.web.api.inputs import SENT
from headrace.web.api.schemas import REFERENCE, SHAPES, error

OF_EVERY_CALL = (400, 403, 408, 414, 421, 431, 500, 503)  #: errors that may answer any call, before it is looked at
OPEN_PATHS = frozenset({"/livez", "/readyz", "/metrics"})  #: to callers without the token
#: Which calls can follow an answer: its status, where in it the parameter is, the parameter's name, and the calls.
LINKS: Mapping[str, Sequence[tuple[str, str, str, Sequence[str]]]] = {
    "publish_documents": (
        ("202", "ids/0", "identity", ("get_document", "erase_document")),
        ("200", "items/0/id", "identity", ("get_document", "erase_document")),
    ),
}
ABOUT = """Documents go in and come out with their predictions. Errors are `{"error": {"message": …}}`, with the `index` of the wrong
member if a list was sent; 503 comes with `Retry-After`. Off loopback send `Authorization: Bearer TOKEN`."""


def new_app(title: str, **more: Any) -> FastAPI:
    """An app without FastAPI's documentation pages, which load scripts from other hosts."""
    return FastAPI(title=title, version=__version__, description=ABOUT, docs_url=None, redoc_url=None, **more)


def describe(app: FastAPI, *, token: bool, signed: Set[str] = frozenset()) -> None:
    """Let `/openapi.json` describe the structs, what is sent, and who may call; with `token`, only those who send it.

    Calls of the paths `signed` need a signature instead.
    """
    without_token = OPEN_PATHS | signed
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = plain()
            _, shapes = msgspec.json.schema_components(SHAPES, ref_template=REFERENCE)
            described.setdefault("components", {}).setdefault("schemas", {}).update({**shapes, **SENT})
            for path, calls in described["paths"].items():
                for call in calls.values():
                    _add_errors(call, closed=token and path not in without_token)
                    _add_links(call)
            if token:
                _secure(described, without_token)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_errors(call: dict[str, Any], *, closed: bool) -> None:
    statuses = (*OF_EVERY_CALL, 401) if closed else OF_EVERY_CALL
    call["responses"] = {**{f"{status}": error(status) for status in statuses}, **call["responses"]}


def _add_links(call: dict[str, Any]) -> None:
    for status, source, parameter, targets in LINKS.get(call["operationId"], ()):
        call["responses"][status]["links"] = {
            target: {"operationId": target, "parameters": {parameter: f"$response.body#/{source}"}}
            for target in targets
        }


def _secure(described: dict[str, Any], without_token: Set[str]) -> None:
    scheme = {"type": "http", "scheme": "bearer", "description": "The setting `token`."}
    described["components"]["securitySchemes"] = {"token": scheme}
    described["security"] = [{"token": []}]
    for path in without_token & described["paths"].keys():
        for call in described["paths"][path].values():
            call["security"] = []
