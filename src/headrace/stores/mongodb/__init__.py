"""MongoDB as a store."""

from headrace.stores.mongodb.store import MongodbStore

__all__ = ["MongodbStore"]
