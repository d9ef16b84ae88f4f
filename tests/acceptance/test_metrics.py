"""What workers count, as a scrape of a server or of their own port shows it."""

import json
import signal
import socket
from collections.abc import Callable

import httpx
import pytest
from driver import PATIENCE, Headrace, Running, get, kill, post, until
from support.scraping import samples

STORED = "headrace_worker_documents_stored_total"
WRITTEN = "headrace_worker_stage_seconds_count"


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def documents(headrace: Headrace, name: str, number: int) -> str:
    return headrace.write(
        f"{name}.jsonl", [{"id": f"{name}-{place}", "text": f"text {place}"} for place in range(number)]
    )


def total(url: str) -> float:
    """How many documents the workers have stored, by what is scraped."""
    try:
        return sum(samples(get(url).text).get(STORED, {}).values())
    except httpx.ConnectError:
        return -1


def told_as_stored(headrace: Headrace) -> list[int]:
    """What each worker says that it has stored."""
    return [worker["counts"]["stored"] for worker in json.loads(headrace.done("status", "--json"))["workers"]]


def scraped(running: Running) -> Callable[[], float]:
    address = running.wait_for("metrics at ")
    return lambda: total(address)


@pytest.mark.parametrize("processes", [1, 2])
def test_one_port_shows_the_sums_of_all_workers_of_a_command(headrace: Headrace, processes: int) -> None:
    headrace.done("ingest", documents(headrace, "first", 200))
    running = headrace.start("work", processes=processes, metrics_port=free_port())
    stored = scraped(running)
    until(lambda: stored() == 200, PATIENCE, "not all are counted")
    if processes > 1:
        kill(running.keepers()[:1])
        running.wait_for("is started again")
    headrace.done("ingest", documents(headrace, "second", 100))
    until(lambda: stored() == 300, PATIENCE, "what came after a death is not counted")
    running.interrupt()
    assert running.status() == 0
    assert stored() == -1
    running.leaves_nothing()


def test_a_server_adds_up_what_workers_count_from_its_own_start(headrace: Headrace) -> None:
    headrace.done("ingest", documents(headrace, "before", 50))
    worker = headrace.start("work")
    until(lambda: told_as_stored(headrace) == [50], PATIENCE, "the worker does not say that it has stored them")
    server = headrace.start("serve", "--api-only")
    url = f"{server.address()}/metrics"
    until(lambda: STORED in get(url).text, PATIENCE, "the worker is not shown")
    assert total(url) == 0
    posted = [{"id": f"after-{place}", "text": f"text {place}"} for place in range(70)]
    assert post(f"{server.address()}/v1/documents", posted).status_code == 202
    until(lambda: total(url) == 70, PATIENCE, "what came since is not counted")
    assert samples(get(url).text)[STORED][frozenset({("source", "api")})] == 70

    worker.interrupt()
    assert worker.status() == 0
    until(lambda: "headrace_worker_progress{" not in get(url).text, PATIENCE, "the worker is not gone")
    assert total(url) == 70
    headrace.done("ingest", documents(headrace, "later", 30))
    headrace.done("work", "--drain")
    assert total(url) == 100, "a worker that came and went between two scrapes is not counted"


def test_a_port_that_is_taken_ends_the_command_with_status_2(headrace: Headrace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        finished = headrace.run("work", metrics_port=listener.getsockname()[1])
    assert finished.status == 2
    assert "choose another --metrics-port or --host" in finished.errors


def test_a_worker_killed_with_its_port_in_use_leaves_the_port_free(headrace: Headrace) -> None:
    port = free_port()
    running = headrace.start("work", processes=2, metrics_port=port)
    scraped(running)
    kill([*running.processes()], signal.SIGKILL)
    running.status()
    running.leaves_nothing()
    scraped(headrace.start("work", processes=2, metrics_port=port))
