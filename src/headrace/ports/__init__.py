"""The ports: what the rest of Headrace expects of sources, brokers, sinks, classifiers and stores.

An adapter implements a port, with `__init__(plain keywords)` and the classmethod `from_url(url)`; `headrace.adapters` names it in a
string. Everything is synchronous. Adapters raise only the errors of `headrace.errors`.
"""

from headrace.ports.brokers import Backlog, Broker, BrokerAdapter, Delivery, Provisioned, Sink
from headrace.ports.classifiers import Classifier, Ranking, Restrictable, Spanning, Stepwise, VersionRef, model_of
from headrace.ports.sources import AuthorDeletion, Batch, Deletion, Gap, Item, Malformed, Plural, Source, SourceAdapter
from headrace.ports.stores import (
    FORGET_SECONDS,
    Counts,
    Cursors,
    DeadQuery,
    History,
    HourCount,
    Page,
    Presence,
    ResultQuery,
    Store,
    StoreAdapter,
    StoredPrediction,
    Tombstones,
    WorkerStatus,
)
from headrace.ports.watching import Watch, Watching

__all__ = [
    "FORGET_SECONDS",
    "AuthorDeletion",
    "Backlog",
    "Batch",
    "Broker",
    "BrokerAdapter",
    "Classifier",
    "Counts",
    "Cursors",
    "DeadQuery",
    "Deletion",
    "Delivery",
    "Gap",
    "History",
    "HourCount",
    "Item",
    "Malformed",
    "Page",
    "Plural",
    "Presence",
    "Provisioned",
    "Ranking",
    "Restrictable",
    "ResultQuery",
    "Sink",
    "Source",
    "SourceAdapter",
    "Spanning",
    "Stepwise",
    "Store",
    "StoreAdapter",
    "StoredPrediction",
    "Tombstones",
    "VersionRef",
    "Watch",
    "Watching",
    "WorkerStatus",
    "model_of",
]
