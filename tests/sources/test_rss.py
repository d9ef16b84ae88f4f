"""Feeds, over real connections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from support import logged
from support.http_server import Request, Served, serving
from support.reading import taken

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import Batch, Malformed
from headrace.sources.rss import RssSource
from headrace.sources.rss.feed import parse
from headrace.sources.rss.source import MOST_BYTES
from headrace.testing.sources import items

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News &amp; more</title>
<entry><id>urn:a:1</id><title type="text">1 &lt; 2</title><link href="/posts/1"/><author><name>Ann</name></author>
<category term="c" label="Cats"/><published>2026-01-05T10:00:00+01:00</published><updated>2026-01-06T10:00:00Z</updated>
<summary>short</summary>
<content type="html">&lt;p&gt;One&lt;/p&gt;&lt;p&gt;caf&amp;eacute; &lt;a href="x"&gt;link&lt;/a&gt;&lt;/p&gt;</content></entry>
</feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="http://h/"><title>T</title></channel><item rdf:about="http://h/1">
<title>One</title><link>http://h/1</link><dc:date>2026-01-01T10:00:00Z</dc:date><dc:creator>Ann</dc:creator></item></rdf:RDF>"""


def item(number: object, text: str = "", *, guid: str = "http://h/{}", at: int = 10) -> str:
    return (
        f"<item><guid>{guid.format(number)}</guid><title>title {number}</title><description>{text or f'text {number}'}</description>"
        f"<pubDate>Mon, 05 Jan 2026 {at}:00:00 GMT</pubDate></item>"
    )


def rss(*entries: str, head: str = "") -> str:
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed</title>{head}{"".join(entries)}</channel></rss>'
    )


@contextmanager
def feed(answer: Callable[[Request], None], every: str = "#every=0.01") -> Iterator[tuple[RssSource, Served]]:
    with serving(answer) as served:
        yield RssSource.from_url(f"rss://127.0.0.1:{served.port}/feed?tls=no{every}"), served


def answering(*answers: str | bytes, kind: str = "application/rss+xml", **headers: str) -> Callable[[Request], None]:
    """One answer after the other, the last one for ever."""

    def answer(request: Request) -> None:
        request.begin(kind=kind, **headers)
        request.send(answers[min(request.number, len(answers)) - 1])

    return answer


def documents(batches: Sequence[Batch]) -> list[Document]:
    return [one for one in items(batches) if isinstance(one, Document)]


def ids(batches: Sequence[Batch]) -> list[str]:
    return [one.id for one in documents(batches)]


def test_an_entry_of_atom_is_a_document() -> None:
    with feed(answering(ATOM, kind="application/atom+xml")) as (source, served):
        (found,) = items(taken(source, 1))
    assert found == Document(
        "rss:urn:a:1",
        "1 < 2\nOne\ncafé link",
        "rss",
        "2026-01-05T09:00:00Z",
        {
            "link": f"http://127.0.0.1:{served.port}/posts/1",
            "author": "Ann",
            "feed": "News & more",
            "categories": ["Cats"],
            "updated": "2026-01-06T10:00:00Z",
        },
    )


def test_an_item_of_rss_1_is_a_document() -> None:
    with feed(answering(RDF)) as (source, _):
        (found,) = items(taken(source, 1))
    meta = {"link": "http://h/1", "author": "Ann", "feed": "T"}
    assert found == Document("rss:http://h/1", "One", "rss", "2026-01-01T10:00:00Z", meta)


def test_items_without_a_guid_have_the_link_or_the_content_as_id_and_a_bare_guid_the_host() -> None:
    entries = (
        "<item><guid isPermaLink='false'>17</guid><title>a</title></item>",
        "<item><link>http://h/b</link><title>b</title></item>",
        "<item><title>AT&amp;amp;T</title></item>",
        f"<item><guid>http://h/{'x' * 300}</guid><title>d</title></item>",
    )
    with feed(answering(rss(*entries))) as (source, served):
        found = {one.text: one.id for one in documents(taken(source, 4))}
    assert found["a"] == f"rss:127.0.0.1:{served.port}/17"
    assert found["b"] == "rss:http://h/b"
    assert len(found["AT&T"]) == len(found["d"]) == len("rss:") + 32


