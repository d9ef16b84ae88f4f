"""What a keeper receives: plain bodies, of about as many bytes as it asks for, whatever they were when they came."""

import gzip
from base64 import b64encode
from collections.abc import Sequence

import pytest

from headrace.brokers.memory import MemoryBroker
from headrace.burial import bury_bytes
from headrace.documents import Document, decode, encode
from headrace.fields import USUAL
from headrace.ports import DeadQuery, Delivery
from headrace.stores.memory import MemoryStore
from headrace.tables import fields_of
from headrace.testing.brokers import bodies, data
from headrace.worker.content_type import names_key
from headrace.worker.inbox import UNPACKED_BYTES, Inbox

EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "review"}
HEADERS = tuple((f"ce_{name}", value) for name, value in EVENT.items())


class Fixed(MemoryBroker):
    """Hands these over, all at once."""

    def __init__(self, *deliveries: Delivery) -> None:
        super().__init__()
        self._given = list(deliveries)

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        given, self._given = self._given, []
        return given or super().receive(limit, wait)


def packed(*texts: bytes) -> Sequence[Delivery]:
    return [Delivery(gzip.compress(text), number, encoding="gzip") for number, text in enumerate(texts)]


def test_plain_bodies_come_as_they_are() -> None:
    broker = MemoryBroker()
    broker.publish(bodies("a", "b", "c"))
    inbox = Inbox(broker, document_bytes=1000)
    assert data(inbox.receive(1 << 20, 0.0)) == ["a", "b", "c"]
    assert inbox.receive(1 << 20, 0.0) == []
    assert inbox.refused() == ([], [])


def test_compressed_bodies_are_handed_out_as_far_as_there_is_room_and_the_rest_is_still_held() -> None:
    inbox = Inbox(Fixed(*packed(b"a" * 600, b"b" * 600, b"c" * 600)), document_bytes=1000)
    first = inbox.receive(1000, 0.0)
    assert [one.data[:1] for one in first] == [b"a", b"b"]
    assert [one.receipt for one in inbox.waiting] == [2]
    assert [(one.data[:1], one.encoding, one.receipt) for one in inbox.receive(1000, 0.0)] == [(b"c", "", 2)]
    assert inbox.waiting == ()


def test_what_cannot_be_unpacked_is_a_dead_letter_with_its_bytes_and_holds_nothing_up() -> None:
    bomb, damaged = packed(bytes(UNPACKED_BYTES + 1), b"x")
    damaged = Delivery(damaged.data[:-4], 7, encoding="GZIP")
    unknown = Delivery(b"\x0b\x02", 8, encoding="br")
    inbox = Inbox(Fixed(bomb, damaged, *packed(b"sound"), unknown), document_bytes=1000)
    assert data(inbox.receive(1 << 20, 0.0)) == ["sound"]
    deliveries, outcomes = inbox.refused()
    assert [one.receipt for one in deliveries] == [0, 7, 8]
    letters = [letter for outcome in outcomes for letter in outcome.dead]
    assert [letter.data for letter in letters] == [bomb.data, damaged.data, unknown.data]
    assert [letter.kind for letter in letters] == ["malformed"] * 3
    for letter, told in zip(letters, ("more than 16,777,216", "damaged", "'br' is not known"), strict=True):
        assert told in letter.reason
    assert inbox.refused() == ([], [])


def test_what_cannot_be_unpacked_is_buried_though_its_id_was_erased() -> None:
    store = MemoryStore()
    unknown = Delivery(b"\x0b\x02", 1, encoding="br")
    store.erase([bury_bytes(unknown.data, "").id])
    inbox = Inbox(Fixed(unknown), document_bytes=1000)
    inbox.receive(1 << 20, 0.0)
    store.write(inbox.refused()[1])
    assert [letter.data for letter in store.find_dead(DeadQuery()).items] == [unknown.data]


def test_a_single_document_may_be_as_large_as_the_setting_allows() -> None:
    large = UNPACKED_BYTES + 1000
    inbox = Inbox(Fixed(*packed(bytes(large))), document_bytes=large)
    assert [len(one.data) for one in inbox.receive(1 << 20, 0.0)] == [large]


def test_a_body_of_plain_text_is_a_document_in_the_charset_that_its_type_names() -> None:
    inbox = Inbox(
        Fixed(
            Delivery("Vad är\nklockan?".encode(), 1, content_type="text/plain"),
            Delivery("Vad är".encode("latin-1"), 2, content_type='Text/Plain; charset="ISO-8859-1"'),
            Delivery(gzip.compress(b"packed"), 3, encoding="gzip", content_type="text/plain;charset=utf-8"),
            Delivery(b'{"text": "json"}', 4, content_type="application/json"),
            Delivery(b'{"text": "of a string"}', 5, content_type="text/plain"),
            Delivery(b"{no json", 6, content_type="text/plain"),
        ),
        document_bytes=1000,
    )
    taken = inbox.receive(1 << 20, 0.0)
    texts = ["Vad är\nklockan?", "Vad är", "packed", "json", "of a string", "{no json"]
    assert [decode(one.data).text for one in taken] == texts
    assert [one.receipt for one in taken] == [1, 2, 3, 4, 5, 6]


