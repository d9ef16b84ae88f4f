"""The log: its two forms, what is left out by level, and what never gets into it."""

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace import log
from headrace.errors import Misconfigured
from headrace.log import LogSettings

FAULTY = "fake=python:headrace.testing.classifiers:Faulty"
LOG = log.logger("headrace.example")


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Leaves logging as it was."""
    root, own = logging.getLogger(), logging.getLogger("headrace")
    before = [*root.handlers], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    logging.captureWarnings(False)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]


def entries(text: str) -> list[dict[str, object]]:
    """The objects of the lines, each of which must be one."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(one, dict) for one in found)
    return found


def test_text_is_the_message_after_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    LOG.info("now serving %s", "language@3f9c2a", extra={"versions": 1})
    LOG.warning("a worker died")
    assert capsys.readouterr() == ("", "headrace: now serving language@3f9c2a\nheadrace: a worker died\n")


def test_json_is_an_object_a_line_with_time_level_logger_message_process_and_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure(LogSettings("json"))
    LOG.warning('two\nlines, "quoted", ünïcode', extra={"received": 3, "versions": ["a", "b"], "path": Path("x")})
    [entry] = entries(capsys.readouterr().err)
    time = str(entry.pop("time"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(time)) < timedelta(hours=1)
    assert entry == {
        "level": "warning",
        "logger": "headrace.example",
        "message": 'two\nlines, "quoted", ünïcode',
        "process": os.getpid(),
        "received": 3,
        "versions": ["a", "b"],
        "path": "x",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_name_of_a_file_that_is_not_unicode_is_logged_all_the_same(form: str) -> None:
    script = (
        "from headrace import log; log.configure(log.LogSettings({!r}));"
        "log.logger('headrace').warning('reading x' + chr(0xdce4))"
    )
    done = subprocess.run([sys.executable, "-c", script.format(form)], capture_output=True, text=True, check=True)
    assert (json.loads(done.stderr)["message"] if form == "json" else done.stderr.strip()) in (
        "reading x\udce4",
        "headrace: reading x·",
    )


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("level", list(log.LEVELS))
def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str], form: str, level: str) -> None:
    log.configure(LogSettings(form, level))
    for name, number in log.LEVELS.items():
        LOG.log(number, f"it is {name}")
    said = re.findall(r"it is (\w+)", capsys.readouterr().err)
    assert said == list(log.LEVELS)[list(log.LEVELS).index(level) :]


@pytest.mark.parametrize("form", ["text", "json"])
def test_passwords_in_urls_are_masked_wherever_they_stand(capsys: pytest.CaptureFixture[str], form: str) -> None:
    log.configure(LogSettings(form))
    url = "amqp://me:secret@host/queue"
    LOG.warning("connecting to %s", url, extra={"broker": url})
    try:
        raise ValueError(f"no answer from {url}")
    except ValueError:
        LOG.exception("it failed")
        logging.getLogger("driver").exception("it failed")
    said = capsys.readouterr().err
    assert said.count("ValueError: no answer from amqp://me:***@host/queue") == 2
    assert "secret" not in said


def test_a_program_with_handlers_of_its_own_gets_masked_records_too(caplog: pytest.LogCaptureFixture) -> None:
    LOG.warning("connecting to %s", "amqp://me:secret@host", extra={"broker": "amqp://me:secret@host"})
    [record] = caplog.records
    assert (record.getMessage(), vars(record)["broker"]) == ("connecting to amqp://me:***@host", "amqp://me:***@host")


