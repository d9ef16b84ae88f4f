"""A real CoreNLP server, which `bash .ci/run --all` starts."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

import headrace
from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body, Document, encode
from headrace.models.corenlp.classifier import CorenlpClassifier
from headrace.models.corenlp.sentences import UNKNOWN
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import parse
from headrace.ports import ResultQuery
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import letters
from headrace.urls import open_classifier

CLEAR = {
    "I love this, it is wonderful.": "positive",
    "What a great and beautiful film!": "positive",
    "This is terrible, I hate it.": "negative",
    "The worst service ever, rude and slow.": "negative",
    "The train leaves at nine.": "neutral",
    "It is a table.": "neutral",
}
ODD = [
    "😀😀 What a wonderful day! 😀",
    "  \n\nI hate it.\n\n\nIt is awful 😡.\n",
    "a <b",
    'c="d"> e',
    "He waited.....",
    "Monday, 15....",
    '"Quoted',
    ") and closed",
    "\u200b",
    " ",
    "100%41 a+b",
    "\x01 good",
    "e\u0301 שלום \U0001f1f8\U0001f1ea",
    "#tag @name http://example.org/?a=b&c=%20d",
    "&amp; <br/> I <3 it",
]


@pytest.fixture(scope="module")
def url(servers: Callable[[str], str]) -> str:
    """With a time-out for slow machines."""
    return f"{servers('CORENLP')}/?timeout=60"


@pytest.fixture
def classifier(url: str) -> Iterator[CorenlpClassifier]:
    one = open_classifier(url)
    assert isinstance(one, CorenlpClassifier)
    yield one
    one.close()


def test_clear_texts_get_the_label_that_a_reader_would_give_them(classifier: CorenlpClassifier) -> None:
    assert {text: one.label for text, one in zip(CLEAR, classifier.predict(list(CLEAR)), strict=True)} == CLEAR
    assert dict(classifier.golden) == {text: CLEAR[text] for text, _ in classifier.golden}


def test_a_text_gets_the_same_prediction_alone_and_in_any_batch(classifier: CorenlpClassifier) -> None:
    texts = [*CLEAR, *ODD]
    alone = [classifier.predict([text])[0] for text in texts]
    assert classifier.predict(texts) == alone
    assert classifier.predict(texts[::-1]) == alone[::-1]


def test_emoji_and_blank_lines_move_no_label_to_another_text(classifier: CorenlpClassifier) -> None:
    found = classifier.predict(
        ["😀😀😀😀", "\n\nIt is\n\na table.", "😀 I love this, it is wonderful! 😀\n\nGreat!", "I hate it."]
    )
    assert [one.label for one in found][1:] == ["neutral", "positive", "negative"]


def test_what_looks_like_an_escape_is_none(classifier: CorenlpClassifier) -> None:
    as_it_is, decoded = classifier.predict(["100%41 a+b", "100A a b"])
    assert as_it_is != decoded


def test_a_text_in_which_it_finds_no_word_is_neutral_by_a_third(classifier: CorenlpClassifier) -> None:
    assert classifier.predict(["\u200b"]) == [UNKNOWN]


def test_it_has_the_same_version_each_time(classifier: CorenlpClassifier, url: str) -> None:
    assert open_classifier(f"{url}&version=4.5").version == f"4.5-{classifier.version}"


@pytest.mark.parametrize("text", ["good " * 20_000, "good " * 30_000])
def test_a_text_that_is_too_long_is_buried_and_its_neighbours_are_labelled(url: str, text: str) -> None:
    """The shorter one overflows the server's stack, the longer one its limit of 100,000 characters."""
    made = ModelSet.open(parse(f"sentiment={url}"), Registry("none"))
    found, _ = made.label([Document(str(number), one) for number, one in enumerate(["I love it.", text, "I hate it."])])
    assert [len(one.dead) for one in found] == [0, 1, 0]
    assert [one.predictions[0].label for one in found if one.predictions] == ["positive", "negative"]


def test_a_worker_stores_what_the_server_says(url: str) -> None:
    with closing(MemoryBroker()) as broker, closing(MemoryStore()) as store:
        broker.publish([Body(b"\n".join(encode(Document(text, text)) for text in CLEAR))])
        headrace.Worker(broker=broker, store=store, models=f"sentiment={url}", deadline=300.0, drain=True).run()
        found = store.find(ResultQuery()).items
        assert {one.id: one.predictions["sentiment"].label for one in found} == CLEAR
        assert not letters(store)
