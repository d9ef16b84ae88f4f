"""The suite of sources, run over every adapter."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import PATIENCE, ftp_server
from support.hackernews_server import News, hackernews, story
from support.http_server import Request, serving
from support.jetstream_server import Jetstream, account, commit, sync
from support.mastodon_server import FIRST, TOKEN, Mastodon, post
from support.socket_server import Socket
from support.twitter_server import AT, X, wait
from support.twitter_server import TOKEN as TOKEN_OF_X
from support.twitter_server import number as number_of_x
from support.twitter_server import post as post_of_x
from support.wiki_server import after, canary, change, hold, send, send_extracts

from headrace.file_options import FileOptions
from headrace.sources.bluesky import BlueskySource
from headrace.sources.files import FileSource
from headrace.sources.hackernews import HackernewsSource
from headrace.sources.mastodon import MastodonSource
from headrace.sources.polled import PolledSource
from headrace.sources.rss import RssSource
from headrace.sources.sse import SseSource
from headrace.sources.twitter import TwitterSource
from headrace.sources.twitter.filtered_stream import FilteredStream, Timing
from headrace.sources.wikimedia import WikimediaSource
from headrace.testing.sources import Connect, SourceSuite

LINES = [b'{"text": "text %d", "n": %d}' % (number, number) for number in range(20)]


class TestJsonLines(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        (tmp_path / "a.jsonl").write_bytes(b"\n".join([*LINES, b"", b"no JSON", b""]))
        return lambda: FileSource(tmp_path / "a.jsonl", batch=3)


class TestCompressed(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join(LINES)))
        return lambda: FileSource(tmp_path / "a.jsonl.gz", batch=3)


class TestFileOfAnotherMachine(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Iterator[Connect]:
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*LINES, b"", b"no JSON", b""])))
        with ftp_server.serving(tmp_path) as server:
            yield lambda: FileSource(f"{server.url}/a.jsonl.gz", batch=3)


class TestCsv(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        rows = "".join(f'{number},"text\n{number}"\n' for number in range(20))
        (tmp_path / "a.csv").write_text(f"id,text\n{rows}1,2,3\n\n20,\n")
        return lambda: FileSource(tmp_path / "a.csv", batch=3)


class TestText(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        (tmp_path / "a.txt").write_bytes(b"\n\n".join(b"text %d" % number for number in range(20)))
        return lambda: FileSource(tmp_path / "a.txt", batch=3)


class TestTar(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
            for number in range(4):
                data = b"\n".join(LINES[number * 5 : number * 5 + 5])
                info = tarfile.TarInfo(f"{number}.jsonl.gz")
                info.size = len(gzip.compress(data))
                archive.addfile(info, io.BytesIO(gzip.compress(data)))
        return lambda: FileSource(tmp_path / "a.tar.gz", batch=3)


class TestZip(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number in range(4):
                archive.writestr(f"{number}.jsonl", b"\n".join(LINES[number * 5 : number * 5 + 5]))
        return lambda: FileSource(tmp_path / "a.zip", batch=3)


class TestParquet(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        texts = [*(f"text {number}" for number in range(20)), None, ""]
        pq.write_table(pa.table({"text": texts, "n": range(22)}), tmp_path / "a.parquet", row_group_size=6)
        return lambda: FileSource(tmp_path / "a.parquet", batch=3)


class TestFollowed(SourceSuite):
    """A file that nobody writes to any more."""

    @pytest.fixture
    def total(self) -> int:
        return 20

    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        (tmp_path / "app.log").write_bytes(b"\n".join([*LINES, b"", b""]))
        return lambda: FileSource(tmp_path / "app.log", batch=3, options=FileOptions("jsonl", follow=True))


class TestEvents(SourceSuite):
    """Server-sent events that are numbered, of which the server remembers all, and ends the connection after the tenth."""

    @pytest.fixture
    def total(self) -> int:
        return 23

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        events = [*LINES, b"no JSON", b'{"n": 5}', b'[{"text": "a"}]']

        def answer(request: Request) -> None:
            first = int(request.headers.get("Last-Event-ID", "0"))
            request.begin(kind="text/event-stream")
            for number in range(first, 10 if first < 10 else len(events)):
                request.send(b"id: %d\ndata: %s\n\n" % (number + 1, events[number]))
            if first >= 10:
                request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]

        with serving(answer) as served:
            yield lambda: SseSource.from_url(f"sse://127.0.0.1:{served.port}/?tls=no")


class TestPolled(SourceSuite):
    """A list that grows with each request that knows what came before."""

    @pytest.fixture
    def total(self) -> int:
        return 20

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        def answer(request: Request) -> None:
            known = int(request.headers.get("If-None-Match", '"0"').strip('"'))
            if known >= len(LINES):
                request.begin(304)
            else:
                request.begin(ETag=f'"{known + 5}"')
                request.send(b"\n".join(LINES[: known + 5]))

        with serving(answer) as served:
            yield lambda: PolledSource.from_url(f"http:http://127.0.0.1:{served.port}/#every=0.01")


class TestMastodon(SourceSuite):
    """Posts of which a page has five, on a server that ends each stream at once; one was edited, one has no text, and one is malformed."""

    @pytest.fixture
    def total(self) -> int:
        return 23

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        posts = [post(number) for number in range(25)]  # of which the first was there before
        posts[5]["content"], posts[7]["content"], posts[9]["edited_at"] = "", None, "2026-11-29T12:05:00.000Z"

        def pages(request: Request) -> bool:
            known, _, more = request.path.partition("min_id=")[2].partition("&")
            first = int(known) - FIRST + 1 if more else 0
            request.begin()
            request.send(json.dumps(posts[first : first + (5 if more else 1)][::-1]))
            return True

        with serving(Mastodon(stream=lambda _request: None, pages=pages)) as served:
            yield lambda: MastodonSource(f"http://127.0.0.1:{served.port}", "", TOKEN)


@pytest.mark.parametrize("options", ["", "&wire=v1", "&wire=v1#numbered", "&replay"])
class TestBluesky(SourceSuite):
    """Posts, edits and what is gone, on a host that cuts each connection in the middle of a message; some of it is in its archive."""

    @pytest.fixture
    def total(self, options: str) -> int:
        return 26 if "v1" in options else 27

    @pytest.fixture
    def connect(self, options: str) -> Iterator[Connect]:
        events = [commit(number) for number in range(20)]
        events[5:5] = [
            commit(2, "edited", "update"),
            commit(3, operation="delete"),
            account("did:plc:b"),
            commit(7, record={"text": 1}),
        ]
        events[15:15] = [
            commit(90, ""),
            commit(91, collection="app.bsky.feed.like"),
            sync("did:plc:c"),
            account("did:plc:d", active=True),
        ]
        events += [commit(1), commit(95)]

        def stream(socket: Socket, messages: Sequence[tuple[int, str]]) -> None:
            for _, message in messages[:10]:
                socket.send(message)
            if messages[10:]:
                socket.cut(messages[10][1])
            else:
                socket.hold()

        with serving(Jetstream(events, stream, sealed=13, numbered="#" in options)) as served:
            yield lambda: BlueskySource.from_url(f"bluesky://127.0.0.1:{served.port}?tls=no{options.partition('#')[0]}")


class TestWikimedia(SourceSuite):
    """Changes of which the server remembers all, and ends the connection after the tenth; some pages have an extract."""

    @pytest.fixture
    def total(self) -> int:
        return 22

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        events = [canary(), *(change(number) for number in range(1, 21)), change(21, bot=True), "no JSON", change(22)]

        def answer(request: Request) -> None:
            if request.path.startswith("/w/"):
                send_extracts(request)
                return
            first = after(request)
            send(request, events[: 10 if first < 10 else None])
            if first >= 10:
                hold(request)

        with serving(answer) as served:
            host = f"127.0.0.1:{served.port}"
            url = f"wikimedia://{host}/enwiki?tls=no&api=http://{host}/w/api.php&hourly=3600000"
            yield lambda: WikimediaSource.from_url(url)


class TestRss(SourceSuite):
    """A feed that grows with each request that knows what came before, in another order each time, with an entry that has no text."""

    @pytest.fixture
    def total(self) -> int:
        return 20

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        entries = [
            f"<item><guid>http://h/{number}</guid><pubDate>Mon, 05 Jan 2026 10:00:{number:02} GMT</pubDate>"
            f"{'' if number == 7 else f'<title>text {number}</title>'}</item>"
            for number in range(20)
        ]

        def answer(request: Request) -> None:
            known = int(request.headers.get("If-None-Match", '"0"').strip('"'))
            if known >= len(entries):
                request.begin(304)
            else:
                request.begin(ETag=f'"{known + 5}"')
                shown = entries[: known + 5]
                turned = shown[request.number % 4 :] + shown[: request.number % 4]
                request.send(f'<rss version="2.0"><channel>{"".join(turned)}</channel></rss>')

        with serving(answer) as served:
            yield lambda: RssSource.from_url(f"rss://127.0.0.1:{served.port}/?tls=no#every=0.01")


class TestHackernews(SourceSuite):
    """Items of several chunks, one of which is never given out, one is no item, and one is deleted that came before the first."""

    @pytest.fixture
    def total(self) -> int:
        return 125 - 3 + 1  # one is deleted, one dead and one missing; a gap tells of that

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        odd = {7: None, 8: story(8, dead=True), 9: {"id": 9, "deleted": True}, 70: {**story(70), "text": 5}}
        with hackernews(News({number: story(number) for number in range(1, 126)} | odd)) as (url, _):
            yield lambda: HackernewsSource.from_url(url)


class TestFilteredStream(SourceSuite):
    """Posts of which X sends all at each connection, and ends the first one after ten."""

    @pytest.fixture
    def total(self) -> int:
        return 21

    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        sent = [json.dumps({"data": post_of_x(number_of_x(AT, place), f"text {place}")}) for place in range(21)]

        def stream(request: Request) -> None:
            request.begin()
            first = request.number == 1
            for one in sent[: 10 if first else None]:
                request.send(f"{one}\r\n\r\n")
            if not first:
                wait(request)

        with serving(X(stream)) as served:
            yield lambda: FilteredStream(f"http://127.0.0.1:{served.port}", TOKEN_OF_X, timing=Timing(settle=0.0))


class TestTwitter(SourceSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        """A recording of both versions, with pages, deletions, totals that grow, what is ignored and what is malformed."""
        messages = [
            *({"id": number, "text": f"v1 {number}", "user": {"screen_name": "anna"}} for number in range(1, 9)),
            {"limit": {"track": 3}},
            {"scrub_geo": {"user_id": 1, "up_to_status_id": 3}},
            {"statuses": [{"id": number, "text": f"page {number}"} for number in range(20, 29)]},
            {"delete": {"status": {"id": 2}}},
            {"data": {"id": "30", "text": "v2"}, "matching_rules": [{"tag": "cats"}]},
            {"limit": {"track": 10}},
            {"friends": []},
            {"data": [{"id": "31", "text": "a"}, {"id": "x", "text": "b"}]},
            {"limit": {"track": 15}},
        ]
        (tmp_path / "a.jsonl").write_text("\n\n".join([*map(json.dumps, messages), "no JSON", ""]))
        return lambda: TwitterSource(tmp_path / "a.jsonl", batch=3)
