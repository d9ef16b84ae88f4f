"""What MongoDB's store does beyond the suite: writes that die at every step, what others do in between, addresses, lost connections."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from bson import Int64
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, WriteConcernError
from support import until
from support.wire import Wire

from headrace.burial import bury, bury_bytes
from headrace.documents import Outcome
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.ports import Counts, DeadQuery, HourCount, ResultQuery, StoreAdapter
from headrace.stores.mongodb import MongodbStore
from headrace.stores.mongodb.failures import translate
from headrace.stores.mongodb.server import INDEXES, VERSION, Server
from headrace.stores.mongodb.url import parse
from headrace.testing.outcomes import document, labelled, labels, letters, prediction, results, timeless

CALLS = ("find", "find_one", "insert_many", "bulk_write", "delete_many", "find_one_and_update", "update_one")
ANOTHER = "language@bbbbbb"
BOTH = re.compile("@[0-9]+=")  # how the key of a version and a label begins


@dataclass
class Provisioned:
    """A store of one test's own."""

    url: str
    prefix: str
    opened: ExitStack

    def connect(self, *, through: Wire | None = None, options: str = "") -> MongodbStore:
        url = f"mongodb://127.0.0.1:{through.port}/" if through else self.url
        store = MongodbStore.from_url(f"{url}headrace?prefix={self.prefix}{options}")
        self.opened.callback(store.close)
        return store

    def wire(self) -> Wire:
        port = int(self.url.rstrip("/").rpartition(":")[2])
        return self.opened.enter_context(Wire("127.0.0.1", port))

    def collection(self, name: str) -> Collection[dict[str, Any]]:
        client: MongoClient[dict[str, Any]] = MongoClient(self.url)
        self.opened.callback(client.close)
        return client["headrace"][f"{self.prefix}.{name}"]


@pytest.fixture
def places(mongodb: str) -> Iterator[Callable[[], Provisioned]]:
    with ExitStack() as opened:

        def place() -> Provisioned:
            made = Provisioned(mongodb, f"test_{secrets.token_hex(6)}", opened)
            opened.callback(lambda: made.connect().remove())
            return made

        yield place


@pytest.fixture
def place(places: Callable[[], Provisioned]) -> Provisioned:
    return places()


class Died(BaseException):
    """A process that ends here; nothing catches it."""


