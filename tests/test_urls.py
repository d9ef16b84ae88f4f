"""Which adapter serves a URL, and what is said where none does."""

import importlib
from pathlib import Path
from urllib.parse import quote

import pytest

from headrace.adapters import BROKERS, CLASSIFIERS, REGISTRIES, SINKS, SOURCES, STORES, Entry
from headrace.beside import apart
from headrace.documents import Body, Document
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.urls import Connectors, is_memory, mask, open_classifier, open_file, open_registry, open_source


@pytest.mark.parametrize(
    ("broker", "store", "reason"),
    [
        ("sqlit:///queue.db", "memory:", "no broker is known for 'sqlit:///queue.db'; did you mean sqlite:"),
        ("memory:", "memroy:", "no store is known for 'memroy:'; did you mean memory:"),
        ("queue.db", "memory:", "no broker is known for 'queue.db'; .*known are"),
        ("", "memory:", "no broker is known for ''"),
        ("memory", "memory:", "did you mean memory:"),
        ("xyz://me:secret@host/", "memory:", r"xyz://\*\*\*@host/"),
    ],
)
def test_a_scheme_that_nothing_serves_is_told_with_what_was_perhaps_meant(broker: str, store: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        Connectors(broker, store)


@pytest.mark.parametrize("scheme", ["redis", "kafka", "amqp", "nats", "beanstalk", "sqlite"])
def test_a_url_with_an_open_bracket_is_told_without_its_password(scheme: str) -> None:
    with pytest.raises(Misconfigured, match=rf"the broker '{scheme}://\*\*\*@\[::1/q' is not a URL: .*\[::1\]"):
        Connectors(f"{scheme}://me:secret@[::1/q", "memory:")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/queue.db",
        "sqlite:///a.db?x=1",
        "sqlite:///a#b.db",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_names_no_file_is_told_how_to_write_one(url: str) -> None:
    with pytest.raises(Misconfigured, match=r"sqlite:////var/lib/queue\.db for an absolute path"):
        Connectors(url, "memory:").broker()


def test_what_lives_in_memory_is_the_same_at_each_call() -> None:
    connectors = Connectors("memory:", "memory:")
    one, two = connectors.broker(), connectors.broker()
    assert one is not two
    one.publish([Body(b"a")])
    assert [delivery.data for delivery in two.receive(100, 0)] == [b"a"]
    connectors.store().save("a", "b")
    assert connectors.store().load("a") == "b"
    assert Connectors("memory:", "memory:").store().load("a") is None


@pytest.mark.parametrize(
    ("store", "results", "told"),
    [
        ("none:", "", "none: keeps nothing; use it for headrace work, with --results"),
        ("memory:", "memory:", "results would come back as documents"),
        ("memory:", "amq://me:secret@host/", r"no results are known for 'amq://\*\*\*@host/'; did you mean amqp:"),
    ],
)
def test_results_that_would_go_nowhere_or_come_back_are_refused(store: str, results: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        Connectors("memory:", store, results)


def test_memory_is_told_from_what_processes_share() -> None:
    assert is_memory("memory:")
    assert not is_memory("sqlite:///memory:")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://me:secret@host/v", "amqp://me:***@host/v"),
        (
            "waiting for postgresql://me:s3:c%2Fr@et@host:5432/db?x=1 again",
            "waiting for postgresql://me:***@host:5432/db?x=1 again",
        ),
        ("redis://:secret@host", "redis://:***@host"),
        ("a kafka://u:one@h1 and a redis://v:two@h2", "a kafka://u:***@h1 and a redis://v:***@h2"),
        ("amqps://u:secret@h1,amqps://u:other@h2", "amqps://u:***@h1,amqps://u:***@h2"),
        ("http://host:8000/a@b", "http://host:***@b"),  # who can tell?
        ("postgresql://u:a/b?c#d@e@h/db", "postgresql://u:***@h/db"),
        ("nats://token@h", "nats://***@h"),
        ("no broker is 'u:secret@h'", "no broker is '***@h'"),
        ("postgresql://h/d?user=u&password=a&b&schema=x", "postgresql://h/d?user=u&password=***&schema=x"),
        (
            "p://h?sslpassword=a&SASL.key=b&options=-c%20x&pass%77ord=c&n=1",
            "p://h?sslpassword=***&SASL.key=***&options=***&pass%77ord=***&n=1",
        ),
        ("model language@f7b317: refused, fake=python:a.b:C", "model language@f7b317: refused, fake=python:a.b:C"),
        ("sqlite:///queue.db", "sqlite:///queue.db"),
        ("me@example.org: hello", "me@example.org: hello"),
    ],
)
def test_passwords_in_urls_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "entry",
    [entry for table in (SOURCES, BROKERS, SINKS, STORES, CLASSIFIERS, REGISTRIES) for entry in table.values()],
    ids=lambda entry: entry.target,
)
def test_every_adapter_is_where_the_table_says(entry: Entry) -> None:
    module, _, name = entry.target.partition(":")
    loaded = importlib.import_module(module)
    assert callable((getattr(loaded, name) if name else loaded).from_url)


