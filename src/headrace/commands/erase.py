"""The command `erase`."""

from contextlib import closing

from headrace.commands.output import Json, print_json
from headrace.commands.settings import Flags
from headrace.config import Settings
from headrace.documents import read
from headrace.errors import Misconfigured, Rejected
from headrace.urls import Connectors


def erase(*ids: str, json: Json = False, settings: Flags = Settings()) -> None:
    """Erase documents by their ids: their results, their dead letters, and what is still on its way."""
    if not ids:
        raise Misconfigured("give the ids of the documents to erase")
    if not all(identity.strip() for identity in ids):
        raise Misconfigured("an id is empty; give the ids of the documents to erase")
    for identity in ids:
        try:
            read({"id": identity, "text": "-"})
        except Rejected as error:
            raise Misconfigured(f"no document can be called {identity!r}: {error}") from error
    with closing(Connectors(settings.broker, settings.store).store()) as store:
        store.erase([*ids, *(identity.strip() for identity in ids)])
    if json:
        print_json({"erased": len(set(ids))})
    else:
        print(f"{len(set(ids)):,} erased")
