"""Kernels are compiled by one process beside those that need them, which go on meanwhile."""

import fcntl
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import until

from headrace.scoring.compiling import Compiler
from headrace.scoring.hashed import features, letters
from headrace.scoring.hashed import scorer as hashed
from headrace.scoring.hashed.parameters import one_table

#: Counts the processes that compile; they go on once there is a file `go`, or fail if there is one `fail`.
SCRIPT = """
import os
import time
from pathlib import Path

from headrace.scoring import compiling


def work():
    here = Path(__file__).parent
    (here / f"started.{os.getpid()}").touch()
    while not (here / "go").exists():
        if (here / "fail").exists():
            raise ValueError("no room")
        time.sleep(0.01)


compiling.run_child(work)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "compiles.py"
    path.write_text(SCRIPT)
    return path


def compiler(script: Path) -> Compiler:
    return Compiler([str(script)], [script], script.parent / "cache")


def started(script: Path) -> list[int]:
    return [int(path.suffix[1:]) for path in script.parent.glob("started.*")]


def test_one_of_several_has_the_kernels_compiled_and_all_find_them(script: Path, caplog: Any) -> None:
    several = [compiler(script) for _ in range(4)]
    assert not any(one.ready() for one in several)
    until(lambda: started(script))
    assert not any(one.ready() for one in several)
    (script.parent / "go").touch()
    until(lambda: all(one.ready() for one in several))
    assert len(started(script)) == 1
    assert caplog.text.count("compiling the scorer for this machine") == 1
    assert compiler(script).ready()


def test_another_takes_over_if_the_process_that_compiles_is_killed(script: Path) -> None:
    first, second = compiler(script), compiler(script)
    assert not first.ready()
    until(lambda: started(script))
    [victim] = started(script)
    os.kill(victim, signal.SIGKILL)
    until(lambda: second.ready() or len(started(script)) == 2)
    (script.parent / "go").touch()
    until(lambda: first.ready() and second.ready())


def test_the_process_that_compiles_ends_with_the_one_that_needs_it(script: Path) -> None:
    only = compiler(script)
    assert not only.ready()
    until(lambda: started(script))
    [child] = started(script)
    del only
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_what_cannot_be_compiled_is_said_once_and_tried_again(script: Path, caplog: Any) -> None:
    (script.parent / "fail").touch()
    one = compiler(script)
    until(lambda: one.ready() or len(started(script)) == 2)
    assert caplog.text.count("the scorer cannot be compiled, so texts are scored more slowly: ValueError: no room") == 1
    (script.parent / "fail").unlink()
    (script.parent / "go").touch()
    until(one.ready)


def test_changed_sources_are_compiled_again(script: Path) -> None:
    (script.parent / "go").touch()
    until(compiler(script).ready)
    script.write_text(SCRIPT + "\n")
    assert not compiler(script).ready()


def test_where_nothing_can_be_kept_kernels_are_loaded_at_once(script: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Compiler([str(script)], [script], tmp_path / "file" / "cache").ready()
    assert not started(script)


def test_a_scorer_answers_while_another_process_compiles(tmp_path: Path) -> None:
    random = np.random.default_rng(3).integers(-9, 9, 64 * 2 + features.LANES).astype(np.int8)
    gains = np.full(14, 0.01)
    tables = one_table(("aa", "bb"), 0, random, gains, letters.alphabet(), *letters.compositions())
    done = hashed.compiler(tmp_path / "cache").done
    assert done is not None
    with done.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a process that compiles
        scorer = hashed.HashedScorer(tables, cache=tmp_path / "cache", patience=0)
        assert [one.label in ("aa", "bb") for one in scorer.predict(["guten Morgen", "good morning"])] == [True, True]
        assert not done.exists()
    assert not [path for path in done.parent.iterdir() if path.is_dir()]  # nothing was compiled here
