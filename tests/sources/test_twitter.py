"""Recordings of X's API: what each message becomes, and what is left out."""

import bz2
import gzip
import io
import json
import logging
import os
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.belonging import author_of
from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.ports import AuthorDeletion, Deletion, Gap, Malformed
from headrace.sources.records import Record
from headrace.sources.twitter import TwitterSource, from_url
from headrace.sources.twitter.messages import Item, Messages
from headrace.sources.twitter.undelivered import Undelivered

DATA = Path(__file__).parents[3] / "shared" / "data" / "tweets"
HERE = pytest.mark.skipif(not DATA.is_dir() and os.environ.get("CI") != "true", reason=f"no tweets are at {DATA}")
STATUS: dict[str, Any] = {
    "created_at": "Wed Oct 10 20:19:24 +0000 2018",
    "id": 1050118621198921728,
    "id_str": "1050118621198921728",
    "text": "To make room for more expression",
    "user": {"id": 6253282, "id_str": "6253282", "screen_name": "anna"},
    "lang": "en",
}
POST: dict[str, Any] = {
    "id": "1050118621198921728",
    "text": "To make room for more expression",
    "created_at": "2018-10-10T20:19:24.000Z",
    "author_id": "6253282",
    "lang": "en",
}

VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["1", "a&amp;"])
)
NAMES = (
    *(
        "id",
        "id_str",
        "text",
        "full_text",
        "extended_tweet",
        "user",
        "screen_name",
        "retweeted_status",
        "statuses",
        "lang",
    ),
    *(
        "data",
        "includes",
        "tweets",
        "users",
        "referenced_tweets",
        "type",
        "note_tweet",
        "matching_rules",
        "tag",
        "author_id",
    ),
    *("delete", "status", "limit", "track", "disconnect", "errors", "created_at"),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)


def items(*messages: object, limit: int = 1 << 20) -> list[Item]:
    """What messages of one recording become."""
    reader, found = Messages(limit), list[Item]()
    for number, message in enumerate(messages, 1):
        found += reader.items(Record(json.dumps(message).encode(), f"rec, line {number}", message))
    return found


def one(message: object) -> Document:
    (item,) = items(message)
    assert isinstance(item, Document), item
    return item


def reason(message: object) -> str:
    (item,) = items(message)
    assert isinstance(item, Malformed), item
    return item.reason


def write(path: Path, *messages: object) -> Path:
    data = "".join(
        (message if isinstance(message, str) else json.dumps(message)) + "\n" for message in messages
    ).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize(
    "message", [STATUS, {"data": POST, "includes": {"users": [{"id": "6253282", "username": "anna"}]}}]
)
def test_a_tweet_of_either_version_is_the_same_document(message: object) -> None:
    document = one(message)
    assert (document.id, document.source) == ("twitter:1050118621198921728", "twitter")
    assert document.text == "To make room for more expression"
    assert (document.created_at or "").startswith("2018-10-10T20:19:24")
    assert document.meta == {
        "author": "anna",
        "author_id": "6253282",
        "lang": "en",
        "url": "https://x.com/anna/status/1050118621198921728",
    }


def test_meta_says_what_a_tweet_belongs_to() -> None:
    status = {
        **STATUS,
        "retweeted_status": {**STATUS, "id_str": "2"},
        "quoted_status_id": 3,
        "in_reply_to_status_id_str": "4",
    }
    kinds = {"retweeted": "2", "quoted": "3", "replied_to": "4"}
    post = {**POST, "referenced_tweets": [{"type": kind, "id": number} for kind, number in kinds.items()]}
    for message in (status, {"data": post}):
        meta = one(message).meta
        assert (meta["retweet_of"], meta["quote_of"], meta["reply_to"]) == ("2", "3", "4")


def test_a_retweet_has_an_id_and_an_author_of_its_own() -> None:
    original = {**STATUS, "id_str": "7", "text": "the whole", "user": {"screen_name": "ben"}}
    document = one({**STATUS, "text": "RT @ben: the…", "retweeted_status": original})
    assert (document.id, document.text) == ("twitter:1050118621198921728", "the whole")
    assert (document.meta["author"], document.meta["retweet_of"]) == ("anna", "7")


