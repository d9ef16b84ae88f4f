"""How long commands take to start, in wall and CPU seconds: medians over whole processes, run in turn.

    python benchmarks/startup.py [--runs 11]

`python -c pass` is the floor on the same machine in the same run. On a busy machine, CPU seconds say more. Bytecode is compiled first, as
it is for an installed package.
"""

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import headrace

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


def run(arguments: list[str]) -> tuple[float, float]:
    """The wall and CPU seconds of one process."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "COLUMNS": "100"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
