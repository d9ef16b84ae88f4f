"""Reading Jetstream's archive, and going on with its stream."""

import json
import threading
from pathlib import Path

import pytest
from support import PATIENCE
from support.http_server import Request, serving
from support.jetstream_archive import SEALED, answer_block
from support.jetstream_server import KEY, Event, Jetstream, account, commit, stored, sync
from support.reading import taken

from headrace.documents import DOCUMENT_BYTES, Document
from headrace.errors import Misconfigured
from headrace.ports import AuthorDeletion, Deletion, Gap, Item, Malformed
from headrace.sources.bluesky import BlueskySource
from headrace.testing.sources import items
from headrace.urls import open_source
from headrace.zstd import load

LAST = 2 * SEALED + 3
ZSTD = load("the tests")


def events(count: int = LAST + 5) -> list[Event]:
    return [commit(number) for number in range(1, count + 1)]


def told(jetstream: Jetstream, most: int, options: str = "", *, after: str | None = None, key: str = KEY) -> list[Item]:
    """The first items of the archive, or after it."""
    with serving(jetstream) as served:
        url = f"bluesky://127.0.0.1:{served.port}?tls=no&replay{options}"
        return items(taken(BlueskySource.from_url(url, token=lambda: key), most, after))


def ids(found: list[Item]) -> list[str]:
    return [item.id for item in found if isinstance(item, Document)]


@pytest.mark.parametrize("sealed", [0, 3, SEALED, LAST, LAST + 5])
def test_the_archive_is_read_first_and_the_stream_goes_on_after_it(sealed: int) -> None:
    jetstream = Jetstream(events(), sealed=sealed, key=KEY)
    found = told(jetstream, LAST + 5)
    assert ids(found) == [stored(number) for number in range(1, LAST + 6)]
    assert [asked["cursor"] for asked in jetstream.asked] in ([], [[str(sealed)]])


def test_what_is_read_of_the_archive_is_the_same_as_what_is_streamed() -> None:
    told_events = [
        commit(1),
        commit(2, "ändrad", "update"),
        commit(3, operation="delete"),
        account(active=True, status=None),
        account(),
        sync(),
        commit(4, collection="app.bsky.feed.like"),
        commit(5, did="did:plc:b"),
        commit(6),
    ]
    archived = told(Jetstream(told_events, sealed=9), 6, "&authors=did:plc:anna")
    streamed = told(Jetstream(told_events), 6, "&authors=did:plc:anna")
    assert [type(item) for item in archived] == [Document, Document, Deletion, AuthorDeletion, AuthorDeletion, Document]
    assert ids(archived) == ids(streamed)
    assert [item for item in archived if not isinstance(item, Document)] == [
        item for item in streamed if not isinstance(item, Document)
    ]


def test_reading_goes_on_within_the_archive_and_nothing_comes_twice() -> None:
    with serving(Jetstream(events(), sealed=LAST, key=KEY)) as served:
        url = f"bluesky://127.0.0.1:{served.port}?tls=no&replay"
        cursor = json.dumps({"host": f"127.0.0.1:{served.port}", "seq": 6, "at": 1})
        assert ids(items(taken(BlueskySource.from_url(url, token=lambda: KEY), LAST - 1, cursor))) == [
            stored(n) for n in range(7, LAST + 6)
        ]


def test_a_cursor_that_is_too_old_for_the_stream_is_filled_from_the_archive() -> None:
    with serving(Jetstream(events(), sealed=LAST, floor=LAST, key=KEY)) as served:
        url = f"bluesky://127.0.0.1:{served.port}?tls=no&replay"
        cursor = json.dumps({"host": f"127.0.0.1:{served.port}", "seq": 2, "at": 1, "live": True})
        found = items(taken(BlueskySource.from_url(url, token=lambda: KEY), LAST + 3, cursor))
    assert ids(found) == [stored(number) for number in range(3, LAST + 6)]


def test_what_neither_the_stream_nor_the_archive_has_is_a_gap() -> None:
    with serving(Jetstream(events(), sealed=4, floor=10, key=KEY)) as served:
        url = f"bluesky://127.0.0.1:{served.port}?tls=no&replay"
        found = items(taken(BlueskySource.from_url(url, token=lambda: KEY), 12))
    assert ids(found) == [stored(number) for number in (1, 2, 3, 4, *range(10, LAST + 6))]
    assert [item.missed for item in found if isinstance(item, Gap)] == [5]


def test_an_archive_whose_plan_does_not_go_on_is_waited_for() -> None:
    asked: list[str] = []

    def before(request: Request) -> bool:
        if not request.path.endswith("planSnapshot"):
            return False
        asked.append(request.path)
        request.begin()
        request.send(json.dumps({"plannedThroughSeq": 0, "sealedTipSeq": 9, "segments": []}))
        return True

    with serving(Jetstream(events(), sealed=9, before=before)) as served:
        source = BlueskySource.from_url(f"bluesky://127.0.0.1:{served.port}?tls=no&replay")
        waiting = next(batch.waiting for batch in source.read() if batch.waiting)
    assert waiting.startswith("the plan of the archive does not go on after event 0")
    assert len(asked) < 5


