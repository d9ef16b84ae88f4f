"""The handle that drives real predictor processes: who is blamed for a death, and who is not."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FAULTY, PATIENCE, alive, no_descriptors, predictors, setup, until

from headrace import load
from headrace.documents import Document, Outcome, encode
from headrace.errors import Misconfigured, Missing, Rejected, Unavailable
from headrace.models.spec import parse
from headrace.predictor import descendants, frames
from headrace.predictor.handle import Abandoned, Pace, Predictor
from headrace.predictor.pace import FIRST_LINES
from headrace.scoring import cache
from headrace.scoring.hashed.scorer import compiler
from headrace.testing.classifiers import SECONDS_A_STEP

Make = Callable[..., Predictor]
TRIVIAL = "size=python:headrace.testing.classifiers:Trivial"


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Predictor] = []

    def start(models: str = FAULTY, *, deadline: float = PATIENCE, memory: int = 1 << 30, **options: Any) -> Predictor:
        made.append(Predictor(setup(models, memory=memory), deadline=deadline, **options))
        return made[-1]

    yield start
    for predictor in made:
        predictor.close()


def line(text: str) -> bytes:
    return encode(Document(text, text))


def outcomes(predictor: Predictor, *texts: str) -> dict[str, Outcome]:
    """By id; each document has exactly one, in the order in which they were sent."""
    predictor.send([line(text) for text in texts])
    found = predictor.collect()
    assert [one.document.id for one in found if one.document] == list(texts)
    return {one.document.id: one for one in found if one.document}


def blamed(found: dict[str, Outcome]) -> dict[str, str]:
    return {name: one.dead[0].kind for name, one in found.items() if one.dead}


def child() -> int:
    return predictors(os.getpid())[-1]


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ("KILL", "killed", "SIGSEGV"),
        ("EXIT", "killed", "status 3"),
        ("INTERRUPT", "killed", "status 0"),
        ("RAISE", "raised", "model fake@bbbbbb raised ValueError: this text is too much"),
    ],
)
def test_only_the_document_that_ends_the_process_is_buried(make: Make, fault: str, kind: str, reason: str) -> None:
    found = outcomes(make(), "a", "b", f"{fault} c", "d", "e")
    assert blamed(found) == {f"{fault} c": kind}
    assert reason in found[f"{fault} c"].dead[0].reason
    assert all(one.predictions for name, one in found.items() if name != f"{fault} c")


def test_a_document_that_grows_past_the_memory_is_buried_as_such(make: Make) -> None:
    found = outcomes(make(memory=512 << 20), "a", "GROW b", "c")
    assert blamed(found) == {"GROW b": "memory"}
    assert "512 MiB (setting memory)" in found["GROW b"].dead[0].reason


@pytest.mark.parametrize("fault", ["SPIN", "HANG"])
def test_a_document_that_never_ends_is_buried_after_the_deadline(make: Make, fault: str) -> None:
    found = outcomes(make(deadline=3.0), "a", f"{fault} b")
    assert blamed(found) == {f"{fault} b": "overdue"}
    assert "longer than 3 s (setting deadline)" in found[f"{fault} b"].dead[0].reason
    assert found["a"].predictions


def test_a_model_that_goes_on_step_by_step_may_take_longer_than_the_deadline_in_all(make: Make) -> None:
    texts = [str(number) for number in range(16)]
    predictor = make("slow=python:headrace.testing.classifiers:Steps", deadline=16 * SECONDS_A_STEP / 2)
    assert all(one.predictions for one in outcomes(predictor, *texts).values())
    assert predictor.deaths == 0


def test_a_document_that_never_ends_is_found_among_the_steps_before_it(make: Make) -> None:
    found = outcomes(make("slow=python:headrace.testing.classifiers:Steps", deadline=3.0), "a", "b", "HANG c", "d")
    assert blamed(found) == {"HANG c": "overdue"}


def test_a_slow_shadow_is_given_few_lines_and_the_model_that_answers_as_many_as_it_can_take(make: Make) -> None:
    predictor = make(f"{TRIVIAL}, shadow slow=python:headrace.testing.classifiers:Steps")
    found = outcomes(predictor, *(str(number) for number in range(16)))
    assert all(one.shadows for one in found.values())
    assert predictor.pace.lines == 1
    assert not outcomes(predictor, "a")["a"].shadows  # it rests
    assert predictor.pace.lines >= FIRST_LINES


def test_several_culprits_in_one_batch_are_all_found(make: Make) -> None:
    names = ["KILL 1", "a", "RAISE 2", "b", "EXIT 3", "c", "KILL 4"]
    found = outcomes(make(), *names)
    assert blamed(found) == {"KILL 1": "killed", "RAISE 2": "raised", "EXIT 3": "killed", "KILL 4": "killed"}
    assert [name for name, one in found.items() if one.predictions] == ["a", "b", "c"]


def test_a_process_that_is_asked_to_end_proves_nothing(make: Make) -> None:
    predictor = make()
    predictor.start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(child(), number)
        assert blamed(outcomes(predictor, "a", "b")) == {}


def test_a_process_that_was_killed_while_idle_harms_no_document(make: Make) -> None:
    predictor = make()
    predictor.start()
    for _ in range(3):
        pid = child()
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: not alive(pid))
        assert blamed(outcomes(predictor, "a")) == {}
    assert predictor.deaths == 3


def test_a_document_that_asks_the_process_to_end_does_not_come_for_ever(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.predictor.handle.HINTS", 2)
    found = outcomes(make(), "a", "ASKED b")
    assert blamed(found) == {"ASKED b": "killed"}
    assert "SIGTERM" in found["ASKED b"].dead[0].reason


def test_a_process_that_closes_its_pipe_and_lives_on_is_ended(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.predictor.process.LAST_SECONDS", 0.1)
    assert blamed(outcomes(make(), "SHUT a", "b")) == {"SHUT a": "killed"}


def test_a_model_that_was_open_and_cannot_be_found_now_is_waited_for(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "absent.py").write_text(
        "from headrace.errors import Missing\nfrom headrace.testing.classifiers import Trivial\n"
        f"from pathlib import Path\nclass Away(Trivial):\n    def __init__(self):\n        if Path({str(tmp_path / 'away')!r}).exists():\n"
        "            raise Missing('the folder of models is away')\n"
    )
    predictor = make("size=python:absent:Away")
    predictor.start()
    (tmp_path / "away").touch()
    predictor.close()
    with pytest.raises(Unavailable, match="is away"):
        predictor.start()
    with pytest.raises(Missing):
        make("size=python:absent:Away").start()
    (tmp_path / "away").unlink()
    predictor.start()


def marked(marks: list[str]) -> list[Path]:
    """The running processes that have one of these marks, however far they have gone."""
    return [path for path in Path("/proc").glob("[0-9]*") if _has_one(path, marks)]


def _has_one(path: Path, marks: list[str]) -> bool:
    try:
        environment = (path / "environ").read_bytes()
    except OSError:
        return False
    return any(f"{descendants.VARIABLE}={mark}".encode() in environment for mark in marks) and alive(int(path.name))


@pytest.mark.skipif(sys.platform != "linux", reason="daemons are found on Linux")
@pytest.mark.parametrize(("fault", "kind"), [("FORK", None), ("FORKKILL", "killed"), ("FORKHANG", "overdue")])
def test_what_a_model_forks_ends_with_the_predictor_and_hides_no_death(
    make: Make, monkeypatch: pytest.MonkeyPatch, fault: str, kind: str | None
) -> None:
    marks: list[str] = []
    new_mark = descendants.new_mark
    monkeypatch.setattr(descendants, "new_mark", lambda: marks.append(new_mark()) or marks[-1])
    predictor = make(deadline=5.0 if kind == "overdue" else PATIENCE)
    found = outcomes(predictor, "a", f"{fault} b")
    assert blamed(found) == ({f"{fault} b": kind} if kind else {})
    if kind == "killed":
        assert "SIGSEGV" in found[f"{fault} b"].dead[0].reason
    assert marked(marks)
    predictor.close()
    until(lambda: not marked(marks), "the end of what the model forked")


@pytest.mark.skipif(sys.platform != "linux", reason="daemons are found on Linux")
def test_a_daemon_that_is_forked_while_daemons_are_looked_for_ends_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = descendants.new_mark()
    forking = "import os, sys, time; sys.stdin.read(1); os.fork() and os._exit(0); time.sleep(3600)"
    listed = os.listdir
    with subprocess.Popen(
        [sys.executable, "-c", forking], stdin=subprocess.PIPE, env={descendants.VARIABLE: mark}, start_new_session=True
    ) as parent:

        def fork_once_listed(folder: str) -> list[str]:
            found = listed(folder)
            assert parent.stdin is not None
            if parent.returncode is None:
                assert str(parent.pid) in found
                parent.stdin.close()
                parent.wait(PATIENCE)
                assert marked([mark])
            return found

        monkeypatch.setattr(os, "listdir", fork_once_listed)
        nobody = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
        descendants.kill(nobody.pid, mark)
        nobody.communicate()
    until(lambda: not marked([mark]), "the end of the daemon")


def test_a_document_that_never_ends_is_given_up_though_no_file_can_be_opened(make: Make) -> None:
    predictor = make(deadline=5.0)
    assert outcomes(predictor, "a")["a"].predictions
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with no_descriptors():
        predictor.send([line("HANG b")])
        with pytest.raises(Unavailable, match="Too many open files"):
            predictor.collect()
        assert predictors(os.getpid()) == []
    assert outcomes(predictor, "c")["c"].predictions
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_copy_of_the_predictor_that_a_model_lets_return_answers_nothing(make: Make) -> None:
    predictor = make()
    assert blamed(outcomes(predictor, "a", "COPY b", "c")) == {}
    assert blamed(outcomes(predictor, "d", "e")) == {}
    assert predictor.deaths == 0


def test_what_a_model_prints_and_reads_does_not_get_between_the_frames(make: Make) -> None:
    assert blamed(outcomes(make(), "CHATTER a", "b")) == {}


def test_a_death_while_draining_gives_the_work_up_and_blames_nobody(make: Make) -> None:
    draining = threading.Event()
    predictor = make(draining=draining.is_set)
    predictor.start()
    draining.set()
    with pytest.raises(Abandoned):
        outcomes(predictor, "KILL a")


def test_an_overdue_document_while_draining_gives_the_work_up(make: Make) -> None:
    draining = threading.Event()
    predictor = make(draining=draining.is_set, deadline=0.3)
    predictor.start()
    draining.set()
    with pytest.raises(Abandoned):
        outcomes(predictor, "HANG a")


def test_whoever_waits_may_give_up(make: Make) -> None:
    giving_up = threading.Event()

    def idle() -> None:
        if giving_up.is_set():
            raise Abandoned("enough")

    predictor = make(idle=idle)
    predictor.start()
    giving_up.set()
    with pytest.raises(Abandoned, match="enough"):
        outcomes(predictor, "HANG a")


def test_models_die_each_for_themselves(make: Make) -> None:
    found = outcomes(make(f"{TRIVIAL}, {FAULTY}, other={FAULTY.partition('=')[2]}"), "a", "KILL b")
    killed = found["KILL b"]
    assert [one.model for one in killed.predictions] == ["size@aaaaaa"]
    assert [(letter.model, letter.kind) for letter in killed.dead] == [("fake", "killed"), ("other", "killed")]
    assert [one.model for one in found["a"].predictions] == ["size@aaaaaa", "fake@bbbbbb", "other@bbbbbb"]


def test_a_shadow_that_dies_is_counted_and_nothing_else(make: Make) -> None:
    predictor = make(f"{TRIVIAL}, shadow {FAULTY}")
    found = outcomes(predictor, "a", "KILL b", "RAISE c")
    assert blamed(found) == {}
    assert [len(one.shadows) for one in found.values()] == [0, 0, 0]  # they were predicted together
    assert all(one.predictions for one in found.values())
    assert predictor.shadow_failures == 1
    assert [len(one.shadows) for one in outcomes(predictor, "d", "RAISE e").values()] == [1, 0]
    assert predictor.shadow_failures == 2


@pytest.mark.parametrize(("fault", "deaths"), [("KILL", 3), ("HANG", 1)])
def test_a_shadow_that_fails_again_and_again_is_left_out(make: Make, fault: str, deaths: int) -> None:
    predictor = make(f"{TRIVIAL}, shadow {FAULTY}", deadline=3.0 if fault == "HANG" else PATIENCE)
    for number in range(6):
        found = outcomes(predictor, f"{fault} {number}")
        assert [len(one.predictions) for one in found.values()] == [1]
    assert predictor.shadow_failures == deaths
    assert predictor.left_out == ["fake"]
    assert predictor.shadow_skipped == 6 - deaths


@pytest.mark.parametrize("broken", ["Refusing", "Absent"])
def test_a_shadow_that_cannot_be_opened_stops_nobody(make: Make, broken: str) -> None:
    predictor = make(f"{TRIVIAL}, shadow fake=python:headrace.testing.classifiers:{broken}")
    assert [len(one.predictions) for one in outcomes(predictor, "a").values()] == [1]
    assert predictor.left_out == ["fake"]


def test_a_condition_spares_a_model_what_it_would_die_of(make: Make) -> None:
    found = outcomes(make(f"{TRIVIAL}, {FAULTY} if size=long"), "KILL a", "long" * 30)
    assert blamed(found) == {}
    assert [len(one.predictions) for one in found.values()] == [1, 2]


def test_lines_that_are_no_documents_are_buried_between_those_that_are(make: Make) -> None:
    predictor = make()
    predictor.send([b"no JSON", line("KILL a"), b"", line("b")])
    found = predictor.collect()
    assert [[letter.kind for letter in one.dead] for one in found] == [["malformed"], ["killed"], ["malformed"], []]


def test_a_number_too_large_for_the_pipe_is_malformed_and_kills_nothing(make: Make) -> None:
    predictor = make()
    predictor.send([b'{"id": "a", "text": "b", "meta": {"n": %d}}' % (1 << 70), line("b")])
    assert [[letter.kind for letter in one.dead] for one in predictor.collect()] == [["malformed"], []]
    assert predictor.deaths == 0


def test_a_broken_model_buries_nothing(make: Make) -> None:
    predictor = make("fake=python:headrace.testing.classifiers:Broken")
    predictor.start()
    with pytest.raises(Misconfigured, match="fake@cccccc is broken: its golden texts raise RuntimeError: broken"):
        outcomes(predictor, "a", "b")


def test_a_model_that_gets_its_golden_texts_wrong_is_refused_by_name(make: Make) -> None:
    with pytest.raises(Misconfigured, match="fake@dddddd is broken: its golden texts come out as"):
        make("fake=python:headrace.testing.classifiers:Refusing").start()
    assert predictors(os.getpid()) == []


def test_a_remote_model_that_is_away_is_told_and_what_was_sent_is_forgotten(make: Make) -> None:
    predictor = make()
    predictor.send([line("UNAVAILABLE a"), line("b")])
    with pytest.raises(Unavailable, match="the remote model is away"):
        predictor.collect()
    assert blamed(outcomes(predictor, "b")) == {}


def test_texts_are_answered_and_a_text_that_kills_is_rejected(make: Make) -> None:
    predictor = make()
    (found,) = predictor.answer(frames.Texts(["a"]))
    assert found["fake"][0].label == "fine"
    with pytest.raises(Rejected, match="SIGSEGV"):
        predictor.answer(frames.Texts(["KILL a"]))
    with pytest.raises(Rejected, match="too much"):
        predictor.answer(frames.Texts(["RAISE a"]))
    assert predictor.answer(frames.Texts(["b"]))


def test_a_text_is_not_rejected_for_the_death_of_a_process_that_was_killed_before(make: Make) -> None:
    predictor = make()
    predictor.answer(frames.Texts(["a"]))
    os.kill(child(), signal.SIGKILL)
    assert predictor.answer(frames.Texts(["a"]))
    with pytest.raises(Unavailable, match="SIGTERM"):
        predictor.answer(frames.Texts(["ASKED a"]))


def test_other_models_are_served_from_then_on_and_a_broken_one_is_not(make: Make) -> None:
    predictor = make()
    predictor.start()
    predictor.serve(parse("fake=python:headrace.testing.classifiers:Trivial"))
    assert predictor.models == ["fake@aaaaaa"]
    with pytest.raises(Misconfigured):
        predictor.serve(parse("fake=python:headrace.testing.classifiers:Refusing"))
    assert outcomes(predictor, "a")["a"].predictions[0].model == "fake@aaaaaa"
    assert predictor.models == ["fake@aaaaaa"]


KEEPER = f"""
import os, sys
from headrace.documents import Document, encode
from headrace.predictor.handle import Predictor
from headrace.models.spec import parse
from headrace.predictor.settings import PredictorSettings
settings = PredictorSettings(models=parse({FAULTY!r}), registry="none", memory=1 << 30)
predictor = Predictor(settings, deadline={PATIENCE!r})
predictor.start()
"""
COUNTING = """
from support import children, descriptors
def count():
    print(descriptors(), len(children(os.getpid())), flush=True)
