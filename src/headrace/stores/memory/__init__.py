"""The memory of one process as a store."""

from headrace.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
