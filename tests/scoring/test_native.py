"""Kernels are compiled by one process of a machine and loaded by all others."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import until

from headrace.scoring import cache

KERNELS = """
import sys
from pathlib import Path

from numba import types

from headrace.scoring import native


def add(one, other):
    return one + other


def multiply(one, other):
    return one * other


for name in sys.argv[2:]:
    kernel = native.compiled(globals()[name], (types.int64, types.int64), Path(sys.argv[1]))
    print(kernel(1, 2))
"""


def command(folder: Path, *names: str) -> list[str]:
    """A command that compiles the kernels of these names, and prints their results for 1 and 2."""
    (folder / "kernels.py").write_text(KERNELS)
    return [sys.executable, str(folder / "kernels.py"), str(folder / "cache"), *names]


def test_one_of_several_processes_that_start_together_compiles(tmp_path: Path) -> None:
    adding = command(tmp_path, "add")
    started = [subprocess.Popen(adding, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [one.communicate() for one in started]
    assert [output for output, _ in ended] == ["3\n"] * 3
    assert "".join(errors for _, errors in ended).count("compiling the scorer") == 1


def test_a_process_that_waited_for_one_kernel_compiles_the_next_silently(tmp_path: Path) -> None:
    """Two processes that start together may compile a kernel each; the user hears of it once all the same."""
    subprocess.run(command(tmp_path, "add"), check=True, capture_output=True)
    [done] = tmp_path.glob("cache/*/add.done")
    done.unlink()
    with done.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process that compiles it
        both = command(tmp_path, "add", "multiply")
        late = subprocess.Popen(both, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waiting = f":{os.fstat(lock.fileno()).st_ino} "
        until(lambda: any(waiting in line for line in Path("/proc/locks").read_text().splitlines() if "->" in line))
    output, errors = late.communicate()
    assert output == "3\n2\n", errors
    assert "compiling the scorer" not in errors


def test_kernels_work_if_the_cache_folder_of_the_environment_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = str(tmp_path / "file" / "folder")
    both = command(tmp_path, "add", "multiply")
    environment = {**os.environ, "NUMBA_CACHE_DIR": missing}
    ended = subprocess.run(both, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, ended.stdout) == (0, "3\n2\n"), ended.stderr
    assert ended.stderr.count("compiled code is not kept") == 1
    assert f"{missing} (NUMBA_CACHE_DIR): Not a directory" in ended.stderr


#: The system does not know the user, as that of a container.
UNKNOWN = """
import pwd

def getpwuid(number):
    raise KeyError(number)

pwd.getpwuid = getpwuid
"""


def test_kernels_work_for_a_user_without_a_home_and_it_is_told_once_that_they_are_not_kept(tmp_path: Path) -> None:
    both = command(tmp_path, "add", "multiply")
    (tmp_path / "kernels.py").write_text(UNKNOWN + KERNELS.replace("Path(sys.argv[1])", "None"))
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    ended = subprocess.run(both, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, ended.stdout) == (0, "3\n2\n"), ended.stderr
    assert ended.stderr.count("compiled code is not kept") == 1
    assert "the user has no home; set HOME, or NUMBA_CACHE_DIR" in ended.stderr


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "headrace" / "numba"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "headrace" / "numba"