def test_plain_text_that_is_in_another_charset_than_it_says_is_a_dead_letter() -> None:
    wrong = Delivery("Vad är".encode("latin-1"), 1, content_type="text/plain")
    unknown = Delivery(b"x", 2, content_type="text/plain; charset=klingon")
    inbox = Inbox(Fixed(wrong, unknown), document_bytes=1000)
    assert inbox.receive(1 << 20, 0.0) == []
    letters = [letter for outcome in inbox.refused()[1] for letter in outcome.dead]
    assert [letter.data for letter in letters] == [wrong.data, unknown.data]
    assert "not in utf-8, as its content type says: byte 5" in letters[0].reason
    assert "in 'klingon', of which nothing is known" in letters[1].reason


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"a", "undefined"),
        (b"a", "a\0b"),
        (b"a", ""),
        (b"a", "hex"),
        (b"+2AA-", "utf-7"),
        (b"\\ud800", "unicode_escape"),
        (b"a\0", "utf-8"),
    ],
)
def test_no_charset_stops_a_worker(data: bytes, charset: str) -> None:
    inbox = Inbox(Fixed(Delivery(data, 1, content_type=f"text/plain; charset={charset}")), document_bytes=1000)
    assert inbox.receive(1 << 20, 0.0) == []
    ((letter,),) = (outcome.dead for outcome in inbox.refused()[1])
    assert letter.data == data


@pytest.mark.parametrize("depth", [100, 500, 800, 900, 950, 980, 990, 1000, 5000])
def test_no_depth_of_data_stops_a_worker(depth: int) -> None:
    deep = Delivery(b"[" * depth + b"]" * depth, 1, headers=HEADERS)
    keyed = Delivery(b'{"a":' * depth + b"1" + b"}" * depth, 2, key="k")
    inbox = Inbox(Fixed(deep, keyed), document_bytes=100_000, keyed=True)
    taken = inbox.receive(1 << 20, 0.0)
    assert len(taken) + len(inbox.refused()[0]) == 2


def test_a_message_in_the_binary_mode_of_cloudevents_is_an_event() -> None:
    inbox = Inbox(
        Fixed(
            Delivery(b'{"text":\n"json"}', 1, content_type="application/json", headers=HEADERS),
            Delivery(gzip.compress(b"packed"), 2, encoding="gzip", content_type="text/plain", headers=HEADERS),
            Delivery(b'{"text": "no event"}', 3, headers=HEADERS[1:]),
            Delivery(
                encode({**EVENT, "data": "structured"}), 4, content_type="application/cloudevents+json", headers=HEADERS
            ),
        ),
        document_bytes=1000,
    )
    read = [USUAL.decode(one.data) for one in inbox.receive(1 << 20, 0.0)]
    assert [one.text for one in read] == ["json", "packed", "no event", "structured"]
    assert [one.id for one in read if one.text != "no event"] == ["/shop|7"] * 3


def test_an_event_in_a_format_that_is_not_read_is_a_dead_letter() -> None:
    avro = Delivery(b"\0\1", 1, content_type="application/cloudevents+avro")
    wrong = Delivery(b"\0\1", 2, content_type="application/avro", headers=HEADERS)
    inbox = Inbox(Fixed(avro, wrong), document_bytes=1000)
    assert inbox.receive(1 << 20, 0.0) == []
    reasons = [letter.reason for outcome in inbox.refused()[1] for letter in outcome.dead]
    assert ["JSON is read" in reasons[0], "application/avro; JSON and text are read" in reasons[1]] == [True, True]


def test_a_record_gets_what_its_message_is_called_by_only_if_a_field_names_it() -> None:
    def taken(*deliveries: Delivery, fields: str) -> list[tuple[str, str]]:
        named = fields_of(fields)
        inbox = Inbox(Fixed(*deliveries), document_bytes=1000, keyed=names_key(named))
        return [
            (document.id, document.text)
            for one in inbox.receive(1 << 20, 0.0)
            for document in map(named.decode, one.data.split(b"\n"))
        ]

    record = Delivery(b'{"post": "a"}', 1, key="k")
    assert taken(record, fields="text=post, id=@key") == [("k", "a")]
    assert taken(record, fields="text=post")[0][0] not in ("", "k")
    own = Delivery(b'{"post": "a", "@key": "own"}', 1, key="k")
    assert taken(own, fields="text=post, id=@key") == [("own", "a")]
    plain = Delivery(b"a", 1, key="k", content_type="text/plain")
    assert taken(plain, fields="id=@key") == [("k", "a")]
    event = Delivery(encode({**EVENT, "data": {"post": "a"}}), 1, key="k")
    assert taken(event, fields="text=post, id=@key") == [("k", "a")]
    of_text = Delivery(encode({**EVENT, "data": "a"}), 1, key="k")
    packed = Delivery(encode({**EVENT, "data_base64": b64encode(b'{"post": "a"}').decode()}), 1, key="k")
    assert taken(of_text, packed, fields="text=post, id=@key") == [("k", "a"), ("k", "a")]
    ours = Delivery(encode(Document("x", "a", published_at=5)), 1, key="k")
    assert taken(ours, fields="text=post, id=@key") == [("x", "a")]
    (known,) = Inbox(Fixed(of_text), document_bytes=1000, keyed=True).receive(1 << 20, 0.0)
    assert "@key" not in fields_of("text=post, id=@key").decode(known.data).meta["cloudevent"]
    none = Delivery(b'{"post": "a"}', 1)
    assert taken(none, fields="text=post, id=@key")[0][0] != ""
