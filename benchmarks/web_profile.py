"""CPU microseconds a request of Headrace's server by stage, from samples of py-spy under a steady load."""

import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from load.plan import Stream
from web_load import Load
from web_servers import Server

#: Samples a second. The server stands still while one is taken.
SAMPLES = 200
#: Stages, by parts of the names of files or functions; a sample counts for the first stage of which its stack has one.
STAGES = {
    "asking the store": ("headrace/stores/", "sqlalchemy/", "psycopg/"),
    "publishing": ("web/publishing", "headrace/brokers/"),
    "asking the predictor": ("headrace/predictor/", "headrace/models/"),
    "reading and checking documents": ("headrace/documents", "web/requests", "headrace/web/body", "_admit"),
    "access, metrics, headers": ("web/access/guard", "web/access/proxies", "web/access/names", "web/metering"),
    "writing the answer": ("web/responses", "starlette/responses", "uvicorn/protocols/http/httptools_impl.py:send"),
    "waiting for results": ("web/api/waiting", "web/lookup"),
    "routing, parameters": ("fastapi/", "starlette/", "pydantic/"),
    "calls of the API": ("headrace/web/api/", "headrace/web/"),
    "the connection": ("httptools", "uvicorn/", "http_connection"),
    "threads and event loop": ("",),
}


def profile(load: Load, server: Server, stream: Stream, spy: str, seconds: float) -> dict[str, float]:
    """The microseconds a request of a steady stream, by stage of the server's process; `spy` is py-spy's executable."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "profile.txt")
        command = [
            spy,
            "record",
            "--format",
            "raw",
            "--rate",
            str(SAMPLES),
            "--duration",
            str(round(seconds)),
            "--output",
            str(file),
        ]
        recorder = subprocess.Popen([*command, "--pid", str(server.pid)], stdout=subprocess.DEVNULL)
        run = load.run(server, stream, seconds=seconds, warm_up=0.5)
        recorder.wait()
        counted = _by_stage(file.read_text())
    whole = sum(counted.values())
    load.settle(server)
    return {stage: run.cpu["server"] * counted[stage] / whole for stage in STAGES if counted[stage]}


def _by_stage(samples: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        found[next(stage for stage, parts in STAGES.items() if any(part in stack for part in parts))] += int(count)
    return found
