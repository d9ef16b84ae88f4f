"""JetStream's API: the stream and the consumer that are created, and what an answer says."""

import json
from collections.abc import Mapping
from typing import Any

from nats.aio.msg import Msg

from headrace.brokers.headers import headers_of, value_of
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.ports import Delivery

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


def delivery(message: Msg, receipt: Any) -> Delivery:
    """What a message is to its receiver."""
    if not message.headers:  # as we publish it
        return Delivery(message.data, receipt)
    headers = headers_of(message.headers.items())
    return Delivery(
        message.data,
        receipt,
        encoding=value_of(headers, "content-encoding"),
        content_type=value_of(headers, "content-type"),
        headers=headers,
        key=value_of(headers, "nats-msg-id"),
    )
