"""Jetstream's stream over real connections, of hosts that misbehave."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from support.http_server import Request, Served, serving
from support.jetstream_server import DID, KEY, Jetstream, account, commit, refuse, send_all, stored, sync
from support.reading import taken
from support.socket_server import Socket

from headrace.belonging import author_of
from headrace.clock import microseconds
from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured
from headrace.ports import AuthorDeletion, Batch, Deletion, Gap, Item, Malformed
from headrace.sources.bluesky import BlueskySource
from headrace.testing.sources import items
from headrace.urls import open_source
from headrace.zstd import load

WIRES = ["v2", "v1"]
Messages = Sequence[tuple[int, str]]


@contextmanager
def hosting(jetstream: Jetstream, options: str = "", token: str = "") -> Iterator[Callable[[], BlueskySource]]:
    with serving(jetstream) as served:
        yield lambda: source_at(served, options, token)


def source_at(served: Served, options: str = "", token: str = "") -> BlueskySource:
    return BlueskySource.from_url(f"bluesky://127.0.0.1:{served.port}?tls=no{options}", token=lambda: token)


def told(
    jetstream: Jetstream, most: int, options: str = "", *, after: str | None = None, token: str = ""
) -> list[Item]:
    """The first items that a host tells."""
    with hosting(jetstream, options, token) as connect:
        return items(taken(connect(), most, after))


def place(batches: Sequence[Batch]) -> Any:
    return json.loads(batches[-1].cursor)


@pytest.mark.parametrize("wire", WIRES)
def test_a_post_is_a_document(wire: str) -> None:
    record = {
        "$type": "app.bsky.feed.post",
        "text": "hej #katt",
        "langs": ["sv", "en"],
        "createdAt": "2026-11-29T13:00:00+01:00",
        "reply": {
            "root": {"uri": "at://did:plc:b/app.bsky.feed.post/1"},
            "parent": {"uri": "at://did:plc:c/app.bsky.feed.post/2"},
        },
        "embed": {
            "$type": "app.bsky.embed.recordWithMedia",
            "record": {"record": {"uri": "at://did:plc:d/app.bsky.feed.post/3"}},
        },
        "facets": [{"features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "katt"}, {"$type": "x", "tag": "y"}]}],
        "tags": ["djur", "katt"],
    }
    (document,) = told(Jetstream([commit(1, record=record)]), 1, f"&wire={wire}")
    assert document == Document(
        "bluesky:did:plc:anna/app.bsky.feed.post/3k1",
        "hej #katt",
        "bluesky",
        "2026-11-29T12:00:00Z",
        {
            "author_id": DID,
            "url": "https://bsky.app/profile/did:plc:anna/post/3k1",
            "lang": "sv",
            "langs": ["sv", "en"],
            "reply_to": "did:plc:c/app.bsky.feed.post/2",
            "quote_of": "did:plc:d/app.bsky.feed.post/3",
            "tags": ["katt", "djur"],
        },
    )
    assert isinstance(document, Document)
    assert author_of(document) == "bluesky:did:plc:anna"


@pytest.mark.parametrize("wire", WIRES)
def test_an_edit_is_a_document_of_its_own_that_is_erased_with_the_post(wire: str) -> None:
    edit = commit(1, "rättad", "update", rev="3rev")
    document, deletion = told(Jetstream([edit, commit(1, operation="delete")]), 2, f"&wire={wire}")
    assert isinstance(document, Document)
    assert (document.id, document.text, document.meta["edit_of"]) == (f"{stored(1)}@3rev", "rättad", stored(1))
    assert document.meta["edited_at"].endswith("Z")
    assert deletion == Deletion(stored(1))


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("status", ["deleted", "takendown", "suspended", "deactivated"])
def test_an_account_that_is_gone_takes_all_that_it_wrote_with_it(wire: str, status: str) -> None:
    events = [
        account(active=True, status=None),
        account(status="throttled"),
        account(status=None),
        account(status=status),
        commit(1),
    ]
    first, second = told(Jetstream(events), 2, f"&wire={wire}&languages=sv&collections=app.bsky.feed.post")
    assert first == AuthorDeletion("bluesky:did:plc:anna")
    assert isinstance(second, Document)


def test_a_repository_that_is_replaced_is_erased_before_what_replaces_it() -> None:
    first, erased, again = told(Jetstream([commit(1), sync(), commit(1)]), 3)
    assert erased == AuthorDeletion("bluesky:did:plc:anna")
    assert first == again


def test_records_of_other_collections_have_the_texts_of_their_members() -> None:
    records = [
        {"displayName": "Anna", "description": "Skriver om katter."},
        {"subject": "did:plc:b"},
        {"title": "Rubrik", "content": {"blocks": []}, "textContent": "Brödtext", "text": "  "},
    ]
    names = ["app.bsky.actor.profile", "app.bsky.graph.follow", "site.standard.document"]
    events = [
        commit(number, record=record, collection=name)
        for number, (record, name) in enumerate(zip(records, names, strict=True))
    ]
    profile, article = told(Jetstream(events), 2, "&collections=app.bsky.*,site.standard.document")
    assert isinstance(profile, Document)
    assert isinstance(article, Document)
    assert (profile.text, profile.meta["url"]) == ("Anna\nSkriver om katter.", "https://bsky.app/profile/did:plc:anna")
    assert (article.text, article.meta["collection"]) == ("Rubrik\nBrödtext", "site.standard.document")
    assert article.created_at is not None  # the time of the event, as the record has none


def test_the_host_is_asked_for_what_is_wanted_and_the_rest_is_left_out_here() -> None:
    events = [
        commit(1, did="did:plc:b"),
        commit(2, collection="app.bsky.feed.like"),
        commit(3, record={"text": "hello", "langs": ["en-GB"]}),
        commit(4, record={"text": "hallo", "langs": ["de"]}),
        commit(5, record={"text": "hi"}),
        commit(4, operation="delete"),
    ]
    jetstream = Jetstream(events)
    documents = told(jetstream, 2, f"&authors={DID}&languages=EN,pt-BR")
    assert [item.text if isinstance(item, Document) else item for item in documents] == ["hello", Deletion(stored(4))]
    assert jetstream.asked[0]["dids"] == [DID]
    assert jetstream.asked[0]["collections"] == ["app.bsky.feed.post"]
    assert jetstream.asked[0]["kinds"] == ["commit", "account", "sync"]
    told(jetstream, 1, f"&authors={DID}&wire=v1")
    assert jetstream.asked[-1]["wantedDids"] == [DID]
    assert jetstream.asked[-1]["wantedCollections"] == ["app.bsky.feed.post"]


@pytest.mark.parametrize(("wire", "numbered"), [("v2", False), ("v1", False), ("v1", True)])
def test_after_a_break_in_the_middle_of_a_message_nothing_is_lost_and_nothing_comes_twice(
    wire: str, numbered: bool
) -> None:
    def cut(socket: Socket, messages: Messages) -> None:
        for _, message in messages[:7]:
            socket.send(message)
        if len(messages) > 7:
            socket.cut(messages[7][1])
        else:
            socket.hold()

    jetstream = Jetstream([commit(number) for number in range(40)], cut, numbered=numbered)
    found = told(jetstream, 40, f"&wire={wire}")
    assert [item.id for item in found if isinstance(item, Document)] == [stored(number) for number in range(40)]
    assert len(jetstream.asked) > 5


@pytest.mark.parametrize(("wire", "numbered"), [("v2", False), ("v1", False), ("v1", True)])
def test_it_goes_on_after_any_cursor(wire: str, numbered: bool) -> None:
    jetstream = Jetstream([commit(number) for number in range(9)], numbered=numbered)
    with hosting(jetstream, f"&wire={wire}") as connect:
        batches = taken(connect(), 9)
        jetstream.events += [commit(9), commit(10)]
        rest = items(taken(connect(), 2, batches[-1].cursor))
    assert [item.id for item in rest if isinstance(item, Document)] == [stored(9), stored(10)]


def test_a_connection_that_breaks_before_the_first_message_misses_nothing() -> None:
    jetstream = Jetstream(
        [], lambda socket, messages: send_all(socket, messages) if messages else jetstream.events.append(commit(1))
    )
    (document,) = told(jetstream, 1)
    assert isinstance(document, Document)
    first, second = jetstream.asked
    assert "cursor" not in first
    assert abs(int(second["cursor"][0]) - microseconds()) < 3600_000_000


def test_on_another_host_it_goes_on_by_time_a_minute_before() -> None:
    with hosting(Jetstream([commit(1)])) as connect:
        batches = taken(connect(), 1)
    other = Jetstream([commit(2)], first=5000)
    told(other, 1, after=batches[-1].cursor)
    assert int(other.asked[0]["cursor"][0]) == place(batches)["at"] - 60_000_000
    name = BlueskySource.from_url("bluesky://127.0.0.1:1?tls=no").name
    assert name == BlueskySource.from_url("bluesky:").name == "bluesky:"


def test_what_is_too_old_is_a_gap_of_so_many_events() -> None:
    jetstream = Jetstream([commit(number) for number in range(100)], floor=41)
    with serving(jetstream) as served:
        cursor = json.dumps({"host": f"127.0.0.1:{served.port}", "seq": 10, "at": 1})
        gap, document = items(taken(source_at(served), 2, cursor))[:2]
    assert isinstance(gap, Gap)
    assert isinstance(document, Document)
    assert gap.missed == 30  # the events 11 to 40
    assert "goes on with event 41" in gap.reason
    assert document.id == stored(40)  # which is event 41


@pytest.mark.parametrize("floor", ["5", "9" * 5000, "-1", "x"])
def test_a_host_that_says_nonsense_about_what_it_still_has_is_asked_by_time(floor: str) -> None:
    def before(request: Request) -> bool:
        if "cursor=10&" not in f"{request.path}&":
            return False
        refuse(request, 400, "CursorTooOld", f"cursor 10 below lookback floor {floor}")
        return True

    jetstream = Jetstream([commit(1), commit(2)], first=50, before=before)
    with serving(jetstream) as served:
        cursor = json.dumps({"host": f"127.0.0.1:{served.port}", "seq": 10, "at": 1})
        batches = taken(source_at(served), 3, cursor)
    gap, first, second = items(batches)
    assert isinstance(gap, Gap)
    assert (gap.missed, "after event 10" in gap.reason) == (None, True)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert place(batches)["seq"] == 51


def test_a_time_that_is_too_old_is_a_gap() -> None:
    gap, document = told(
        Jetstream([commit(1), commit(2)], floor=2), 2, after='{"host": "x", "seq": 9, "at": 1700000000000000}'
    )
    assert isinstance(gap, Gap)
    assert isinstance(document, Document)
    assert (gap.missed, "starting at seq 2" in gap.reason) == (None, True)


def test_version_1_begins_later_without_a_word_which_is_told_as_a_gap() -> None:
    gap, document = told(Jetstream([commit(1)]), 2, "&wire=v1", after='{"host": "x", "at": 1700000000000000}')
    assert isinstance(gap, Gap)
    assert "not known" in gap.reason
    assert isinstance(document, Document)


def test_a_host_that_counts_anew_is_read_on_by_time() -> None:
    jetstream = Jetstream([commit(number) for number in range(3)])
    jetstream.first = 1
    with serving(jetstream) as served:
        cursor = json.dumps({"host": f"127.0.0.1:{served.port}", "seq": 900, "at": jetstream.began})

        def clamp(socket: Socket, messages: Messages) -> None:
            send_all(
                socket, messages or [(1, jetstream._message(1, jetstream.time(1), jetstream.events[0], old=False))]
            )

        jetstream._stream = clamp
        found = items(taken(source_at(served), 3, cursor))
    assert [item.id for item in found if isinstance(item, Document)] == [stored(0), stored(1), stored(2)]
    assert [len(asked["cursor"][0]) for asked in jetstream.asked] == [3, 16]


@pytest.mark.parametrize("wire", WIRES)
def test_events_that_come_again_and_clocks_that_jump_do_no_harm(wire: str) -> None:
    far = "2090-01-01T00:00:00.000000Z" if wire == "v2" else 3786912000000000
    events = [commit(0), commit(1, time=far), commit(2)]

    def repeat(socket: Socket, messages: Messages) -> None:
        send_all(
            socket,
            [*messages, *(messages if wire == "v2" else ()), *messages[-1:]] if len(jetstream.asked) == 1 else messages,
        )

    jetstream = Jetstream(events, repeat)
    with hosting(jetstream, f"&wire={wire}") as connect:
        batches = taken(connect(), 3)
        found = [item.id for item in items(batches)[:3] if isinstance(item, Document)]
    assert found == [stored(0), stored(1), stored(2)]
    assert place(batches)["at"] < microseconds() + 300_000_000


def test_compressed_messages_are_read_with_the_dictionary_of_the_host() -> None:
    jetstream = Jetstream([commit(number) for number in range(5)], dictionary=trained())
    assert len(told(jetstream, 5)) == 5
    assert int(jetstream.asked[0]["zstdDictionary"][0]) > 0


def test_a_host_that_does_not_know_its_own_dictionary_is_read_without() -> None:
    def before(request: Request) -> bool:
        wrong = "zstdDictionary=" in request.path
        if wrong:
            refuse(request, 400, "UnknownZstdDictionary", "unknown zstd dictionary id 7")
        return wrong

    jetstream = Jetstream([commit(1)], dictionary=trained(), before=before)
    assert len(told(jetstream, 1)) == 1
    assert "zstdDictionary" not in jetstream.asked[0]


@pytest.mark.parametrize(
    "garbage",
    ["no JSON", "[]", '{"$type": "message"}', '{"$type": "message", "payload": {"$type": "x#commit", "seq": "7"}}'],
)
def test_garbage_is_malformed_and_the_stream_goes_on(garbage: str) -> None:
    def spoil(socket: Socket, messages: Messages) -> None:
        socket.send(messages[0][1])
        socket.send(garbage)
        socket.send(b"\x28\xb5\x2f\xfd no zstd")
        send_all(socket, messages[1:])

    with hosting(Jetstream([commit(1), commit(2)], spoil, dictionary=b"")) as connect:
        first, malformed, _, second = items(taken(connect(), 4))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert isinstance(malformed, Malformed)
    assert malformed.data == garbage.encode()
    assert malformed.where.endswith("at or after event 1")


def test_a_record_that_is_no_document_is_malformed_with_its_place() -> None:
    events = [
        commit(1, record={"text": 5}),
        commit(2, "x" * 10_000_000),
        commit(3, record=None),
        commit(4, "a\0b"),
        commit(5, rkey=""),
        commit(6, "", "update"),
        commit(7),
    ]
    *malformed, document = told(Jetstream(events), 6)
    assert isinstance(document, Document)
    reasons = [(item.where.rpartition(" ")[2], item.reason) for item in malformed if isinstance(item, Malformed)]
    assert [where for where, _ in reasons] == ["1", "2", "3", "4", "5"]
    assert "limit is 1,048,576" in reasons[1][1]
    assert all(len(item.data) <= 1 << 16 for item in malformed if isinstance(item, Malformed))


def test_an_id_that_would_be_too_long_is_a_hash() -> None:
    far = f"did:web:{'a' * 200}.example.org"
    document, deletion = told(Jetstream([commit(1, did=far), commit(1, did=far, operation="delete")]), 2)
    assert isinstance(document, Document)
    assert deletion == Deletion(document.id)
    assert len(document.id) < 60
    assert document.meta["author_id"] == far


@pytest.mark.parametrize("status", [429, 503])
def test_a_host_that_is_busy_is_waited_for_as_long_as_it_asks(status: int) -> None:
    def before(request: Request) -> bool:
        request.begin(status, Retry_After="3600")
        return True

    with hosting(Jetstream(before=before)) as connect:
        source = connect()
        (batch,) = (batch for batch in source.read() if source.close() is None)
    assert batch.waiting.startswith(f"the server answers {status}")
    assert "trying again in" in batch.waiting


def test_a_host_that_refuses_is_told_at_once_with_what_it_says() -> None:
    def before(request: Request) -> bool:
        refuse(request, 400, "InvalidRequest", "wantedDids is the legacy /subscribe parameter; use dids")
        return True

    with pytest.raises(Misconfigured, match="wantedDids is the legacy /subscribe parameter; use dids"):
        told(Jetstream(before=before), 1)
    with serving(lambda request: request.begin(404)) as served, pytest.raises(Misconfigured, match="add wire=v1 if"):
        list(source_at(served).read())


def test_a_last_word_of_the_server_ends_the_connection_which_is_made_again() -> None:
    def drop(socket: Socket, messages: Messages) -> None:
        if len(jetstream.asked) < 3:
            socket.send(messages[0][1])
            socket.send('{"$type":"error","error":"ConsumerTooSlow","message":"reconnect with cursor=2"}')
            socket.hold()
        send_all(socket, messages)

    jetstream = Jetstream([commit(1), commit(2), commit(3)], drop)
    assert len(told(jetstream, 3)) == 3
    assert [asked.get("cursor") for asked in jetstream.asked] == [None, ["1"], ["1"]]


def test_a_message_that_is_too_long_to_be_received_is_a_gap_and_left_out_from_then_on() -> None:
    def overflow(socket: Socket, messages: Messages) -> None:
        if "maxMessageSizeBytes" not in jetstream.asked[-1]:
            socket.send(messages[0][1])
            socket.send(b"x" * (64 << 20) + b"x")
        send_all(socket, messages)

    jetstream = Jetstream([commit(1), commit(2)], overflow)
    first, gap, second = told(jetstream, 3)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert isinstance(gap, Gap)
    assert (gap.missed, "67,108,864 bytes" in gap.reason) == (1, True)


def test_a_host_that_sends_what_is_too_long_again_and_again_is_not_stormed_and_one_gap_is_told() -> None:
    def overflow(socket: Socket, _messages: Messages) -> None:
        socket.send(b"x" * (64 << 20) + b"x")

    batches: list[Batch] = []
    with hosting(Jetstream([commit(1)], overflow)) as connect:
        for batch in (source := connect()).read():
            batches.append(batch)
            if batch.waiting:
                source.close()
    assert "a message of more than 67,108,864 bytes; trying again in" in batches[-1].waiting
    assert len(items(batches)) == 1


def test_a_cursor_that_cannot_be_read_is_told_and_the_stream_goes_on_from_now() -> None:
    with hosting(Jetstream([commit(1)])) as connect:
        first, *rest = taken(connect(), 2, "no cursor")
    assert "cannot be understood" in first.restarted
    assert [type(item) for item in items([first, *rest])] == [Gap, Document]
    with hosting(Jetstream([commit(1)], sealed=1), "&replay") as connect:
        first, *rest = taken(connect(), 1, "no cursor")
    assert "cannot be understood" in first.restarted
    assert [type(item) for item in items([first, *rest])] == [Document]


def test_a_stream_that_is_open_and_silent_is_told() -> None:
    with serving(Jetstream()) as served:
        source = BlueskySource(address=f"http://127.0.0.1:{served.port}", silent=0.1)
        batches = [batch for batch in source.read() if not batch.waiting or source.close() is None]
    assert "the connection is open, but nothing has come" in batches[-1].waiting


def test_a_host_that_is_not_there_is_waited_for_and_one_that_does_not_exist_is_told() -> None:
    with serving(Jetstream()) as served:
        port = served.port
    source = BlueskySource.from_url(f"bluesky://127.0.0.1:{port}?tls=no")
    waiting = next(batch.waiting for batch in source.read() if batch.waiting)
    assert "can't be reached" in waiting
    with pytest.raises(Misconfigured, match="can't be reached"):
        list(BlueskySource.from_url("bluesky://no-such-host.invalid").read())


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("bluesky:?collections=post", "'post' is not a collection"),
        ("bluesky:?collections=app.bsky.*.post", "not a collection"),
        ("bluesky:?collections=", "collections of bluesky: is empty"),
        (f"bluesky:?collections={','.join(f'a.b.c{n}' for n in range(101))}", "101 collections; a server takes 100"),
        ("bluesky:?authors=anna.bsky.social", "'anna.bsky.social' is not the DID of an author"),
        ("bluesky:?authors=", "authors of bluesky: is empty"),
        (f"bluesky:?authors={','.join(f'did:plc:{n}' for n in range(10_001))}", "10,001 authors"),
        ("bluesky:?languages=english", "'english' is not the tag of a language"),
        ("bluesky:?wire=v3", "write wire=v2 or wire=v1"),
        ("bluesky:?replay", "HEADRACE_BLUESKY_KEY"),
        ("bluesky:?replay=maybe", "write replay=yes or replay=no"),
        ("bluesky:?replay&wire=v1", "version 1 of Jetstream has no archive"),
        ("bluesky:?collection=app.bsky.feed.post", "did you mean collections"),
        ("bluesky://host/path", "has no path"),
        ("bluesky:anna", "has no path"),
        ("bluesky://", "names no host"),
    ],
)
def test_a_wrong_url_is_told_before_anything_is_connected(url: str, word: str) -> None:
    with pytest.raises(Misconfigured, match=word.replace("(", r"\(")):
        open_source(url, limit=DOCUMENT_BYTES)


def test_the_name_says_what_is_read_and_not_where() -> None:
    many = ",".join(f"did:plc:{number:024}" for number in range(20))
    options = "languages=EN,de&collections=app.bsky.feed.post,a.b.*&replay"
    assert (
        BlueskySource.from_url(f"bluesky://host?{options}").name
        == "bluesky:?collections=a.b.*,app.bsky.feed.post&languages=de,en&replay=yes"
    )
    assert len(BlueskySource.from_url(f"bluesky:?authors={many}").name) < 50
    assert BlueskySource.from_url("bluesky:?replay", token=lambda: KEY).name == "bluesky:?replay=yes"


def trained() -> bytes:
    """A dictionary of messages such as a host sends."""
    samples = [json.dumps({"$type": "message", "payload": commit(number)}).encode() for number in range(2000)]
    return bytes(load("the test").train_dict(samples, 4096).dict_content)