def test_a_password_that_is_a_name_of_the_log_hides_the_password_alone(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = ("headrace", "message", "tries")
    log.configure(LogSettings("text"), secrets)
    LOG.warning("headrace is wrong")
    log.configure(LogSettings("json"), secrets)
    LOG.warning("headrace is wrong", extra={"tries": ["headrace", 5], "named": {"why": "message"}})
    text, line = capsys.readouterr().err.splitlines()
    assert text == "headrace: *** is wrong"
    [entry] = entries(line)
    assert (entry["logger"], entry["message"], entry["tries"]) == ("headrace.example", "*** is wrong", ["***", 5])
    assert entry["named"] == {"why": "***"}


def test_control_characters_cannot_reach_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    LOG.warning("a name of \x1b[2J\x07 many\u202e colours\tand\nlines")
    assert capsys.readouterr().err == "headrace: a name of ·[2J· many· colours\tand\nlines\n"


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_libraries_log_warnings_and_errors_in_the_same_form_and_no_details(
    capsys: pytest.CaptureFixture[str], level: str
) -> None:
    log.configure(LogSettings("json", level))
    driver = logging.getLogger("driver.channel")
    driver.debug("sent the document 'secret'")
    driver.info("sent the document 'secret'")
    driver.warning("the channel was closed", extra={"body": "secret"})
    log.configure(LogSettings("text", level))
    driver.warning("the channel was closed")
    first, second = capsys.readouterr().err.splitlines()
    [entry] = entries(first)
    assert (entry["logger"], entry["message"], entry.keys() & {"body"}) == (
        "driver.channel",
        "the channel was closed",
        set(),
    )
    assert second == "driver.channel: the channel was closed"


@pytest.mark.parametrize("library", ["pika.channel", "websockets.client"])
def test_a_library_that_raises_what_it_logs_is_not_heard_twice(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(LogSettings())
    logging.getLogger(library).error("the connection was lost")
    assert capsys.readouterr().err == ""


def test_configuring_it_again_replaces_the_form_and_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("json", "text", "json"):
        log.configure(LogSettings(form))
    LOG.warning("once")
    assert [entry["message"] for entry in entries(capsys.readouterr().err)] == ["once"]


def test_warnings_of_python_are_objects_too_when_the_log_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings("json"))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # catch_warnings has put back what was there before
        logging.captureWarnings(True)
        warnings.warn("it is old", stacklevel=1)
    [entry] = entries(capsys.readouterr().err)
    assert entry["logger"] == "py.warnings"
    assert "it is old" in str(entry["message"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [(LogSettings("xml"), "log_format is 'xml'"), (LogSettings(level="loud"), "log_level is 'loud'")],
)
def test_an_unknown_form_or_level_is_refused(settings: LogSettings, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        log.configure(settings)


# --- the command, its workers and their predictors


def headrace(folder: Path, *arguments: str, **settings: object) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end in a folder, with settings from the environment."""
    given = {f"HEADRACE_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "headrace", *arguments],
        cwd=folder,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def fill(folder: Path, *texts: str) -> None:
    lines = [json.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    (folder / "texts.jsonl").write_text("\n".join(lines))
    done = headrace(folder, "ingest", "texts.jsonl")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("form", ["text", "json"])
def test_workers_log_in_the_form_that_is_asked_for_and_no_text_of_a_poisonous_document(
    tmp_path: Path, form: str, processes: int
) -> None:
    fill(tmp_path, "good", "RAISE hemlock", "KILL hemlock", "good too")
    done = headrace(tmp_path, "work", "--drain", models=FAULTY, log_format=form, log_level="debug", processes=processes)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "hemlock" not in done.stderr
    if form == "text":
        assert all(line.startswith("headrace: ") for line in done.stderr.splitlines())
        return
    logged = entries(done.stderr)
    stopped = [entry for entry in logged if str(entry["message"]).startswith("stopped: ")]
    assert len(stopped) == processes
    assert len({entry["process"] for entry in stopped}) == processes
    assert [sum(int(str(entry[name])) for entry in stopped) for name in ("stored", "buried")] == [2, 2]


class Loud:
    """A classifier that logs and warns as libraries do, of what it gets."""

    version = "1"
    golden = (("a", "fine"),)

    def predict(self, texts):  # type: ignore[no-untyped-def]
        from headrace.documents import Prediction

        logging.getLogger("some.library").info("predicting %s", texts)
        logging.getLogger("some.library").warning("this model is old")
        return [Prediction("fine", 1.0) for _ in texts]


def test_a_predictor_logs_in_the_same_form_and_not_what_a_library_says_in_passing(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(Path(__file__).read_text())
    fill(tmp_path, "hemlock")
    done = headrace(tmp_path, "work", "--drain", models="loud=python:loud:Loud", log_format="json", log_level="debug")
    assert done.returncode == 0, done.stderr
    said = [entry for entry in entries(done.stderr) if entry["logger"] == "some.library"]
    assert said
    assert {entry["message"] for entry in said} == {"this model is old"}
    assert "hemlock" not in done.stderr


def test_at_the_level_error_only_what_ends_a_command_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "good")
    done = headrace(tmp_path, "work", "--drain", "--log-level", "error", models=FAULTY)
    assert (done.returncode, done.stderr) == (0, "")
    done = headrace(tmp_path, "work", "--log-level", "error", "--log-format", "json", models="nonesuch")
    [entry] = entries(done.stderr)
    assert (done.returncode, entry["level"]) == (2, "error")
    assert "nonesuch" in str(entry["message"])


@pytest.mark.parametrize("flag", [("--log-format", "xml"), ("--log-level", "loud")])
def test_a_form_or_level_that_does_not_exist_is_refused_by_its_name(tmp_path: Path, flag: tuple[str, str]) -> None:
    done = headrace(tmp_path, "work", *flag)
    assert done.returncode == 2
    assert flag[0] in done.stderr
    assert flag[1] in done.stderr
