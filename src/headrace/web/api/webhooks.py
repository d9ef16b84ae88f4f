"""Webhooks: other programs send their events to `/in/NAME`, and documents are made of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headrace import metrics
from headrace.documents import microseconds
from headrace.errors import HeadraceError
from headrace.log import logger
from headrace.signatures import Signature
from headrace.tables import Webhook
from headrace.web import requests
from headrace.web.access.paths import WEBHOOKS
from headrace.web.api import submission
from headrace.web.api.events import read_events, records_of
from headrace.web.api.payloads import FORM, Payloads
from headrace.web.api.schemas import Challenge, Received, responses
from headrace.web.pool import on_thread
from headrace.web.responses import Refused, json_response
from headrace.web.state import AppState

LOG = logger("headrace.web")
OUTCOMES = ("published", "ignored", "refused")


class WebhookRoutes:
    """A call for each webhook that is declared."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._settings = state.services.settings
        self._explained: set[str] = set()
        self._payloads = Payloads(self._settings.request_bytes, token=bool(self._settings.token))

    @property
    def signed(self) -> frozenset[str]:
        """The paths of those that need a signature, and no token."""
        return frozenset(_path(one) for one in self._settings.webhooks if one.signature is not None)

    def routes(self) -> APIRouter:
        """The calls, for an app."""
        router = APIRouter(tags=["webhooks"])
        for webhook in self._settings.webhooks:
            for outcome in OUTCOMES:
                self._count(webhook, 0, outcome)
            errors = (401, 409, 413, 415, 422, 503) if webhook.signature else (409, 413, 415, 422, 503)
            router.add_api_route(
                _path(webhook),
                self._call(webhook),
                operation_id=f"receive_{webhook.name.replace('-', '_')}",
                methods=["POST"],
                status_code=202,
                summary="Take events of another program",
                responses=responses({202: Received, 200: (Received, Challenge)}, *errors),
                openapi_extra=_described(webhook, forms=bool(self._settings.token or webhook.signature)),
            )
        return router

    def _call(self, webhook: Webhook) -> Callable[[Request], Awaitable[Response]]:
        async def receive(request: Request) -> Response:
            """202 once the broker has confirmed all documents of the payload. Records without a text are ignored; 200 if the request only
            tests the URL. If a record of a list is bad, the error has its index, and nothing is published."""
            return await self._receive(webhook, request)

        return receive

    async def _receive(self, webhook: Webhook, request: Request) -> Response:
        told = 1  # records, until it is known how many there are
        try:
            payload, size = await self._payloads.read(request, webhook)
            if (answer := _to_test(webhook.signature, request, payload)) is not None:
                return answer
            records = records_of(payload, webhook)
            told = len(records.members)
            limit, now = self._settings.document_bytes, microseconds()
            read = partial(read_events, records, webhook, limit=limit, now=now)
            sent = await on_thread(read) if size > requests.LARGE else read()
            if sent.lines:
                with self._state.published.place():
                    await submission.publish(self._state, sent, size, listed=records.listed)
        except (Refused, HeadraceError):
            self._count(webhook, told, "refused")
            raise
        published, ignored = len(sent.lines), told - len(sent.documents)
        if ignored:
            self._explain(webhook, records.members)
        self._count(webhook, published, "published")
        self._count(webhook, ignored, "ignored")
        return json_response(Received(published, ignored, tuple(one.id for one in sent.documents)), 202)

    def _explain(self, webhook: Webhook, members: Sequence[Any]) -> None:
        """Log, once for each webhook, why a record was ignored: its fields may be wrong."""
        text = webhook.fields.text[0]
        opened = (webhook.fields.opened(one) for one in members if isinstance(one, Mapping))
        lacking = next((one for one in opened if isinstance(one, Mapping) and one and not text.is_in(one)), None)
        if lacking is not None and webhook.name not in self._explained:
            self._explained.add(webhook.name)
            LOG.info(
                f"the webhook {webhook.name!r} ignores events without a text; the first has {text.absence(lacking)}"
                f" (more are counted in {metrics.WEBHOOK_DOCUMENTS.name})"
            )

    def _count(self, webhook: Webhook, number: int, outcome: str) -> None:
        self._state.meter.add(metrics.WEBHOOK_DOCUMENTS, number, webhook.name, outcome)


def _path(webhook: Webhook) -> str:
    return f"{WEBHOOKS}/{webhook.name}"


def _to_test(signature: Signature | None, request: Request, payload: object) -> Response | None:
    """The answer to a request by which a sender only tests the URL; None for all others."""
    if signature is None:
        return None
    header, value = signature.ping
    if header and request.headers.get(header) == value:
        return json_response(Received(0, 0, ()))
    if signature.challenges and isinstance(payload, dict) and payload.get("type") == "url_verification":
        challenge = payload.get("challenge")
        return json_response(Challenge(challenge)) if isinstance(challenge, str) else None
    return None


def _described(webhook: Webhook, *, forms: bool) -> dict[str, Any]:
    """The `openapi_extra` of a call: what it takes, and the headers that it needs."""
    schema = {"type": ["object", "array"]}
    content = {kind: {"schema": schema} for kind in ("application/json", *((FORM,) if forms else ()))}
    needed = (webhook.signature.header, webhook.signature.timestamp) if webhook.signature else ()
    parameters = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in needed if name
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters}
