"""Articles are gathered politely through MediaWiki's API, and an interrupted run continues where it stopped."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from headrace.errors import Misconfigured, Unavailable
from headrace.training.datasets import read
from headrace.training.mediawiki import MediaWiki
from headrace.training.wikipedia import LANGUAGES, gather, sentences


class Wiki:
    """A wiki's API on loopback: 45 articles, one of them missing, and a page of another namespace; it fails as often as `failures` says."""

    def __init__(self):
        self.requests = []
        self.failures = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, handler):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.requests.append((parts.path, query, dict(handler.headers)))
        status, headers, body = self.failures.pop(0) if self.failures else (200, {}, self.articles(query))
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        if status == 200 and "gzip" in handler.headers.get("Accept-Encoding", ""):
            data, headers = gzip.compress(data), {**headers, "Content-Encoding": "gzip"}
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def articles(self, query):
        if query.get("list") == "mostviewed":
            titles = [f"Article {number}" for number in range(45)]
            pages = [
                {"ns": -1, "title": "Special:Search", "count": 99},
                *({"ns": 0, "title": title} for title in titles),
            ]
            start = int(query.get("pvimoffset", 0))
            going = {"continue": {"pvimoffset": 30, "continue": "-||"}} if start == 0 else {}
            return {"batchcomplete": True, **going, "query": {"mostviewed": pages[start : start + 30]}}
        titles = query["titles"].split("|")
        half = len(titles) // 2
        if "excontinue" not in query and half:
            shown, going = titles[:half], {"continue": {"excontinue": half, "continue": "||"}}
        else:
            shown, going = titles[half:], {}
        return {"batchcomplete": True, **going, "query": {"pages": [self.page(title) for title in shown]}}

    def page(self, title):
        if title == "Article 7":
            return {"ns": 0, "title": title, "missing": True}
        return {"ns": 0, "title": title, "extract": f"{title} (an example) is about water and its wheels. It is short."}


@pytest.fixture
def wiki():
    wiki = Wiki()
    yield wiki
    wiki.close()


def rows(path):
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


EXPECTED = [
    {"text": f"Article {n} is about water and its wheels.", "label": "sv", "title": f"Article {n}"}
    for n in range(45)
    if n != 7
]


def test_introductions_of_the_most_viewed_articles_become_labelled_sentences(wiki, tmp_path):
    steps = []
    (path,) = gather(
        tmp_path,
        ["sv"],
        base_url=wiki.url,
        delay=0,
        progress=lambda what, done, total: steps.append((what, done, total)),
    )
    assert path.name == "wikipedia_sv.jsonl.gz"
    assert rows(path) == EXPECTED
    assert steps == [("gathering sv", done, 45) for done in (0, 20, 40, 45)]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert read([tmp_path]).labels == ("sv",)


def test_every_request_is_polite(wiki, tmp_path):
    pauses = []
    gather(tmp_path, ["sv"], base_url=wiki.url, contact="me@example.org", delay=0.7, sleep=pauses.append)
    for path, query, headers in wiki.requests:
        assert path == "/w/api.php"
        assert query["maxlag"] == "5"
        assert headers["User-Agent"].startswith("headrace/")
        assert "me@example.org" in headers["User-Agent"]
        assert headers["Accept-Encoding"] == "gzip"
        assert len(query.get("titles", "").split("|")) <= 20
    assert pauses == [0.7] * len(wiki.requests)


def test_gathered_articles_are_not_requested_again(wiki, tmp_path):
    gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    wiki.requests.clear()
    gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    assert wiki.requests == []


@pytest.mark.parametrize("after", range(1, 9))
def test_an_interrupted_run_continues_where_it_stopped_and_writes_the_same_file(wiki, tmp_path, after):
    class Interrupted(Exception):
        pass

    left = iter(range(after))

    def pause(_):
        if next(left, None) is None:
            raise Interrupted

    try:
        gather(tmp_path, ["sv"], base_url=wiki.url, sleep=pause)
    except Interrupted:
        assert not list(tmp_path.glob("wikipedia_*"))
    (path,) = gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    assert rows(path) == EXPECTED
    asked = [query["titles"] for _, query, _ in wiki.requests if "titles" in query and "excontinue" not in query]
    assert len(asked) <= 4


