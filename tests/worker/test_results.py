"""Results for others to consume: what is published, under which key, when; and what can't be."""

from collections.abc import Sequence

import msgspec
import pytest
from support import FAULTY, PATIENCE, logged, setup

from headrace.brokers.memory import MemoryBroker, Queue
from headrace.burial import bury_bytes
from headrace.documents import Body, DeadLetter, Document, Outcome, Prediction, Result, encode, pack
from headrace.errors import Rejected, Unavailable
from headrace.ports import Counts, DeadQuery, Delivery, ResultQuery, Store
from headrace.runtime import Stop
from headrace.stores.memory import MemoryStore
from headrace.stores.none import NoStore
from headrace.testing.outcomes import letters, results
from headrace.worker.keeper import Keeper
from headrace.worker.results import Burial, ResultPublisher

TWO = "fake=python:headrace.testing.classifiers:Faulty, size=python:headrace.testing.classifiers:Trivial"


class Sink:
    """Remembers what was published. Takes bodies of up to `most` bytes, nothing that holds `unwanted`, and is away `away` times."""

    def __init__(self, *, most: int = 1 << 20, unwanted: bytes = b"\0", away: int = 0) -> None:
        self.bodies: list[Body] = []
        self.most, self.unwanted, self.away = most, unwanted, away

    def body_bytes(self) -> int:
        return self.most

    def publish(self, bodies: Sequence[Body]) -> None:
        self.away -= 1
        if self.away >= 0:
            raise Unavailable("the broker of results is away")
        for body in bodies:
            if len(body.data) > self.most or self.unwanted in body.data:
                raise Rejected("this is not taken")
        self.bodies += bodies

    def close(self) -> None:
        """It holds nothing."""

    def keys_and_ids(self) -> list[tuple[str, str]]:
        """Keys and ids, sorted."""
        return sorted(
            (body.key, msgspec.json.decode(line)["id"]) for body in self.bodies for line in body.data.split(b"\n")
        )


class Watched(MemoryBroker):
    """Notes how much had been published at each ack."""

    def __init__(self, queue: Queue, sink: Sink) -> None:
        super().__init__(queue)
        self.sink = sink
        self.at_ack: list[int] = []

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self.at_ack.append(len(self.sink.keys_and_ids()))
        super().ack(deliveries)


def outcome(identity: str, *versions: str, label: str = "fine", text: str = "text") -> Outcome:
    return Outcome(Document(identity, text), tuple(Prediction(label, 0.5, version) for version in versions))


def published(store: Store, sink: Sink, *outcomes: Outcome) -> list[tuple[Outcome, str]]:
    """As a worker does: write, then publish; what could not be published."""
    store.write(outcomes)
    return ResultPublisher(store, sink, keeps=not isinstance(store, NoStore)).publish(outcomes)


def work(queue: Queue, store: MemoryStore | NoStore, sink: Sink, models: str = FAULTY) -> list[str]:
    """What a worker logs that drains the queue."""
    publisher = ResultPublisher(store, sink, keeps=not isinstance(store, NoStore))
    broker = Watched(queue, sink)
    with logged() as said:
        Keeper(broker, store, setup(models), publisher=publisher, deadline=PATIENCE, stop=Stop(), drain=True).run()
    assert broker.at_ack, "nothing was acknowledged"
    assert broker.at_ack[-1] == len(sink.keys_and_ids()), "something was published after its ack"
    backlog = broker.backlog()
    assert (backlog.ready, backlog.leased) == (0, 0)
    return said


def queue_of(*texts: str) -> Queue:
    queue = Queue()
    MemoryBroker(queue).publish([Body(encode(Document(text, text, source="suite"))) for text in texts])
    return queue


def test_a_result_is_published_under_each_model_and_its_label_as_the_api_gives_it() -> None:
    sink, store = Sink(), MemoryStore()
    document = Document("a", "hej", source="s", created_at="2026-01-02", meta={"n": 1}, published_at=5)
    predictions = (Prediction("sv", 0.75, "language@1"), Prediction("glad", 0.5, "mood@2"))
    published(store, sink, Outcome(document, predictions, shadows=(Prediction("no", 1.0, "language@9"),)))
    assert sink.keys_and_ids() == [("language.sv", "a"), ("mood.glad", "a")]
    (stored,) = results(store)
    assert {body.data for body in sink.bodies} == {encode(stored)}
    assert msgspec.json.decode(sink.bodies[0].data) == {
        "id": "a",
        "text": "hej",
        "source": "s",
        "created_at": "2026-01-02",
        "meta": {"n": 1},
        "predictions": {
            "language": {"label": "sv", "score": 0.75, "model": "language@1"},
            "mood": {"label": "glad", "score": 0.5, "model": "mood@2"},
        },
        "published_at": "1970-01-01T00:00:00.000005Z",
        "stored_at": msgspec.to_builtins(stored.stored_at),
    }