def test_closing_ends_the_reading_of_the_archive() -> None:
    asked: list[str] = []

    def note(request: Request) -> bool:
        asked.append(request.path)
        return False

    with serving(Jetstream(events(3000), sealed=3000, before=note)) as served:
        source = BlueskySource.from_url(f"bluesky://127.0.0.1:{served.port}?tls=no&replay")
        assert taken(source, 1)
        for reader in [one for one in threading.enumerate() if one.name == "stream"]:
            reader.join(PATIENCE)
            assert not reader.is_alive()
    assert len(asked) < 3000 / SEALED


def test_a_key_that_the_archive_does_not_know_is_told_at_once_and_not_shown() -> None:
    with pytest.raises(Misconfigured, match=r"answers 401.*is the key in HEADRACE_BLUESKY_KEY one for") as caught:
        told(Jetstream(events(), sealed=4, key=KEY), 1, key="an-other-KEY")
    assert "an-other-KEY" not in str(caught.value)


def test_the_key_is_read_from_a_file_and_sent_to_the_archive_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("HEADRACE_BLUESKY_KEY_FILE", str(tmp_path / "key"))
    sent: dict[str, str] = {}

    def note(request: Request) -> bool:
        sent[request.path.partition("?")[0].rpartition(".")[2]] = request.headers.get("Authorization", "")
        return False

    with serving(Jetstream(events(), sealed=4, key=KEY, before=note)) as served:
        for url in (f"bluesky://127.0.0.1:{served.port}?tls=no&replay", f"bluesky://127.0.0.1:{served.port}?tls=no"):
            taken(open_source(url, limit=DOCUMENT_BYTES), LAST)
    bearer = f"Bearer {KEY}"
    assert sent == {"planSnapshot": bearer, "getBlock": bearer, "getZstdDictionary": "", "subscribeEvents": ""}


def test_an_archive_that_is_metered_is_waited_for() -> None:
    def before(request: Request) -> bool:
        metered = "getBlock" in request.path
        if metered:
            request.begin(429, Retry_After="3600")
        return metered

    with serving(Jetstream(events(), sealed=4, before=before)) as served:
        source = BlueskySource.from_url(f"bluesky://127.0.0.1:{served.port}?tls=no&replay")
        batches = [batch for batch in source.read() if not batch.waiting or source.close() is None]
    assert batches[-1].waiting.startswith("the server answers 429")


@pytest.mark.parametrize("times", [1, 9])
def test_a_damaged_block_is_asked_for_again_and_then_told_as_a_gap(times: int) -> None:
    asked: list[str] = []

    def before(request: Request) -> bool:
        damaged = "blockIndex=1" in request.path and len(asked) < times
        if damaged:
            asked.append(request.path)
            answer_block(request, 1, jetstream.rows(), lambda block: block[:-9] + b"garbage!!")
        return damaged

    jetstream = Jetstream(events(), sealed=LAST, before=before)
    found = told(jetstream, LAST + 5 - (SEALED if times > 1 else 0))
    gaps = [item.reason for item in found if isinstance(item, Gap)]
    missing = range(SEALED + 1, 2 * SEALED + 1) if times > 1 else ()
    assert ids(found)[: LAST - SEALED] == [stored(n) for n in range(1, LAST + 6) if n not in missing][: LAST - SEALED]
    assert len(gaps) == (times > 1)
    assert all("block 1 of seg_0000000000.jss of its archive is damaged" in gap for gap in gaps)


@pytest.mark.parametrize(
    "change",
    [
        lambda block: block[:3],
        lambda block: b"\xff\xff\xff\xff" + block[4:],
        lambda block: block[:40],
        lambda block: block[:-1],
    ],
)
def test_a_block_whose_lengths_do_not_fit_is_a_gap(change: object) -> None:
    def before(request: Request) -> bool:
        damaged = "blockIndex=0" in request.path
        if damaged:
            answer_block(request, 0, jetstream.rows(), lambda block: ZSTD.compress(change(ZSTD.decompress(block))))  # type: ignore[operator]
        return damaged

    jetstream = Jetstream(events(), sealed=LAST, before=before)
    gap, document = told(jetstream, 2)[:2]
    assert isinstance(gap, Gap)
    assert "damaged" in gap.reason
    assert isinstance(document, Document)
    assert document.id == stored(SEALED + 1)


def test_a_record_of_the_archive_that_is_none_is_malformed_with_its_place() -> None:
    broken = [
        commit(1, payload=b"\xff\xff"),
        commit(2, record={"text": 7}),
        commit(3, did="\udcff".encode("utf-8", "replace").decode()),
    ]
    first, second, *_ = told(Jetstream([*broken, *events()], sealed=LAST), 6)
    assert isinstance(first, Malformed)
    assert isinstance(second, Malformed)
    assert ("not CBOR" in first.reason, first.where.endswith("event 1")) == (True, True)
    assert ("text 'text'" in second.reason, second.data) == (True, b'{"text":7}')
