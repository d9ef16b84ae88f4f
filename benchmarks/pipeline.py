"""Documents a second from publish to stored and acked, and CPU microseconds a document by stage, of Headrace and of its peers.

    python benchmarks/pipeline.py                                                    # embedded, a million, the trivial classifier
    python benchmarks/pipeline.py --model language --documents 200000
    python benchmarks/pipeline.py --broker kafka://… --store none: --results kafka://… --documents 200000
    python benchmarks/pipeline.py --broker amqp://… --store postgresql://… --data ../shared/data --rounds 3 --plot pipeline.png

Documents have 250 characters and random ids; they are published while the workers run, as ingest would. With --data, the peers run in the
same rounds, on RabbitMQ and PostgreSQL: the talk's worker, Celery and FastStream, each with a scikit-learn pipeline trained on that data,
and with Headrace's model, which separates the cost of the model from the rest. The figures are those of one machine under one load:
compare ratios.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from systems import MODELS, Run, Workload, headrace, peer

TALK, CELERY = ("peers.talk",), ("celery", "-A", "peers.celery_app", "worker", "--loglevel", "ERROR")
FASTSTREAM = ("faststream", "run", "peers.faststream_app:app")


def main() -> None:
    """Run the systems in turn for as many rounds as asked, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default="sqlite:")
    parser.add_argument("--store", default="sqlite:")
    parser.add_argument("--results", default="", help="kafka://HOST: from topic to topic, with --store none:")
    parser.add_argument("--model", choices=MODELS, default="trivial")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--stored", type=int, default=0, help="documents that are in the store before")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--unpacked", action="store_true", help="also run Headrace with one document a body")
    parser.add_argument("--data", type=Path, help="also run the peers, with a pipeline trained on this data")
    parser.add_argument("--work", type=Path, help="folder in which the trained pipeline is kept and reused")
    parser.add_argument("--peer-documents", type=int, default=3000)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    workload = Workload(
        options.broker, options.store, options.documents, options.results, options.stored, options.workers
    )
    runs: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory() as folder:
        systems = systems_to_run(options, workload, options.work or Path(folder))
        for _ in range(options.rounds):
            for name, run_once in systems.items():
                runs.setdefault(name, []).append(run_once())
    show(runs)
    if options.plot:
        plot(runs, options.plot)


def systems_to_run(options: argparse.Namespace, workload: Workload, folder: Path) -> dict[str, Callable[[], Run]]:
    """The systems to run, by name."""
    systems: dict[str, Callable[[], Run]] = {f"Headrace, {options.model}": lambda: headrace(workload, options.model)}
    if options.unpacked or options.data:
        fewer = replace(workload, documents=max(1, workload.documents // 5))
        systems[f"Headrace, {options.model}, unpacked"] = lambda: headrace(fewer, options.model, unpacked=True)
    if options.data:
        from scorer import train

        train(options.data / "language", folder)
        few = replace(workload, documents=options.peer_documents)
        for model, where in (("scikit-learn", str(folder)), ("Headrace's model", "language")):
            systems[f"the talk's worker, {model}"] = lambda where=where: peer(few, TALK, where)
            systems[f"Celery, {model}"] = lambda where=where: peer(few, CELERY, where, celery=True)
            systems[f"FastStream, {model}"] = lambda where=where: peer(few, FASTSTREAM, where)
    return systems


def show(runs: dict[str, list[Run]]) -> None:
    """Print a table of medians; a ratio is the median of the rounds' ratios of the first system to this one."""
    first = next(iter(runs))
    print(f"| {'':40} | documents | documents/s | spread        | ratio | CPU µs a document | peak MiB |")
    print(f"|{'-' * 42}|----------:|------------:|--------------:|------:|---|---|")
    for name, some in runs.items():
        rates = [run.rate for run in some]
        ratio = statistics.median(mine.rate / run.rate for mine, run in zip(runs[first], some, strict=True))
        cpu = {
            stage: round(statistics.median(1e6 * run.cpu[stage] / run.documents for run in some), 1)
            for stage in some[0].cpu
        }
        memory = {stage: max(run.memory[stage] for run in some) for stage in some[0].memory}
        spread = f"{min(rates):,.0f}-{max(rates):,.0f}"
        print(
            f"| {name:40} | {some[0].documents:9,} | {statistics.median(rates):11,.0f} | {spread:13} | {ratio:5.1f} "
            f"| {_listed(cpu)} | {_listed(memory)} |"
        )


def _listed(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in figures.items() if value) or json.dumps(None)


def plot(runs: dict[str, list[Run]], path: Path) -> None:
    """Plot rates as bars on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = list(runs)[::-1]
    rates = [statistics.median(run.rate for run in runs[name]) for name in names]
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(names) + 1))
    bars = axes.barh(names, rates, color=["tab:blue" if name.startswith("Headrace") else "tab:gray" for name in names])
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=3, fontsize=8)
    axes.set(xscale="log", xlabel="documents a second, from publish to stored and acked")
    axes.margins(x=0.15)
    axes.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
