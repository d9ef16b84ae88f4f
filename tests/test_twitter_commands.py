"""The commands of `headrace twitter`, against a stand-in for X."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.http_server import Request, serving
from support.twitter_server import TOKEN, X, refusing

from headrace import cli
from headrace.ports import ResultQuery
from headrace.stores.sqlite import SqliteStore
from headrace.testing.outcomes import labelled


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


Run = Callable[..., Ended]


@pytest.fixture
def x() -> X:
    return X()


@pytest.fixture
def run(
    x: X, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Run]:
    """Runs a command of `twitter` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HEADRACE_TWITTER_TOKEN", TOKEN)
    with serving(x) as served:
        url = f"twitter://127.0.0.1:{served.port}?tls=no"

        def call(*arguments: str) -> Ended:
            capfdbinary.readouterr()
            status = cli.run(["twitter", *arguments, *(() if "--url" in arguments else ("--url", url))])
            output, errors = capfdbinary.readouterr()
            return Ended(status, output.decode(), errors.decode())

        yield call


def values(x: X) -> dict[str, str]:
    return {rule["value"]: rule.get("tag", "") for rule in x.rules}


def test_rules_are_listed(run: Run) -> None:
    assert run("rules", "list", "--json").json == {"rules": [{"id": "1", "value": "cats", "tag": "cats"}]}
    assert run("rules", "list").output.split() == ["id", "tag", "rule", "1", "cats", "cats"]


def test_a_rule_is_added_and_deleted(x: X, run: Run) -> None:
    ended = run("rules", "add", "-is:retweet dogs", "--tag", "dogs")
    assert (ended.status, ended.output) == (0, "+ -is:retweet dogs  (dogs)\n1 added, 0 deleted\n")
    identity = next(rule["id"] for rule in x.rules if rule["value"] != "cats")
    assert run("rules", "delete", identity, "--json").json == {"added": [], "deleted": 1, "errors": []}
    assert values(x) == {"cats": "cats"}


def test_what_x_refuses_of_rules_is_told_with_the_rule(run: Run) -> None:
    ended = run("rules", "add", "near:here")
    assert (ended.status, ended.output) == (1, "0 added, 0 deleted\n")
    assert "X refuses near:here: InvalidRule: unknown operator near: (at position 1)" in ended.errors
    assert run("rules", "add", "cats", "--json").json["errors"] == [{"rule": "cats", "reason": "DuplicateRule"}]
    ended = run("rules", "delete", "77")
    assert (ended.status, "X refuses 77: Not Found: Rule does not exist" in ended.errors) == (1, True)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "X does not say why"),
        ({"detail": "too many ids"}, "too many ids"),
        ({"title": "Invalid Request", "errors": 5, "data": 7}, "Invalid Request"),
    ],
)
def test_a_change_of_rules_that_is_refused_as_a_whole_changes_nothing(
    x: X, run: Run, answer: dict[str, Any], reason: str
) -> None:
    x.before = refusing(400, answer)
    told = [{"rule": "", "reason": reason}]
    for arguments in (("add", "dogs"), ("delete", "1", "2", "3")):
        ended = run("rules", *arguments, "--json")
        assert (ended.status, ended.json) == (1, {"added": [], "deleted": 0, "errors": told})


def test_a_list_of_rules_without_end_is_told(x: X, run: Run) -> None:
    def before(request: Request) -> bool:
        request.begin()
        request.send(json.dumps({"data": [], "meta": {"next_token": "always"}}))
        return True

    x.before = before
    ended = run("rules", "list")
    assert ended.status == 3
    assert "X gives the same page of rules again and again" in ended.errors


def test_a_dry_run_changes_nothing(x: X, run: Run) -> None:
    assert run("rules", "add", "dogs", "--dry-run").output == "+ dogs\n1 would be added, 0 would be deleted\n"
    assert run("rules", "delete", "1", "--dry-run").output == "0 would be added, 1 would be deleted\n"
    Path("rules.txt").write_text("dogs\n")
    assert run("rules", "sync", "rules.txt", "--dry-run").output.endswith("1 would be added, 1 would be deleted\n")
    assert values(x) == {"cats": "cats"}
    assert all(asked == {"dry_run": "true"} for asked, _ in x.changes)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("rules.txt", "# pets\n\ndogs\n#hashtag lang:en\n", {"dogs": "", "#hashtag lang:en": ""}),
        ("rules.json", '[{"value": "dogs", "tag": "d"}, "cats"]', {"dogs": "d", "cats": ""}),
        ("rules.json", '{"rules": [{"value": "cats", "tag": "cats"}]}', {"cats": "cats"}),
        ("rules.toml", '[[rules]]\nvalue = "cats"\ntag = "pets"\n', {"cats": "pets"}),
    ],
)
def test_the_rules_of_a_file_are_those_of_the_stream_afterwards(
    x: X, run: Run, name: str, text: str, wanted: dict[str, str]
) -> None:
    Path(name).write_text(text)
    assert run("rules", "sync", name).status == 0
    assert values(x) == wanted
    again = run("rules", "sync", name, "--json").json
    assert again == {"added": [], "deleted": 0, "errors": []}