def test_entries_are_told_once_the_oldest_first_in_whatever_order_they_come_also_after_a_restart() -> None:
    def answer(request: Request) -> None:
        entries = [item(number, at=10 + number) for number in range(request.number + 2)]
        turned = entries[request.number % 3 :] + entries[: request.number % 3]
        request.begin()
        request.send(rss(*turned))

    with feed(answer) as (source, _):
        batches = taken(source, 5)
        assert ids(batches) == [f"rss:http://h/{number}" for number in range(5)]
        later = taken(RssSource.from_url(f"{source.name}#every=0.01"), 1, batches[-1].cursor)
    assert ids(later) == ["rss:http://h/5"]


def test_an_entry_whose_text_has_changed_is_a_document_of_its_own() -> None:
    with feed(answering(rss(item(1)), rss(item(1, "new")), rss(item(1)))) as (source, _):
        first, second, third = documents(taken(source, 3))
    assert first.id == "rss:http://h/1"
    assert second.id.startswith("rss:http://h/1@")
    assert third.id.startswith("rss:http://h/1@")
    assert (second.text, third.text) == ("title 1\nnew", first.text)
    assert second.id != third.id


def test_entries_that_all_have_the_same_id_are_each_told_once() -> None:
    entries = [item(number, guid="http://h/same", at=10 + number) for number in range(4)]
    with feed(answering(rss(*entries[:3]), rss(*entries[:3]), rss(*entries, entries[3]))) as (source, _):
        found = documents(taken(source, 4))
    assert [one.text.split("\n")[0] for one in found] == ["title 0", "title 1", "title 2", "title 3"]
    assert len({one.id for one in found}) == 4


def test_an_entry_without_text_is_malformed_once_and_the_others_are_read() -> None:
    with feed(answering(rss("<item><guid>http://h/0</guid></item>", item(1)), rss(item(2)))) as (source, _):
        found = items(taken(source, 3))
    (bad,) = [one for one in found if isinstance(one, Malformed)]
    assert bad.reason == "'text' is empty"
    assert bad.where.endswith("/feed, http://h/0")
    assert b"http://h/0" in bad.data


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (rss(item("é")).replace("?>", ' encoding="iso-8859-1"?>', 1).encode("latin-1"), "text/xml"),
        (rss(item("é")).encode("latin-1"), "application/rss+xml; charset=iso-8859-1"),
        (rss(item("é")).replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16"), "application/rss+xml"),
        (rss(item("é")).encode("utf-8-sig"), "text/html"),
    ],
)
def test_feeds_of_all_encodings_are_read(data: bytes, kind: str) -> None:
    with feed(answering(data, kind=kind)) as (source, _), logged() as told:
        (found,) = documents(taken(source, 1))
    assert found.text == "title é\ntext é"
    assert not told


def test_a_feed_that_is_not_well_formed_is_read_and_told_once() -> None:
    broken = [rss(item(number, "fish &chips <br>")) for number in (1, 2)]
    with feed(answering(*broken)) as (source, _), logged() as told:
        found = documents(taken(source, 2))
    assert [one.text.split("\n")[0] for one in found] == ["title 1", "title 2"]
    (warning,) = told
    assert "is not well-formed, and read as far as possible" in warning


def test_of_a_feed_that_was_cut_off_the_last_entry_is_read_once_it_is_whole() -> None:
    whole = rss(item(1), item(2, "the whole text of the second"))

    def answer(request: Request) -> None:
        if request.headers.get("If-None-Match"):
            request.begin(304)
        else:
            request.begin(ETag='"1"')
            request.send(whole if request.number > 1 else whole[: whole.index("of the second")])

    with feed(answer) as (source, _):
        found = documents(taken(source, 2))
    assert [one.text for one in found] == ["title 1\ntext 1", "title 2\nthe whole text of the second"]


