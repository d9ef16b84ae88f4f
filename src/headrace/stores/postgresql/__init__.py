"""PostgreSQL as a store."""

from headrace.stores.postgresql.store import PostgresqlStore

__all__ = ["PostgresqlStore"]
