"""The process that loads a server, and what a load did: latencies, statuses, CPU microseconds a request."""

import math
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import usage
from load.generator import serve
from load.plan import Plan, Report, Stream
from web_servers import Server

#: Seconds within which 99 % of the requests must have the expected answer.
LIMIT = 0.1
#: Seconds within which a server answers that has nothing else to do.
SETTLED = 0.5
#: Rates that are tried are apart by this factor.
STEP = 2 ** (1 / 8)
#: Seconds' worth of requests without an answer, after which a rate is given up.
HOPELESS = 0.5


@dataclass(frozen=True)
class Run:
    """A load that has been sent. `cpu` has the microseconds a request by process; `memory` the server's MiB before and at most."""

    report: Report
    cpu: dict[str, float]
    memory: tuple[float, float] = (0.0, 0.0)

    def kept_up(self, limit: float = LIMIT) -> bool:
        """Whether 99 % of the requests of each stream had the expected answer within `limit` seconds."""
        return not self.report.gave_up and all(one.within(0.99) < limit for one in self.report.streams)


class Load:
    """The process that sends, and the servers that it sends to."""

    def __init__(self, texts: Sequence[str], connections: int) -> None:
        self._connections = connections
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: Any = context.Process(target=serve, args=(theirs, texts), daemon=True)
        self._process.start()

    def run(self, server: Server, *streams: Stream, seconds: float, **more: Any) -> Run:
        """Send streams to a server, and wait until it has nothing left to do."""
        processes = server.processes()
        before, memory = usage.cpu_seconds(processes), [server.memory()]
        self._pipe.send(Plan("127.0.0.1", server.port, streams, seconds, connections=self._connections, **more))
        while not self._pipe.poll(0.2):
            memory.append(server.memory())
        report: Report = self._pipe.recv()
        spent = usage.difference(before, usage.cpu_seconds(processes)) | {"load": report.cpu}
        requests = sum(sum(one.statuses.values()) for one in report.streams) * (1 + more.get("warm_up", 0.5) / seconds)
        for one in report.streams:
            server.accepted.update(one.accepted)
            server.doubtful.update(one.doubtful)
        cpu = {stage: 1e6 * used / max(1, requests) for stage, used in spent.items() if used}
        return Run(report, cpu, (memory[0], max(memory)))

    def settle(self, server: Server) -> None:
        """Wait until the server answers at once again, and until what it took before is stored."""
        probe = Stream("documents", "/v1/documents?wait=30", 5, even=True)
        deadline = time.monotonic() + 120
        while True:
            run = self.run(server, probe, seconds=0.6, warm_up=0, patience=40)
            if run.report.streams[0].within(1.0) < SETTLED:
                return
            assert time.monotonic() < deadline, f"{server.name} does not come to rest: {run.report.streams[0].statuses}"
            time.sleep(0.5)

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join(10)


@dataclass
class Search:
    """The highest rate of a call at which a server keeps up, looked for again in each round from where the last one ended.

    A rate at which it does not keep up is tried once more: something else may have used the machine.
    """

    server: Server
    stream: Stream
    seconds: float
    limit: float = LIMIT
    found: list[float] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)

    def round(self, load: Load) -> None:
        """Find the rate once more."""
        tried: dict[int, bool] = {}

        def keeps_up(step: int) -> bool:
            if step not in tried:
                tried[step] = self._try(load, step) or self._try(load, step)
            return tried[step]

        step = round(math.log(self.found[-1] if self.found else self.stream.rate, STEP))
        size = 1 if self.found else 8
        if keeps_up(step):
            while keeps_up(step + size):
                step += size
        else:
            step -= size
            while not keeps_up(step) and step > 0:
                step -= size
        while size > 1:  # it keeps up with `step`, and not with `step + size`
            size //= 2
            if keeps_up(step + size):
                step += size
        self.found.append(STEP**step)

    def _try(self, load: Load, step: int) -> bool:
        stream = replace(self.stream, rate=STEP**step)
        run = load.run(self.server, stream, seconds=self.seconds, hopeless=max(HOPELESS, self.limit))
        if run.kept_up(self.limit):
            self.runs[step] = run
        load.settle(self.server)
        return step in self.runs

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.found)

    @property
    def run(self) -> Run:
        """A load at that rate, or the next below."""
        step = round(math.log(self.rate, STEP))
        return self.runs[max((one for one in self.runs if one <= step), default=min(self.runs))]
