"""The payload of a webhook: its signature is checked over the bytes as they were sent, before anything else is done with them."""

import time
from functools import partial
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request

from headrace import cloudevents, documents
from headrace.signatures import Signature
from headrace.tables import Webhook
from headrace.web import requests
from headrace.web.pool import on_thread
from headrace.web.requests import Payload, PayloadMemory
from headrace.web.responses import Refused

FORM = "application/x-www-form-urlencoded"
FORM_FIELDS = 1000  #: the most fields of a form
WHOLE = "payload"  #: the field of a form that is the only one if it has the whole payload, as JSON


class Payloads:
    """Reads the payloads of webhooks, of up to `limit` bytes. A form is taken from unsigned ones only if there is a `token`.

    What is not verified yet has a memory of its own: whoever doesn't know the secret can fill that, and harms no other call.
    """

    def __init__(self, limit: int, *, token: bool) -> None:
        self._limit, self._token = limit, token
        self._unverified = PayloadMemory(limit, payloads=1)

    async def read(self, request: Request, webhook: Webhook) -> tuple[object, int]:
        """What was sent, and its size in bytes after decompression. A form is an object of its fields. What is the data of a CloudEvent by
        its headers is that event, unless the payload is signed: a signature does not vouch for headers.

        Raises Refused if the signature is missing or wrong (401), for too much (413), for what is neither JSON nor a form (415), and for a
        form that cannot be read (422); Rejected for what is not JSON.
        """
        headers = request.headers
        if webhook.signature is None and (event := _event(headers)):
            body = await requests.read(request, self._limit)
            make = partial(cloudevents.structured, event, body, headers.get("content-type", ""))
            return await on_thread(make) if len(body) > requests.LARGE else make(), len(body)
        if webhook.signature is None:
            is_form = _is_form(request.headers, taken=self._token)
            body = await requests.read(request, self._limit)
        else:
            sent = await self._read_verified(request, webhook.signature, webhook.secret_now)
            is_form = _is_form(request.headers, taken=True)
            body = await requests.unpack(request, sent, self._limit)
        if len(body) > requests.LARGE:
            return await on_thread(lambda: _parse(body, is_form=is_form)), len(body)
        return _parse(body, is_form=is_form), len(body)

    async def _read_verified(self, request: Request, signature: Signature, secret: bytes) -> bytes:
        given, at = request.headers.getlist(signature.header), request.headers.getlist(signature.timestamp)
        timestamp = at[0] if at else ""
        if len(given) != 1 or len(at) > 1 or not signature.is_current(timestamp, time.time()):
            raise _unsigned(signature)
        payload = Payload(self._unverified)
        try:
            sent = await requests.read_sent(request, self._limit, payload)
            if len(sent) > requests.LARGE:
                right = await on_thread(lambda: signature.is_of(sent, secret, given=given[0], timestamp=timestamp))
            else:
                right = signature.is_of(sent, secret, given=given[0], timestamp=timestamp)
        finally:
            payload.release()
        if not right:
            raise _unsigned(signature)
        return sent


def _event(headers: Headers) -> dict[str, str]:
    """The attributes of the CloudEvent whose data is the content, if it is one by its headers. No page of another site can send these."""
    if headers.get("content-type", "").lower().startswith(cloudevents.MEDIA_TYPE):
        return {}
    return cloudevents.in_headers(headers.items())


def _unsigned(signature: Signature) -> Refused:
    """The same refusal whatever is wrong: it helps nobody to guess."""
    return Refused(401, f"this webhook needs {signature.expectation}")


def _is_form(headers: Headers, *, taken: bool) -> bool:
    """Whether the content is a form; otherwise it is JSON. Raises Refused (415) for anything else, and for a form that is not `taken`."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        if not taken:
            raise Refused(
                415,
                "any page can send a form, so one is taken only with a signature or the server's token; send JSON, with the header"
                " 'Content-Type: application/json'",
            )
        return True
    if not (kind.startswith("application/") and kind.endswith("+json")):
        requests.check_json(headers)
    return False


def _parse(body: bytes, *, is_form: bool) -> object:
    if not is_form:
        return documents.parse(body)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)
    except ValueError:
        raise Refused(422, f"the form can't be read; it must be UTF-8, of up to {FORM_FIELDS:,} fields") from None
    if not fields:
        raise Refused(422, "the form is empty; send at least one field")
    if fields.keys() == {WHOLE} and len(fields[WHOLE]) == 1:
        return documents.parse(fields[WHOLE][0].encode())
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