def test_the_tags_of_the_rules_that_match_are_kept() -> None:
    rules = [{"id": "1", "tag": "cats"}, {"id": "2"}, {"id": "3", "tag": ""}, {"id": "4", "tag": "dogs"}]
    assert one({"data": POST, "matching_rules": rules}).meta["tags"] == ["cats", "dogs"]
    assert "tags" not in one({"data": POST, "matching_rules": rules[1:3]}).meta


@pytest.mark.parametrize("language", ["und", "zxx", "qme", "qht", "qst", "", None, 5])
def test_what_names_no_language_is_left_out(language: object) -> None:
    assert "lang" not in one({**STATUS, "lang": language}).meta


@pytest.mark.parametrize("language", ["en", "in", "iw", "zh-TW", "que"])
def test_a_language_is_kept_as_it_is_called(language: str) -> None:
    assert one({**STATUS, "lang": language}).meta["lang"] == language


@pytest.mark.parametrize("author", [None, "no/name", "../..", "", 5, ["anna"]])
def test_the_link_needs_no_author(author: object) -> None:
    url = one({**STATUS, "user": {"screen_name": author}}).meta["url"]
    assert url == "https://x.com/i/web/status/1050118621198921728"


@pytest.mark.parametrize(
    ("number", "time"),
    [
        ("1050118621198921728", "2018-10-10T20:19:24.211Z"),
        ("29700859247", "2010-11-04T01:43:01.738Z"),
        ("29700859246", None),
        ("20", None),
    ],
)
def test_a_tweet_without_a_time_has_that_of_its_id(number: str, time: str | None) -> None:
    assert one({"id": int(number), "text": "a"}).created_at == time
    assert one({"data": {"id": number, "text": "a"}}).created_at == time
    assert one({"data": {"id": number, "text": "a", "created_at": "some day"}}).created_at == time


def test_an_id_that_was_rounded_is_not_taken_if_the_right_one_is_there() -> None:
    """JavaScript rounds whole numbers of more than 53 bits, and what was recorded with it too."""
    assert one({**STATUS, "id": 1050118621198921700}).id == "twitter:1050118621198921728"


@pytest.mark.parametrize(
    "number", [None, True, "", "abc", "-1", 0, -1, "1" * 30, 1 << 64, 1.5e18, {"$numberLong": "5"}]
)
def test_a_tweet_without_an_id_is_malformed(number: object) -> None:
    assert "a tweet has an 'id'" in reason({"id": number, "text": "a", "user": {}})


def test_a_page_is_as_many_documents_and_what_is_wrong_in_it_is_told_alone() -> None:
    page = {
        "statuses": [STATUS, 5, {**STATUS, "id_str": "x"}, {**STATUS, "text": "half \ud800"}, {**STATUS, "id_str": "9"}]
    }
    first, second, third, fourth, last = items(page)
    assert isinstance(first, Document)
    assert second == Malformed(b"5", "a tweet is a JSON object, not a number", "rec, line 1, tweet 2")
    assert isinstance(third, Malformed)
    assert isinstance(fourth, Malformed)
    assert (third.where, fourth.where) == ("rec, line 1, tweet 3", "rec, line 1, tweet 4")
    assert json.loads(third.data)["id_str"] == "x"
    assert "half of a surrogate pair" in fourth.reason
    assert json.loads(fourth.data)["text"] == "half \ud800"
    assert isinstance(last, Document)


def test_a_tweet_that_is_larger_than_a_document_may_be_is_malformed() -> None:
    (item,) = items({**STATUS, "text": "long " * 100}, limit=400)
    assert isinstance(item, Malformed)
    assert "document_bytes" in item.reason
    (item,) = items({**STATUS, "entities": "long " * 100}, limit=400)
    assert isinstance(item, Document), "only what is kept of it counts"


