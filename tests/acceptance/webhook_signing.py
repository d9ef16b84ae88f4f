"""A hook of schemathesis: it signs what it sends to the webhook of test_openapi.py, if it sends the headers of a signature at all."""

import hmac
import time

import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase

PATH, SECRET = "/in/signed", "a shared secret"
SIGNATURE, TIMESTAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"


class Signed(AuthBase):
    """Replaces made-up values of both headers by right ones."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if SIGNATURE in request.headers and TIMESTAMP in request.headers:
            at, body = str(int(time.time())), request.body or b""
            content = body.encode() if isinstance(body, str) else body
            digest = hmac.digest(SECRET.encode(), f"v0:{at}:".encode() + content, "sha256").hex()
            request.headers.update({SIGNATURE: f"v0={digest}", TIMESTAMP: at})
        return request


schemathesis.auth.set_from_requests(Signed()).apply_to(path=PATH)
