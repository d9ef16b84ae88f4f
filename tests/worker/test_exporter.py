"""A worker's own port for Prometheus, asked over HTTP."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import pytest
from support import PATIENCE
from support.scraping import samples, value

from headrace import exposition, metrics
from headrace.errors import Misconfigured
from headrace.meter import Meter
from headrace.ports import WorkerStatus
from headrace.worker.exporter import CLIENTS, HEAD_BYTES, Exporter


def status(number: int, name: str = "host:1", state: str = "working") -> WorkerStatus:
    meter = Meter()
    meter.add(metrics.RECEIVED, number)
    return WorkerStatus(name, 1, number, state, (), {"received": number}, meter.snapshot())


@contextmanager
def served(*statuses: WorkerStatus, host: str = "127.0.0.1") -> Iterator[tuple[Exporter, httpx.Client]]:
    with closing(Exporter(host, 0, lambda: list(statuses))) as exporter, httpx.Client(trust_env=False) as client:
        yield exporter, client


def test_a_scrape_gives_the_sums_and_the_states_of_all_workers() -> None:
    with served(status(3), status(4, "host:2"), status(5, "host:3", "stopped")) as (exporter, client):
        answer = client.get(exporter.address)
    assert answer.headers["content-type"] == exposition.CONTENT_TYPE
    assert value(answer.text, "headrace_worker_documents_received_total") == 12
    workers = {dict(labels)["worker"] for labels in samples(answer.text)["headrace_worker_progress"]}
    assert workers == {"host:1", "host:2"}


def test_scraping_twice_counts_nothing_twice() -> None:
    with served(status(3)) as (exporter, client):
        texts = [client.get(exporter.address).text for _ in range(3)]
    assert {value(text, "headrace_worker_documents_received_total") for text in texts} == {3}


def test_only_metrics_are_there_and_head_has_no_content() -> None:
    with served(status(3)) as (exporter, client):
        root = exporter.address.removesuffix("/metrics")
        assert client.get(f"{root}/").status_code == 404
        assert client.get(f"{root}/metrics/x").status_code == 404
        assert client.get(f"{exporter.address}?now").status_code == 200
        assert client.post(exporter.address).status_code == 501
        head = client.head(exporter.address)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) == len(client.get(exporter.address).content)


def test_a_client_that_sends_nothing_keeps_nobody_waiting() -> None:
    with served(status(3)) as (exporter, client):
        url = httpx.URL(exporter.address)
        with closing(socket.create_connection((url.host, url.port or 0))):
            assert client.get(exporter.address, timeout=PATIENCE).status_code == 200


def test_many_scrapes_at_once_count_nothing_twice() -> None:
    received: list[float] = []
    with served(status(3)) as (exporter, client):

        def scrape() -> None:
            received.append(value(client.get(exporter.address).text, "headrace_worker_documents_received_total"))

        threads = [threading.Thread(target=scrape) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert received == [3.0] * 8


def test_a_port_that_is_taken_or_an_unknown_address_is_told() -> None:
    with served() as (exporter, _), pytest.raises(Misconfigured, match="--metrics-port or --host"):
        Exporter("127.0.0.1", httpx.URL(exporter.address).port or 0, list)
    with pytest.raises(Misconfigured, match=r"port 9100 of no-such-host\.invalid"):
        Exporter("no-such-host.invalid", 9100, list)


def test_it_listens_on_every_address_if_the_host_is_empty() -> None:
    with served(status(3), host="") as (exporter, client):
        port = httpx.URL(exporter.address).port
        assert client.get(f"http://127.0.0.1:{port}/metrics").status_code == 200


def test_once_closed_nothing_listens() -> None:
    with served() as (exporter, client):
        exporter.close()
        with pytest.raises(httpx.ConnectError):
            client.get(exporter.address)


@pytest.mark.parametrize(
    ("host", "code"),
    [("127.0.0.1", 200), ("localhost:1", 200), ("worker.example", 200), ("evil.example", 421), ("evil.example:9100", 421), ("", 421)],
)  # fmt: skip
def test_it_is_called_by_its_own_names_alone(host: str, code: int) -> None:
    with (
        closing(Exporter("127.0.0.1", 0, lambda: [status(3)], hosts=["worker.example"])) as exporter,
        httpx.Client(trust_env=False) as client,
    ):
        answer = client.get(exporter.address, headers={"host": host})
    assert answer.status_code == code
    assert ("host:1" in answer.text) == (code == 200)
    assert code == 200 or "setting hosts" in answer.text


def test_of_many_clients_that_send_nothing_the_oldest_give_way() -> None:
    with served(status(3)) as (exporter, client), ExitStack() as opened:
        url = httpx.URL(exporter.address)
        silent = [opened.enter_context(socket.create_connection((url.host, url.port or 0))) for _ in range(2 * CLIENTS)]
        for line in silent[:CLIENTS]:
            line.settimeout(PATIENCE)
            assert line.recv(1) == b""
        assert client.get(exporter.address, timeout=PATIENCE).status_code == 200
        assert threading.active_count() <= CLIENTS + 8


def test_a_head_without_end_is_not_read_to_its_end() -> None:
    with served(status(3)) as (exporter, client):
        url = httpx.URL(exporter.address)
        with socket.create_connection((url.host, url.port or 0), PATIENCE) as line, suppress(ConnectionError):
            line.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\na: " + b"x" * (HEAD_BYTES - 40))
            assert line.recv(12).startswith(b"HTTP/1.0 ")
        assert client.get(exporter.address, timeout=PATIENCE).status_code == 200
