"""The limit of the backlog: whom it refuses, and how rarely the broker is asked."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from support import PATIENCE, until
from support.web_server import WebServer

from headrace.brokers.memory import MemoryBroker
from headrace.documents import Body
from headrace.errors import Unavailable
from headrace.ports import Backlog
from headrace.tables import Webhook
from headrace.web.backlog import BacklogLimit
from headrace.web.responses import Refused


class Asked:
    """A broker that is asked, by a clock of the test's own."""

    def __init__(self, ready: int | None = 0) -> None:
        self.ready, self.now, self.times = ready, 0.0, 0
        self.away = False

    async def __call__(self) -> Backlog:
        self.times += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the broker is away")
        return Backlog(self.ready, None, None)

    def limit(self, limit: int = 10) -> BacklogLimit:
        return BacklogLimit(limit, self, clock=lambda: self.now)


async def refused(limit: BacklogLimit) -> bool:
    answer = None
    try:
        await limit.check()
    except Refused as error:
        answer = error.response()
    assert answer is None or (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    return answer is not None


def test_all_requests_share_one_look_a_second() -> None:
    async def scenario() -> list[bool]:
        limit, answers = broker.limit(), []
        for _ in range(10):
            answers += await asyncio.gather(*(refused(limit) for _ in range(100)))
            broker.now += 0.1001
        await asyncio.sleep(0)
        return answers

    broker = Asked(11)
    assert asyncio.run(scenario()) == [True] * 1000
    assert broker.times == 1


def test_the_first_request_after_a_while_waits_for_a_look_and_is_not_answered_by_what_was() -> None:
    async def scenario() -> None:
        limit = broker.limit()
        assert await refused(limit)
        broker.ready, broker.now = 0, 3600
        assert not await refused(limit)
        broker.ready, broker.now = 11, 7200
        assert await refused(limit)

    broker = Asked(11)
    asyncio.run(scenario())


def test_while_the_broker_cannot_be_asked_requests_are_let_in() -> None:
    async def scenario() -> None:
        limit = broker.limit()
        assert await refused(limit)
        broker.away, broker.now = True, 10
        assert not await refused(limit)

    broker = Asked(11)
    asyncio.run(scenario())


def test_a_broker_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> Backlog:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> bool:
        return await refused(BacklogLimit(10, hang))

    monkeypatch.setattr("headrace.web.backlog.PATIENCE_SECONDS", 0.01)
    assert not asyncio.run(scenario())


def test_without_a_limit_the_broker_is_never_asked() -> None:
    broker = Asked(1 << 30)
    assert not asyncio.run(refused(broker.limit(0)))
    assert broker.times == 0


@pytest.mark.parametrize("path", ["/v1/documents", "/in/forum"])
@pytest.mark.parametrize("large", [False, True], ids=["direct", "by the app"])
def test_over_the_limit_documents_are_refused_until_the_workers_have_caught_up(
    tmp_path: Path, path: str, large: bool
) -> None:
    queue = MemoryBroker()
    with WebServer(tmp_path, connect=queue.connect, backlog_limit=3, webhooks=(Webhook("forum"),)) as server:

        def post() -> httpx.Response:
            content = json.dumps({"text": "Hej" + " " * (large * (1 << 16))}).encode()
            kind = {"content-type": "application/json"}
            answer = httpx.post(f"{server.url}{path}", content=content, headers=kind, trust_env=False, timeout=PATIENCE)
            assert answer.status_code in (202, 429)
            answers.append(answer)
            return answer

        answers: list[httpx.Response] = []
        assert post().status_code == 202
        queue.publish([Body(b'{"id": "1", "text": "b"}\n')] * 4)
        assert until(lambda: post().status_code == 429)
        assert answers[-1].headers["retry-after"] == "1"
        message = answers[-1].json()["error"]["message"]
        assert message.endswith("bodies, and the limit is 3; try again when the workers have caught up")
        assert httpx.get(f"{server.url}/v1/results", trust_env=False, timeout=PATIENCE).status_code == 200
        accepted = sum(answer.status_code == 202 for answer in answers)
        assert len(queue.receive(1 << 30, 0.0)) == accepted + 4
        assert until(lambda: post().status_code == 202)
        text = httpx.get(f"{server.url}/metrics", trust_env=False, timeout=PATIENCE).text
        assert f'route="{path}",status="429"' in text