count()
predictor.send([encode(Document(text, text)) for text in ("KILL a", "EXIT b", "c")])
predictor.collect()
count()
predictor.close()
predictor.close()
count()
"""
BEING_KILLED = """
predictor.send([encode(Document("a", sys.argv[1]))])
print("sent", flush=True)
predictor.collect()
"""


def test_deaths_leave_no_descriptor_and_no_process_behind() -> None:
    # In a process that has nothing else.
    done = subprocess.run(
        [sys.executable, "-c", KEEPER + COUNTING],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    before, after, closed = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert before == after
    assert before[1] == 1
    assert closed == (before[0] - (3 if sys.platform == "linux" else 2), 0)  # its pipes, and what tells of its death


@pytest.mark.parametrize("text", ["SPIN", "HANG", "FORKHANG"])
def test_a_predictor_dies_with_its_keeper(text: str) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER + BEING_KILLED, text], stdout=subprocess.PIPE)
    assert keeper.stdout is not None
    with keeper.stdout:
        assert keeper.stdout.readline() == b"sent\n"
        (predictor,) = predictors(keeper.pid)
        keeper.kill()
        keeper.wait()
        until(lambda: not alive(predictor), "the predictor's end")


def test_the_pace_follows_what_is_measured_to_about_half_a_second() -> None:
    pace = Pace()
    for _ in range(20):
        pace.learn(pace.lines, pace.lines * 250, pace.lines / 1000)
    assert 400 <= pace.lines <= 600
    assert 200_000 < pace.bytes_per_second < 300_000
    pace.learn(pace.lines, pace.lines * 250, 60.0)
    assert 1 <= pace.lines < 20
    for _ in range(20):
        pace.learn(1, 250, 10.0)
    assert pace.lines == 1
    for _ in range(100):
        pace.learn(pace.lines, 1 << 20, 0.0)
    assert pace.lines == 8192


def test_documents_are_answered_before_the_scorer_is_compiled(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = compiler().done
    assert done is not None
    with done.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process that compiles
        predictor = make("language")
        predictor.start()
        found = outcomes(predictor, "Vad är klockan?", "Wie spät ist es?")
        assert [one.predictions[0].label for one in found.values()] == ["sv", "de"]
        assert {path.suffix for path in done.parent.iterdir()} == {".lock"}  # nothing is compiled


def unfinished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let predictors keep compiled code in the folder. It has the kernels, but not the file, whose path is returned, that says so."""
    kept = cache.folder()
    assert kept is not None
    load("language").prepare(wait=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    done = compiler().done
    assert done is not None
    shutil.copytree(kept, done.parent, dirs_exist_ok=True)
    done.unlink()
    return done


def test_a_document_is_not_blamed_for_want_of_a_compiled_scorer(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = unfinished(tmp_path, monkeypatch)
    with done.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process that compiles
        predictor = make("language", deadline=0.5)
        predictor.send([encode(Document(name, "Vad är klockan? " * 60_000)) for name in ("a", "b")])
        found = predictor.collect()
    assert [one.dead for one in found] == [(), ()]
    assert [one.predictions[0].label for one in found] == ["sv", "sv"]


def test_texts_are_answered_if_no_scorer_can_be_compiled(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = unfinished(tmp_path, monkeypatch)
    for lock in done.parent.glob("*/clean.lock"):
        lock.with_suffix(".done").unlink(missing_ok=True)
        lock.unlink()
        lock.mkdir()  # so that it cannot be written
    found = outcomes(make(f"language, {FAULTY}", deadline=0.5), "Vad är klockan?", "HANG a")
    assert blamed(found) == {"HANG a": "overdue"}
    assert found["Vad är klockan?"].predictions[0].label == "sv"
