"""The same with FastStream, which acknowledges when the function has returned: `faststream run peers.faststream_app:app`."""

from typing import Any

import psycopg
from faststream import FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from pydantic import BaseModel

from peers import BROKER, QUEUE, STORE, WRITE, predictor


class Document(BaseModel):
    """The body of a message."""

    id: str
    text: str


broker = RabbitBroker(BROKER, default_channel=Channel(prefetch_count=100), logger=None)
app = FastStream(broker, logger=None)
opened: dict[str, Any] = {}


@app.on_startup
async def open_all() -> None:
    opened.update(label=predictor(), store=await psycopg.AsyncConnection.connect(STORE))


@app.after_startup
async def tell() -> None:
    print("ready", flush=True)


@broker.subscriber(RabbitQueue(QUEUE, durable=True, declare=False))
async def take(document: Document) -> None:
    """Predict and write."""
    await opened["store"].execute(WRITE, (document.id, document.text, opened["label"](document.text)))
    await opened["store"].commit()
