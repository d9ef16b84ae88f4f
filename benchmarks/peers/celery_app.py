"""The same as a Celery task that is acknowledged late: `celery -A peers.celery_app worker`, one process for each core."""

import sys
from typing import Any

import psycopg
from celery import Celery
from celery.signals import worker_process_init, worker_ready

from peers import BROKER, QUEUE, STORE, WRITE, predictor

app = Celery("peer", broker=BROKER)
app.conf.update(task_acks_late=True, task_ignore_result=True, task_default_queue=QUEUE, worker_hijack_root_logger=False)
opened: dict[str, Any] = {}


@worker_process_init.connect
def open_all(**_: object) -> None:
    """Open model and connection once in each process, as the documentation does for connections."""
    opened.update(label=predictor(), store=psycopg.connect(STORE))


@worker_ready.connect
def tell(**_: object) -> None:
    print("ready", file=sys.__stdout__, flush=True)  # Celery has turned sys.stdout into a log


@app.task
def label(identity: str, text: str) -> None:
    """Predict and write."""
    opened["store"].execute(WRITE, (identity, text, opened["label"](text)))
    opened["store"].commit()
