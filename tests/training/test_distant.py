"""A recorded stream is labelled by its emoticons and emoji, which are taken out of the texts."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import Misconfigured
from headrace.training.distant import by_signs, label_stream


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("what a lovely morning :)", "positive"),
        ("what a lovely morning :-D", "positive"),
        ("what a lovely morning <3", "positive"),
        ("what a lovely morning 👍🏽", "positive"),
        ("what a lovely morning ❤️", "positive"),
        ("my train is late again :(", "negative"),
        ("my train is late again :'(", "negative"),
        ("my train is late again 😭😭", "negative"),
        ("mi tren llega tarde otra vez 😡", "negative"),
        ("電車がまた遅れて学校に間に合わない 😢", "negative"),
    ],
)
def test_signs_say_the_label_and_are_taken_out(text: str, label: str) -> None:
    words = text.rsplit(" ", 1)[0]
    assert by_signs(text) == (words, label)


@pytest.mark.parametrize(
    "text",
    [
        "no signs in this text at all",
        "so happy :) and so sad :(",
        "RT @someone: what a lovely morning :)",
        ":)",
        "short :)",
        "see http://example.org/a:/b for more",
        "meet me at 10:(30) or later today",
        "funny but who knows why 😂",
    ],
)
def test_what_is_not_clear_is_left_out(text: str) -> None:
    assert by_signs(text) is None


@given(st.text())
def test_what_is_labelled_has_no_signs_left(text: str) -> None:
    found = by_signs(text + " what a morning")
    if found:
        assert by_signs(found[0]) is None


def write(path: Path, rows: list[object]) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_the_whole_text_of_recorded_tweets_is_read(tmp_path: Path) -> None:
    tweets = write(
        tmp_path / "stream.jsonl.gz",
        [
            {"text": "cut off…", "extended_tweet": {"full_text": "the whole of a long tweet :)"}},
            {"text": "cut off…", "full_text": "found by the search of old :("},
            {"data": {"id": "1", "text": "as the second version sends it :)"}},
            {"delete": {"status": {"id": 1}}},
            {"text": 5},
            "no object",
        ],
    )
    found = label_stream([tweets])
    assert [(row.text, row.label, row.source) for row in found.rows] == [
        ("the whole of a long tweet", "positive", "distant_stream"),
        ("found by the search of old", "negative", "distant_stream"),
        ("as the second version sends it", "positive", "distant_stream"),
    ]
    assert found.texts == 3
    assert [(one.name, one.rows) for one in found.origins] == [("distant_stream", 3)]


def test_pages_of_recorded_tweets_are_read_and_retweets_are_not(tmp_path: Path) -> None:
    retweet = {"id": 1, "text": "RT @b: so…", "retweeted_status": {"text": "so glad that I was told twice :)"}}
    reference = {"referenced_tweets": [{"type": "retweeted", "id": "7"}]}
    pages = write(
        tmp_path / "pages.jsonl",
        [
            retweet,
            {"statuses": [{"id": 2, "text": "I &lt;3 what a search has found"}, retweet, 5]},
            {"data": [{"id": "3", "text": "cut…", "note_tweet": {"text": "a very long and sad post :("}}]},
            {"text": "a row of someone else :)", "data": [1, 2], "results": []},
            {"data": {"id": "4", "text": "RT @b: whose original is not there :(", **reference}},
        ],
    )
    found = label_stream([pages])
    assert [row.text for row in found.rows] == [
        "I what a search has found",
        "a very long and sad post",
        "a row of someone else",
    ]
    assert found.texts == 3


def test_repeats_count_once_however_they_are_adorned(tmp_path: Path) -> None:
    rows = ["@you What a day, really! :)", "what a DAY really http://x.y :D", "such an awful day :("]
    found = label_stream([write(tmp_path / "distant_days.jsonl", [{"text": row} for row in rows])])
    assert [row.label for row in found.rows] == ["positive", "negative"]
    assert found.rows[0].source == "distant_days"


def test_a_stream_without_one_of_the_labels_says_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "stream.jsonl", [{"text": "what a lovely morning :)"}, {"text": "nothing to see in here"}])
    with pytest.raises(Misconfigured, match=r"no text in .*stream.jsonl has negative emoticons .*2 texts were read"):
        label_stream([path])