def test_a_torn_last_line_is_requested_again(wiki, tmp_path):
    class Interrupted(Exception):
        pass

    pauses = iter(range(6))

    def pause(_):
        if next(pauses, None) is None:
            raise Interrupted

    with pytest.raises(Interrupted):
        gather(tmp_path, ["sv"], base_url=wiki.url, sleep=pause)
    part = tmp_path / ".wikipedia_sv.jsonl.part"
    part.write_bytes(part.read_bytes() + b'{"text": "torn')
    (path,) = gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    assert rows(path) == EXPECTED


def test_a_lost_part_is_gathered_again(wiki, tmp_path):
    gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    (tmp_path / "wikipedia_sv.jsonl.gz").unlink()
    (tmp_path / ".wikipedia_sv.jsonl.state").write_text('{"titles": ["Article 1"], "next": 1, "size": 99}')
    (path,) = gather(tmp_path, ["sv"], base_url=wiki.url, delay=0)
    assert rows(path) == EXPECTED


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        ((429, {"Retry-After": "17"}, b""), 17.0),
        ((503, {"Retry-After": "100000"}, b""), 300.0),
        ((500, {}, b""), 1.0),
        ((200, {"Retry-After": "5"}, {"error": {"code": "maxlag", "info": "Waiting for a replica"}}), 5.0),
        ((200, {}, {"error": {"code": "ratelimited", "info": "Slow down"}}), 1.0),
        ((200, {}, b"<html>"), 1.0),
        ((429, {"Retry-After": "soon"}, b""), 1.0),
        ((429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b""), 0.0),
    ],
)
def test_a_busy_wiki_is_given_the_time_it_asks_for(wiki, failure, wait):
    wiki.failures = [failure]
    pauses = []
    titles = MediaWiki(wiki.url, delay=0.5, sleep=pauses.append).most_viewed(10)
    assert titles == [f"Article {number}" for number in range(10)]
    assert pauses == [0.5, wait, 0.5]


def test_a_wiki_that_keeps_failing_is_unavailable_and_the_message_says_what_to_do(wiki):
    wiki.failures = [(503, {}, b"")] * 6
    with pytest.raises(Unavailable, match=r"HTTP 503 .*run the same command again"):
        MediaWiki(wiki.url, sleep=lambda _: None).most_viewed(10)


def test_a_wiki_that_cannot_be_reached_is_unavailable():
    with pytest.raises(Unavailable, match="doesn't answer"):
        MediaWiki("http://127.0.0.1:9", sleep=lambda _: None).most_viewed(10)


@pytest.mark.parametrize(
    "failure",
    [
        (404, {}, b""),
        (403, {}, b""),
        (200, {}, {"error": {"code": "badvalue", "info": "Unrecognized value"}}),
        (200, {}, b"[]"),
    ],
)
def test_an_error_that_waiting_can_not_cure_is_raised_at_once(wiki, failure):
    wiki.failures = [failure]
    with pytest.raises(Misconfigured, match="asking http"):
        MediaWiki(wiki.url, sleep=lambda _: None).most_viewed(10)
    assert len(wiki.requests) == 1


def test_an_invalid_language_code_is_refused(tmp_path):
    for language in ("../x", "SV", "", "sv.example.org/"):
        with pytest.raises(Misconfigured, match="not a language"):
            gather(tmp_path, [language])


def test_there_are_38_languages():
    assert len(set(LANGUAGES)) == 38


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ett (1) vattenhjul driver en kvarn. Det snurrar! Kort.", ["Ett vattenhjul driver en kvarn."]),
        (
            "水車は水の力で動く機械である。古くから使われた。短い。",
            ["水車は水の力で動く機械である。", "古くから使われた。"],
        ),
        ("नदी पर एक पुराना पहिया है। वह घूमता है।", ["नदी पर एक पुराना पहिया है।"]),
        ("== Heading without an end ==\n\nA list:\nno sentence here, is there", []),
        ("x" * 500 + ".", []),
        ("", []),
    ],
)
def test_an_introduction_is_cut_into_sentences(text, expected):
    assert list(sentences(text)) == expected
