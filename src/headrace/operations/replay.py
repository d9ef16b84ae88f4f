"""Replaying dead letters: they are dropped only after the broker has confirmed them, so a crash in between repeats some and loses none."""

from collections.abc import Iterator, Sequence
from itertools import chain

from headrace.documents import BODY_BYTES, Body, DeadLetter, pack_lines
from headrace.errors import Rejected
from headrace.ports import Broker, Store
from headrace.retrying import isolate


def replay(store: Store, broker: Broker, buried: Sequence[DeadLetter]) -> list[Rejected]:
    """Publish dead letters with the bytes that came, then drop exactly these burials; a document buried again has a new number.

    Documents are packed, the oldest burial first; of bytes that could not be read each gets a body of its own. A letter that the broker
    rejects stays buried; the list holds a reason for each. Raises Unavailable when the broker or the store can't be reached: what was
    published and not dropped is published again by the next call.
    """

    def publish(letters: Sequence[DeadLetter]) -> list[Rejected]:
        broker.publish(list(_bodies(letters, min(BODY_BYTES, broker.body_bytes()))))
        store.drop([letter.burial for letter in letters])
        return []

    def stay(letter: DeadLetter, error: Rejected) -> list[Rejected]:
        return [Rejected(f"dead letter {letter.burial} stays: {error}")]

    return list(chain.from_iterable(isolate(buried, publish, stay)))


def _bodies(letters: Sequence[DeadLetter], target: int) -> Iterator[Body]:
    ordered = sorted(letters, key=lambda letter: (letter.source, letter.burial))
    yield from pack_lines(((one.data, one.source) for one in ordered if _is_a_line(one)), target=target)
    yield from (Body(one.data, one.source) for one in ordered if not _is_a_line(one))


def _is_a_line(letter: DeadLetter) -> bool:
    """Whether its bytes can stand among others in a body, and be read as they were alone."""
    data = letter.data
    return letter.kind != "malformed" and data.startswith(b"{") and data.endswith(b"}") and b"\n" not in data