@pytest.mark.parametrize("told", [{"id": 9, "id_str": "9", "user_id": 1}, {"id": 9}, {"id_str": "9"}])
def test_a_deletion_erases(told: object) -> None:
    assert items({"delete": {"status": told, "timestamp_ms": "1"}}) == [Deletion("twitter:9")]


def test_a_withheld_tweet_is_erased() -> None:
    assert items({"status_withheld": {"id": 9, "user_id": 1, "withheld_in_countries": ["DE"]}}) == [
        Deletion("twitter:9")
    ]


def test_an_account_that_is_withheld_is_the_deletion_of_its_author() -> None:
    (deletion,) = items({"user_withheld": {"id": 7, "withheld_in_countries": ["DE"]}})
    assert deletion == AuthorDeletion("twitter:7")
    assert author_of(one({**STATUS, "user": {"id_str": "7"}})) == deletion.author
    (malformed,) = items({"user_withheld": {"id": "anna"}})
    assert isinstance(malformed, Malformed)
    assert malformed.reason.startswith("an account has an 'id'")


def test_an_edited_tweet_says_which_it_was_first() -> None:
    members = {"id": "3", "text": "b", "edit_history_tweet_ids": ["1", "2", "3"]}
    assert one({"data": members}).meta["edit_of"] == "twitter:1"
    for history in (["3"], [], "1", None, ["3", "4"]):
        assert "edit_of" not in one({"data": {**members, "edit_history_tweet_ids": history}}).meta


@pytest.mark.parametrize(
    "message",
    [
        {"scrub_geo": {"user_id": 1, "up_to_status_id": 9}},
        {"statuses": [], "search_metadata": {}},
        {"meta": {"result_count": 0}},
        {"data": []},
        {"limit": {"track": 0}},
    ],
)
def test_what_concerns_no_text_is_nothing(message: object, caplog: pytest.LogCaptureFixture) -> None:
    assert items(message) == []
    assert not caplog.records


@pytest.mark.parametrize(
    "message",
    [
        {"disconnect": {"code": 4, "stream_name": "anna-stream", "reason": "stall"}},
        {"warning": {"code": "FALLING_BEHIND", "message": "stall is near", "percent_full": 60}},
        {"errors": [{"title": "operational-disconnect", "detail": "this stall is over"}]},
    ],
)
def test_what_x_says_about_the_connection_is_logged(message: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "headrace.sources"):
        assert items(message) == []
    (record,) = caplog.records
    assert record.name == "headrace.sources"
    assert "rec, line 1: X says" in record.message
    assert "stall" in record.message


def test_errors_beside_tweets_say_what_did_not_come_with_them(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(one({"data": POST, "errors": [{"title": "Not Found Error"}]}), Document)
    assert not caplog.records


def missing(*totals: int) -> list[int]:
    counter = Undelivered()
    return [counter.missed(total) for total in totals]


def test_limit_notices_are_gaps_with_what_is_missing_since_the_one_before() -> None:
    found = items({"limit": {"track": 5}}, STATUS, {"limit": {"track": 1205}}, {"limit": {"track": 1205}})
    gaps = [item.reason for item in found if isinstance(item, Gap)]
    assert gaps == [
        "rec, line 1: X did not deliver 5 matching posts",
        "rec, line 3: X did not deliver 1,200 matching posts",
    ]
    assert len(found) == 3


def test_a_new_connection_counts_from_zero() -> None:
    gaps = items({"limit": {"track": 50}}, {"disconnect": {"code": 4}}, {"limit": {"track": 60}})
    assert [item.reason.split(" deliver ")[1] for item in gaps if isinstance(item, Gap)] == [
        "50 matching posts",
        "60 matching posts",
    ]
    assert missing(50, 7, 9) == [50, 7, 2], "not every recording says that a connection ended"
    assert missing(50, 60, 70, 80, 7) == [50, 10, 10, 10, 7]


def test_counters_that_speak_in_turn_are_told_apart() -> None:
    assert missing(356_878, 1_000, 357_029, 1_100, 0, 1_100) == [356_878, 1_000, 151, 100, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 100)), max_size=50))
