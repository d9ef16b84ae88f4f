"""CPU microseconds a request of Headrace's server by stage, from samples of py-spy under a steady load."""

import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from load.plan import Stream
from web_load import Load
from web_servers import Server

#: Samples a second. The server stands still while one is taken.
SAMPLES = 200
SECONDS = 10
#: Stages, by parts of the names of files. A sample counts for the stage of the innermost frame that has one.
STAGES = {
    "publishing": ("headrace/brokers/", "pika/"),
    "asking the store": ("headrace/stores/", "headrace/sqlite_file", "sqlalchemy/", "psycopg/", "headrace/clock"),
    "the predictor's pipe": ("headrace/predictor/", "headrace/framing"),
    "JSON and documents": ("headrace/documents", "headrace/parsing", "web/requests", "api/submission"),
    "access, metrics": ("/guard", "/names", "/proxies", "/headers", "proxy_headers", "web/metering", "headrace/meter"),
    "batches": ("web/batching", "web/conflicts", "web/outbox", "web/publishing", "api/waiting", "web/lookup"),
    "threads of calls": ("web/pool", "anyio/", "web/sharing"),
    "the call itself": ("headrace/web/api/", "web/predictions", "web/direct", "web/admission"),
    "routing, parameters, answers": ("fastapi/", "starlette/", "pydantic/", "web/responses", "web/server"),
    "the connection": ("headrace/web/access/", "uvicorn/protocols/"),
}
LOOP = "event loop"
REST = "outside of Python: kernel, sockets, SQLite"


def profile(load: Load, server: Server, streams: Sequence[Stream], spy: str) -> None:
    """Print the microseconds a request of steady streams, by stage of the server's process; `spy` is py-spy's executable."""
    columns = [_of_stream(load, server, stream, spy) for stream in streams]
    names = [f"{stream.path} at {stream.rate:.0f}/s" for stream in streams]
    print(f"| µs a request | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    for stage in (*STAGES, LOOP, REST, "together"):
        print(f"| {stage} | {' | '.join(format(column.get(stage, 0.0), ',.0f') for column in columns)} |")


def _of_stream(load: Load, server: Server, stream: Stream, spy: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "profile.txt")
        plain = load.run(server, stream, seconds=SECONDS / 2)
        options = [
            "--gil",
            "--format",
            "raw",
            "--rate",
            str(SAMPLES),
            "--duration",
            str(SECONDS),
            "--output",
            str(file),
        ]
        recorder = subprocess.Popen(
            [spy, "record", *options, "--pid", str(server.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        report = load.run(server, stream, seconds=SECONDS, warm_up=0).report
        assert recorder.wait() == 0, f"{spy} record failed; may it trace other processes?"
        requests = sum(report.streams[0].statuses.values())
        stages = {stage: 1e6 * count / SAMPLES / requests for stage, count in _by_stage(file.read_text()).items()}
    load.settle(server)
    whole = plain.cpu["server"]
    return {**stages, REST: max(0.0, whole - sum(stages.values())), "together": whole}


def _by_stage(samples: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        stages = (_stage(frame) for frame in reversed(stack.split(";")))
        found[next((stage for stage in stages if stage), LOOP)] += int(count)
    return found


def _stage(frame: str) -> str | None:
    return next((stage for stage, parts in STAGES.items() if any(part in frame for part in parts)), None)
