"""How a link to a node is opened, and the exchange, the queue and its bindings are made where they are missing."""

import re
from collections.abc import Mapping
from typing import Any

from headrace.brokers.rabbitmq.connection import Link
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import Misconfigured

HANDING = "x-dead-letter-exchange"
LOSES: Mapping[str, str] = {
    "durable": "is not durable: loses everything when its node restarts; make it anew, durable",
    "x-queue-type": "is no quorum queue: loses what it has confirmed with the one node that it is on; make it anew as a quorum queue",
    HANDING: "gives what it puts out (by a policy: time to live, deliveries) elsewhere, or to nobody; make it anew",
    "x-delivery-limit": "drops what was delivered often, as when many workers die; make it anew without a delivery limit",
}


def connect(address: RabbitmqUrl, number: int) -> Link:
    """A link to one of the hosts, where the queue exists now. Raises Unavailable, or Misconfigured with what to mend."""
    link = Link(address, number)
    try:
        if address.declare:
            _declare(link, address)
        else:
            _look_for(link, address)
    except BaseException:
        link.close()
        raise
    return link


def arguments(version: str, evicted: str = "") -> Mapping[str, Any]:
    """What a queue is declared with on a server of this version. `evicted`: the queue for what it puts out, if it may.

    A body that was delivered often is not at fault: a worker finds the culprit and buries it. So there is no limit to deliveries: up to
    3.x that is the default, and -1 would mean none at all; from 4.0 on the default is 20.
    """
    major = re.match(r"\d+", version)
    unlimited = {"x-delivery-limit": -1} if major is None or int(major[0]) >= 4 else {}
    if not evicted:
        return {"x-queue-type": "quorum", **unlimited}
    handing = {
        HANDING: "",
        "x-dead-letter-routing-key": evicted,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # the strategy needs it
    }
    return {"x-queue-type": "quorum", **unlimited, **handing}


def other_arguments(address: RabbitmqUrl, number: int) -> str:
    """What is lost with a queue that exists and was made with other arguments than ours; empty where they are the same."""
    # The server names one that differs; what becomes of what is put out is the least, so that is asked about last.
    told = _other_argument(address, number, "")
    if not told or told.startswith(HANDING):
        told = _other_argument(address, number, address.evicted)
    name, _, reason = told.partition(" ")
    return (
        f"queue {address.queue} {LOSES.get(name, f'was made otherwise than Headrace does: {reason}')}" if told else ""
    )


def _other_argument(address: RabbitmqUrl, number: int, evicted: str) -> str:
    """The name of an argument that an existing queue was made with otherwise, and what the server says; empty where there is none."""
    link = connect(address, number)
    try:
        _declare_queue(link, address, evicted)
    except Misconfigured as error:
        named = re.search(r"inequivalent arg '([\w-]+)'", str(error))
        if named is None:
            raise
        return f"{named[1]} {error}"
    finally:
        link.close()
    return ""


def _look_for(link: Link, address: RabbitmqUrl) -> None:
    if address.queue:
        link.call(
            lambda done: link.channel.queue_declare(address.queue, passive=True, callback=done),
            f"looking for queue {address.queue}",
        )
    else:
        link.call(
            lambda done: link.channel.exchange_declare(address.to, passive=True, callback=done),
            f"looking for exchange {address.to}",
        )


def _declare_queue(link: Link, address: RabbitmqUrl, evicted: str) -> None:
    made = arguments(link.version, evicted)
    link.call(
        lambda done: link.channel.queue_declare(address.queue, durable=True, arguments=made, callback=done),
        f"declaring queue {address.queue}",
    )


def _declare_evicted(link: Link, address: RabbitmqUrl) -> None:
    made = arguments(link.version)
    link.call(
        lambda done: link.channel.queue_declare(address.evicted, durable=True, arguments=made, callback=done),
        f"declaring queue {address.evicted}",
    )


def _declare(link: Link, address: RabbitmqUrl) -> None:
    channel = link.channel
    if address.evicted:
        _declare_evicted(link, address)
    if address.queue:
        _declare_queue(link, address, address.evicted)
    link.call(
        lambda done: channel.exchange_declare(address.to, "topic", durable=True, callback=done),
        f"declaring exchange {address.to}",
    )
    for key in address.keys if address.queue else ():

        def bind(done: Any, key: str = key) -> None:
            channel.queue_bind(address.queue, address.to, key, callback=done)

        link.call(bind, f"binding queue {address.queue} to {address.to}")
