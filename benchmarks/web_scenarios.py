"""Loads of other kinds than single requests at a rising rate: lists, an idle server, dashboards, and far too many requests."""

import math
from array import array
from collections.abc import Mapping

from load.plan import REFUSALS, UNANSWERED, Answers, Stream, percentile
from web_load import LIMIT, Load, Search
from web_servers import Server

#: Documents in a list, and the seconds within which a list must be answered.
LISTED, LIST_LIMIT = 1000, 1.0
#: Dashboards, each of which asks once a second, and the documents a second that are published meanwhile.
DASHBOARDS, BESIDE = 100, 1000
#: An overload in limits, and the seconds of half a limit after it, in windows of so many seconds each.
TIMES, AFTER, WINDOW = 3, 12.0, 0.5


def lists(load: Load, server: Server, seconds: float) -> None:
    """Search the highest rate of lists."""
    search = Search(server, Stream("documents", "/v1/documents", 16, 202, batch=LISTED), seconds, LIST_LIMIT)
    search.round(load)
    cpu = {stage: spent / LISTED for stage, spent in search.run.cpu.items()}
    rate = f"{search.rate * LISTED:,.0f} documents/s, 99 % of the lists within {_ms(search.run.report.streams[0].within(0.99))}"
    print(f"\nlists of {LISTED:,} documents: {rate}; CPU µs a document: {told(cpu)}", flush=True)


def idle(load: Load, server: Server, seconds: float) -> None:
    """Ten requests a second that wait for their results."""
    run = load.run(server, Stream("documents", "/v1/documents?wait=5", 10), seconds=seconds)
    print(f"?wait=5 at 10/s, idle: {_latencies(run.report.streams[0])}", flush=True)


def dashboards(load: Load, server: Server, path: str, seconds: float) -> None:
    """Dashboards that poll beside single documents."""
    documents, polls = Stream("documents", "/v1/documents", BESIDE, 202), Stream("get", path, DASHBOARDS, even=True)
    run = load.run(server, documents, polls, seconds=seconds)
    published, polled = run.report.streams
    print(f"{DASHBOARDS} dashboards polling {path} each second beside {BESIDE:,} documents/s:")
    print(f"  dashboards: {_latencies(polled)}\n  documents: {_latencies(published)}")
    print(f"  CPU µs a request: {told(run.cpu)}", flush=True)
    load.settle(server)


def overload(load: Load, server: Server, limit: float, seconds: float) -> None:
    """Three times the limit, then half of it."""
    run = load.run(server, Stream("documents", "/v1/documents", TIMES * limit, 202), seconds=seconds)
    after = load.run(server, Stream("documents", "/v1/documents", limit / 2, 202), seconds=AFTER, warm_up=0)
    answers, (before, most) = run.report.streams[0], run.memory
    refused = sum(answers.statuses[status] for status in REFUSALS)
    others = {status: count for status, count in answers.statuses.items() if status not in (202, UNANSWERED, *REFUSALS)}
    memory = f"{before:.0f} MiB before, {most:.0f} at most, {after.memory[1]:.0f} afterwards"
    print(f"overload, {TIMES * limit:,.0f} documents/s for {seconds:.0f} s ({answers.sent / seconds:,.0f}/s sent):")
    print(f"  answered: {answers.statuses[202] / seconds:,.0f}/s; {_spread(answers.latencies)}")
    print(
        f"  refused: {refused / seconds:,.0f}/s, {answers.bare:,} of all without Retry-After; {_spread(answers.refused)}"
    )
    print(f"  no answer within 10 s: {answers.statuses[UNANSWERED]:,}; other statuses (0: connection lost): {others}")
    print(f"  memory of the server: {memory}; connections: {run.report.connections:,}")
    print(f"  CPU µs a request: {told(run.cpu)}; the generator was {_ms(run.report.behind)} behind (p99)")
    print(f"  at half the limit, normal again after {_normal_after(after.report.streams[0]):.1f} s", flush=True)


def told(cpu: Mapping[str, float]) -> str:
    """CPU microseconds by process."""
    return ", ".join(f"{stage} {spent:,.0f}" for stage, spent in cpu.items() if spent >= 0.5)


def _normal_after(answers: Answers) -> float:
    """Seconds after which each window has 99 % of its requests within the limit; infinite if the last has not."""
    windows: dict[int, list[float]] = {}
    for at, latency in zip(answers.at, answers.latencies, strict=True):
        windows.setdefault(int(at / WINDOW), []).append(latency)
    late = [number for number in range(int(AFTER / WINDOW)) if _slow(windows.get(number, []))]
    if answers.sent != len(answers.latencies) or (late and late[-1] == int(AFTER / WINDOW) - 1):
        return math.inf
    return WINDOW * (late[-1] + 1) if late else 0.0


def _slow(latencies: list[float]) -> bool:
    return not latencies or sorted(latencies)[math.ceil(0.99 * len(latencies)) - 1] >= LIMIT


def _latencies(answers: Answers) -> str:
    failed = answers.sent - answers.statuses[max(answers.statuses, key=lambda status: answers.statuses[status])]
    shares = ", ".join(f"{name} {_ms(answers.within(share))}" for name, share in (("p50", 0.5), ("p99", 0.99)))
    return f"{shares}; {failed} of {answers.sent:,} failed: {dict(answers.statuses)}" if failed else shares


def _spread(latencies: "array[float]") -> str:
    return ", ".join(f"{name} {_ms(percentile(latencies, share))}" for name, share in (("p50", 0.5), ("p99", 0.99)))


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.1f} ms"
