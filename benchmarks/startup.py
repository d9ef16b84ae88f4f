"""How long commands take to start, in wall and CPU seconds: medians over whole processes, run in turn. And how long the first result of
`headrace demo` takes, from the command to what `GET /v1/results` shows, with an empty cache of compiled code and with a filled one.

    python benchmarks/startup.py [--runs 11] [--demos 3]

`python -c pass` is the floor on the same machine in the same run. On a busy machine, CPU seconds say more. Bytecode is compiled first, as
it is for an installed package.
"""

import argparse
import compileall
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import headrace

QUIET = subprocess.DEVNULL
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import headrace": ["-c", "import headrace"],
    "headrace --help": ["-m", "headrace", "--help"],
    "headrace models list": ["-m", "headrace", "models", "list"],
    "headrace predict": ["-m", "headrace", "predict", "Vad är klockan?"],
}


def main() -> None:
    """Run every command in turn, `--runs` times, after one round that is not counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--demos", type=int, default=3)
    options = parser.parse_args()
    compileall.compile_dir(Path(headrace.__file__).parent, quiet=2)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for turn in range(options.runs + 1):
        for name, arguments in COMMANDS.items():
            seconds = run(arguments)
            if turn:
                spent[name].append(seconds)
    for name, runs in spent.items():
        wall, cpu = (statistics.median(kind) for kind in zip(*runs, strict=True))
        print(f"{name:<22} {wall:6.3f} s, CPU {cpu:6.3f} s")
    demos = [demo() for _ in range(options.demos)]
    for kind, runs in zip(("empty", "filled"), zip(*demos, strict=True), strict=False):
        print(f"first result of headrace demo, {kind} cache: {statistics.median(runs):.3f} s")


def demo() -> tuple[float, float]:
    """The seconds to the first result with an empty cache of compiled code, and with a filled one."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        empty = first_result(environment)
        subprocess.run(
            [sys.executable, "-m", "headrace", "models", "compile"], check=True, env=environment, stdout=QUIET
        )
        return empty, first_result(environment)


def first_result(environment: dict[str, str]) -> float:
    """The seconds from the start of a demo in a new folder to its first result."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/v1/results"
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [sys.executable, "-m", "headrace", "demo", "--port", str(port)]
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=QUIET, stderr=QUIET)
        while not has_items(address):
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        running.terminate()
        running.wait()
    return seconds


def has_items(address: str) -> bool:
    """Whether the server answers, and has results."""
    try:
        with urllib.request.urlopen(address) as answer:
            return bool(json.load(answer)["items"])
    except OSError:
        return False


def run(arguments: list[str]) -> tuple[float, float]:
    """The wall and CPU seconds of one process."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "COLUMNS": "100"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
