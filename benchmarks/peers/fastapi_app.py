"""What people write without Headrace to label texts over HTTP: FastAPI, one prediction and one INSERT a request, run by uvicorn.

Configured by the environment: PEER_MODEL (as the others), PEER_FILE (the SQLite file).
"""

import os
import sqlite3
import threading
from contextlib import closing

from fastapi import FastAPI
from pydantic import BaseModel

from peers import predictor


class Text(BaseModel):
    """What is predicted."""

    text: str


class Document(Text):
    """What is stored with its label."""

    id: str


app = FastAPI()
label = predictor()
lock = threading.Lock()
database = sqlite3.connect(os.environ["PEER_FILE"], check_same_thread=False)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE results (id TEXT PRIMARY KEY, text TEXT NOT NULL, label TEXT NOT NULL)")
database.commit()


@app.post("/v1/documents")
def publish(document: Document) -> dict[str, str]:
    """Predict, and store before answering."""
    found = label(document.text)
    with lock, database, closing(database.cursor()) as cursor:
        cursor.execute("INSERT INTO results VALUES (?, ?, ?)", (document.id, document.text, found))
    return {"id": document.id, "label": found}


@app.post("/v1/predict")
def predict(text: Text) -> dict[str, str]:
    """Predict."""
    return {"label": label(text.text)}