def test_what_comes_again_is_published_again_with_the_answers_that_stand() -> None:
    sink, store = Sink(), MemoryStore()
    published(store, sink, outcome("a", "fake@1", label="first"))
    published(store, sink, outcome("a", "fake@2", label="second"))
    assert sink.keys_and_ids() == [("fake.first", "a"), ("fake.first", "a")]


def test_results_may_be_cloudevents_each_in_a_message_of_its_own() -> None:
    sink, store = Sink(), MemoryStore()
    document = Document("a", "hej", published_at=5)
    one = Outcome(document, (Prediction("sv", 0.75, "language@1"), Prediction("glad", 0.5, "my mood@2")))
    store.write([one])
    publisher = ResultPublisher(store, sink, events=True)
    for _ in range(2):
        assert publisher.publish([one]) == []
    assert [body.key for body in sink.bodies] == ["language.sv", "my mood.glad"] * 2
    assert sink.bodies[:2] == sink.bodies[2:]  # a repetition is the same event
    assert {body.content_type for body in sink.bodies} == {"application/cloudevents+json"}
    events = [msgspec.json.decode(body.data) for body in sink.bodies[:2]]
    (stored,) = results(store)
    assert [event.pop("data") for event in events] == [msgspec.json.decode(encode(stored))] * 2
    assert len({event.pop("id") for event in events}) == 2
    time = msgspec.to_builtins(stored.stored_at)
    same = {"specversion": "1.0", "type": "headrace.result", "subject": "a", "time": time}
    assert events == [
        {**same, "source": f"/headrace/{name}", "datacontenttype": "application/json"}
        for name in ("language", "my%20mood")
    ]


def test_another_answer_or_another_text_is_another_event() -> None:
    def event(identity: str, text: str, *answer: str) -> str:
        sink, outcome = Sink(), Outcome(Document(identity, text), (Prediction(answer[0], 0.5, answer[1]),))
        ResultPublisher(NoStore(), sink, keeps=False, events=True).publish([outcome])
        told: str = msgspec.json.decode(sink.bodies[0].data)["id"]
        return told

    ids = {
        event(*told)
        for told in (("a", "b", "sv", "m@1"), ("a", "b", "sv", "m@2"), ("a", "b", "no", "m@1"), ("a", "c", "sv", "m@1"))
    }
    assert len(ids) == 4
    assert event("a", "b", "sv", "m@1") in ids


def test_dead_letters_may_be_cloudevents() -> None:
    sink = Sink()
    letter = bury_bytes(b"\xff", "why", received_at=5)
    ResultPublisher(NoStore(), sink, keeps=False, events=True).publish([Outcome(None, dead=(letter,))])
    (body,) = sink.bodies
    event = msgspec.json.decode(body.data)
    assert (body.key, event["type"], event["source"]) == ("dead.malformed", "headrace.dead_letter", "/headrace")
    assert (event["data"]["reason"], event["subject"]) == ("why", letter.id)


def test_a_conflict_and_what_was_erased_have_no_result() -> None:
    sink, store = Sink(), MemoryStore()
    store.write([outcome("a", "fake@1")])
    store.erase(["b"])
    published(store, sink, outcome("a", "fake@1", text="another"), outcome("b", "fake@1"), outcome("c", "fake@1"))
    assert sink.keys_and_ids() == [("fake.fine", "c")]


def test_a_dead_letter_is_no_result_and_the_other_models_results_are() -> None:
    sink, store = Sink(), MemoryStore()
    letter = bury_bytes(b"x", "because")
    half = Outcome(Document("a", "text"), (Prediction("fine", 0.5, "fake@1"),), dead=(letter,))
    published(store, sink, half, Outcome(None, dead=(letter,)), Outcome(Document("b", "text"), dead=(letter,)))
    assert sink.keys_and_ids() == [("fake.fine", "a")]


def test_results_of_one_key_are_packed_and_none_is_left_out() -> None:
    sink, store = Sink(), MemoryStore()
    outcomes = [
        outcome(f"{number:04}", "fake@1", label=str(number % 3), text="x" * 100 if number % 10 else "x" * 40_000)
        for number in range(1200)
    ]
    published(store, sink, *outcomes)
    assert sink.keys_and_ids() == sorted((f"fake.{number % 3}", f"{number:04}") for number in range(1200))
    assert len(sink.bodies) < 400
    assert all(len(body.data) <= 16 << 10 or body.data.count(b"\n") == 0 for body in sink.bodies)


