"""CoreNLP as a kind of model, against a server that speaks its protocol."""

import json
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import setup
from support.corenlp_server import CorenlpServer

from headrace.documents import Document, Prediction, encode
from headrace.errors import Misconfigured, Rejected, Unavailable
from headrace.models.corenlp.classifier import MOST_OVERDUE, CorenlpClassifier
from headrace.models.corenlp.sentences import UNKNOWN
from headrace.models.model_set import ModelSet
from headrace.models.registry import Registry
from headrace.models.spec import parse
from headrace.predictor.handle import Predictor
from headrace.urls import open_classifier

Open = Callable[..., CorenlpClassifier]
LABELS = ["positive", "negative", "neutral"]
TEXTS = ["I love it", "It is bad", "It is"]


@pytest.fixture
def server() -> Iterator[CorenlpServer]:
    with CorenlpServer() as one:
        yield one


@pytest.fixture
def connect(server: CorenlpServer) -> Iterator[Open]:
    made: list[CorenlpClassifier] = []

    def connect(options: str = "") -> CorenlpClassifier:
        found = open_classifier(f"{server.url}{options}")
        assert isinstance(found, CorenlpClassifier)
        made.append(found)
        server.texts()  # what opening asked
        return found

    yield connect
    for one in made:
        one.close()


def labels(classifier: CorenlpClassifier, *texts: str) -> list[str]:
    return [one.label for one in classifier.predict(texts)]


def test_texts_are_labelled_in_their_order_several_in_one_request(connect: Open, server: CorenlpServer) -> None:
    assert labels(connect(), *TEXTS) == LABELS
    assert len(server.texts()) == 1


def test_every_request_has_the_same_properties_and_asks_for_no_long_sentences(
    connect: Open, server: CorenlpServer
) -> None:
    labels(connect(), *TEXTS * 3)
    assert len(set(server.queries)) == 1
    assert json.loads(server.queries[0]) == {
        "annotators": "tokenize,ssplit,pos,parse,sentiment",
        "outputFormat": "json",
        "ssplit.newlineIsSentenceBreak": "two",
        "pos.maxlen": "80",
        "parse.maxlen": "80",
        "parse.binaryTrees": "true",
        "parse.buildgraphs": "false",
        "timeout": "8000",
    }


def test_a_text_arrives_as_it_is_whatever_looks_like_an_escape(connect: Open, server: CorenlpServer) -> None:
    connect().predict(["100%41 a+b"])
    assert server.texts()[0].startswith("100%41 a+b\n")


def test_emoji_blank_lines_and_blanks_at_ends_move_no_label_to_another_text(connect: Open) -> None:
    texts = ["\n\n😀😀 I love it\n\n\nit is\n ", "😡", " \t", "bad 😀\r\n\r\n", "", "\U0001f1f8\U0001f1ea good"]
    classifier = connect()
    alone = [classifier.predict([text])[0] for text in texts]
    assert classifier.predict(texts) == alone
    assert [one.label for one in alone] == ["positive", "neutral", "neutral", "negative", "neutral", "positive"]


def test_a_tag_that_two_texts_seem_to_share_is_cut_by_asking_about_each_alone(
    connect: Open, server: CorenlpServer
) -> None:
    assert labels(connect(), "good <b", "bad> it", "love") == ["positive", "neutral", "positive"]
    assert len(server.texts()) == 3


def test_a_text_without_any_sentence_is_neutral_by_a_third(connect: Open, server: CorenlpServer) -> None:
    assert connect().predict([" ", "\n", ""]) == [UNKNOWN] * 3
    assert not server.texts()
    assert connect().predict(["good", "x \a"])[1].label == "neutral"
    assert connect().predict(["\u200b ABSENT"]) == [UNKNOWN]


def test_a_sentence_without_a_sentiment_weighs_nothing(connect: Open) -> None:
    assert connect().predict(["PLAIN and long as it is. Good!", "PLAIN"]) == [
        Prediction("positive", pytest.approx(0.85)),
        UNKNOWN,
    ]


def test_no_texts_ask_nothing(connect: Open, server: CorenlpServer) -> None:
    assert connect().predict([]) == []
    assert not server.texts()


