"""What documents, claims and dead letters look like in MongoDB."""

import hashlib
from collections.abc import Iterable

import bson
import msgspec
from bson import Int64
from pymongo.errors import DocumentTooLarge

from headrace.belonging import Owners, owners_of, owners_of_letter
from headrace.clock import HOUR
from headrace.documents import DeadLetter, Document, Prediction, microseconds
from headrace.ports import model_of
from headrace.stores.merging import Known
from headrace.stores.mongodb.server import Row

ANSWERED, OTHERS = "answers", "others"
MOST_BYTES = 16 << 20


def document_row(number: int, document: Document, now: int, predictions: Row) -> Row:
    """A new document, stored now, with its predictions. `keys` are what lists and counts find it by."""
    return {
        "_id": document.id,
        "n": Int64(number),
        "text": document.text,
        "source": document.source,
        "created_at": document.created_at,
        # As text: it may contain names that have a meaning for MongoDB.
        "meta": msgspec.json.encode(document.meta).decode() if document.meta else None,
        "published_at": int64(document.published_at),
        "stored_at": Int64(now),
        **predictions,
        "keys": keys_of(predictions[ANSWERED], now),
        **owned(owners_of(document.source, document.meta)),
    }


def claim_row(row: Row, what: str, prediction: Prediction) -> Row:
    """A prediction that is to be added to a stored document: only one of the same model, or version, can be inserted."""
    mine = prediction.model if what == OTHERS else model_of(prediction.model)
    of = {"n": Int64(row["n"]), "id": row["_id"], "published_at": int64(row["published_at"])}
    owners = {"owners": row["owners"]} if "owners" in row else {}
    return {"_id": f"{what} {row['n']} {mine}", **of, "as": what, **entry(prediction), **owners}


def dead_row(number: int, letter: DeadLetter) -> Row:
    """A dead letter under its number."""
    said = msgspec.structs.asdict(letter)
    del said["burial"]
    said["published_at"] = int64(letter.published_at)
    owners = owned(owners_of_letter(letter.source, letter.data))
    return {"_id": Int64(number), **said, "buried_at": Int64(microseconds()), **owners}


def owned(owners: Owners) -> Row:
    """What a row says of its owners: hashes, as those of tombstones; nothing if there are none."""
    hashes = [hashed(name) for name in owners if name]
    return {"owners": hashes} if hashes else {}


def hashed(name: str) -> str:
    """The name of a tombstone for an id or another key of `belonging`."""
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def known_of(row: Row, claims: Iterable[Row]) -> Known:
    """What `merging.plan` has to know of a stored document."""
    shown = folded(row, claims)
    answered = [one["version"] for one in shown[ANSWERED]]
    versions = [*answered, *(one["version"] for one in shown[OTHERS])]
    return Known(row["n"], row["text"], stored_at_of(row), [model_of(version) for version in answered], versions)


def folded(row: Row, claims: Iterable[Row]) -> Row:
    """What a document shows together with its claims."""
    shown: Row = {ANSWERED: list(row[ANSWERED]), OTHERS: list(row[OTHERS])}
    for claim in claims:
        said = {name: claim[name] for name in ("version", "label", "score")}
        if said not in shown[claim["as"]]:
            shown[claim["as"]].append(said)
    return {**shown, "keys": keys_of(shown[ANSWERED], stored_at_of(row))}


def keys_of(answers: Iterable[Row], stored_at: int) -> list[str]:
    """What finds a document with these answers: their models, versions and labels, label with model, version, or model and hour."""
    keys: set[str] = set()
    for answer in answers:
        model, label = model_of(answer["version"]), answer["label"]
        keys |= {model, version_key(answer["version"]), pair("", label), pair(model, label)}
        keys |= {version_key(answer["version"], label), cell(stored_at // HOUR, model, label)}
    return sorted(keys)


def entry(prediction: Prediction) -> Row:
    """A prediction within a document."""
    return {"version": prediction.model, "label": prediction.label, "score": prediction.score}


def version_key(version: str, label: str | None = None) -> str:
    """What finds the documents that a version has answered, or given a label. The name of a model has neither `@` nor `=`."""
    return f"@{version}" if label is None else f"@{len(version)}={version}={label}"


def pair(model: str, label: str) -> str:
    """What finds the documents that a model gave a label; without a model, that any did. The name of a model has no `=`."""
    return f"{model}={label}"


def cell(hour: int, model: str, label: str) -> str:
    """What finds the documents that were stored in an hour and that a model gave a label. The name of a model has no space."""
    return f"{hour} {pair(model, label)}"


def stored_at_of(row: Row) -> int:
    """When a document was stored. One written by an earlier Headrace since the store was taken forward says only when it was published."""
    return int(row.get("stored_at") or row["published_at"] or 0)


def int64(number: int | None) -> Int64 | None:
    """A number as 64 bits, whatever its size."""
    return None if number is None else Int64(number)


def check_size(row: Row) -> None:
    """Raises DocumentTooLarge for a document that MongoDB does not accept; other servers might."""
    long = sum(len(value) for value in row.values() if isinstance(value, str | bytes))
    if 4 * long > MOST_BYTES and (size := len(bson.encode(row))) > MOST_BYTES:
        raise DocumentTooLarge(f"{size:,} bytes of BSON; the limit is {MOST_BYTES:,}")
