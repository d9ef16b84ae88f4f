"""What people write without Headrace to label messages from RabbitMQ, as each library's documentation suggests: for each message one
prediction, one statement, one acknowledgement. benchmarks/pipeline.py measures them.

They are configured by the environment: PEER_BROKER and PEER_STORE (URLs), PEER_MODEL (a folder with pipeline.joblib, or "language" for
Headrace's model).
"""

import os
from collections.abc import Callable
from pathlib import Path

QUEUE = "headrace-benchmark-peer"
TABLE = "headrace_benchmark_peer"
CREATE = f"CREATE TABLE {TABLE} (id text PRIMARY KEY, text text NOT NULL, label text NOT NULL)"
# The talk's worker updates the document with its label; a redelivery changes nothing.
WRITE = (
    f"INSERT INTO {TABLE} (id, text, label) VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE SET label = excluded.label"
)

BROKER, STORE = os.environ.get("PEER_BROKER", ""), os.environ.get("PEER_STORE", "")


def predictor() -> Callable[[str], str]:
    """The model, as a function from a text to its label."""
    wanted = os.environ.get("PEER_MODEL", "language")
    if wanted == "language":
        import headrace

        model = headrace.load("language")
        model.prepare(wait=True)
        return lambda text: model.predict([text])[0].label
    import joblib

    pipeline = joblib.load(Path(wanted) / "pipeline.joblib")
    return lambda text: str(pipeline.predict([text])[0])
