"""The suite of classifiers, run over every kind of model."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from support.corenlp_server import CorenlpServer

import headrace
from headrace.models.card import Card, Golden
from headrace.models.registry import Registry
from headrace.testing.models import ClassifierSuite, Connect
from headrace.urls import open_classifier


class TestClassOfOnesOwn(ClassifierSuite):
    @pytest.fixture
    def connect(self) -> Connect:
        return lambda: open_classifier("python:headrace.testing.classifiers:Trivial")


class TestCorenlp(ClassifierSuite):
    @pytest.fixture
    def connect(self) -> Iterator[Connect]:
        with CorenlpServer() as server, closing(open_classifier(server.url)):
            yield lambda: open_classifier(server.url)


class TestVersionOfTheRegistry(ClassifierSuite):
    @pytest.fixture
    def connect(self, tmp_path: Path) -> Connect:
        pipeline = make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression()).fit(["aa", "bb"], ["a", "b"])
        scorer = headrace.compile(pipeline)
        golden = tuple(Golden(text, one.label, one.score) for text in ("aa", "bb") for one in scorer.predict([text]))
        registry = Registry(tmp_path, builtin=None)
        registry.add("tiny", scorer, Card("tiny", ("a", "b"), golden=golden), alias="champion")
        return lambda: registry.get("tiny")


class TestVader(ClassifierSuite):
    @pytest.fixture
    def connect(self) -> Connect:
        return lambda: open_classifier("vader:")