def test_an_answer_that_breaks_off_and_a_server_in_trouble_are_waited_for() -> None:
    def answer(request: Request) -> None:
        if request.number == 1:
            request.begin(Content_Length="100000")
            request.send(rss(item(1))[:200])
        elif request.number == 2:
            request.begin(503)
        elif request.number == 3:
            request.begin(kind="text/html")
            request.send(rss(item(1)))
        else:
            request.begin(kind="text/html")
            request.send("<html><p>be back soon</p>" if request.number == 4 else rss(item(2)))

    with feed(answer) as (source, served):
        batches = taken(source, 2)
        assert len(served.requests) >= 5
    assert ids(batches) == ["rss:http://h/1", "rss:http://h/2"]
    assert [batch.waiting.partition("is no ")[2] for batch in batches if "no feed" in batch.waiting] == [
        "feed, but text/html; asking again"
    ]


def test_a_feed_that_has_not_changed_is_not_sent_again() -> None:
    def answer(request: Request) -> None:
        if request.headers.get("If-None-Match") == '"1"' and request.number < 4:
            request.begin(304)
        else:
            request.begin(ETag='"1"', Last_Modified="Mon, 05 Jan 2026 10:00:00 GMT")
            request.send(rss(item(request.number)))

    with feed(answer) as (source, served):
        assert ids(taken(source, 2)) == ["rss:http://h/1", "rss:http://h/4"]
        asked = {(one.headers.get("If-None-Match"), one.headers.get("If-Modified-Since")) for one in served.requests}
    assert asked == {(None, None), ('"1"', "Mon, 05 Jan 2026 10:00:00 GMT")}


@pytest.mark.parametrize(
    ("fragment", "cache", "head", "seconds"),
    [
        ("", "", "", 300),
        ("", "public, max-age=60", "", 300),
        ("", "public, max-age=3600", "<ttl>30</ttl>", 3600),
        ("", "max-age=600", "<ttl>30</ttl>", 1800),
        ("", "max-age=31536000", "", 86400),
        ("#every=20", "max-age=3600", "<ttl>30</ttl>", 20),
    ],
)
def test_a_feed_is_asked_as_rarely_as_it_wishes_unless_the_url_says_how_often(
    fragment: str, cache: str, head: str, seconds: float
) -> None:
    source = RssSource.from_url(f"rss:https://h/feed{fragment}")
    assert source._seconds({"Cache-Control": cache}, rss(item(1), head=head).encode()) == seconds


def test_a_page_is_no_feed_and_the_feed_that_it_names_is_suggested() -> None:
    page = '<!doctype html><head><link rel="alternate" type="application/rss+xml" href="/news.xml"></head><p>hi'
    with feed(answering(page, kind="text/html; charset=utf-8")) as (source, served):
        with pytest.raises(Misconfigured) as caught:
            taken(source, 1)
        assert str(caught.value) == (
            f"http://127.0.0.1:{served.port}/feed is no feed, but text/html;"
            f" the page names this feed: rss:http://127.0.0.1:{served.port}/news.xml"
        )


@pytest.mark.parametrize("answer", ["", '{"a": 1}', "<html></html>", "<x/>"])
def test_what_is_no_feed_is_refused(answer: str) -> None:
    with (
        feed(answering(answer)) as (source, _),
        pytest.raises(Misconfigured, match=r"is no feed.*is the address right"),
    ):
        taken(source, 1)


def test_a_feed_that_is_too_long_is_refused() -> None:
    long = rss(item(1, "x" * MOST_BYTES))
    with feed(answering(long)) as (source, _), pytest.raises(Misconfigured, match="too long; the limit is 10 MiB"):
        taken(source, 1)


def test_a_feed_that_is_gone_has_ended_and_is_told() -> None:
    def answer(request: Request) -> None:
        request.begin(200 if request.number == 1 else 410)
        request.send(rss(item(1)))

    found: list[Batch] = []
    with feed(answer) as (source, _), pytest.raises(Misconfigured, match="has ended: the server answers 410 Gone"):
        found.extend(source.read())
    with feed(answer) as (source, _):
        reading = source.read()
        assert ids([next(reading), next(reading)]) == ["rss:http://h/1"]


