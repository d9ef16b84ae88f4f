"""JetStream's API: the stream and the consumer that are created, and what an answer says."""

import json
from collections.abc import Mapping
from typing import Any

from headrace.errors import Misconfigured, Rejected, Unavailable

DURABLE = "headrace"  #: the consumer's name
STREAM: Mapping[str, Any] = {"retention": "workqueue", "storage": "file", "discard": "new"}
CONSUMER: Mapping[str, Any] = {
    "durable_name": DURABLE,
    "ack_policy": "explicit",
    "max_deliver": -1,
    "max_ack_pending": -1,
}
NO_CONSUMER, NO_STREAM = 10014, 10059  # JetStream's codes of errors
TOO_LARGE = 10054  # beyond the stream's own limit


def read(data: bytes) -> Any:
    """What an answer says. If that is an error, raises ConnectionError if connecting again may help, otherwise one of Headrace's."""
    answer = json.loads(data)
    if "error" not in answer:
        return answer
    reason, code = answer["error"].get("description", ""), answer["error"].get("err_code")
    if code in (NO_CONSUMER, NO_STREAM):
        raise ConnectionError(reason)
    if code == TOO_LARGE:
        raise Rejected(reason)
    raise (Unavailable if answer["error"]["code"] >= 500 else Misconfigured)(reason)


def encoding(headers: Mapping[str, str] | None) -> str:
    """The content encoding that a message's headers name; empty if they name none."""
    return ",".join(value for name, value in (headers or {}).items() if name.lower() == "content-encoding")
