"""What a proof publishes: sound texts, and faulty ones that must be buried. The same seed gives the same workload."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from headrace.burial import bury_bytes
from headrace.documents import Body, Document, encode, read, unpack
from headrace.ports import Malformed
from headrace.timestamps import as_utc

SOURCES = ("prove", "prøve/二", "")  # the last is none: a document of a file gets FILES_SOURCE then
FILES_SOURCE = "files"
BLOCK = 100  # documents in a row at most have the same source: a body holds documents of one
ONE_IN = 200  # documents is malformed or makes the model raise, for each of these faults
KILLERS_ONE_IN, MOST_KILLERS = 4000, 5  # documents that kill the predictor: each costs about ten of them
SHARED_ONE_IN = 20  # documents is published by two publishers
WORDS = ("Vad är klockan", "καλημέρα", 'quote " and \\', "今日は", "line\nbreak", "😀", "wie spät ist es", "tab\t.")
TIMES = (None, "2024-02-29T23:59:59Z", "2023-12-31", "2024-05-06T07:08:09.123456+02:00")
METAS: Sequence[Mapping[str, Any]] = (
    {},
    {"lang": "sv", "likes": 17},
    {"author": {"name": "Åsa 😀", "seen": True, "tags": ["a", "ß", None]}, "ratio": 0.1, "größe": -(1 << 40)},
    {"empty": {}, "list": [[], {"deep": [1, 2.5, "x"]}], "": "no name"},
)

# The first word of a text names its fault, for the classifier too; the values are the kinds of dead letters that it may become.
DEAD_KINDS: Mapping[str, tuple[str, ...]] = {
    "sound": (),
    "RAISE": ("raised",),
    "KILL": ("killed",),
    "TRUNCATE": ("malformed",),  # cut short on its way into the broker
    "TORN": ("malformed",),  # cut short in the publisher's file
}

TRUNCATED = b'"text":"TRUNCATE '


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A line of a publisher's file, the id under which the store will have it, and what it says: what has to be found in the store.

    A line that will be malformed has no members beside its text.
    """

    line: bytes
    id: str
    text: str
    source: str = ""
    created_at: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def dead_kinds(self) -> tuple[str, ...]:
        """The kinds of dead letters that it may become; empty if it must be stored."""
        return DEAD_KINDS[self.text.partition(" ")[0]]

    @property
    def is_torn(self) -> bool:
        """Whether its publisher buries it."""
        return self.text.startswith("TORN ")


def make(number: int, rng: random.Random) -> list[WorkItem]:
    """This many work items with ids of their own, in random order. With two or more, at least one is sound and one is faulty."""
    kinds: list[str] = []
    killers = min(MOST_KILLERS, max(1, number // KILLERS_ONE_IN))
    faulty = max(1, number // ONE_IN)
    for kind, wanted in (("RAISE", faulty), ("KILL", killers), ("TRUNCATE", faulty), ("TORN", faulty)):
        kinds += [kind] * min(wanted, (number - len(kinds)) // 2)
    kinds += ["sound"] * (number - len(kinds))
    rng.shuffle(kinds)
    block = max(1, min(BLOCK, number // len(SOURCES)))
    return [_item(kind, place, SOURCES[place // block % len(SOURCES)], rng) for place, kind in enumerate(kinds)]


def distribute(
    items: Sequence[WorkItem], publishers: int, portions: int, rng: random.Random
) -> list[list[list[WorkItem]]]:
    """The portions, each with a list of items for each publisher.

    Every item is given to one publisher, and some to a second one too. Items that publishers bury are dealt out evenly, so that a
    publisher which is killed in any portion has probably one of them.
    """
    shares: list[list[WorkItem]] = [[] for _ in range(publishers)]
    torn: list[WorkItem] = []
    for place, item in enumerate(items):
        copies = 2 if rng.randrange(SHARED_ONE_IN) == 0 else 1
        if item.is_torn:
            torn += [item] * copies
        else:
            for copy in range(copies):
                shares[(place + copy) % publishers].append(item)
    made = [
        [share[len(share) * part // portions : len(share) * (part + 1) // portions] for share in shares]
        for part in range(portions)
    ]
    pairs = [lines for portion in made for lines in portion]
    rng.shuffle(pairs)
    for place, item in enumerate(torn):
        lines = pairs[place % len(pairs)]
        lines.insert(rng.randrange(len(lines) + 1), item)
    return made


def truncate(body: Body) -> Body:
    """The body with its lines that say TRUNCATE cut short, which makes them malformed."""
    if TRUNCATED not in body.data:
        return body
    return Body(b"\n".join(_truncated(line) for line in unpack(body.data)), body.key)


def stored_id(item: Document | Malformed) -> str:
    """The id under which the store will have what a publisher has read."""
    if isinstance(item, Malformed):
        return bury_bytes(item.data, "").id
    line = encode(item)
    truncated = _truncated(line)
    return item.id if truncated is line else bury_bytes(truncated, "").id


def _item(kind: str, place: int, source: str, rng: random.Random) -> WorkItem:
    text = f"{kind} {place} {' '.join(rng.choices(WORDS, k=rng.randrange(20)))}"
    # What is cut short is cut at its source, so it has one.
    source = source or (SOURCES[0] if DEAD_KINDS[kind] == ("malformed",) else "")
    created_at, meta = rng.choice(TIMES), rng.choice(METAS)
    own = {"id": f"own-{place}"} if rng.random() < 0.5 else {}
    named = {"source": source} if source else {}
    timed = {"created_at": created_at} if created_at else {}
    members = {**own, "text": text, **named, **timed, **({"meta": meta} if meta else {})}
    line = msgspec.json.encode(members)
    if kind == "TORN":
        line = line[: line.index(b'"source"')]
        return WorkItem(line, stored_id(Malformed(line, "", "")), text)
    identity = stored_id(read(members, source=FILES_SOURCE))
    return WorkItem(line, identity, text, source or FILES_SOURCE, as_utc(created_at), meta)


def _truncated(line: bytes) -> bytes:
    """A line that says TRUNCATE without all that follows its text, so that the time of publishing does not change the id; others as is."""
    return line.partition(b',"source"')[0] if TRUNCATED in line else line
