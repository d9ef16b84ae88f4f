"""What a proof publishes: sound texts, and faulty ones that must be buried. The same seed gives the same workload."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from headrace.burial import bury_bytes
from headrace.documents import Body, Document, encode, read, unpack
from headrace.ports import Malformed

SOURCE = "prove"
ONE_IN = 200  # documents is malformed or makes the model raise, for each of these faults
KILLERS_ONE_IN, MOST_KILLERS = 4000, 5  # documents that kill the predictor: each costs about ten of them
SHARED_ONE_IN = 20  # documents is published by two publishers
WORDS = ("Vad är klockan", "καλημέρα", 'quote " and \\', "今日は", "line\nbreak", "😀", "wie spät ist es", "tab\t.")

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
    """A line of a publisher's file, the id under which the store will have it, and its text as published."""

    line: bytes
    id: str
    text: str

    @property
    def dead_kinds(self) -> tuple[str, ...]:
        """The kinds of dead letters that it may become; empty if it must be stored."""
        return DEAD_KINDS[self.text.partition(" ")[0]]


def make(number: int, rng: random.Random) -> list[WorkItem]:
    """This many work items with ids of their own, in random order. With two or more, at least one is sound and one is faulty."""
    kinds: list[str] = []
    killers = min(MOST_KILLERS, max(1, number // KILLERS_ONE_IN))
    faulty = max(1, number // ONE_IN)
    for kind, wanted in (("RAISE", faulty), ("KILL", killers), ("TRUNCATE", faulty), ("TORN", faulty)):
        kinds += [kind] * min(wanted, (number - len(kinds)) // 2)
    kinds += ["sound"] * (number - len(kinds))
    rng.shuffle(kinds)
    return [_item(kind, place, rng) for place, kind in enumerate(kinds)]


def distribute(items: Sequence[WorkItem], publishers: int, rng: random.Random) -> list[list[WorkItem]]:
    """The items of each publisher, in order. Every item is given to one publisher, and some to a second one too."""
    shares: list[list[WorkItem]] = [[] for _ in range(publishers)]
    for place, item in enumerate(items):
        shares[place % publishers].append(item)
        if rng.randrange(SHARED_ONE_IN) == 0:
            shares[(place + 1) % publishers].append(item)
    return shares


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


def _item(kind: str, place: int, rng: random.Random) -> WorkItem:
    text = f"{kind} {place} {' '.join(rng.choices(WORDS, k=rng.randrange(20)))}"
    own = {"id": f"own-{place}"} if rng.random() < 0.5 else {}
    members = {**own, "text": text, "source": SOURCE}
    line = msgspec.json.encode(members)
    if kind == "TORN":
        line = line[: line.index(b'"source"')]
        return WorkItem(line, stored_id(Malformed(line, "", "")), text)
    return WorkItem(line, stored_id(read(members)), text)


def _truncated(line: bytes) -> bytes:
    """A line that says TRUNCATE without all that follows its text, so that the time of publishing does not change the id; others as is."""
    return line.partition(b',"source"')[0] if TRUNCATED in line else line
