"""What happens when more comes than the workers take: sources are paused or shed, and the API answers 429."""

import json
from collections import Counter
from typing import Any

import pytest
from driver import PATIENCE, TRIVIAL, Headrace, post, until
from support.http_server import Request, serving

EVENTS = 3000
LARGE = "x" * 10_000  # all events together are more than what is held of a source


def row(headrace: Headrace) -> dict[str, Any]:
    """The ledger of the source that was read last; empty if there is none yet."""
    rows = json.loads(headrace.done("sources", "--json"))["sources"]
    return max(rows, key=lambda one: one["saved_at"], default={"state": ""})


def events(request: Request) -> None:
    """A stream of large events, numbered by their ids, after which nothing comes."""
    request.begin(kind="text/event-stream")
    for start in range(0, EVENTS, 100):
        lines = (f'data: {{"id": "{n}", "text": "{LARGE} {n}"}}\n\n' for n in range(start, start + 100))
        if not request.send("".join(lines)):
            return
    request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]


def fill(headrace: Headrace) -> None:
    """Put some bodies into the queue, which no worker takes."""
    headrace.done("ingest", headrace.write("some.jsonl", ({"id": f"some-{n}", "text": LARGE} for n in range(20))))
    assert headrace.waiting() > 5


def test_a_paused_source_that_is_killed_again_and_again_loses_nothing(headrace: Headrace) -> None:
    file = headrace.write("posts.jsonl", ({"id": str(n), "text": f"text {n} {'x' * 500}"} for n in range(10_000)))
    for _ in range(2):
        running = headrace.start("ingest", file, backlog_limit=20)
        running.wait_for("files:")  # told once a run
        until(lambda: row(headrace)["state"] == "paused", PATIENCE, "it is not paused", every=0.2)
        assert "and the limit is 20: nothing is read until it has fallen to 18" in row(headrace)["reason"]
        running.kill()
        headrace.done("work", "--drain", models=TRIVIAL)
    assert 0 < headrace.stored() < 10_000
    running = headrace.start("ingest", file, backlog_limit=20)
    until(lambda: row(headrace)["state"] == "paused", PATIENCE, "it is not paused", every=0.2)
    assert "is paused: the backlog is" in headrace.done("status")
    workers = headrace.start("work", models=TRIVIAL)
    assert running.status() == 0
    until(lambda: headrace.stored() == 10_000, PATIENCE, "not all is stored")
    workers.interrupt()
    assert workers.status() == 0
    assert Counter(result.id for result in headrace.results()) == Counter(str(n) for n in range(10_000))
    assert (row(headrace)["state"], row(headrace)["shed"]) == ("ended", 0)


@pytest.mark.parametrize("rule", ["oldest", "sample"])
def test_a_source_that_cannot_wait_counts_exactly_what_is_dropped_of_it(headrace: Headrace, rule: str) -> None:
    fill(headrace)
    with serving(events) as served:
        url = f"sse://127.0.0.1:{served.port}/?tls=no"
        said = headrace.done("ingest", url, "--shed", rule, "--until-idle", "3", "--json", backlog_limit=5)
    tally, ledger = json.loads(said), row(headrace)
    assert tally["published"] + tally["shed"] == EVENTS
    assert (ledger["read"], ledger["published"], ledger["shed"]) == (EVENTS, tally["published"], tally["shed"])
    assert 0 < tally["published"] < EVENTS
    assert f"has dropped {tally['shed']:,} documents in the last hour" in headrace.done("status")
    headrace.done("work", "--drain", models=TRIVIAL)
    stored = {int(result.id) for result in headrace.results() if result.source == "sse"}
    assert len(stored) == tally["published"]
    if rule == "oldest":
        assert stored == set(range(tally["shed"], EVENTS))


def test_a_stream_that_is_only_over_the_limit_for_a_while_loses_nothing(headrace: Headrace) -> None:
    def few(request: Request) -> None:
        request.begin(kind="text/event-stream")
        request.send("".join(f'data: {{"id": "{n}", "text": "text {n}"}}\n\n' for n in range(100)))
        request.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]

    fill(headrace)
    with serving(few) as served:
        running = headrace.start("ingest", f"sse://127.0.0.1:{served.port}/?tls=no", backlog_limit=5)
        until(lambda: row(headrace)["state"] == "shedding", PATIENCE, "it is not over the limit", every=0.2)
        workers = headrace.start("work", models=TRIVIAL)
        until(lambda: headrace.stored() == 120, PATIENCE, "what was held is not stored")
        running.interrupt()
        assert running.status() == 1
        workers.interrupt()
        assert workers.status() == 0
    assert (row(headrace)["published"], row(headrace)["shed"]) == (100, 0)


def test_the_api_answers_429_until_the_workers_have_caught_up(headrace: Headrace) -> None:
    server = headrace.start("serve", "--api-only", models=TRIVIAL, backlog_limit=5)
    url = f"{server.address()}/v1/documents"
    accepted: list[str] = []

    def publish() -> int:
        answer = post(url, {"text": f"text {len(accepted)}"})
        if answer.status_code == 202:
            accepted.extend(answer.json()["ids"])
        else:
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert "and the limit is 5; try again when the workers" in answer.json()["error"]["message"]
        return answer.status_code

    until(lambda: publish() == 429, PATIENCE, "it is never refused")
    assert len(accepted) == headrace.waiting() > 5
    headrace.done("work", "--drain", models=TRIVIAL)
    until(lambda: publish() == 202, PATIENCE, "it is refused for ever")
    headrace.done("work", "--drain", models=TRIVIAL)
    assert Counter(result.id for result in headrace.results()) == Counter(accepted)
    server.interrupt()
    assert server.status() == 0


def test_the_demo_shows_a_recording_at_the_rate_that_was_asked_for(headrace: Headrace) -> None:
    tweet = {"created_at": "Wed Oct 10 20:19:24 +0000 2018", "user": {"id_str": "1", "screen_name": "anna"}}
    tweets = [{**tweet, "id_str": str(n), "text": f"What a lovely day, number {n}"} for n in range(1, 61)]
    headrace.write("recorded.jsonl", tweets)
    shown = headrace.start("demo", "--source", "twitter:recorded.jsonl", "--rate", "40", models=TRIVIAL)
    shown.wait_for("all sources are read: 60 published")
    shown.interrupt()
    assert shown.status() == 0
    headrace.done("work", "--drain", models=TRIVIAL, broker="sqlite:///headrace-demo/queue.db",
                  store="sqlite:///headrace-demo/store.db")  # fmt: skip
    results = json.loads(headrace.done("sources", "--json", store="sqlite:///headrace-demo/store.db"))["sources"]
    assert [(one["state"], one["published"]) for one in results] == [("ended", 60)]