@dataclass
class Steps:
    """Every call of the store to its server, counted; at the chosen one something happens first."""

    patched: pytest.MonkeyPatch
    chosen: int = -1
    act: Callable[[str, Any], None] = lambda _name, _half: None
    calls: list[str] = field(default_factory=list)
    counting: bool = False

    def __post_init__(self) -> None:
        for name in CALLS:
            self.count(name)

    def count(self, name: str) -> None:
        self.patched.setattr(Collection, name, self._counted(name, getattr(Collection, name)))

    def run(self, chosen: int, act: Callable[[str, Any], None], work: Callable[[], None]) -> None:
        self.chosen, self.act, self.calls, self.counting = chosen, act, [], True
        try:
            work()
        finally:
            self.counting = False

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(collection: Any, *arguments: Any, **options: Any) -> Any:
            if self.counting:
                self.calls.append(name)
                if len(self.calls) - 1 == self.chosen:
                    self.counting = False  # what happens here isn't a step
                    self.act(name, lambda: _half(original, name, collection, arguments, options))
                    self.counting = True
            return original(collection, *arguments, **options)

        return call


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def _half(original: Callable[..., Any], name: str, collection: Any, arguments: Any, options: Any) -> None:
    """Of many insertions or changes the first half, as a server does that loses its client."""
    if name in ("insert_many", "bulk_write"):
        many = arguments[0]
        if len(many) > 1:
            original(collection, many[: len(many) // 2], *arguments[1:], **options)


def begin(store: StoreAdapter) -> None:
    """What is stored before the batch."""
    store.write([labelled("known"), labelled("other text", text="one")])
    store.write([Outcome(document("sick"), dead=(bury(document("sick"), "raised", "no"),))])
    store.write([half_sick()])
    store.erase(["erased"])


def half_sick() -> Outcome:
    dead = bury(document("half"), "raised", "no", model="mood")
    return Outcome(document("half"), (prediction("sv"),), dead=(dead,))


def batch() -> list[Outcome]:
    """Some of everything: new, known, failed in part, cured, malformed, erased, in conflict, buried again, a shadow."""
    mood = prediction("good", "mood@cccccc")
    failed = bury(document("partly"), "raised", "no", model="mood")
    return [
        Outcome(document("new"), (prediction("sv"), mood), (prediction("da", ANOTHER),)),
        Outcome(document("known"), (prediction("no", ANOTHER), mood)),
        Outcome(document("partly"), (prediction("sv"),), dead=(failed,)),
        labelled("sick"),
        Outcome(None, dead=(bury_bytes(b"no JSON", "no JSON"),)),
        labelled("erased"),
        labelled("other text", text="two"),
        half_sick(),
        *(labelled(f"many {number}", "da") for number in range(3)),
    ]


def state(store: StoreAdapter) -> Any:
    """All that anybody can see, but the numbers."""
    found = sorted(
        (msgspec.structs.asdict(result) for result in timeless(results(store))), key=lambda one: str(one["id"])
    )
    dead = sorted((one.id, one.kind, one.model, one.content, one.data) for one in letters(store))
    counts = [store.count(ResultQuery(model=model)) for model in ("", "language", "mood")]
    return found, dead, counts, store.count_dead(DeadQuery())


def whole(places: Callable[[], Provisioned]) -> Any:
    """The state after a batch that nothing disturbed."""
    store = places().connect()
    begin(store)
    store.write(batch())
    return state(store)


def walk(places: Callable[[], Provisioned], steps: Steps, check: Callable[[Provisioned, int], None]) -> None:
    """Check a write of the batch with each of its calls chosen once, in a store of its own each time."""
    step = 0
    while True:
        place = places()
        begin(place.connect())
        check(place, step)
        if step >= len(steps.calls):
            break
        step += 1
    assert step > 15


@pytest.mark.parametrize("half", [False, True])
def test_a_write_that_dies_at_any_step_and_is_repeated_ends_in_the_same(
    places: Callable[[], Provisioned], steps: Steps, half: bool
) -> None:
    wanted = whole(places)

    def die(_name: str, half_of_it: Callable[[], None]) -> None:
        if half:
            half_of_it()
        raise Died

    def check(place: Provisioned, step: int) -> None:
        with suppress(Died):
            steps.run(step, die, lambda: place.connect().write(batch()))
        store = place.connect()
        store.write(batch())
        assert state(store) == wanted
        assert len({letter.burial for letter in letters(store)}) == len(letters(store))

    walk(places, steps, check)


def test_a_document_erased_at_any_step_of_a_write_is_gone_after_it(
    places: Callable[[], Provisioned], steps: Steps
) -> None:
    erased = ["new", "known", "partly", "sick", "half"]

    def check(place: Provisioned, step: int) -> None:
        store, other = place.connect(), place.connect()
        steps.run(step, lambda _name, _half: other.erase(erased), lambda: store.write(batch()))
        if step < len(steps.calls):
            left = {result.id for result in results(store)} | {letter.id for letter in letters(store)}
            assert not left & set(erased)
            assert place.collection("claims").count_documents({"id": {"$in": erased}}) == 0
            assert store.count(ResultQuery(model="mood")) == Counts()

    walk(places, steps, check)


def test_an_erased_document_stays_erased_though_its_writer_died_in_between(
    places: Callable[[], Provisioned], steps: Steps
) -> None:
    def check(place: Provisioned, step: int) -> None:
        other = place.connect()

        def erase_and_die(_name: str, half_of_it: Callable[[], None]) -> None:
            other.erase(["new", "known"])
            half_of_it()
            raise Died

        with suppress(Died):
            steps.run(step, erase_and_die, lambda: place.connect().write(batch()))
        if step < len(steps.calls):
            other.write(batch())  # the delivery again
            assert not {result.id for result in results(other)} & {"new", "known"}
            assert place.collection("claims").count_documents({}) == 0

    walk(places, steps, check)


def test_whoever_writes_in_between_changes_no_answer_and_gives_no_second(
    places: Callable[[], Provisioned], steps: Steps
) -> None:
    theirs = [
        Outcome(document(name), (prediction("de", ANOTHER), prediction("bad", "mood@dddddd"), prediction("x", "new@1")))
        for name in ("known", "partly", "many 1")
    ]
    theirs += [labelled("new", "de"), labelled("many 2", text="theirs")]

    def check(place: Provisioned, step: int) -> None:
        store, other = place.connect(), place.connect()
        seen: dict[str, Any] = {}

        def write_too(_name: str, _half: Any) -> None:
            other.write(theirs)
            seen.update({result.id: result.predictions for result in results(other)})

        steps.run(step, write_too, lambda: store.write(batch()))
        found = {result.id: result.predictions for result in results(store)}
        for name, answers in seen.items():
            assert found[name].items() >= answers.items()
        if seen:
            assert all(set(found[name]) == {"language", "mood", "new"} for name in ("known", "partly", "many 1"))
            assert set(found["new"]) == {"language", "mood"}
            assert ("many 2", "conflict") in {(letter.id, letter.kind) for letter in letters(store)}
        for model in ("language", "mood", "new"):
            answered = sum(model in answers for answers in found.values())
            assert store.count(ResultQuery(model=model)).documents == answered

    walk(places, steps, check)


def test_meta_is_kept_whatever_its_names_and_however_large_its_numbers(place: Provisioned) -> None:
    meta = {"$set": {"a.b": [1 << 62, -(1 << 63)]}, "": None, "_id": "x", "ö": {"$where": "1"}}
    store = place.connect()
    store.write([Outcome(document("a", meta=meta, published_at=(1 << 62) - 1), (prediction("sv"),))])
    assert results(store)[0].meta == meta


def test_labels_and_ids_may_look_like_conditions(place: Provisioned) -> None:
    store = place.connect()
    store.write([labelled("$ne", "a=b"), labelled("language=sv", "=a"), labelled("x", "$gt", source="$source")])
    assert [one.id for one in results(store, ResultQuery(label="a=b"))] == ["$ne"]
    assert [one.id for one in results(store, ResultQuery(label="=a", model="language"))] == ["language=sv"]
    assert [one.id for one in results(store, ResultQuery(source="$source", ids=["x", "$ne"]))] == ["x"]
    assert labels(store) == {"a=b": 1, "=a": 1, "$gt": 1}


def test_what_is_too_large_for_a_document_of_mongodb_is_rejected_and_nothing_of_it_is_stored(
    place: Provisioned,
) -> None:
    store = place.connect()
    with pytest.raises(Rejected, match="writing 1 outcomes to mongodb://"):
        store.write([labelled("large", text="x" * (17 << 20))])
    assert results(store) == []
    assert store.count(ResultQuery()) == Counts()


def test_a_connection_that_is_cut_costs_the_call_or_nothing(place: Provisioned) -> None:
    wire = place.wire()
    store = place.connect(through=wire)
    for number in range(3):
        wire.cut()
        for _ in range(5):
            with suppress(Unavailable):
                store.write([labelled(f"{number}"), labelled("again")])
    assert sorted(result.id for result in results(store)) == ["0", "1", "2", "again"]


def test_a_connection_that_stalls_is_given_up_and_the_next_goes_on(place: Provisioned) -> None:
    wire = place.wire()
    place.connect()

    def connect() -> MongodbStore | None:
        with suppress(Unavailable):  # a server may need longer, at times
            return place.connect(
                through=wire, options="&socketTimeoutMS=300&serverSelectionTimeoutMS=300&connectTimeoutMS=300"
            )
        return None

    store = until(connect, "a connection")
    wire.stall()
    with pytest.raises(Unavailable, match=r"writing 1 outcomes to mongodb://127\.0\.0\.1"):
        store.write([labelled("a")])
    wire.flow()
    wire.cut()
    place.connect(through=wire).write([labelled("a")])
    assert [result.id for result in results(place.connect())] == ["a"]


def test_a_server_that_is_not_there_is_unavailable_and_no_word_shows_the_password() -> None:
    with pytest.raises(Unavailable, match="opening the store") as caught:
        MongodbStore.from_url("mongodb://me:secret@127.0.0.1:1/base?serverSelectionTimeoutMS=200")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mongodb://127.0.0.1/base?retryWritez=1", "Unknown option"),
        ("mongodb://127.0.0.1/base?prefix=a-b", "letters, digits and underscores"),
        ("mongodb://127.0.0.1/base?prefix=", "letters, digits and underscores"),
        ("mongodb://me:secret@x@127.0.0.1/base", "escaped"),
        ("mongodb://me:secret/x@127.0.0.1/base", "percent-encode"),
        ("mongodb://127.0.0.1:x/base", "check hosts, ports"),
        ("mongodb://me:secret@127.0.0.1:99999/base", "check hosts, ports"),
        ("mongodb://me:secret@127.0.0.1/base?tls=maybe", "its option 'tls'"),
        ("mongodb://me:secret@127.0.0.1/base?w=1&connectTimeoutMS=abc", "its option 'connectTimeoutMS'"),
        ("mongodb://me:secret@127.0.0.1/base?authMechanism=foo", "its option 'authMechanism'"),
        ("mongodb://me:secret@127.0.0.1/base?tls=true&tlsCAFile=/none", "the file that its option 'tlsCAFile' names"),
        ("mongodb://one,two/base?directConnection=true", "multiple hosts"),
        ("mongodb://me:secret@h..i/base", "is not the name of a host"),
        ("mongodb://me:secret@a b/base", "is not the name of a host"),
        ("mongodb://[::1/base", "check its hosts"),
        ("mongodb://", "cannot be read"),
    ],
)
def test_an_address_that_means_nothing_is_refused_with_a_word_and_without_the_password(url: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as caught:
        MongodbStore.from_url(url)
    assert "secret" not in str(caught.value)


def test_a_url_names_database_and_prefix_and_leaves_the_rest_to_the_driver() -> None:
    said = parse("mongodb://me:p%40ss@one,two:27018/base?replicaSet=rs0&prefix=my&tls=true")
    assert said == {"address": "mongodb://me:p%40ss@one,two:27018/base?replicaSet=rs0&tls=true", "prefix": "my"}
    assert parse("mongodb://one") == {"address": "mongodb://one/", "prefix": "headrace"}
    server = Server("mongodb://me:p%40ss@one,two:27018/base?connectTimeoutMS=5", "my")
    with closing(server.client):
        assert str(server) == "mongodb://one:27017,two:27018/base?prefix=my"


def test_whatever_the_url_says_writes_are_confirmed_by_most_and_reads_see_what_most_have(place: Provisioned) -> None:
    server = Server(
        f"{place.url}headrace?w=1&journal=false&readConcernLevel=local&readPreference=secondary", place.prefix
    )
    with closing(server.client):
        documents = server.collections.documents
        assert (documents.write_concern.document["w"], documents.write_concern.document["j"]) == ("majority", True)
        assert documents.read_concern.level == "majority"
        assert documents.read_preference.mongos_mode == "primary"


def test_a_write_that_most_nodes_did_not_confirm_in_time_is_tried_again() -> None:
    error = WriteConcernError("waiting for replication timed out", 64)
    assert isinstance(translate(error, "writing"), Unavailable)


@pytest.mark.parametrize(
    "code", [6, 24, 43, 91, 112, 117, 175, 189, 237, 262, 314, 365, 384, 10107, 11601, 12587, 13435, 14031]
)
def test_what_passes_by_itself_is_waited_for(code: int) -> None:
    assert isinstance(translate(OperationFailure("no", code), "writing"), Unavailable)


def test_what_the_server_calls_transient_is_waited_for_whatever_its_code() -> None:
    said = {"ok": 0, "code": 99_999, "errorLabels": ["RetryableWriteError"]}
    assert isinstance(translate(OperationFailure("no", 99_999, said), "writing"), Unavailable)
    assert isinstance(translate(OperationFailure("no", 99_999), "writing"), Misconfigured)


# What the store of version 1 (commit 9405cac) has made of two documents, of which one came without a time of publishing.
EARLIER = [
    {
        **{"_id": "a", "n": Int64(1), "text": "hej", "source": "suite", "created_at": None, "meta": '{"x":1}'},
        "published_at": Int64(1_000_000),
        "answers": [{"version": "language@aaaaaa", "label": "sv", "score": 0.75}],
        "others": [{"version": "language@bbbbbb", "label": "da", "score": 0.5}],
        "keys": ["=sv", "language", "language=sv"],
    },
    {
        **{"_id": "b", "n": Int64(2), "text": "moi", "source": "suite", "created_at": None, "meta": None},
        **{"published_at": None, "answers": [], "others": [], "keys": []},
    },
]


def make_earlier(place: Provisioned) -> None:
    """A store of version 1, as it is on the server."""
    place.connect()
    for name in ("documents", "labels", "hours"):
        place.collection(name).drop()
    place.collection("documents").insert_many(EARLIER)
    place.collection("labels").insert_one({"_id": "language=sv"})
    place.collection("about").update_one({"_id": "store"}, {"$set": {"version": 1}})


def test_a_store_of_version_2_is_taken_forward_and_finds_a_version_and_a_label_together(place: Provisioned) -> None:
    with closing(place.connect()) as store:
        store.write([labelled("a"), labelled("b", "da"), Outcome(document("none"))])
    rows = place.collection("documents")
    for row in list(rows.find()):  # version 2 has no key of both
        rows.update_one({"_id": row["_id"]}, {"$set": {"keys": [key for key in row["keys"] if not BOTH.match(key)]}})
    both = ResultQuery(version="language@aaaaaa", label="da")
    with closing(place.connect()) as store:
        assert results(store, both) == []
        place.collection("about").update_one({"_id": "store"}, {"$set": {"version": 2}})
    for _ in range(2):
        with closing(place.connect()) as store:
            assert [one.id for one in results(store, both)] == ["b"]
            assert [one.id for one in results(store)] == ["none", "b", "a"]
    assert place.collection("about").find_one() == {"_id": "store", "version": VERSION}


def test_a_store_of_version_3_is_taken_forward_and_erases_authors_and_edits(place: Provisioned) -> None:
    dead = bury(document("d", meta={"author": "anna"}), "raised", "no")
    with closing(place.connect()) as store:
        store.write([labelled("a", meta={"author": "anna"}), labelled("b@1", meta={"edit_of": "b"}), labelled("c")])
        store.write([Outcome(None, dead=(dead,))])
    for name in ("documents", "claims", "dead"):  # version 3 says of none to whom it belongs
        place.collection(name).update_many({}, {"$unset": {"owners": ""}})
    place.collection("about").update_one({"_id": "store"}, {"$set": {"version": 3}})
    with closing(place.connect()) as store:
        store.erase(["b"], authors=["suite:anna"])
        assert [one.id for one in results(store)] == ["c"]
        assert letters(store) == []


def check_earlier(store: StoreAdapter, before: datetime) -> None:
    published = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    newer, older = results(store)
    assert (older.id, older.meta, older.published_at, older.stored_at) == ("a", {"x": 1}, published, published)
    assert newer.published_at is None
    assert newer.stored_at is not None
    assert before <= newer.stored_at <= datetime.now(UTC)
    assert [one.id for one in results(store, ResultQuery(until=published + timedelta(seconds=1)))] == ["a"]
    assert [one.id for one in results(store, ResultQuery(version="language@aaaaaa"))] == ["a"]
    assert list(store.count_by_hour("language")) == [HourCount(published.replace(second=0), "sv", 1)]
    assert [one.answer for one in store.predictions(["a", "b"])["a"]] == [True, False]


def test_a_store_of_version_1_is_taken_forward_and_keeps_what_it_has(place: Provisioned) -> None:
    make_earlier(place)
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    for _ in range(2):
        check_earlier(place.connect(), before)
    assert place.collection("about").find_one() == {"_id": "store", "version": VERSION}


def test_a_store_that_dies_at_any_step_of_being_taken_forward_is_taken_forward_by_the_next(
    places: Callable[[], Provisioned], steps: Steps
) -> None:
    def die(_name: str, half_of_it: Callable[[], None]) -> None:
        half_of_it()
        raise Died

    step = 0
    while True:
        place = places()
        make_earlier(place)
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        with suppress(Died):
            steps.run(step, die, lambda place=place: place.connect())
        check_earlier(place.connect(), before)
        if step >= len(steps.calls):
            break
        step += 1
    assert step >= 5


def test_a_store_of_a_newer_headrace_is_refused_and_left_as_it_is(place: Provisioned) -> None:
    with closing(place.connect()) as store:
        store.write([labelled("a")])
    about = place.collection("about")
    about.update_one({"_id": "store"}, {"$set": {"version": VERSION + 1}})
    with pytest.raises(Misconfigured, match="newer Headrace"):
        place.connect()
    about.update_one({"_id": "store"}, {"$set": {"version": VERSION}})
    assert [result.id for result in results(place.connect())] == ["a"]


def test_a_store_whose_making_was_interrupted_at_any_step_is_made_whole_by_the_next(
    places: Callable[[], Provisioned], steps: Steps
) -> None:
    def die(_name: str, _half: Any) -> None:
        raise Died

    place = places()
    steps.count("create_indexes")
    step = 0
    while True:
        with suppress(Died):
            steps.run(step, die, lambda: place.connect())
        if step >= len(steps.calls):
            break
        assert place.collection("about").find_one() is None
        step += 1
    assert step > 10
    store = place.connect()
    assert place.collection("about").find_one() == {"_id": "store", "version": VERSION}
    assert {"n_1", "keys_1_n_1", "source_1_n_1"} < place.collection("documents").index_information().keys()
    store.write(batch())


def test_an_index_that_a_server_takes_for_one_of_a_dropped_collection_is_asked_for_again(
    place: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failed = Collection.create_indexes, set()

    def create(collection: Any, indexes: Any) -> Any:
        name = (collection.name, str(indexes[0].document["key"]))
        if name not in failed:
            failed.add(name)
            raise OperationFailure(f"SQL logic error: index {name} already exists (1)", 1)
        return original(collection, indexes)

    monkeypatch.setattr(Collection, "create_indexes", create)
    place.connect().write(batch())
    assert len(failed) == sum(map(len, INDEXES.values()))
    assert {"n_1", "keys_1_n_1", "source_1_n_1"} < place.collection("documents").index_information().keys()


def test_collections_that_were_dropped_under_a_store_are_made_whole_and_counted_again(place: Provisioned) -> None:
    store = place.connect()
    store.write([labelled("a", "sv")])
    for name in ("documents", "labels", "hours", "numbers", "about"):
        place.collection(name).drop()
    store.write([labelled("b", "sv"), labelled("c", "da")])
    assert store.count(ResultQuery()) == Counts(2, {"language": {"sv": 1, "da": 1}})
    assert {one.label: one.count for one in store.count_by_hour("language")} == {"sv": 1, "da": 1}
    assert {"n_1", "keys_1_n_1", "source_1_n_1"} < place.collection("documents").index_information().keys()
    assert place.collection("about").find_one() == {"_id": "store", "version": VERSION}


def test_what_was_noted_and_then_restored_away_is_noted_again(place: Provisioned) -> None:
    store = place.connect()
    store.write([labelled("a", "sv")])
    for name in ("documents", "labels", "hours"):  # as they were before, while the numbers went on
        place.collection(name).delete_many({})
    store.write([labelled("b", "sv")])
    assert store.count(ResultQuery()) == Counts(1, {"language": {"sv": 1}})
    assert [one.count for one in store.count_by_hour("language")] == [1]


def test_ferretdb_is_warned_of_and_mongodb_is_not(place: Provisioned) -> None:
    client = place.collection("about").database.client
    ferretdb = "ferretdbVersion" in client.admin.command("buildInfo")
    assert any("FerretDB" in told for told in place.connect().warnings()) == ferretdb
