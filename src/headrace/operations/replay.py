"""Replaying dead letters: they are dropped only after the broker has confirmed them, so a crash in between repeats some and loses none."""

from collections.abc import Sequence
from itertools import chain

from headrace.documents import Body, DeadLetter
from headrace.errors import Rejected
from headrace.ports import Broker, Store
from headrace.retrying import isolate


def replay(store: Store, broker: Broker, buried: Sequence[DeadLetter]) -> list[Rejected]:
    """Publish dead letters with the bytes that came, then drop exactly these burials; a document buried again has a new number.

    A letter that the broker rejects stays buried; the list holds a reason for each. Raises Unavailable when the broker or the store
    can't be reached: what was published and not dropped is published again by the next call.
    """

    def publish(letters: Sequence[DeadLetter]) -> list[Rejected]:
        broker.publish([Body(letter.data, letter.source) for letter in letters])
        store.drop([letter.burial for letter in letters])
        return []

    def stay(letter: DeadLetter, error: Rejected) -> list[Rejected]:
        return [Rejected(f"dead letter {letter.burial} stays: {error}")]

    return list(chain.from_iterable(isolate(buried, publish, stay)))
