"""How long commands take to start: medians of whole processes, in turns.

    python benchmarks/startup.py [--runs 11]

`python -c pass` is the floor of the same machine in the same run. Compile the bytecode first (an installed package has it).
"""

import argparse
import compileall
import json
import os
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
    """Run every command in turn, `--runs` times, after one round that isn't counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    compileall.compile_dir(Path(headrace.__file__).parent, quiet=2)
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for turn in range(options.runs + 1):
        for name, arguments in COMMANDS.items():
            spent = run(arguments)
            if turn:
                seconds[name].append(spent)
    print(json.dumps({name: round(statistics.median(spent), 3) for name, spent in seconds.items()}, indent=1))


def run(arguments: list[str]) -> float:
    """Wall seconds of one process."""
    began = time.perf_counter()
    environment = {**os.environ, "COLUMNS": "100"}
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