def test_the_version_changes_with_the_answers_and_the_parser_and_with_nothing_else(
    connect: Open, server: CorenlpServer
) -> None:
    version = connect().version
    assert connect("?timeout=3&batch=2").version == version
    assert connect("?parser=shift-reduce").version != version
    assert connect("?version=4.5.10").version == f"4.5.10-{version}"
    server.drift = 0.01
    assert connect().version != version


def test_the_golden_texts_have_the_labels_that_the_server_gives_them(connect: Open) -> None:
    assert [label for _, label in connect().golden] == ["positive", "neutral", "negative"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("OVERDUE", "did not finish in 8 s"),
        ("CRASH", "answers 500: .*StackOverflowError"),
        ("LENGTH", "answers 400: .*Max length is 100000"),
        ("GARBAGE", "its answer can't be read"),
        ("FOUR", "the probabilities of five classes"),
        ("ODD", "where no text is"),
    ],
)
def test_a_text_that_fails_is_rejected_and_the_others_are_labelled(connect: Open, word: str, reason: str) -> None:
    classifier = connect()
    with pytest.raises(Rejected, match=reason):
        classifier.predict([f"{word} good"])
    made = ModelSet.open(parse(f"sentiment={url_of(classifier)}"), Registry("none"))
    found, _ = made.label([Document(text, text) for text in (*TEXTS, f"{word} good", *TEXTS)])
    assert [one.predictions[0].label if one.predictions else one.dead[0].kind for one in found] == [
        *LABELS,
        "raised",
        *LABELS,
    ]


def url_of(classifier: CorenlpClassifier) -> str:
    return str(classifier._server)


def test_a_text_whose_answer_does_not_come_is_rejected(connect: Open) -> None:
    with pytest.raises(Rejected, match=r"no answer in 2 s \(option timeout\)"):
        connect("?timeout=1").predict(["SLOW"])


def test_many_texts_in_a_row_that_are_not_finished_are_the_servers_fault(connect: Open) -> None:
    classifier = connect()
    for _ in range(MOST_OVERDUE - 1):
        with pytest.raises(Rejected, match="did not finish"):
            classifier.predict(["OVERDUE"])
    with pytest.raises(Unavailable, match=f"{MOST_OVERDUE} texts in a row"):
        classifier.predict(["OVERDUE"])
    assert labels(classifier, *TEXTS) == LABELS
    with pytest.raises(Rejected, match="did not finish"):
        classifier.predict(["OVERDUE"])


def test_five_slow_documents_in_a_row_are_buried_while_the_server_answers_the_golden_texts(
    server: CorenlpServer,
) -> None:
    made = ModelSet.open(parse(f"sentiment={server.url}"), Registry("none"))
    found, _ = made.label([Document(str(number), f"OVERDUE {number}") for number in range(12)])
    assert [one.dead[0].kind for one in found] == ["raised"] * 12


def test_fewer_texts_are_asked_about_at_once_after_one_was_slow(connect: Open, server: CorenlpServer) -> None:
    classifier = connect()
    most = classifier.most_texts
    with pytest.raises(Rejected):
        classifier.predict(["OVERDUE", *TEXTS])
    assert classifier.most_texts < most
    server.texts()
    labels(classifier, *TEXTS * 10)
    assert classifier.most_texts == 8
    assert connect("?batch=1").most_texts == 1


@pytest.mark.parametrize("status", [503, 429, 502])
def test_a_server_that_is_not_ready_is_waited_for(connect: Open, server: CorenlpServer, status: int) -> None:
    classifier = connect()
    server.status = status
    with pytest.raises(Unavailable, match=f"answers {status}: no; it is tried again"):
        classifier.predict(["a"])
    with pytest.raises(Unavailable):
        connect()
    server.status = 200
    assert labels(classifier, *TEXTS) == LABELS


@pytest.mark.parametrize("status", [500, 400])
def test_a_server_that_fails_on_everything_is_waited_for(connect: Open, server: CorenlpServer, status: int) -> None:
    made = ModelSet.open(parse(f"sentiment={server.url}"), Registry("none"))
    server.status = status
    with pytest.raises(Unavailable, match="it has answered before"):
        made.label([Document("a", "a")])
    with pytest.raises(Misconfigured, match="it must have the models for tokenize,ssplit,pos,parse,sentiment"):
        connect()


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_server_that_will_never_answer_is_misconfigured(connect: Open, server: CorenlpServer, status: int) -> None:
    server.status = status
    with pytest.raises(Misconfigured, match=f"answers {status}.*check"):
        connect()