def test_where_the_store_keeps_nothing_dead_letters_are_published_with_what_came() -> None:
    sink = Sink()
    published(NoStore(), sink, outcome("a", "fake@1"), Outcome(None, dead=(bury_bytes(b"\xff", "no UTF-8"),)))
    bodies = {body.key: body.data for body in sink.bodies}
    assert msgspec.json.decode(bodies["fake.fine"], type=Result).id == "a"
    letter = msgspec.json.decode(bodies["dead.malformed"], type=Burial)
    assert (letter.data, letter.reason, letter.kind) == (b"\xff", "no UTF-8", "malformed")


def test_what_is_never_taken_is_found_and_all_else_is_published() -> None:
    sink, store = Sink(most=1000), MemoryStore()
    good = [outcome(f"good {number}", "fake@1", "size@1") for number in range(20)]
    bad = outcome("bad", "fake@1", "size@1", text="x" * 2000)
    assert [(one.document, reason) for one, reason in published(store, sink, *good[:7], bad, *good[7:])] == [
        (bad.document, "this is not taken")
    ]
    assert sink.keys_and_ids() == sorted(
        (key, f"good {number}") for number in range(20) for key in ("fake.fine", "size.fine")
    )


def test_without_outcomes_nothing_is_published() -> None:
    sink = Sink()
    assert published(MemoryStore(), sink) == []
    assert sink.bodies == []


def test_a_worker_publishes_what_it_has_stored_before_it_acks() -> None:
    sink, store = Sink(), MemoryStore()
    work(queue_of("a", "RAISE b", "long" * 30), store, sink, TWO)
    long = "long" * 30
    assert sink.keys_and_ids() == sorted(
        [("fake.fine", "a"), ("size.short", "a"), ("size.short", "RAISE b"), ("fake.fine", long), ("size.long", long)]
    )
    assert [letter.id for letter in letters(store)] == ["RAISE b"]


def test_a_worker_waits_while_results_can_not_be_published() -> None:
    sink, store = Sink(away=2), MemoryStore()
    said = work(queue_of("a", "b"), store, sink)
    assert sink.keys_and_ids() == [("fake.fine", "a"), ("fake.fine", "b")]
    assert sum("waiting for the broker of results, and trying again" in line for line in said) == 2
    assert letters(store) == []


def test_a_result_that_is_never_taken_is_buried_and_stays_stored() -> None:
    sink, store = Sink(unwanted=b"poison"), MemoryStore()
    work(queue_of("a", "poison", "b"), store, sink)
    assert sink.keys_and_ids() == [("fake.fine", "a"), ("fake.fine", "b")]
    assert [(one.id, one.kind) for one in letters(store)] == [("poison", "refused")]
    assert "the result can't be published: this is not taken" in letters(store)[0].reason
    assert store.count(ResultQuery()).answers == {"fake": {"fine": 3}}


def test_without_a_store_nothing_is_lost_silently() -> None:
    sink = Sink(most=8000)
    queue = queue_of("a", "RAISE b", "x" * 20_000)
    MemoryBroker(queue).publish([Body(b"no JSON")])
    work(queue, NoStore(), sink)
    keys = [key for key, _ in sink.keys_and_ids()]
    assert keys == ["dead.malformed", "dead.raised", "dead.refused", "fake.fine"]


@pytest.mark.parametrize("times", [1, 3])
def test_without_a_store_what_comes_again_is_published_again(times: int) -> None:
    sink, queue = Sink(), Queue()
    for _ in range(times):
        MemoryBroker(queue).publish(list(pack([Document("a", "a")])))
    work(queue, NoStore(), sink)
    assert sink.keys_and_ids() == [("fake.fine", "a")] * times


def test_a_store_that_keeps_nothing_finds_nothing() -> None:
    store = NoStore()
    store.write([outcome("a", "fake@1")])
    store.erase(["a"])
    store.drop([1])
    store.save("cursor", "5")
    assert (store.load("cursor"), store.load("another")) == ("5", None)
    assert (store.find(ResultQuery()).items, store.find_dead(DeadQuery()).items) == ([], [])
    assert (store.count(ResultQuery()), store.count_dead(DeadQuery())) == (Counts(), {})
    assert "keeps nothing" in store.warnings()[0]
    store.remove()
    assert store.load("cursor") is None


def test_dead_letters_are_published_once_each() -> None:
    sink = Sink()
    made: list[DeadLetter] = [bury_bytes(b"%d" % number, "because") for number in range(5)]
    published(NoStore(), sink, *(Outcome(None, dead=(letter,)) for letter in made))
    assert sorted(identity for _, identity in sink.keys_and_ids()) == sorted(letter.id for letter in made)


