"""What others hear of documents: whoever consumes results, and whoever asked for a reply.

Results for others to consume are published after the store has them and before the ack, so that each comes at least once.

A result is published once for each model that answered, under the key `model.label`: the JSON of the API, one result a line, lines of one
key packed together. It is what stands in the store by then: a document that comes again has the same answers; one that was erased, or
whose id is known with another text, has none. Where the store keeps nothing, results are what was just predicted, and dead letters are
published too, under `dead.kind`: nothing else has them.

A reply goes to whoever published a body and asked for one, before the ack too: for each line of the body, in their order, the result as it
stands, a dead letter, or both where one of several models failed.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from headrace.browse import letters_of, results_of
from headrace.burial import bury
from headrace.clock import to_datetime
from headrace.documents import BODY_BYTES, Body, DeadLetter, Outcome, Result, encode, unpack
from headrace.errors import Rejected
from headrace.ports import Delivery, Sink, Store, model_of
from headrace.retrying import isolate


class Burial(msgspec.Struct, frozen=True):
    """A dead letter as it is published; `data`, in base64, is what came."""

    id: str
    kind: str
    reason: str
    model: str
    source: str
    data: bytes


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of what is published, and the outcome that it tells of."""

    key: str
    data: bytes
    outcome: Outcome


class ResultPublisher:
    """Tells what became of documents, to `results` where it is given; `keeps`: whether the store keeps it."""

    def __init__(self, store: Store, results: Sink | None = None, *, keeps: bool = True) -> None:
        self._store, self._results, self._keeps = store, results, keeps

    @property
    def publishes(self) -> bool:
        """Whether there is anything to publish to."""
        return self._results is not None

    def announce(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        """Publish what the store made of outcomes that it has just written. Those told again are published again.

        Returns the outcomes that can never be published, with the reason; all others are.
        """
        if self._results is None:
            return []
        lines = list(_lines(self._found(outcomes)))
        if not self._keeps:
            lines += [_burial(letter, outcome) for outcome in outcomes for letter in outcome.dead]
        sink, refused = self._results, dict[int, tuple[Outcome, str]]()

        def publish(some: Sequence[Line]) -> None:
            sink.publish(list(_packed(some, min(BODY_BYTES, sink.body_bytes()))))

        def refuse(line: Line, error: Rejected) -> None:
            refused.setdefault(id(line.outcome), (line.outcome, str(error)))

        isolate(lines, publish, refuse)
        return list(refused.values())

    def reply(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Answer those that ask for it; `outcomes` are those of all lines of the deliveries, in order, and written."""
        start = 0
        for delivery in deliveries:
            end = start + len(unpack(delivery.data))
            if delivery.reply is not None:
                delivery.reply(b"\n".join(self._answers(outcomes[start:end])))
            start = end

    def _answers(self, outcomes: Sequence[Outcome]) -> Iterator[bytes]:
        results = {result.id: result for result, _ in self._found(outcomes)}
        gone = [one.document.id for one in outcomes if one.document is not None and one.document.id not in results]
        buried = self._buried(gone) if self._keeps else {}
        for outcome in outcomes:
            found = outcome.document
            letters = list(outcome.dead)
            if found is not None and found.id in results:
                yield encode(results[found.id])
            elif found is not None and not letters:
                letters = buried.get(found.id) or [bury(found, "erased", "it was erased while it was on its way")]
            yield from (encode(_told(letter)) for letter in letters)

    def _buried(self, ids: Sequence[str]) -> dict[str, list[DeadLetter]]:
        """The newest dead letter of each: a conflict, or what the store refused."""
        buried: dict[str, list[DeadLetter]] = {}
        for letter in letters_of(self._store, ids):
            buried.setdefault(letter.id, [letter])
        return buried

    def _found(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
        return self._standing(outcomes) if self._keeps else _made(outcomes)

    def _standing(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
        """What the store has of them, where it has that text."""
        written = {one.document.id: one for one in outcomes if one.document is not None and one.predictions}
        for result in results_of(self._store, list(written)):
            outcome = written[result.id]
            if outcome.document is not None and outcome.document.text == result.text:
                yield result, outcome


def _made(outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
    for outcome in outcomes:
        found = outcome.document
        if found is not None and outcome.predictions:
            answers = {model_of(one.model): one for one in outcome.predictions}
            published_at = None if found.published_at is None else to_datetime(found.published_at)
            said = found.id, found.text, found.source, found.created_at, found.meta
            yield Result(*said, answers, published_at), outcome


def _lines(results: Iterable[tuple[Result, Outcome]]) -> Iterator[Line]:
    """A line for each model that has answered now."""
    for result, outcome in results:
        data = encode(result)
        for model in {model_of(one.model): None for one in outcome.predictions}:
            if model in result.predictions:
                yield Line(f"{model}.{result.predictions[model].label}", data, outcome)


def _burial(letter: DeadLetter, outcome: Outcome) -> Line:
    return Line(f"dead.{letter.kind}", encode(_told(letter)), outcome)


def _told(letter: DeadLetter) -> Burial:
    return Burial(letter.id, letter.kind, letter.reason, letter.model, letter.source, letter.data)


def _packed(lines: Sequence[Line], target: int) -> Iterator[Body]:
    """Bodies of about `target` bytes, each of one key; a longer line gets a body of its own."""
    by_key: dict[str, list[bytes]] = {}
    for line in lines:
        by_key.setdefault(line.key, []).append(line.data)
    for key, data in by_key.items():
        packed: list[bytes] = []
        size = 0
        for one in data:
            if packed and size + len(one) > target:
                yield Body(b"\n".join(packed), key)
                packed, size = [], 0
            packed.append(one)
            size += len(one) + 1
        yield Body(b"\n".join(packed), key)
