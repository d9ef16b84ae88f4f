"""CPU seconds and memory of the processes of a benchmark, by stage: publisher, keeper, predictor, worker, servers."""

from contextlib import suppress
from pathlib import Path

import psutil

#: Names of server processes whose CPU is counted if they run on this machine.
SERVERS = ("beam.smp", "postgres", "java", "redis-server", "nats-server", "beanstalkd", "ferretdb")

Stages = dict[str, list[psutil.Process]]


def servers() -> Stages:
    """The servers that run on this machine, by the names of their processes."""
    found: Stages = {}
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in SERVERS:
            found.setdefault(process.info["name"], []).append(process)
    return found


def cpu_seconds(stages: Stages) -> dict[str, dict[int, float]]:
    """User and system CPU seconds so far, by stage and process. Those of servers include children that have ended."""
    found: dict[str, dict[int, float]] = {}
    for stage, processes in stages.items():
        spent = found[stage] = {}
        for process in {*processes, *(servers().get(stage, []))}:
            with suppress(psutil.NoSuchProcess):
                spent[process.pid] = sum(process.cpu_times()[: 4 if stage in SERVERS else 2])
    return found


def difference(before: dict[str, dict[int, float]], after: dict[str, dict[int, float]]) -> dict[str, float]:
    """The CPU seconds that each stage spent between two calls of `cpu_seconds`."""
    return {stage: sum(spent - before[stage].get(pid, 0.0) for pid, spent in after[stage].items()) for stage in before}


def peak_memory(stages: Stages) -> dict[str, int]:
    """The peak resident memory of the largest process of each stage that is not a server, in MiB (VmHWM)."""
    found = {}
    for stage in ("keeper", "predictor", "worker"):
        for process in stages.get(stage, []):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:"))
            found[stage] = max(peak, found.get(stage, 0))
    return found