class Asking(MemoryBroker):
    """Hands over each body with the wish for a reply; those that begin with EVICTED as put out of the queue."""

    def __init__(self, queue: Queue, *, asked: bool = True) -> None:
        super().__init__(queue)
        self.asked = asked
        self.replies: list[list[dict[str, object]]] = []
        self.open = 0

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        return [self._with_wish(one) for one in super().receive(limit, wait)]

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        assert not self.asked or len(self.replies) >= self.open + len(deliveries), "acked before it was answered"
        self.open += len(deliveries)
        super().ack(deliveries)

    def _with_wish(self, one: Delivery) -> Delivery:
        reply = self._reply if self.asked else None
        return Delivery(one.data, one.receipt, reply, "expired" if b"EVICTED" in one.data else "")

    def _reply(self, data: bytes) -> None:
        self.replies.append([msgspec.json.decode(line) for line in data.split(b"\n")])


def answer(store: MemoryStore | NoStore, *published: bytes, models: str = FAULTY, asked: bool = True) -> Asking:
    """The broker, once a worker has drained these bodies from it."""
    queue = Queue()
    MemoryBroker(queue).publish([Body(one) for one in published])
    broker = Asking(queue, asked=asked)
    publisher = ResultPublisher(store, Sink(), keeps=False) if isinstance(store, NoStore) else None
    Keeper(broker, store, setup(models), publisher=publisher, deadline=PATIENCE, stop=Stop(), drain=True).run()
    assert (broker.backlog().ready, broker.backlog().leased) == (0, 0)
    return broker


@pytest.mark.parametrize("make", [MemoryStore, NoStore])
def test_a_reply_has_what_became_of_each_line_in_their_order(make: type[MemoryStore] | type[NoStore]) -> None:
    lines = [encode(Document(text, text)) for text in ("a", "RAISE b", "c")]
    broker = answer(make(), b"\n".join([lines[0], b"no JSON", *lines[1:]]), lines[0])
    assert [[line.get("kind", line["id"]) for line in one] for one in broker.replies] == [
        ["a", "malformed", "raised", "c"],
        ["a"],
    ]
    assert broker.replies[1] == [
        {
            "id": "a",
            "text": "a",
            "source": "",
            "created_at": None,
            "meta": {},
            "predictions": {"fake": {"label": "fine", "score": 0.5, "model": "fake@bbbbbb"}},
            "published_at": None,
            "stored_at": broker.replies[0][0]["stored_at"],
        }
    ]
    assert (broker.replies[0][0]["stored_at"] is None) == (make is NoStore)


def test_a_reply_has_result_and_dead_letter_where_one_of_two_models_failed() -> None:
    (reply,) = answer(MemoryStore(), encode(Document("a", "RAISE a")), models=TWO).replies
    assert [sorted(line) for line in reply] == [
        ["created_at", "id", "meta", "predictions", "published_at", "source", "stored_at", "text"],
        ["data", "id", "kind", "model", "reason", "source"],
    ]
    assert reply[1]["model"] == "fake"


def test_a_reply_tells_of_a_conflict_and_of_what_was_erased() -> None:
    store = MemoryStore()
    store.write([outcome("a", "fake@1", text="another")])
    store.erase(["b"])
    broker = answer(store, encode(Document("a", "a")), encode(Document("b", "b")))
    assert [[line["kind"] for line in one] for one in broker.replies] == [["conflict"], ["erased"]]


def test_nobody_is_answered_who_did_not_ask() -> None:
    assert answer(MemoryStore(), encode(Document("a", "a")), asked=False).replies == []


def test_what_the_server_put_out_of_the_queue_is_buried_with_the_reason_and_answered() -> None:
    store = MemoryStore()
    evicted = [encode(Document("x", "EVICTED x", published_at=5)), b"EVICTED no JSON"]
    broker = answer(store, b"\n".join(evicted), encode(Document("a", "a")))
    found = {letter.kind: letter for letter in letters(store)}
    assert sorted(one.reason for one in letters(store)) == ["the broker's server put it out of the queue: expired"] * 2
    assert set(found) == {"evicted"}
    assert {letter.data for letter in letters(store)} == set(evicted)
    assert [result.id for result in results(store)] == ["a"]
    assert sorted(len(one) for one in broker.replies) == [1, 2]
    answer(store, encode(Document("x", "EVICTED x")).replace(b"EVICTED", b"E\\u0056ICTED"))
    assert [letter.data for letter in letters(store)] == [evicted[1]], "a result clears what was buried of its document"
