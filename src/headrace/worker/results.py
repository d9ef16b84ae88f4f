"""What a worker tells others about documents: published results, and replies to those who asked for one.

Results are published after the store has written them and before the ack, so that consumers get each at least once. A result is published
once for each model that answered, under the key `model.label`: the JSON of the API, one result a line, lines of one key packed together, or
each as a CloudEvent in a message of its own.

What is published is what the store holds at that moment. A document that is delivered again has the same answers; one that was erased, or
whose id the store knows with another text, is not published. If the store keeps nothing, the results are those just predicted, and dead
letters are published too, under `dead.kind`, since nothing else has them.

A reply goes to the publisher of a body that asked for one, also before the ack: for each line of the body, in order, the result as the
store holds it, a dead letter, or both if one of several models failed.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from headrace.browse import letters_of, results_of
from headrace.burial import bury
from headrace.clock import to_datetime
from headrace.cloudevents import STRUCTURED
from headrace.documents import BODY_BYTES, Body, DeadLetter, Outcome, Result, content_hash, encode, unpack
from headrace.errors import Rejected
from headrace.ports import Delivery, Sink, Store, model_of
from headrace.retrying import isolate
from headrace.worker import result_events


class Burial(msgspec.Struct, frozen=True):
    """A dead letter as it is published. `data`, in base64, holds the bytes that were delivered."""

    id: str
    kind: str
    reason: str
    model: str
    source: str
    data: bytes


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of what is published, its key, and the outcome that it belongs to; or one event."""

    key: str
    data: bytes
    outcome: Outcome


class ResultPublisher:
    """Publishes results to the sink `results`, if there is one, and sends replies. `keeps` says whether the store keeps what it writes;
    `events`: what is published are CloudEvents."""

    def __init__(self, store: Store, results: Sink | None = None, *, keeps: bool = True, events: bool = False) -> None:
        self._store, self._results, self._keeps, self._events = store, results, keeps, events

    @property
    def publishes(self) -> bool:
        """Whether there is a sink for results."""
        return self._results is not None

    def publish(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, str]]:
        """Publish the results of outcomes that the store has just written. Calling it again publishes them again.

        Returns the outcomes that the sink rejects, each once, with the reason; all others are published, and durable.
        """
        if self._results is None:
            return []
        lines = list(_lines(self._results_of(outcomes), events=self._events))
        if not self._keeps:
            letters = ((letter, outcome) for outcome in outcomes for letter in outcome.dead)
            lines += [_dead_line(*both, events=self._events) for both in letters]
        sink, refused = self._results, dict[int, tuple[Outcome, str]]()

        def publish(some: Sequence[Line]) -> None:
            packed = _single(some) if self._events else _packed(some, min(BODY_BYTES, sink.body_bytes()))
            sink.publish(list(packed))

        def refuse(line: Line, error: Rejected) -> None:
            refused.setdefault(id(line.outcome), (line.outcome, str(error)))

        isolate(lines, publish, refuse)
        return list(refused.values())

    def reply(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        """Reply to the deliveries that ask for it. `outcomes` has one for each line of the deliveries, in order; all are written."""
        start = 0
        for delivery in deliveries:
            end = start + len(unpack(delivery.data))
            if delivery.reply is not None:
                delivery.reply(b"\n".join(self._reply_lines(outcomes[start:end])))
            start = end

    def _reply_lines(self, outcomes: Sequence[Outcome]) -> Iterator[bytes]:
        results = {result.id: result for result, _ in self._results_of(outcomes)}
        documents = [outcome.document for outcome in outcomes if outcome.document is not None]
        without = [content_hash(document.id, document.text) for document in documents if document.id not in results]
        buried = self._buried(without) if self._keeps else {}
        for outcome in outcomes:
            document = outcome.document
            letters = list(outcome.dead)
            if document is not None and document.id in results:
                yield encode(results[document.id])
            elif document is not None and not letters:
                content = content_hash(document.id, document.text)
                letters = buried.get(content) or [bury(document, "erased", "it was erased while it was on its way")]
            yield from (encode(_burial(letter)) for letter in letters)

    def _buried(self, contents: Sequence[str]) -> dict[str, list[DeadLetter]]:
        """The newest dead letter of each content that has one: a conflict, or a document that the store rejected."""
        buried: dict[str, list[DeadLetter]] = {}
        for letter in letters_of(self._store, contents):
            buried.setdefault(letter.content, [letter])
        return buried

    def _results_of(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
        return self._stored(outcomes) if self._keeps else _predicted(outcomes)

    def _stored(self, outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
        """The results that the store holds for outcomes with predictions, if their text is the same."""
        written = {one.document.id: one for one in outcomes if one.document is not None and one.predictions}
        for result in results_of(self._store, list(written)):
            outcome = written[result.id]
            if outcome.document is not None and outcome.document.text == result.text:
                yield result, outcome


def _predicted(outcomes: Sequence[Outcome]) -> Iterator[tuple[Result, Outcome]]:
    for outcome in outcomes:
        one = outcome.document
        if one is not None and outcome.predictions:
            answers = {model_of(said.model): said for said in outcome.predictions}
            published_at = None if one.published_at is None else to_datetime(one.published_at)
            yield Result(one.id, one.text, one.source, one.created_at, one.meta, answers, published_at), outcome


def _lines(results: Iterable[tuple[Result, Outcome]], *, events: bool) -> Iterator[Line]:
    """A line for each model that has just predicted, if the result has an answer of it."""
    for result, outcome in results:
        data = b"" if events else encode(result)
        for model in {model_of(one.model): None for one in outcome.predictions}:
            if model in result.predictions:
                said = result_events.of_result(result, model) if events else data
                yield Line(f"{model}.{result.predictions[model].label}", said, outcome)


def _dead_line(letter: DeadLetter, outcome: Outcome, *, events: bool) -> Line:
    burial = _burial(letter)
    return Line(f"dead.{letter.kind}", result_events.of_letter(letter, burial) if events else encode(burial), outcome)


def _burial(letter: DeadLetter) -> Burial:
    return Burial(letter.id, letter.kind, letter.reason, letter.model, letter.source, letter.data)


def _single(events: Sequence[Line]) -> Iterator[Body]:
    return (Body(event.data, event.key, STRUCTURED) for event in events)


def _packed(lines: Sequence[Line], target: int) -> Iterator[Body]:
    """Bodies of up to `target` bytes, each with lines of one key; a longer line gets a body to itself."""
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