def test_rules_are_added_before_others_are_deleted_and_nothing_is_deleted_if_one_is_refused(x: X, run: Run) -> None:
    Path("rules.txt").write_text("dogs\n")
    run("rules", "sync", "rules.txt")
    assert [next(iter(body)) for _, body in x.changes] == ["add", "delete"]
    Path("rules.txt").write_text("birds\nnear:here\n")
    ended = run("rules", "sync", "rules.txt")
    assert ended.status == 1
    assert "X refuses near:here" in ended.errors
    assert "dogs" in values(x)


def test_many_rules_are_sent_a_hundred_at_a_time(x: X, run: Run) -> None:
    Path("rules.txt").write_text("".join(f"word{place}\n" for place in range(250)))
    assert len(run("rules", "sync", "rules.txt", "--json").json["added"]) == 250
    assert [len(body.get("add", ())) for _, body in x.changes] == [100, 100, 50, 0]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("none.txt", None, "reading none.txt: No such file"),
        ("rules.txt", "\n# x\n", "rules.txt has no rules"),
        ("rules.txt", "cats\ncats\n", "has the rule 'cats' twice"),
        ("rules.json", "{", "reading rules.json"),
        ("rules.json", "{}", "has no list of rules"),
        ("rules.json", '[{"tag": "a"}]', "rule 1 of rules.json has no value"),
        ("rules.toml", "a = ", "reading rules.toml"),
    ],
)
def test_a_wrong_file_is_told_and_changes_nothing(x: X, run: Run, name: str, text: str | None, told: str) -> None:
    if text is not None:
        Path(name).write_text(text)
    ended = run("rules", "sync", name)
    assert (ended.status, told in ended.errors) == (2, True), ended.errors
    assert x.changes == []


def test_connections_are_shown_and_closed(x: X, run: Run) -> None:
    (shown,) = run("connections", "--json").json["connections"]
    assert shown["endpoint_name"] == "filtered_stream"
    assert "10.0.0.1" in run("connections").output
    assert run("connections", "--close").output == "1 closed\n"
    assert run("connections", "--close", "--json").json == {"closed": 0, "failed": 0}
    assert x.open == 0


def test_the_usage_is_shown(run: Run) -> None:
    assert run("usage", "--json").json == {"used": 43435, "cap": 3_000_000, "reset_day": 10}
    assert run("usage").output.startswith("43,435 of 3,000,000 posts were read")


def test_what_is_gone_at_x_is_erased_from_the_store(x: X, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with closing(SqliteStore(Path("store.db"))) as store:
        store.write([labelled(f"twitter:{one}", source="twitter") for one in (1, 2)])
    x.events = {"1": [{"action": "delete", "reason": "deleted"}]}
    assert run("compliance", "--json").json == {"checked": 2, "erased": 1, "edited": 0}
    assert run("compliance").output == "1 checked, 0 erased\n"
    with closing(SqliteStore(Path("store.db"))) as store:
        assert [result.id for result in store.find(ResultQuery()).items] == ["twitter:2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("usage", "--url", "mastodon://host"), "is not X's API; write twitter:"),
        (("usage", "--url", "twitter:rec.jsonl"), "has no path 'rec.jsonl'"),
        (("rules", "add", " "), "the rule is empty"),
        (("rules", "delete"), "give the ids of rules"),
        (("rules", "delete", "cats"), "give the ids of rules"),
    ],
)
def test_misuse_is_told(run: Run, arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)
    assert (ended.status, told in ended.errors) == (2, True), ended.errors


def test_what_is_wrong_with_the_account_is_told_without_the_token(
    x: X, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    x.before = refusing(403, {"title": "Forbidden", "detail": TOKEN})
    ended = run("rules", "list")
    assert (ended.status, "check the app, its project" in ended.errors, TOKEN in ended.errors) == (2, True, False)
    x.before = refusing(429, {}, Retry_After="30")
    ended = run("usage")
    assert (ended.status, "try again in 30 s" in ended.errors) == (3, True)
    monkeypatch.delenv("HEADRACE_TWITTER_TOKEN")
    ended = run("connections")
    assert (ended.status, "set HEADRACE_TWITTER_TOKEN" in ended.errors) == (2, True)


def test_a_host_that_is_none_is_unavailable(run: Run) -> None:
    ended = run("usage", "--url", "twitter://127.0.0.1:1?tls=no")
    assert ended.status == 3
    assert "asking X: the server can't be reached" in ended.errors
