"""The exchange, the queues and their bindings: declared on a new connection if they are missing, and compared with ours."""

import re
from collections.abc import Mapping
from typing import Any

from headrace.brokers.rabbitmq.connection import Connection
from headrace.brokers.rabbitmq.url import RabbitmqUrl
from headrace.errors import Misconfigured

REFUSED = "ACCESS_REFUSED"  #: what the server answers to a user who may not do this
DEAD_LETTER_EXCHANGE = "x-dead-letter-exchange"
#: What a queue loses that was declared with another value of an argument.
LOSES: Mapping[str, str] = {
    "durable": "is not durable: loses everything when its node restarts; make it anew, durable",
    "x-queue-type": (
        "is not a quorum queue: loses what it has confirmed with the one node that it is on; make it anew as a quorum queue"
    ),
    DEAD_LETTER_EXCHANGE: (
        "drops what it evicts by a policy (time to live, number of deliveries), or hands it to another queue; make it anew"
    ),
    "x-delivery-limit": "drops what was delivered often, as when many workers die; make it anew without a delivery limit",
}


def connect(address: RabbitmqUrl, number: int) -> Connection:
    """A connection to one of the hosts, on which the exchange and the queue exist.

    Raises Unavailable, or Misconfigured if they can't be declared or, with `declare=no`, are missing.
    """
    connection = Connection(address, number)
    try:
        if address.declare:
            _declare(connection, address)
        else:
            _check_exists(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


def arguments(version: str, evicted: str = "") -> Mapping[str, Any]:
    """The arguments for declaring a queue on a server of this version. `evicted`: the queue for what the server evicts from it.

    There is no limit to deliveries, because a body that was delivered often is not to blame: a worker finds the culprit and buries it. That
    is the default up to RabbitMQ 3.x, where -1 would mean no delivery at all; from 4.0 on the default is 20, and -1 means no limit.
    """
    major = re.match(r"\d+", version)
    unlimited = {"x-delivery-limit": -1} if major is None or int(major[0]) >= 4 else {}
    if not evicted:
        return {"x-queue-type": "quorum", **unlimited}
    dead_lettering = {
        DEAD_LETTER_EXCHANGE: "",
        "x-dead-letter-routing-key": evicted,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # the strategy requires it
    }
    return {"x-queue-type": "quorum", **unlimited, **dead_lettering}


def other_arguments(address: RabbitmqUrl, number: int) -> str:
    """What is lost with an existing queue that was declared with other arguments than ours; empty if they are the same.

    The server compares arguments, and tells which differ, for a user who may declare the queue. Otherwise it says that this is not known.
    """
    # The server names only one argument that differs. Dead-lettering matters least, so it is compared only if all else is the same.
    differing = _differing_argument(address, number, "")
    if not differing or differing.startswith(DEAD_LETTER_EXCHANGE):
        differing = _differing_argument(address, number, address.evicted)
    if not differing:
        return ""
    if REFUSED in differing:
        return f"queue {address.queue}: whether it loses something is not known, as this user may not declare it"
    name, _, reason = differing.partition(" ")
    return f"queue {address.queue} {LOSES.get(name, f'was made otherwise than Headrace does: {reason}')}"


def _differing_argument(address: RabbitmqUrl, number: int, evicted: str) -> str:
    """The name of an argument with another value than ours, or REFUSED, a space, and the server's message; empty if there is none."""
    connection = connect(address, number)
    try:
        _declare_queue(connection, address.queue, evicted)
    except Misconfigured as error:
        named = re.search(rf"inequivalent arg '([\w-]+)'|({REFUSED})", str(error))
        if named is None:
            raise
        return f"{named[1] or named[2]} {error}"
    finally:
        connection.close()
    return ""


def _check_exists(connection: Connection, address: RabbitmqUrl) -> None:
    channel = connection.channel
    if address.queue:
        connection.call(
            lambda done: channel.queue_declare(address.queue, passive=True, callback=done),
            f"looking for queue {address.queue}",
        )
    else:
        connection.call(
            lambda done: channel.exchange_declare(address.to, passive=True, callback=done),
            f"looking for exchange {address.to}",
        )


def _declare_queue(connection: Connection, queue: str, evicted: str = "") -> None:
    ours = arguments(connection.version, evicted)
    connection.call(
        lambda done: connection.channel.queue_declare(queue, durable=True, arguments=ours, callback=done),
        f"declaring queue {queue}",
    )


def _declare(connection: Connection, address: RabbitmqUrl) -> None:
    channel = connection.channel
    if address.evicted:
        _declare_queue(connection, address.evicted)
    if address.queue:
        _declare_queue(connection, address.queue, address.evicted)
    connection.call(
        lambda done: channel.exchange_declare(address.to, "topic", durable=True, callback=done),
        f"declaring exchange {address.to}",
    )
    for key in address.keys if address.queue else ():

        def bind(done: Any, key: str = key) -> None:
            channel.queue_bind(address.queue, address.to, key, callback=done)

        connection.call(bind, f"binding queue {address.queue} to {address.to}")