def test_no_more_is_missing_than_all_counters_say(steps: list[tuple[int, int]]) -> None:
    totals, said, counter, found = Counter[int](), list[int](), Undelivered(), 0
    for which, more in steps:
        totals[which] += more
        said.append(totals[which])
        found += counter.missed(totals[which])
    assert max(said, default=0) <= found <= totals.total()


@given(st.lists(st.integers(1, 100)))
def test_of_one_counter_nothing_is_missed(steps: list[int]) -> None:
    totals = [sum(steps[: place + 1]) for place in range(len(steps))]
    assert sum(missing(*totals)) == sum(steps)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("no object", "a message of X's API is a JSON object, not a string"),
        (None, "not null"),
        ({}, "with these members: none"),
        ({"friends": [1]}, "with these members: 'friends'; a tweet has 'text'"),
        ({"data": {"delete": {}}}, "with these members: 'data'"),
        ({"delete": {"status": {}}}, "a tweet has an 'id'"),
        ({"delete": {}}, "'status' must be an object, not null"),
        ({"delete": 5}, "'delete' must be an object, not a number"),
        ({"limit": {}}, "a limit notice has a whole number 'track', not null"),
        ({"limit": {"track": "5"}}, "not a string"),
        ({**STATUS, "text": 5}, "'text' must be a string, not a number"),
        ({**STATUS, "text": ""}, "'text' is empty"),
        ({"data": {**POST, "text": None}}, "'text' must be a string, not null"),
    ],
)
def test_what_is_no_message_is_malformed_with_the_reason(message: object, told: str) -> None:
    assert told in reason(message)


@given(st.recursive(VALUES, _nested, max_leaves=12))
def test_whatever_comes_becomes_items(message: object) -> None:
    reader = Messages(1 << 20)
    record = Record(b"as it came", "rec, line 1", message)
    assert all(isinstance(item, Document | Deletion | Gap | Malformed) for item in reader.items(record))
    reader.passed(record)


def test_a_recording_is_read_compressed_or_not_in_any_layout(tmp_path: Path) -> None:
    lines = [STATUS, "", "   ", {"delete": {"status": {"id": 9}}}, {"data": POST}, "garbage"]
    for name in ("a.jsonl", "a.json", "a", "a.csv", "a.jsonl.gz"):
        found = [type(item) for batch in TwitterSource(write(tmp_path / name, *lines)).read() for item in batch.items]
        assert found == [Document, Deletion, Document, Malformed]
    for text in (json.dumps([STATUS, STATUS]), json.dumps({"statuses": [STATUS, STATUS]}, indent=1)):
        (batch,) = TwitterSource(write(tmp_path / "page.json", text)).read()
        assert [type(item) for item in batch.items] == [Document, Document]


def test_a_page_may_be_larger_than_a_document(tmp_path: Path) -> None:
    path = write(tmp_path / "page.json", {"data": [{**POST, "id": str(number)} for number in range(1, 100)]})
    (batch,) = TwitterSource(path, limit=1000).read()
    assert len(batch.items) == 99
    assert all(isinstance(item, Document) for item in batch.items)


def test_gaps_are_the_same_after_any_cursor(tmp_path: Path) -> None:
    """A limit notice has a total: what it says depends on those before it."""
    path = write(
        tmp_path / "a.jsonl",
        *({"limit": {"track": total}} for total in (5, 7, 100, 3, "no number", 4)),
        {"delete": {"status": {"id": 1}}},
    )
    whole = list(TwitterSource(path, batch=1).read())
    assert [item.reason.split(" deliver ")[1] for batch in whole for item in batch.items if isinstance(item, Gap)] == [
        f"{number} matching posts" for number in (5, 2, 93, 3, 1)
    ]
    for place, batch in enumerate(whole, 1):
        rest = [item for after in TwitterSource(path).read(batch.cursor) for item in after.items]
        assert rest == [item for after in whole[place:] for item in after.items]