def test_a_connection_that_is_cut_is_waited_for(connect: Open) -> None:
    with pytest.raises(Unavailable, match="start the server, or correct the URL"):
        connect().predict(["CUT"])


def test_a_server_that_is_away_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    with pytest.raises(Unavailable, match=f"asking CoreNLP at corenlp://127.0.0.1:{port}: .*start the server"):
        open_classifier(f"corenlp://127.0.0.1:{port}")


def test_another_server_that_comes_back_is_not_taken_for_the_same(connect: Open, server: CorenlpServer) -> None:
    classifier = connect()
    server.status = 503
    with pytest.raises(Unavailable):
        classifier.predict(["a"])
    server.status, server.drift = 200, 0.01
    with pytest.raises(Misconfigured, match=r"answers otherwise than before it was away .* restart the workers"):
        classifier.predict(["a"])


def test_an_account_is_sent_and_its_password_never_told() -> None:
    with CorenlpServer(account="user:se-cret") as server:
        one = open_classifier(server.url)
        assert [found.label for found in one.predict(TEXTS)] == LABELS
        server.account = "user:another"
        with pytest.raises(Misconfigured, match="check user and password") as caught:
            one.predict(TEXTS)
        assert "cret" not in str(caught.value)
        with pytest.raises(Misconfigured, match="check user and password") as caught:
            open_classifier(f"corenlp://user:se-cret@127.0.0.1:{server.port}")
        assert "cret" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for localhost, and its key."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    making = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {file}.key -out {file}.crt"
    subprocess.run([*making.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    file.write_text(Path(f"{file}.key").read_text() + Path(f"{file}.crt").read_text())
    return file


def test_an_encrypted_server_is_asked_if_somebody_vouches_for_it(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with CorenlpServer(tls=tls) as server:
        one = open_classifier(f"{server.url}?cacertfile={certificate}")
        assert [found.label for found in one.predict(TEXTS)] == LABELS
        with pytest.raises(Misconfigured, match="cacertfile=FILE"):
            open_classifier(server.url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("corenlp://host?timout=3", "'timout' is not an option of corenlp://; did you mean timeout"),
        ("corenlp://host?timeout=0", "timeout of corenlp:// is a number from 1"),
        ("corenlp://host?batch=x", "batch of corenlp:// is a number"),
        ("corenlp://host?parser=fast", "is one of default, shift-reduce"),
        ("corenlp://host?version=a,b", "letters, digits, dots and dashes"),
        ("corenlp://host/path", "has no path"),
        ("corenlp://", "is not a host"),
        ("corenlp://host?cacertfile=x", "for corenlps://, which encrypts"),
    ],
)
def test_a_url_that_can_never_work_is_told_with_what_to_write(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_classifier(url)


def test_it_can_be_a_shadow_and_have_a_condition(server: CorenlpServer) -> None:
    size = "size=python:headrace.testing.classifiers:Trivial"
    setting = f"{size}, sentiment={server.url} if size=short, shadow sentiment2={server.url}?version=2 if size=short"
    made = ModelSet.open(parse(setting), Registry("none"))
    (short, long), failures = made.label([Document("a", "I love it"), Document("b", "I love it " * 20)])
    assert [one.label for one in short.predictions] == ["short", "positive"]
    assert [one.label for one in long.predictions] == ["long"]
    assert ([len(one.shadows) for one in (short, long)], failures) == ([1, 0], 0)
    server.status = 503
    with pytest.raises(Unavailable):
        made.label([Document("a", "a")])


def test_a_predictor_labels_and_buries_and_its_process_lives_on(server: CorenlpServer) -> None:
    predictor = Predictor(setup(f"sentiment={server.url}?timeout=60"), deadline=600.0)
    try:
        texts = [*TEXTS * 10, "OVERDUE", *TEXTS]
        predictor.send([encode(Document(str(number), text)) for number, text in enumerate(texts)])
        found = predictor.collect()
        assert predictor.deaths == 0
        assert [one.predictions[0].label if one.predictions else "" for one in found] == [*LABELS * 10, "", *LABELS]
        assert "did not finish in 60 s" in found[30].dead[0].reason
    finally:
        predictor.close()
