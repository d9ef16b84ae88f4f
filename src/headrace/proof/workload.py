"""What a proof publishes: sound texts, and those that have to be buried; by the seed, the same again."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from headrace.burial import bury_bytes
from headrace.documents import Body, Document, encode, read, unpack
from headrace.ports import Malformed

SOURCE = "prove"
ONE_IN = 200  # of those that are malformed, or poison
KILLERS_ONE_IN, MOST_KILLERS = 4000, 5  # each costs some ten predictors
SHARED_ONE_IN = 20  # are published by two publishers
WORDS = ("Vad är klockan", "καλημέρα", 'quote " and \\', "今日は", "line\nbreak", "😀", "wie spät ist es", "tab\t.")

# By the first word of a text, which is also what the classifier goes by: the kinds of dead letters that it may become.
FATES: Mapping[str, tuple[str, ...]] = {
    "sound": (),
    "RAISE": ("raised",),
    "KILL": ("killed",),
    "SPOIL": ("malformed",),  # cut short on its way into the broker
    "TORN": ("malformed",),  # cut short in the publisher's file
}


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A line of a publisher's file, the id under which it comes out, and its text as published."""

    line: bytes
    id: str
    text: str

    @property
    def fates(self) -> tuple[str, ...]:
        """The kinds of dead letters that it may become; none for what has to be stored."""
        return FATES[self.text.partition(" ")[0]]


def make(number: int, chance: random.Random) -> list[WorkItem]:
    """So many work items, shuffled."""
    kinds: list[str] = []
    killers = min(MOST_KILLERS, max(1, number // KILLERS_ONE_IN))
    faulty = max(1, number // ONE_IN)
    for kind, wanted in (("RAISE", faulty), ("KILL", killers), ("SPOIL", faulty), ("TORN", faulty)):
        kinds += [kind] * min(wanted, (number - len(kinds)) // 2)
    kinds += ["sound"] * (number - len(kinds))
    chance.shuffle(kinds)
    return [_item(kind, place, chance) for place, kind in enumerate(kinds)]


def distribute(items: Sequence[WorkItem], publishers: int, chance: random.Random) -> list[list[WorkItem]]:
    """What each publisher gets, in order; some of it is another's too."""
    hands: list[list[WorkItem]] = [[] for _ in range(publishers)]
    for place, one in enumerate(items):
        hands[place % publishers].append(one)
        if chance.randrange(SHARED_ONE_IN) == 0:
            hands[(place + 1) % publishers].append(one)
    return hands


def spoil(body: Body) -> Body:
    """The body with those of its lines cut short that have to be."""
    if b'"text":"SPOIL ' not in body.data:
        return body
    return Body(b"\n".join(_spoilt(line) for line in unpack(body.data)), body.key)


def comes_out_as(item: Document | Malformed) -> str:
    """The id under which the store will have what a publisher read."""
    if isinstance(item, Malformed):
        return bury_bytes(item.data, "").id
    line = encode(item)
    spoilt = _spoilt(line)
    return item.id if spoilt is line else bury_bytes(spoilt, "").id


def _item(kind: str, place: int, chance: random.Random) -> WorkItem:
    text = f"{kind} {place} {' '.join(chance.choices(WORDS, k=chance.randrange(20)))}"
    own = {"id": f"own-{place}"} if chance.random() < 0.5 else {}
    members = {**own, "text": text, "source": SOURCE}
    line = msgspec.json.encode(members)
    if kind == "TORN":
        line = line[: line.index(b'"source"')]
        return WorkItem(line, comes_out_as(Malformed(line, "", "")), text)
    return WorkItem(line, comes_out_as(read(members)), text)


def _spoilt(line: bytes) -> bytes:
    """Without what comes after the text, such as the time at which it was published: the same, however often that is."""
    return line.partition(b',"source"')[0] if b'"text":"SPOIL ' in line else line