@pytest.mark.parametrize(
    ("broker", "store", "expected"),
    [
        (
            "sqlite:///queue.db",
            "sqlite:////var/lib/store.db",
            ("sqlite:///it_queue.db", "sqlite:////var/lib/it_store.db"),
        ),
        (
            "amqp://me:s%20t@h1,h2:1/v%2F?queue=mine&heartbeat=5&exchange=events&keys=a,b",
            "postgresql://u:p@h/db?schema=mine&options=-c%20x",
            (
                "amqp://me:s%20t@h1,h2:1/v%2F?heartbeat=5&queue=it_queue",
                "postgresql://u:p@h/db?options=-c%20x&schema=it_store",
            ),
        ),
        ("amqps://h/", "postgresql:///db", ("amqps://h/?queue=it_queue", "postgresql:///db?schema=it_store")),
        (
            "kafka://h1,h2:1/texts?group=mine&session=6",
            "mongodb://u:p@h/db?prefix=mine&replicaSet=a",
            ("kafka://h1,h2:1/it_queue?session=6&group=it_queue", "mongodb://u:p@h/db?replicaSet=a&prefix=it_store"),
        ),
        ("kafka://h", "mongodb://h", ("kafka://h/it_queue?group=it_queue", "mongodb://h?prefix=it_store")),
    ],
)
def test_another_place_on_the_same_servers_has_a_url(broker: str, store: str, expected: tuple[str, str]) -> None:
    assert apart(broker, store, "it") == expected


def test_memory_has_no_other_place() -> None:
    with pytest.raises(Misconfigured, match="no second store can be made beside memory:"):
        apart("sqlite:///queue.db", "memory:", "it")


@pytest.mark.parametrize("entry", [*BROKERS.items(), *STORES.items()], ids=lambda entry: entry[0])
def test_every_adapter_that_keeps_anything_beyond_its_process_says_how_its_urls_name_a_place(
    entry: tuple[str, Entry],
) -> None:
    scheme, where = entry
    assert bool(where.names) != (scheme in ("memory", "none"))


def test_a_path_and_a_url_open_the_same_file_under_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "my posts?.csv"
    path.write_text("id,text\n1,a\n")
    expected = [[Document("1", "a", source="files")]]
    url = quote(str(path))
    for one in (str(path), f"files:{url}", f"files://{url}", f"files:{url}?format=csv"):
        source = open_source(one, limit=1000)
        assert [list(batch.items) for batch in source.read()] == expected
        assert source.name == f"files:{path}"


def test_a_path_may_look_like_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes:today").write_text("a\n")
    (batch,) = open_source("notes:today", limit=1000).read()
    assert [item.text for item in batch.items if isinstance(item, Document)] == ["a"]


def test_what_cannot_be_read_twice_has_no_name() -> None:
    assert open_source("-", limit=1000).name == ""
    assert open_source("files:-", limit=1000).name == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:posts.jsonl", "no source is known for 'file:posts.jsonl'; did you mean files:"),
        ("files:", "no file can be opened at 'files:'"),
        ("files://host/posts.jsonl", "no file can be opened at 'files://host/posts.jsonl'"),
        ("files:posts.jsonl?fromat=csv", "write files:posts.jsonl or files:/srv/posts"),
        ("files:posts.jsonl?format=xml", "known are jsonl, csv, tsv, text"),
        ("files:posts.jsonl#top", "no file can be opened at"),
        ("files:posts.jsonl?", "no file can be opened at"),
        ("twitter:", "X needs a token: set HEADRACE_TWITTER_TOKEN"),
        (
            "twitter://api.x.com/2",
            "no recording can be opened at 'twitter://api.x.com/2'; write twitter:recorded.jsonl",
        ),
        ("twiter:a.jsonl", "did you mean twitter:"),
    ],
)
def test_a_source_that_cannot_be_opened_is_told(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_source(url, limit=1000)


def test_a_format_goes_with_a_path_and_not_with_a_url() -> None:
    with pytest.raises(Misconfigured, match="files:posts is a URL, with options of its own"):
        open_source("files:posts", limit=1000, options=FileOptions("csv"))


def test_a_format_that_is_not_known_is_told() -> None:
    with pytest.raises(Misconfigured, match="known are jsonl, csv, tsv, text"):
        open_file("a.xml", limit=1000, options=FileOptions("xml"))


def test_a_scheme_of_registries_or_classifiers_that_nothing_serves_is_told_with_what_was_perhaps_meant() -> None:
    with pytest.raises(Misconfigured, match="no registry is known for 'fil:///srv'; did you mean file:"):
        open_registry("fil:///srv")
    with pytest.raises(Misconfigured, match="no classifier is known for 'pyton:a:B'; did you mean python:"):
        open_classifier("pyton:a:B")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no.such.module:Class", "cannot be loaded: No module named 'no'"),
        ("headrace.testing.classifiers:Nothing", "cannot be loaded"),
        ("headrace.testing.classifiers:FAULTS", "is not a class"),
        (":Class", "cannot be loaded"),
    ],
)
def test_a_classifier_of_ones_own_that_is_not_there_is_told(target: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        open_classifier(f"python:{target}")
