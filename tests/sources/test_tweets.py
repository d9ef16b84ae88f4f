"""Which tweets a message of X's API holds, and which of the texts in them is the whole one."""

from typing import Any

import pytest

from headrace.sources.tweets import Post, Status, Stray, in_message, unescape


def texts(message: dict[str, Any]) -> list[Any]:
    tweets = in_message(message)
    assert tweets is not None
    return [tweet.text for tweet in tweets if not isinstance(tweet, Stray)]


def status(text: str, **more: Any) -> dict[str, Any]:
    return {"id": 1, "id_str": "1", "text": text, "user": {"screen_name": "anna"}, **more}


def posts(post: dict[str, Any], *included: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"id": "1", "text": "cut…", **post}, "includes": {"tweets": [*included]}}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (status("short"), "short"),
        (status("", full_text="with a search of old"), "with a search of old"),
        ({"id_str": "1", "full_text": "without any text"}, "without any text"),
        ({"id": "1", "full_text": "without a number"}, "without a number"),
        (status("cut…", full_text="whole", display_text_range=[3, 5]), "whole"),
        (status("cut…", extended_tweet={"full_text": "the whole"}), "the whole"),
        (status("cut…", full_text="less", extended_tweet={"full_text": "more"}), "more"),
        (status("left alone", extended_tweet=None, full_text=None), "left alone"),
        (status("left alone", extended_tweet={"entities": {}}), "left alone"),
        (status("RT @b: cut…", retweeted_status=status("whole")), "whole"),
        (status("RT @b: cut…", retweeted_status=status("cut…", extended_tweet={"full_text": "all"})), "all"),
        (status("RT @b: RT @c…", retweeted_status=status("RT @c…", retweeted_status=status("inmost"))), "inmost"),
        (status("its own", quoted_status=status("another's")), "its own"),
        (status("RT @b: own", retweeted_status=status("own", quoted_status=status("another's"))), "own"),
        (status("&lt;3 R&amp;B &gt; all"), "<3 R&B > all"),
        (status("how to write &amp;lt; and &amp;amp;"), "how to write &lt; and &amp;"),
        (status("caf&eacute; &copy"), "caf&eacute; &copy"),
    ],
)
def test_the_text_of_a_tweet_of_version_1_is_the_whole_one(message: dict[str, Any], text: str) -> None:
    assert texts(message) == [text]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (posts({"text": "short"}), "short"),
        (posts({"note_tweet": {"text": "a long post"}}), "a long post"),
        (posts({"referenced_tweets": [{"type": "retweeted", "id": "2"}]}, {"id": "2", "text": "whole"}), "whole"),
        (
            posts(
                {"referenced_tweets": [{"type": "retweeted", "id": "2"}]},
                {"id": "3", "text": "other"},
                {"id": "2", "text": "cut…", "note_tweet": {"text": "long and retweeted"}},
            ),
            "long and retweeted",
        ),
        (posts({"text": "RT @b: cut…", "referenced_tweets": [{"type": "retweeted", "id": "2"}]}), "RT @b: cut…"),
        (
            posts({"text": "own", "referenced_tweets": [{"type": "quoted", "id": "2"}]}, {"id": "2", "text": "theirs"}),
            "own",
        ),
        (posts({"text": "R&amp;B", "note_tweet": {}, "referenced_tweets": None}), "R&B"),
        ({"id": "1", "text": "of a page that was taken apart"}, "of a page that was taken apart"),
        ({"id": "1", "text": "RT…", "referenced_tweets": [{"type": "retweeted", "id": "2", "text": "whole"}]}, "whole"),
    ],
)
def test_the_text_of_a_tweet_of_version_2_is_the_whole_one(message: dict[str, Any], text: str) -> None:
    assert texts(message) == [text]


def test_pages_of_either_version_hold_several_tweets() -> None:
    assert texts({"statuses": [status("a"), status("b")], "search_metadata": {}}) == ["a", "b"]
    assert texts({"results": [status("a")], "requestParameters": {}}) == ["a"]
    assert texts({"data": [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}], "meta": {"result_count": 2}}) == [
        "a",
        "b",
    ]
    assert in_message({"data": []}) == []
    assert in_message({"statuses": [5, None]}) == [Stray(5), Stray(None)]


def test_versions_are_told_apart() -> None:
    assert isinstance((in_message(status("a")) or [None])[0], Status)
    assert isinstance((in_message({"id": "1", "text": "a"}) or [None])[0], Post)


def test_a_retweet_knows_its_original_as_far_as_that_is_known() -> None:
    (tweet,) = in_message(posts({"referenced_tweets": [{"type": "retweeted", "id": "2"}]})) or []
    assert isinstance(tweet, Post)
    assert tweet.original == {"type": "retweeted", "id": "2"}
    assert Status(status("a")).original is None
    assert Post({"id": "1", "text": "a"}).original is None


@pytest.mark.parametrize(
    "message",
    [{}, {"delete": {"status": {"id": 1}}}, {"limit": {"track": 5}}, {"meta": {}}, {"data": None}, {"data": {"a": 1}}],
)
def test_a_message_of_another_kind_holds_no_tweets(message: dict[str, Any]) -> None:
    assert in_message(message) is None


@pytest.mark.parametrize("text", [None, 5, ["&amp;"], "", "&", "a & b", "&amp"])
def test_what_is_not_escaped_stays_as_it_is(text: Any) -> None:
    assert unescape(text) == text