@pytest.mark.parametrize(("status", "told"), [(301, 1), (308, 1), (302, 0), (307, 0)])
def test_a_feed_that_has_moved_is_followed_and_told_once_if_it_is_for_ever(status: int, told: int) -> None:
    def answer(request: Request) -> None:
        if request.path == "/feed":
            request.begin(status, Location="/new")
        else:
            request.begin()
            request.send(rss(item(request.number)))

    with feed(answer) as (source, _), logged() as warnings:
        batches = taken(source, 2)
        taken(RssSource.from_url(f"{source.name}#every=0.01"), 1, batches[-1].cursor)
    assert len(documents(batches)) == 2
    assert len([one for one in warnings if "has moved for ever to" in one]) == told


@pytest.mark.parametrize("address", ["http://ann:SECRET1@{}/old", "http://{}/old?token=SECRET2"])
def test_what_is_secret_in_an_address_is_in_no_document_and_no_cursor(address: str) -> None:
    entry = '<item><guid isPermaLink="false">one</guid><title>One</title><link>/posts/1</link></item>'

    def answer(request: Request) -> None:
        if request.path.startswith("/old"):
            request.begin(301, Location="/new?token=SECRET3")
        else:
            request.begin()
            request.send(rss(entry, "<item><title>Two</title><link></link></item>"))

    with serving(answer) as served, logged() as warnings:
        source = RssSource.from_url(f"rss:{address.format(f'127.0.0.1:{served.port}')}#every=0.01")
        batches = taken(source, 2)
    assert "SECRET" not in repr(batches) + repr(warnings)
    one = next(one for one in documents(batches) if one.text == "One")
    assert one.id == f"rss:127.0.0.1:{served.port}/one"
    assert one.meta["link"] == f"http://127.0.0.1:{served.port}/posts/1"
    assert len([one for one in warnings if "has moved for ever to" in one]) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("rss:https://host/a?b=c", "rss:https://host/a?b=c"),
        ("rss://host/a#every=5", "rss:https://host/a"),
        ("rss://host/a?tls=no", "rss:http://host/a"),
    ],
)
def test_the_name_is_the_address(url: str, name: str) -> None:
    assert RssSource.from_url(url).name == name


@pytest.mark.parametrize("url", ["rss://host/#every=0", "rss:https://host/#5", "rss:", "rss:feed.xml"])
def test_what_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        RssSource.from_url(url)


def test_halves_of_characters_are_put_together_as_old_feeds_write_emoji() -> None:
    titles = b"<item><title>smile &#55357;&#56832;</title></item><item><title>half &#xD83D; only</title></item>"
    feed = parse(b'<rss version="2.0"><channel>' + titles + b"</channel></rss>", "application/rss+xml", "http://h/")
    assert [entry["title"] for entry in feed.entries] == ["smile \U0001f600", "half \ufffd only"]


@pytest.mark.parametrize("charset", ["hex", "undefined", "utf-16", "idna", "no-such", '"'])
@pytest.mark.parametrize("where", ["header", "document"])
def test_a_feed_with_an_odd_charset_is_read(charset: str, where: str) -> None:
    kind = f"application/rss+xml; charset={charset}" if where == "header" else "text/xml"
    declared = f'<?xml version="1.0" encoding="{charset.strip(chr(34))}"?>' if where == "document" else ""
    found = parse(declared.encode() + rss(item(1)).encode(), kind, "http://h/")
    assert len(found.entries) == 1


@pytest.mark.parametrize("entity", ["&#1114112;", "&#xFFFFFFFFF;", "&#x0110000;", "&#99999999999999999999;"])
def test_an_entity_for_no_character_does_not_hide_the_feed(entity: str) -> None:
    found = parse(rss(item(1, f"a{entity}b&#x10FFFF;&#1114111;")).encode(), "application/rss+xml", "http://h/")
    assert len(found.entries) == 1
    assert "a\ufffdb\U0010ffff\U0010ffff" in "".join(map(str, found.entries[0].values()))


def test_a_tag_with_very_many_attributes_is_not_parsed() -> None:
    many = " ".join(f"a{number}='x'" for number in range(100_000))
    found = parse(f"<rss version='2.0'><channel><item {many}/></channel></rss>".encode(), "", "http://h/")
    assert (found.known, found.fault) == (False, "a tag has more than 1,000 attributes")
