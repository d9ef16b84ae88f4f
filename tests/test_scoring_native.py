"""Kernels: compiled by one process of a machine, loaded by all others."""

import subprocess
import sys
from pathlib import Path

ADDER = """
import sys
from pathlib import Path

from numba import types

from headrace.scoring import native


def add(one, other):
    return one + other


kernel = native.compiled(add, (types.int64, types.int64), Path(sys.argv[1]))
print(kernel(1, 2))
"""


def test_several_processes_that_start_together_compile_once(tmp_path: Path) -> None:
    (tmp_path / "adder.py").write_text(ADDER)
    command = [sys.executable, str(tmp_path / "adder.py"), str(tmp_path / "cache")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [one.communicate() for one in started]
    assert [output for output, _ in ended] == ["3\n"] * 3
    assert "".join(errors for _, errors in ended).count("compiling the scorer") == 1
