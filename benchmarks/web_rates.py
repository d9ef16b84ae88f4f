"""What benchmarks/http.py measures and prints; see there."""

import argparse
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import scorer
import usage
import web_profile
import web_scenarios as scenarios
from load.plan import Stream
from web_load import Load, Search
from web_servers import STARTING, Server, headrace_up, naive

from headrace import samples

#: Each call as an app is asked for it, with the rate at which the first search begins.
CALLS = {
    "POST /v1/documents": Stream("documents", "/v1/documents", 2000, 202),
    "POST /v1/documents?wait=5": Stream("documents", "/v1/documents?wait=5", 800),
    "POST /v1/predict": Stream("predict", "/v1/predict", 4000),
}
NAIVE_RATE = 250
PARTS = ("rates", "lists", "idle", "dashboards", "overload")


def main() -> None:
    """Start both servers, measure what was asked for, and check that no document was lost."""
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--broker", default="sqlite:")
    parser.add_argument("--store", default="sqlite:")
    parser.add_argument(
        "--data", type=Path, help="folder with language/train and language/dev: texts, and the naive app's pipeline"
    )
    parser.add_argument("--quick", action="store_true", help="one round, shorter loads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load of a search")
    parser.add_argument("--overload-seconds", type=float, default=60.0)
    parser.add_argument(
        "--connections",
        type=int,
        default=900,
        help="at most; more than the server's setting connections are refused one by one",
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--without-naive", action="store_true")
    parser.add_argument(
        "--limit", type=float, default=0.0, help="documents a second that count as the limit, if rates are not measured"
    )
    parser.add_argument("--path", default="/v1/results", help="what the dashboards ask for")
    parser.add_argument(
        "--profile", metavar="PY_SPY", help="instead, print what a request costs by stage, sampled by this py-spy"
    )
    parser.add_argument(
        "--profile-rates", default="1000,400,2000,50", help="requests a second: documents, with wait, predict, results"
    )
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.overload_seconds = 1, 1.2, min(15.0, options.overload_seconds)
    parts = [] if options.profile else options.only.split(",")
    with tempfile.TemporaryDirectory() as name, ExitStack() as cleanup:
        folder = Path(name)
        texts, model = prepare(options.data, folder)
        load = cleanup.enter_context(closing(Load(texts, options.connections)))
        servers = [cleanup.enter_context(headrace_up(folder, options.broker, options.store))]
        if not options.without_naive and "rates" in parts:
            servers.append(cleanup.enter_context(naive(folder, model)))
        for server in servers:
            warm(load, server)
        if options.profile:
            streams = (*CALLS.values(), Stream("get", "/v1/results", 50))
            given = map(float, options.profile_rates.split(","))
            profiled = [replace(stream, rate=rate) for stream, rate in zip(streams, given, strict=True)]
            web_profile.profile(load, servers[0], profiled, options.profile)
        limit = rates(load, servers, options) if "rates" in parts else 0.0
        if "lists" in parts:
            scenarios.lists(load, servers[0], options.seconds)
        if "idle" in parts:
            scenarios.idle(load, servers[0], 8 if options.quick else 20)
        if "dashboards" in parts:
            scenarios.dashboards(load, servers[0], options.path, 4 if options.quick else 10)
        if "overload" in parts:
            scenarios.overload(load, servers[0], options.limit or limit, options.overload_seconds)
        for server in servers:
            load.settle(server)
            check(server)


def prepare(data: Path | None, folder: Path) -> tuple[list[str], Path]:
    """The texts to send, and a folder with the naive app's pipeline. Without data they come from the samples of `headrace demo`."""
    if data is not None:
        scorer.train(data / "language", folder)
        rows = scorer.read(*sorted((data / "language" / "dev").glob("*.jsonl.gz")))
        return random.Random(0).sample([text for text, _ in rows], 5000), folder
    import joblib
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    found = samples.load()
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(2, 3)), SGDClassifier(random_state=0))
    pipeline.fit([one.text for one in found], [str(one.meta["language"]) for one in found])
    pipeline[-1].coef_ = np.asfortranarray(
        pipeline[-1].coef_
    )  # otherwise scikit-learn copies the weights for each call
    joblib.dump(pipeline, folder / "pipeline.joblib")
    return [one.text for one in found], folder


def warm(load: Load, server: Server) -> None:
    """Wait until a server predicts and stores, and then until it is idle: the scorer may be compiled beside the first requests."""
    load.settle(server)
    deadline = time.monotonic() + STARTING
    predict = Stream("predict", "/v1/predict", 5, even=True)
    while math.isinf(load.run(server, predict, seconds=0.5).report.streams[0].within(1.0)) or busy(server):
        assert time.monotonic() < deadline, f"{server.name} does not come to rest"


def busy(server: Server) -> bool:
    """Whether a server uses more than a fifth of a core during a second."""
    own = {stage: found for stage, found in server.processes().items() if stage not in usage.SERVERS}
    before = usage.cpu_seconds(own)
    time.sleep(1)
    return sum(usage.difference(before, usage.cpu_seconds(own)).values()) > 0.2


def rates(load: Load, servers: Sequence[Server], options: argparse.Namespace) -> float:
    """Search the highest rate of each call and server, in interleaved rounds, and print them; that of `POST /v1/documents`."""
    print(f"| {'':25} | {'':9} | requests/s |     spread      | ratio | p50 ms | p99 ms | CPU µs a request |")
    print(f"|{'-' * 27}|{'-' * 11}|-----------:|----------------:|------:|-------:|-------:|------------------|")
    limit = 0.0
    for name, stream in CALLS.items():
        searches = [Search(server, stream, options.seconds) for server in servers]
        for one in searches[1:]:
            one.stream = replace(stream, rate=NAIVE_RATE, status=200)
        for _ in range(options.rounds):
            for one in searches:
                one.round(load)
        for one in searches:
            _print_search(name, one, searches[-1])
        limit = limit or searches[0].rate
    return limit


def _print_search(name: str, one: Search, other: Search) -> None:
    answers, spread = one.run.report.streams[0], f"{min(one.found):,.0f}-{max(one.found):,.0f}"
    ratio = statistics.median(ours / theirs for ours, theirs in zip(one.found, other.found, strict=True))
    times = f"{'' if one is other else format(ratio, '.1f'):>5} | {1e3 * answers.within(0.5):6.1f} | {1e3 * answers.within(0.99):6.1f}"
    print(
        f"| {name:25} | {one.server.name:9} | {one.rate:10,.0f} | {spread:>15} | {times} | {scenarios.told(one.run.cpu)} |",
        flush=True,
    )


def check(server: Server) -> None:
    """Assert that every accepted document is stored, once, and nothing that nobody sent."""
    stored = server.stored()
    whole = set(stored)
    lost, twice = len(server.accepted - whole), len(stored) - len(whole)
    counts = f"{len(server.accepted):,} documents accepted ({len(server.doubtful):,} refused or without an answer), {len(stored):,} stored"
    print(f"{server.name}: {counts}, {lost:,} accepted and lost, {twice:,} stored twice")
    assert not lost
    assert not twice
    assert whole <= server.accepted | server.doubtful, "the store has documents that nobody sent"
