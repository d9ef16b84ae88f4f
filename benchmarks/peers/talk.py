"""The talk's worker, with pika: take one text, predict, write, and only then acknowledge."""

import json
from typing import Any

import pika
import psycopg

from peers import BROKER, QUEUE, STORE, WRITE, predictor


def main() -> None:
    """Consume until killed."""
    label = predictor()
    store = psycopg.connect(STORE)
    channel = pika.BlockingConnection(pika.URLParameters(BROKER)).channel()

    def take(channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        document = json.loads(body)
        store.execute(WRITE, (document["id"], document["text"], label(document["text"])))
        store.commit()
        channel.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=100)
    channel.basic_consume(QUEUE, take)
    print("ready", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