def test_what_was_logged_before_the_cursor_is_not_logged_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "a.jsonl", {"disconnect": {"code": 4}}, STATUS)
    (batch,) = TwitterSource(path).read()
    assert len(caplog.records) == 1
    assert list(TwitterSource(path).read(batch.cursor)) == []
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "url", ["twitter://api.x.com/2", "twitter://api.x.com/2?tls=no", "twitter:a.jsonl?rate=5", "twitter:a#b"]
)
def test_what_is_neither_a_recording_nor_the_stream_is_told(url: str) -> None:
    with pytest.raises(
        Misconfigured, match=r"no recording can be opened .* write twitter:recorded.jsonl, or twitter: for"
    ):
        from_url(url)


def test_a_recording_needs_no_token_and_takes_no_budget(tmp_path: Path) -> None:
    assert isinstance(from_url(f"twitter:{tmp_path}/a.jsonl"), TwitterSource)
    with pytest.raises(Misconfigured, match="a recording costs nothing; leave out the budget"):
        from_url(f"twitter:{tmp_path}/a.jsonl", budget=5)


def test_only_the_stream_needs_httpx() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None; from headrace.sources.twitter import from_url;"
        " print(from_url('twitter:a.jsonl').endless); from_url('twitter:', token=lambda: 'x')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout == "False\n"
    assert "the filtered stream of X needs httpx: pip install 'headrace[streams]'" in ended.stderr


def test_a_recording_has_a_name_by_its_path(tmp_path: Path) -> None:
    write(tmp_path / "a b.jsonl", STATUS)
    for url in (f"twitter:{tmp_path}/a%20b.jsonl", f"twitter://{tmp_path}/a%20b.jsonl"):
        assert TwitterSource.from_url(url).name == f"twitter:{tmp_path}/a b.jsonl"
    assert TwitterSource.from_url("twitter:-").name == ""


def test_a_missing_recording_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"reading .*none\.jsonl"):
        list(TwitterSource.from_url(f"twitter:{tmp_path}/none.jsonl").read())


def test_an_archive_is_read_as_one_recording_from_any_place(tmp_path: Path) -> None:
    minutes = [[STATUS, {"limit": {"track": 3}}], [{"limit": {"track": 10}}, {"delete": {"status": {"id": 7}}}]]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for minute, messages in enumerate(minutes):
            data = bz2.compress("\n".join(map(json.dumps, messages)).encode())
            info = tarfile.TarInfo(f"2021/01/01/00/{minute:02}.json.bz2")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    batches = list(TwitterSource(tmp_path / "a.tar", batch=1).read())
    items = [item for batch in batches for item in batch.items]
    assert [item.missed if isinstance(item, Gap) else item.id for item in items if not isinstance(item, Malformed)] == [
        f"twitter:{STATUS['id']}", 3, 7, "twitter:7"
    ]  # fmt: skip
    for number, batch in enumerate(batches, 1):
        again = TwitterSource(tmp_path / "a.tar", batch=1).read(batch.cursor)
        assert [item for later in again for item in later.items] == items[number:]


def test_a_folder_of_recordings_is_a_source_for_each(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", STATUS)
    write(tmp_path / "b.jsonl", POST)
    each = TwitterSource.from_url(f"twitter:{tmp_path}").each()
    assert [one.name for one in each] == [f"twitter:{tmp_path}/a.jsonl", f"twitter:{tmp_path}/b.jsonl"]
    assert [one.name for one in each[0].each()] == [each[0].name]


@HERE
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("streaming_api_v1.jsonl", 72),
        ("search_api_v1.json", 100),
        ("search_api_v1_japanese.json", 100),
        ("extended_tweet_v1.json", 1),
    ],
)
def test_what_the_api_really_sent_is_read_in_full(name: str, count: int) -> None:
    found = [item for batch in TwitterSource(DATA / name).read() for item in batch.items]
    documents = [item for item in found if isinstance(item, Document)]
    assert len(documents) == len(found) == count
    for document in documents:
        assert document.created_at is not None
        assert {"author", "author_id", "url"} <= set(document.meta)
        assert not document.text.endswith("…") or name != "streaming_api_v1.jsonl", document.id
        assert not document.text.startswith("RT @") or "retweet_of" not in document.meta
        assert "&amp;" not in document.text
