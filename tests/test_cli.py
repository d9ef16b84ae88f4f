"""The commands: what they print for people and for programs, their exit statuses, and what they say of bad input."""

import gzip
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from headrace import cli
from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body, unpack
from headrace.models.card import Card, to_json
from headrace.ports import ResultQuery
from headrace.stores.sqlite import SqliteStore

FAULTY = "fake=python:headrace.testing.classifiers:Faulty"
NONE = {"erased": 0, "missed": 0}
TRIVIAL = "fake=python:headrace.testing.classifiers:Trivial"


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "250")
    return tmp_path


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command that handles no signals and reads no standard input, in this process."""

    def call(*arguments: str) -> Ended:
        capfdbinary.readouterr()
        status = cli.run(arguments)
        output, errors = capfdbinary.readouterr()
        return Ended(status, output.decode(), errors.decode())

    return call


def command(*arguments: str, given: bytes = b"") -> Ended:
    """Runs a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "headrace", *arguments], input=given, capture_output=True, check=False, timeout=3600
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def write(name: str, rows: Sequence[object]) -> str:
    lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    Path(name).write_bytes(b"".join(line + b"\n" for line in lines))
    return name


@pytest.fixture
def worked(run: Run) -> Run:
    """A folder in which three documents were labelled, one was poison and one was malformed."""
    rows = [*({"id": str(n), "text": f"text {n}"} for n in range(3)), {"id": "bad", "text": "RAISE"}, b"no json"]
    assert command("ingest", write("some.jsonl", rows)).status == 1
    assert command("work", "--drain", "--models", FAULTY).status == 0
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with two versions of a model `mood`; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    for number, more in enumerate(("", " again")):
        rows = [{"text": f"{mood} {place}{more}", "label": mood} for place in range(30) for mood in ("glad", "sad")]
        data = folder / f"{number}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        ended = command("train", "mood", "--data", str(data), "--registry", str(folder / "models"), "--json")
        assert ended.status == 0, ended.errors
        (folder / f"{number}.json").write_text(ended.output)
    return folder


# --- as a whole


def test_help_lists_every_command_with_what_it_does(run: Run) -> None:
    told = run("--help").output
    for name, summary in {name: cli.COMMANDS[name][1] for name in cli.COMMANDS if " " not in name}.items():
        assert name in told
        assert summary in told
    for name, summary in cli.GROUPS.items():
        above, _, last = name.rpartition(" ")
        shown = run(*above.split(), "--help").output if above else told
        assert last in shown
        assert summary in shown
        listed = run(*name.split(), "--help").output
        for command, (_, line) in cli.COMMANDS.items():
            assert (line in listed) == (command.rpartition(" ")[0] == name)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself_and_every_setting(run: Run, name: str) -> None:
    ended = run(*name.split(), "--help")
    assert ended.status == 0
    assert "--broker" in ended.output
    assert "HEADRACE_BROKER" in ended.output


def test_the_version_is_printed(run: Run) -> None:
    from headrace import __version__

    assert run("--version").output.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["wrok"], "work"),
        (["work", "--brokr", "memory:"], "--broker"),
        (["predict", "--top", "many", "text"], "top"),
        (["models", "shwo"], "show"),
        (["score", "only-one"], "OUTPUT"),
        (["train", "mood"], "--data"),
        (["status", "--port", "1.5"], "1.5"),
        (["dead", "list", "--limit", "0"], "--limit is 0"),
        (["dead", "list", "--limit", "-5"], "--limit is -5"),
        (["erase", ""], "an id is empty"),
        (["erase", "\udcff"], "id 1 is not valid UTF-8"),
        (["score", "", "out.jsonl"], "the name of a file is empty"),
        (["models", "list", "langage"], "did you mean 'language'"),
        (["models", "rollback", "langage"], "did you mean 'language'"),
    ],
    ids=repr,
)
def test_misuse_is_status_2_with_a_word_on_what_was_meant(run: Run, arguments: list[str], told: str) -> None:
    ended = run(*arguments)
    assert ended.status == 2
    assert told in ended.errors
    assert ended.output == ""


@pytest.mark.parametrize("kind", ["folder", "dangling link"])
def test_a_file_of_settings_that_is_no_file_is_named(run: Run, kind: str) -> None:
    Path("headrace.toml").mkdir() if kind == "folder" else Path("headrace.toml").symlink_to("gone")
    ended = run("status")
    assert ended.status == 2
    assert "headrace.toml" in ended.errors


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is always full (Linux)")


@FULL
@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["models", "list"], ["--help"]], ids=" ".join)
def test_output_that_goes_onto_a_full_disk_is_status_3(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "headrace", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr == "headrace: the disk is full; free some space\n"


@pytest.mark.parametrize("arguments", [["models", "list"], ["status"], ["models", "show", "language"]], ids=" ".join)
def test_whoever_reads_the_output_may_leave(arguments: list[str]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as left:
        ended = subprocess.run(
            [sys.executable, "-m", "headrace", *arguments], stdout=left, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")


CLOSED = """
import os, sys
for number in map(int, sys.argv[1]):
    os.close(number)
os.execv(sys.executable, [sys.executable, "-m", "headrace", *sys.argv[2:]])
"""


def with_closed(numbers: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command, started with these standard streams closed."""
    command = [sys.executable, "-c", CLOSED, numbers, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("numbers", "arguments"),
    [
        ("1", ["predict", "hi"]),
        ("01", ["models", "list", "--json"]),
        ("1", ["--help"]),
        ("1", ["score", "texts.txt", "-"]),
    ],
)
def test_a_command_that_prints_onto_closed_output_says_so_with_status_3(numbers: str, arguments: list[str]) -> None:
    Path("texts.txt").write_text("hej\n")
    ended = with_closed(numbers, *arguments)
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1] == "headrace: standard output: it is closed; open it"


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("arguments", [["predict", "-"], ["ingest", "-"], ["score", "-", "-"]], ids=" ".join)
def test_a_command_that_reads_closed_input_says_so(arguments: list[str]) -> None:
    ended = with_closed("0", *arguments)
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1] == "headrace: standard input: it is closed; open it"


@pytest.mark.usefixtures("run")
def test_what_is_said_on_closed_errors_harms_no_command_and_gets_into_no_file() -> None:
    Path("texts.txt").write_text("hej\n")
    assert with_closed("2", "ingest", "texts.txt").stdout == "1 published, 0 repeated, 0 malformed\n"
    assert with_closed("012", "ingest", "--again", "texts.txt").returncode == 3
    assert '"ready":2,' in with_closed("02", "status", "--json").stdout


@FULL
@pytest.mark.usefixtures("run")
def test_messages_that_nobody_can_read_harm_no_command() -> None:
    Path("texts.jsonl").write_text("{}\n")
    command = [sys.executable, "-m", "headrace", "ingest", "texts.jsonl"]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, stderr=full, stdout=subprocess.DEVNULL, check=False).returncode == 1


def test_what_the_encoding_of_the_output_lacks_is_escaped(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = command("predict", "glad på", "--registry", str(trained / "models"), "--model", "mood")
    assert ended.status == 0, ended.errors
    assert "glad p\\xe5" in ended.output


@pytest.mark.parametrize(("name", "what"), [("erase", "id 2"), ("predict", "text 2")])
def test_operands_are_utf_8_whatever_the_locale(run: Run, name: str, what: str) -> None:
    beyond_the_locale = "å".encode().decode("ascii", "surrogateescape")
    assert run(name, "a", beyond_the_locale).status == 0
    ended = run(name, "a", "b\udce4")
    assert (ended.status, ended.errors) == (
        2,
        f"headrace: {what} is not valid UTF-8: byte 2 is 0xe4; convert it to UTF-8\n",
    )


def test_demo_says_that_it_cannot_make_its_folder() -> None:
    Path("headrace-demo").touch()
    ended = command("demo")
    assert ended.status == 2
    assert ended.errors.startswith("headrace: headrace-demo: ")


def test_a_variable_that_is_no_setting_is_named_with_what_was_meant(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_BROKR", "memory:")
    ended = run("status")
    assert ended.status == 2
    assert "did you mean HEADRACE_BROKER" in ended.errors


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('brokr = "memory:"', "did you mean broker"),
        ("port = 'many'", "port"),
        ("port = 70000", "65535"),
        ("broker = ", "headrace.toml"),
        ("deadline = 0", "deadline"),
        ("port = 1.5", "1.5"),
        ("[port]", "a table"),
    ],
)
def test_a_file_of_settings_that_is_wrong_is_named(run: Run, toml: str, told: str) -> None:
    Path("headrace.toml").write_text(toml)
    ended = run("status")
    assert ended.status == 2
    assert told in ended.errors


def test_flags_win_over_variables_and_variables_over_the_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("headrace.toml").write_text('store = "sqlite:///file.db"\nbroker = "sqlite:///queue-of-file.db"')
    assert "file.db" in run("status").output
    monkeypatch.setenv("HEADRACE_STORE", "sqlite:///variable.db")
    assert "variable.db" in run("status").output
    told = run("status", "--store", "sqlite:///flag.db").output
    assert "flag.db" in told
    assert "queue-of-file.db" in told


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--broker", "sqllite:///q.db"], "did you mean sqlite:"),
        (["--store", "nothing"], "known are"),
        (["--broker", "amqqp://user:secret@host/"], "amqqp://***@host/"),
        (["--store", "sqlite://host/x.db"], "sqlite:///"),
        (["--store", "sqlite:///no/such/folder/store.db"], "folder exists"),
    ],
    ids=str,
)
def test_a_url_that_nothing_serves_is_named_without_its_password(run: Run, flags: list[str], told: str) -> None:
    ended = run("status", *flags)
    assert ended.status == 2
    assert told in ended.errors
    assert "secret" not in ended.errors


def test_a_store_that_is_no_database_is_left_alone_and_named(run: Run) -> None:
    Path("store.db").write_text("certainly no database, but long enough to be looked at " * 20)
    before = Path("store.db").read_bytes()
    ended = run("status")
    assert ended.status == 2
    assert "store.db" in ended.errors
    assert "not an SQLite database" in ended.errors
    assert Path("store.db").read_bytes() == before


def test_another_programs_database_is_left_alone_and_named(run: Run) -> None:
    with closing(sqlite3.connect("store.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    ended = run("status")
    assert ended.status == 2
    assert "not Headrace's store" in ended.errors


@pytest.mark.parametrize(("file", "kind"), [("store.db", "store"), ("queue.db", "queue")])
def test_a_file_of_a_newer_headrace_asks_for_an_upgrade(run: Run, file: str, kind: str) -> None:
    assert run("status").status == 0
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version=999")
    ended = run("status")
    assert ended.status == 2
    assert f"the {kind} {file} was written by a newer Headrace" in ended.errors


@pytest.mark.parametrize("name", [["work"], ["ingest", "-"], ["serve"]], ids=" ".join)
@pytest.mark.parametrize("which", ["--broker", "--store"])
def test_commands_that_would_be_alone_with_their_memory_say_so(name: list[str], which: str) -> None:
    ended = command(*name, which, "memory:")
    assert ended.status == 2
    assert "memory" in ended.errors


# --- ingest, work, status


def test_ingest_says_how_many_were_published_repeated_and_malformed(folder: Path) -> None:
    rows = [{"id": "a", "text": "x"}, {"id": "a", "text": "x"}, {"text": 5}, b"\xff", {"text": "y"}]
    ended = command("ingest", write("some.jsonl", rows))
    assert ended.status == 1
    assert ended.output == "2 published, 1 repeated, 2 malformed\n"
    assert "headrace dead list" in ended.errors
    again = command("ingest", "some.jsonl", "--json")
    assert again.status == 0
    assert again.json == {"published": 0, "repeated": 2, "malformed": 0, **NONE}
    with closing(SqliteBroker(folder / "queue.db")) as broker:
        lines = [line for one in broker.receive(1 << 20, 0) for line in unpack(one.data)]
    assert [json.loads(line)["text"] for line in lines] == ["x", "y"]


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_ingest_reads_standard_input_compressed_or_not(packed: Callable[[bytes], bytes]) -> None:
    ended = command("ingest", "-", "--json", given=packed(b'{"text": "from a pipe"}\n'))
    assert ended.json == {"published": 1, "repeated": 0, "malformed": 0, **NONE}


def test_ingest_remembers_nothing_of_what_cannot_be_read_again() -> None:
    """Two streams may begin alike, and go on differently."""
    head = [{"text": f"{n} {'-' * 100}"} for n in range(60)]
    os.mkfifo("pipe.jsonl")
    for last in ("one", "other"):
        rows = b"".join(json.dumps(row).encode() + b"\n" for row in [*head, {"text": last}])
        writer = threading.Thread(target=Path("pipe.jsonl").write_bytes, args=(rows,))
        writer.start()
        told = command("ingest", "pipe.jsonl", "--json").json
        writer.join()
        assert told == {"published": 61, "repeated": 0, "malformed": 0, **NONE}


def test_ingest_without_operands_reads_the_tables_of_the_file_of_settings() -> None:
    write("one.jsonl", [{"text": "a"}, {"text": "b"}])
    write("other", [{"text": "c"}, b"no json"])
    Path("headrace.toml").write_text(
        '[[ingest]]\nurl = "files:one.jsonl"\n[[ingest]]\nurl = "files:other?format=jsonl"'
    )
    assert command("ingest", "--json").json == {"published": 3, "repeated": 0, "malformed": 1, **NONE}
    assert command("ingest", "--json").json == {"published": 0, "repeated": 3, "malformed": 0, **NONE}
    assert command("ingest", "one.jsonl", "--json").json == {"published": 0, "repeated": 2, "malformed": 0, **NONE}


def test_ingest_and_score_take_records_of_any_shape() -> None:
    write("posts.jsonl", [{"n": 1, "post": {"body": "vad är klockan"}, "to": "anna"}, {"n": 2, "post": {}}])
    ended = command("ingest", "posts.jsonl", "--text", "/post/body", "--id", "n", "--meta", "to", "--json")
    assert ended.json == {"published": 1, "repeated": 0, "malformed": 1, **NONE}
    assert "line 2: the document has no member '/post/body'; /post has none" in command("dead", "list").output
    command("work", "--drain", "--models", TRIVIAL)
    (result,) = SqliteStore("store.db").find(ResultQuery()).items
    assert (result.id, result.text, result.meta) == ("1", "vad är klockan", {"to": "anna"})
    ended = command("score", "posts.jsonl", "-", "--text", "/post/body", "--model", TRIVIAL)
    first, second = map(json.loads, ended.output.splitlines())
    assert first["predictions"]["fake"]["label"]
    assert (first["post"], second["error"]) == (
        {"body": "vad är klockan"},
        "the document has no member '/post/body'; /post has none",
    )


def test_ingest_reads_folders_and_patterns_and_keeps_the_place_of_each_file() -> None:
    Path("logs/old").mkdir(parents=True)
    write("logs/old/a.jsonl", [{"text": "a"}])
    write("logs/b.jsonl", [{"text": "b"}, {"text": "c"}])
    assert command("ingest", "logs/*.jsonl", "--json").json["published"] == 2
    told = command("ingest", "logs", "--json").json
    assert (told["published"], told["repeated"]) == (1, 2)
    write("logs/c.jsonl", [{"text": "d"}])
    told = command("ingest", "files:logs/**/*.jsonl", "--json").json
    assert (told["published"], told["repeated"]) == (1, 3)
    Path("headrace.toml").write_text('[[ingest]]\nurl = "logs"')
    assert command("ingest", "--json").json["repeated"] == 4
    ended = command("ingest", "logs/*.csv")
    assert (ended.status, "no file matches logs/*.csv" in ended.errors) == (2, True)
    ended = command("compare", TRIVIAL, f"other={SOUND}", "--data", "logs/*.jsonl", "--json")
    assert ended.json["rows"] == 3
    with tarfile.open("logs.tar.xz", "w:xz") as archive:
        archive.add("logs")
    assert command("compare", TRIVIAL, f"other={SOUND}", "--data", "logs.tar.xz", "--json").json["rows"] == 4
    assert command("ingest", "logs.tar.xz", "--json", "--again").json["published"] == 4


def test_ingest_follows_a_file_across_its_rotation() -> None:
    write("app.jsonl", [{"text": "a"}, {"text": "b"}])
    assert command("ingest", "app.jsonl", "--follow", "--until-idle", "0.5", "--json").json["published"] == 2
    with Path("app.jsonl").open("a") as log:
        log.write('{"text": "c"}\n')
    Path("app.jsonl").rename("app.jsonl.1")
    write("app.jsonl", [{"text": "d"}])
    told = command("ingest", "files:app.jsonl?follow=yes", "--until-idle", "0.5", "--json")
    assert (told.status, told.json["published"], told.json["repeated"]) == (0, 2, 2)
    Path("app.jsonl").write_text('{"text": "e"}\n{"text": "f"}\n')
    ended = command("ingest", "app.jsonl", "--follow", "--until-idle", "0.5")
    assert ended.output.startswith("2 published")
    ended = command("ingest", "app.jsonl.gz", "--follow")
    assert (ended.status, "cannot be followed" in ended.errors) == (2, True)


def test_every_command_that_reads_files_takes_their_encoding() -> None:
    rows = "".join(f"{number} schön – gut;good\n{number} übel – schlecht;bad\n" for number in range(20))
    Path("posts.csv").write_bytes(f"text;label\n{rows}".encode("cp1252"))
    assert command("ingest", "posts.csv", "--json").json["malformed"] == 40
    assert "in CP1252, as it seems, read it with --encoding cp1252" in command("dead", "list").output
    assert command("ingest", "posts.csv", "--encoding", "cp1252", "--json", "--again").json["published"] == 40
    assert command("train", "mood", "--data", "posts.csv", "--encoding", "cp1252", "--json").json["labels"] == [
        "bad",
        "good",
    ]
    ended = command("score", "posts.csv", "-", "--encoding", "cp1252", "--model", "mood")
    assert [json.loads(line)["text"] for line in ended.output.splitlines()][:1] == ["0 schön – gut"]
    compared = command("compare", "mood", "--data", "posts.csv", "--encoding", "cp1252", "--json").json
    assert compared["rows"] == 40


def test_a_table_of_the_file_of_settings_names_an_encoding_too() -> None:
    Path("posts").write_bytes("text\nschön\n".encode("cp1252"))
    Path("headrace.toml").write_text('[[ingest]]\nurl = "posts"\nformat = "csv"\nencoding = "cp1252"')
    assert command("ingest", "--json").json["published"] == 1
    Path("notes").mkdir()
    Path("notes/a.txt").write_text("a\nb")
    Path("headrace.toml").write_text('[[ingest]]\nurl = "notes"\nwhole = true')
    assert command("ingest", "--json").json["published"] == 1
    assert command("ingest", "notes", "--whole", "--json").json["repeated"] == 1


def test_work_takes_the_messages_of_others_by_the_setting_fields(run: Run) -> None:
    foreign = [
        b'{"n": 7, "payload": {"body": "hej"}, "lang": "sv"}',
        b'{"n": 8}',
        b'{"id": "ours", "text": "a", "published_at": 5}',
    ]
    with closing(SqliteBroker("queue.db")) as broker:
        broker.publish([Body(one) for one in foreign])
    command("work", "--drain", "--models", TRIVIAL, "--fields", "text=/payload/body, id=n, meta=lang")
    with closing(SqliteStore("store.db")) as store:
        found = {result.id: (result.text, result.meta) for result in store.find(ResultQuery()).items}
    assert found == {"7": ("hej", {"lang": "sv"}), "ours": ("a", {})}
    assert "no member '/payload/body'; it has 'n'" in command("dead", "list").output
    ended = run("work", "--drain", "--models", TRIVIAL, "--fields", "txt=a")
    assert (ended.status, "did you mean text?" in ended.errors) == (2, True)


def test_a_table_of_the_file_of_settings_names_fields_too() -> None:
    Path("posts").write_text("tweet,when,lang\nhej,2026-01-31,sv\n")
    Path("headrace.toml").write_text(
        '[[ingest]]\nurl = "posts"\nformat = "csv"\ntext = "tweet"\ncreated-at = "when"\nmeta = ["lang"]'
    )
    assert command("ingest", "--json").json["published"] == 1
    command("work", "--drain", "--models", TRIVIAL)
    (result,) = SqliteStore("store.db").find(ResultQuery()).items
    assert (result.text, result.created_at, result.meta) == ("hej", "2026-01-31", {"lang": "sv"})


def test_the_ledgers_of_sources_are_shown(run: Run) -> None:
    assert run("sources", "--json").json == {"sources": []}
    write("posts.jsonl", [{"text": "a"}, {"text": "b"}, b"no json", {"text": "a"}])
    command("ingest", "posts.jsonl", "--rate", "1000", "--until-idle", "30")
    (source,) = run("sources", "--json").json["sources"]
    counted = {"read": 4, "published": 2, "repeated": 1, "malformed": 1, "erased": 0, "missed": 0, "shed": 0}
    assert {name: source[name] for name in counted} == counted
    assert (source["name"], source["url"]) == (f"files:{Path('posts.jsonl').resolve()}", "posts.jsonl")
    assert (source["state"], source["lag_seconds"], bool(source["cursor"])) == ("ended", None, True)
    assert "ended" in run("sources").output


def test_a_gap_of_a_source_is_a_warning_of_status_for_a_day() -> None:
    command("ingest", "twitter:" + write("rec.jsonl", [{"id": 1, "text": "a"}, {"limit": {"track": 7}}]))
    (warning,) = [one for one in command("status", "--json").json["warnings"] if "gap" in one]
    assert warning.startswith(f"twitter:{Path('rec.jsonl').resolve()} told a gap at 2")
    assert warning.endswith("X did not deliver 7 matching posts")
    with closing(SqliteStore("store.db")) as store:
        (name, saved), *_ = store.cursors().items()
        long_ago = msgspec.json.decode(saved)
        long_ago["ledger"]["gaps"][0]["at"] -= 86_401 * 1_000_000
        store.save(name, msgspec.json.encode(long_ago).decode())
    assert not [one for one in command("status", "--json").json["warnings"] if "gap" in one]


@pytest.mark.parametrize("flag", ["--rate", "--until-idle"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_rate_or_an_idle_time_that_makes_no_sense_is_refused(run: Run, flag: str, value: str) -> None:
    ended = run("ingest", "posts.jsonl", f"{flag}={value}")
    assert ended.status == 2
    assert f"{flag} is" in ended.errors


def test_ingest_publishes_a_recording_of_x_and_erases_what_was_deleted_there() -> None:
    tweets: list[object] = [
        {
            "id_str": "1",
            "text": "RT @b: cut…",
            "user": {"screen_name": "anna"},
            "retweeted_status": {"full_text": "R&amp;B"},
        },
        {"data": [{"id": "2", "text": "of version 2"}, {"id": "3", "text": "stays"}], "meta": {}},
        {"limit": {"track": 5}},
    ]
    ended = command("ingest", "twitter:" + write("rec.jsonl", [*tweets, b"", b"no json"]))
    assert (ended.status, ended.output) == (1, "3 published, 0 repeated, 1 malformed, 5 missed\n")
    assert "X did not deliver 5 matching posts" in ended.errors
    assert "rec.jsonl, line 5" in ended.errors
    command("work", "--drain", "--models", TRIVIAL)
    with closing(SqliteStore("store.db")) as store:
        stored = {result.id: result.text for result in store.find(ResultQuery()).items}
    assert stored == {"twitter:1": "R&B", "twitter:2": "of version 2", "twitter:3": "stays"}
    write("rec.jsonl", [*tweets, b"", b"no json", *({"delete": {"status": {"id": number}}} for number in (1, 2))])
    assert command("ingest", "twitter:rec.jsonl", "--json").json == {
        "published": 0,
        "repeated": 3,
        "malformed": 0,
        "erased": 2,
        "missed": 0,
    }
    with closing(SqliteStore("store.db")) as store:
        assert [result.id for result in store.find(ResultQuery()).items] == ["twitter:3"]


def test_a_budget_is_for_what_costs_something() -> None:
    write("rec.jsonl", [{"id": 1, "text": "a"}])
    for arguments, told in (
        (["rec.jsonl", "--budget", "5"], "rec.jsonl costs nothing: a budget is for twitter: alone"),
        (["twitter:rec.jsonl", "--budget", "5"], "a recording costs nothing"),
        (["twitter:", "--budget", "0"], "the budget is 0; it must be a number of posts a month"),
        (["twitter:", "--budget", "5"], "set HEADRACE_TWITTER_TOKEN"),
    ):
        ended = command("ingest", *arguments)
        assert (ended.status, told in ended.errors) == (2, True), ended.errors
    Path("headrace.toml").write_text('[[ingest]]\nurl = "twitter:rec.jsonl"\n')
    assert "write budget into its [[ingest]] table" in command("ingest", "--budget", "5").errors
    Path("headrace.toml").write_text('[[ingest]]\nurl = "twitter:rec.jsonl"\nbudget = 5\n')
    assert "a recording costs nothing" in command("ingest").errors


def test_ingest_reads_what_x_sends_from_a_pipe() -> None:
    ended = command("ingest", "twitter:-", "--json", given=gzip.compress(b'{"data": {"id": "1", "text": "a"}}\r\n\r\n'))
    assert ended.json == {"published": 1, "repeated": 0, "malformed": 0, **NONE}


def test_a_recording_of_x_has_fields_of_its_own() -> None:
    write("rec.jsonl", [{"id": 1, "text": "a"}])
    for flags, told in (
        (["--text", "full_text"], "have fields of their own"),
        (["--format", "jsonl"], "a format is for the path"),
    ):
        ended = command("ingest", "twitter:rec.jsonl", *flags)
        assert (ended.status, told in ended.errors) == (2, True)


def test_ingest_takes_a_file_whose_name_is_no_unicode() -> None:
    name = os.fsdecode(b"b\xe5d.jsonl")
    write(name, [{"text": "x"}, b"no json"])
    assert command("ingest", name, "--json").json == {"published": 1, "repeated": 0, "malformed": 1, **NONE}
    assert command("ingest", name, "--json").json == {"published": 0, "repeated": 1, "malformed": 0, **NONE}
    assert "b\\udce5d.jsonl, line 2" in command("dead", "list").output


def test_a_flag_that_ingest_does_not_have_is_no_file(run: Run) -> None:
    ended = run("ingest", "--brokr", "memory:", write("some.jsonl", [{"text": "x"}]))
    assert ended.status == 2
    assert "did you mean --broker?" in ended.errors


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such.jsonl"], "no-such.jsonl"),
        (["some.jsonl", "--format", "xml"], "known are"),
        (["cut.jsonl.gz"], "gzip"),
        ([], "name the files"),
        ([""], "the name of a file is empty"),
        (["some.jsonl", "--encoding", "cp12522"], "did you mean cp1252?"),
        (["empty.csv"], "it is empty"),
        (["some.jsonl", "no-such.jsonl"], "1 published, 0 repeated, 0 malformed; then it had to give up"),
    ],
)
def test_ingest_names_what_it_cannot_read(arguments: list[str], told: str) -> None:
    write("some.jsonl", [{"text": "x"}])
    Path("cut.jsonl.gz").write_bytes(b"\x1f\x8b\x08 cut short")
    Path("empty.csv").touch()
    ended = command("ingest", *arguments)
    assert ended.status == 2
    assert told in ended.errors
    assert "Traceback" not in ended.errors


def test_status_counts_what_waits_and_what_is_stored(worked: Run) -> None:
    command("ingest", write("more.jsonl", [{"text": "waits"}]))
    told = worked("status", "--json").json
    assert told["backlog"]["ready"] == 1
    assert told["backlog"]["leased"] == 0
    assert told["backlog"]["oldest_seconds"] >= 0
    assert told["workers"] == []
    assert (told["documents"], told["answers"]) == (3, {"fake": 3})
    assert told["dead"] == {"malformed": 1, "raised": 1}
    shown = worked("status").output
    assert "1 ready, 0 leased" in shown
    assert "answers    3 by fake" in shown
    assert "1 malformed, 1 raised" in shown


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("no-such-model", "no-such-model"),
        ("fake=python:no.such:Thing", "no.such"),
        ("fake=python:headrace.testing.classifiers:Nothing", "Nothing"),
        ("", "no model that answers"),
        ("a b c", "can't be read"),
    ],
)
def test_work_without_a_model_that_can_be_had_is_status_2(models: str, told: str) -> None:
    ended = command("work", "--drain", "--models", models)
    assert ended.status == 2
    assert told in ended.errors
    assert "Traceback" not in ended.errors


def test_processes_must_be_a_number_of_workers() -> None:
    assert command("work", "--drain", "--processes", "0", "--models", TRIVIAL).status == 2


def test_up_says_that_its_port_is_in_use_and_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = command("up", "--port", str(taken.getsockname()[1]), "--models", TRIVIAL)
    assert ended.status == 2
    assert "is in use" in ended.errors
    assert "--port" in ended.errors


@pytest.mark.parametrize("what", ["serve", "up"])
def test_what_serves_ends_where_its_queue_is_no_database(what: str) -> None:
    Path("queue.db").write_bytes(b"no database" * 1000)
    ended = command(what, "--port", "0")
    assert ended.status == 2
    assert "queue.db" in ended.errors


def test_up_does_not_open_to_a_network_without_a_token() -> None:
    ended = command("up", "--host", "0.0.0.0", "--port", "0", "--models", TRIVIAL)
    assert ended.status == 2
    assert "token" in ended.errors.lower()


def test_erase_forgets_and_says_how_many(worked: Run) -> None:
    assert worked("erase", "0", "1").output.startswith("2")
    assert worked("status", "--json").json["documents"] == 1
    assert worked("erase").status == 2


def test_erase_forgets_all_that_an_author_has_written(run: Run, tmp_path: Path) -> None:
    written = [
        {"id": f"{n}", "text": f"hej {n}", "source": "forum", "meta": {"author": "anna" if n < 3 else "bo"}}
        for n in range(5)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, written)))
    run("ingest", str(tmp_path / "posts.jsonl"))
    assert run("erase", "4", "--author", "forum:anna", "--author", "forum:nobody", "--json").json == {"erased": 3}
    run("work", "--drain", "--models", FAULTY)
    assert run("status", "--json").json["documents"] == 1  # they were still queued
    for wrong in ("anna", ":anna", "forum:", ""):
        ended = run("erase", "--author", wrong)
        assert ended.status == 2
        assert "--author" in ended.errors


# --- dead letters


def test_dead_letters_are_listed_with_their_reasons(worked: Run) -> None:
    items = worked("dead", "list", "--json").json["items"]
    assert {one["kind"] for one in items} == {"raised", "malformed"}
    (raised,) = worked("dead", "list", "--json", "--model", "fake").json["items"]
    assert raised["id"] == "bad"
    assert raised["model"] == "fake"
    assert "ValueError" in raised["reason"]
    assert json.loads(raised["data"])["text"] == "RAISE"
    shown = worked("dead", "list").output
    assert "ValueError" in shown
    assert "some.jsonl, line 5" in shown


def test_a_dead_letter_is_shown_whole_and_a_missing_one_is_status_1(worked: Run) -> None:
    (burial,) = (one["burial"] for one in worked("dead", "list", "--json", "--model", "fake").json["items"])
    assert "RAISE" in worked("dead", "show", str(burial)).output
    ended = worked("dead", "show", str(burial), "999", "--json")
    assert ended.status == 1
    assert [one["burial"] for one in ended.json["items"]] == [burial]
    assert "999" in ended.errors


def test_a_dead_letter_that_is_replayed_is_done_once_its_model_is_mended(worked: Run) -> None:
    ended = worked("dead", "replay", "--all", "--model", "fake", "--json")
    assert (ended.status, ended.json) == (0, {"replayed": 1})
    assert command("work", "--drain", "--models", TRIVIAL).status == 0
    assert worked("status", "--json").json["documents"] == 4


def test_dead_letters_are_dropped_by_number_or_all(worked: Run) -> None:
    numbers = [str(one["burial"]) for one in worked("dead", "list", "--json").json["items"]]
    assert worked("dead", "drop", numbers[0], "--json").json == {"dropped": 1}
    assert worked("dead", "drop", numbers[0]).status == 1
    assert worked("dead", "drop", "--all", "--json").json == {"dropped": 1}
    assert worked("dead", "list", "--json").json == {"items": []}


@pytest.mark.parametrize("what", ["show", "replay", "drop"])
@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**30])
def test_a_number_that_no_dead_letter_has_is_status_1(run: Run, what: str, number: int) -> None:
    ended = run("dead", what, str(number))
    assert ended.status == 1
    assert f"there is no dead letter {number}" in ended.errors


@pytest.mark.parametrize("what", ["replay", "drop"])
def test_dead_letters_are_not_taken_without_saying_which(run: Run, what: str) -> None:
    for arguments in ([], ["1", "--all"]):
        ended = run("dead", what, *arguments)
        assert ended.status == 2
        assert "--all" in ended.errors


def test_what_is_listed_cannot_harm_a_terminal(run: Run) -> None:
    command("ingest", write("evil.jsonl", [b"\x1b[2J\x1b]0;evil\x07 no json"]))
    assert "\x1b[2J" not in run("dead", "list").output
    assert "\x1b" not in run("dead", "show", "1").output


# --- models, predict, score


def test_train_says_what_it_made_and_where_the_report_is(trained: Path) -> None:
    told = json.loads((trained / "0.json").read_text())
    assert told["model"].startswith("mood@")
    assert told["labels"] == ["glad", "sad"]
    assert told["accuracy"] == 1.0
    assert "<html" in Path(told["report"]).read_text().lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["mood", "--data", "no-such.jsonl"], "no-such.jsonl"),
        (["mood", "--data", "one.jsonl"], "label"),
        (["Mood!", "--data", "two.jsonl"], "name"),
        (["mood", "--data", "two.jsonl", "--recipe", "txt"], "did you mean"),
        (["mood", "--data", "two.jsonl", "--test-size", "2"], "--test-size"),
        (["mood", "--data", "two.jsonl", "--search", "-1"], "--search"),
        (["mood", "--data", "two.jsonl", "--seed", "-1"], "--seed is -1"),
        (["mood", "--data", "two.jsonl", "--alias", "x y"], "'x y' is not an alias"),
    ],
    ids=" ".join,
)
def test_train_names_what_nothing_can_be_learnt_from(arguments: list[str], told: str) -> None:
    write("one.jsonl", [{"text": "a", "label": "x"}, {"text": "b", "label": "x"}])
    write("two.jsonl", [{"text": f"{n}", "label": label} for n in range(9) for label in "xy"])
    ended = command("train", *arguments)
    assert ended.status == 2
    assert told in ended.errors
    assert "Traceback" not in ended.errors


def test_train_says_which_rows_it_cannot_use_and_goes_on(folder: Path) -> None:
    rows = [{"text": f"{mood} {place}", "label": mood} for place in range(30) for mood in ("glad", "sad")]
    data = write("some.jsonl", [*rows, b"no JSON", rows[0]])
    ended = command(
        "train", "mood", "--data", data, "--no-learning-curve", "--registry", str(folder / "models"), "--json"
    )
    assert ended.status == 0, ended.errors
    assert f"rows that could not be used: 1, among them {Path(data).resolve()}, line 61" in ended.errors
    assert "were left out: 1" in ended.errors
    assert "Learning curve" not in Path(ended.json["report"]).read_text()


def test_models_are_listed_the_newest_first_with_their_aliases(run: Run, trained: Path) -> None:
    items = run("models", "list", "mood", "--registry", str(trained / "models"), "--json").json["models"]
    newest, oldest = (json.loads((trained / f"{n}.json").read_text())["model"] for n in (1, 0))
    assert [one["model"] for one in items] == [newest, oldest]
    assert [one["aliases"] for one in items] == [["champion"], []]
    assert items[0]["accuracy"] == 1.0
    assert items[0]["label_sets"] == {}
    assert newest in run("models", "list", "--registry", str(trained / "models")).output


def test_the_sets_of_labels_of_a_card_are_listed_and_shown(run: Run, folder: Path) -> None:
    home = folder / "models" / "tongue" / "3f9c2a"
    home.mkdir(parents=True)
    card = Card("tongue", ("da", "de", "sv"), "3f9c2a", label_sets={"nordic": ("da", "sv")})
    (home / "card.json").write_bytes(to_json(card))
    assert run("models", "list", "tongue", "--json").json["models"][0]["label_sets"] == {"nordic": ["da", "sv"]}
    assert "nordic (2)" in run("models", "list", "tongue").output
    assert run("models", "show", "tongue@3f9c2a", "--json").json["label_sets"] == {"nordic": ["da", "sv"]}
    assert '"nordic"' in run("models", "show", "tongue@3f9c2a").output


def test_a_card_is_shown(run: Run, trained: Path) -> None:
    card = run("models", "show", "mood", "--registry", str(trained / "models"), "--json").json
    assert card["labels"] == ["glad", "sad"]
    assert card["aliases"] == ["champion"]
    assert card["golden"]
    assert "glad" in run("models", "show", "mood@champion", "--registry", str(trained / "models")).output


def test_an_alias_is_moved_and_moved_back(run: Run, trained: Path, folder: Path) -> None:
    import shutil

    shutil.copytree(trained / "models", folder / "models")
    newest, oldest = (json.loads((trained / f"{n}.json").read_text())["model"] for n in (1, 0))
    assert oldest in run("models", "promote", oldest).output
    assert run("models", "show", "mood", "--json").json["version"] == oldest.partition("@")[2]
    assert newest in run("models", "rollback", "mood").output
    assert run("models", "show", "mood", "--json").json["version"] == newest.partition("@")[2]


@pytest.mark.parametrize("reference", ["moot", "mood@challenger", "mood@000000"])
def test_a_model_that_is_missing_is_named(run: Run, trained: Path, reference: str) -> None:
    for arguments in (["models", "show", reference], ["predict", "--model", reference, "text"]):
        ended = run(*arguments, "--registry", str(trained / "models"))
        assert ended.status == 2
        assert reference.partition("@")[2] in ended.errors


def test_a_damaged_model_is_refused_by_name(run: Run, trained: Path, folder: Path) -> None:
    import shutil

    shutil.copytree(trained / "models", folder / "models")
    (name,) = {json.loads((trained / "1.json").read_text())["model"]}
    weights = folder / "models" / "mood" / name.partition("@")[2] / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    for arguments in (["predict", "text", "--model", "mood"], ["score", "a.jsonl", "b.jsonl", "--model", "mood"]):
        write("a.jsonl", [{"text": "x"}])
        ended = run(*arguments)
        assert ended.status == 2
        assert name in ended.errors
    ended = command("work", "--drain", "--models", "mood")
    assert ended.status == 2
    assert name in ended.errors
    ended = run("models", "promote", name, "--alias", "challenger")
    assert ended.status == 2
    assert name in ended.errors


def test_predict_labels_texts_at_once(run: Run, trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    name = json.loads((trained / "1.json").read_text())["model"]
    told = run("predict", "so glad", "so sad", *registry, "--json").json["predictions"]
    assert [one["mood"]["label"] for one in told] == ["glad", "sad"]
    assert all(one["mood"]["model"] == name and 0.5 < one["mood"]["score"] <= 1 for one in told)
    (best,) = run("predict", "so glad", *registry, "--top", "2", "--json").json["predictions"]
    assert [one["label"] for one in best["mood"]] == ["glad", "sad"]
    assert "glad" in run("predict", "so glad", *registry).output


def test_a_text_may_begin_with_a_hyphen_unless_it_looks_like_an_option(run: Run, trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    told = run("predict", "-5 and glad", "- sad", "-", *registry, "--json").json["predictions"]
    assert [one["mood"]["label"] for one in told[:2]] == ["glad", "sad"]
    assert (
        command("predict", "-", *registry, "--json", given=b"glad\nsad\n").json["predictions"][1]["mood"]["label"]
        == "sad"
    )
    ended = run("predict", "glad", "--threshhold", "0.5", *registry)
    assert ended.status == 2
    assert "did you mean --threshold?" in ended.errors


@pytest.mark.parametrize(("flag", "value"), [("--threshold", "1.5"), ("--threshold", "nan"), ("--top", "0")])
def test_predict_refuses_what_no_score_can_be_and_no_labels(run: Run, flag: str, value: str) -> None:
    ended = run("predict", "text", flag, value)
    assert ended.status == 2
    assert f"{flag} is {value}" in ended.errors


def test_predict_shows_the_languages_of_a_mixed_text_with_their_places(run: Run) -> None:
    mixed = "Vad är klockan nu? What time is it now?"
    (first, second) = run("predict", "--spans", "--json", mixed, "12:30").json["predictions"]
    shown = [(one["begin"], one["end"], one["label"], one["text"]) for one in first["language"]]
    assert shown == [(0, 18, "sv", "Vad är klockan nu?"), (19, 39, "en", "What time is it now?")]
    assert all(0.9 < one["score"] <= 1 and one["model"].startswith("language@") for one in first["language"])
    assert second == {"language": []}
    table = run("predict", "--spans", mixed).output.splitlines()
    assert [line.split()[0] for line in table] == ["label", "sv", "en"]
    assert [line.split()[3:5] for line in table] == [["begin", "end"], ["0", "18"], ["19", "39"]]
    assert [row.rstrip().endswith(text) for row, text in zip(table, ("text", "nu?", "now?"), strict=True)] == [True] * 3
    table = run("predict", "--spans", "12:30", mixed, "What time is it now?").output.splitlines()
    assert [line.split()[:2] for line in table] == [["number", "label"], ["2", "sv"], ["2", "en"], ["3", "en"]]


def test_spans_are_refused_with_top_and_for_models_that_find_none(run: Run, trained: Path) -> None:
    ended = run("predict", "--spans", "--top", "2", "text")
    assert (ended.status, "leave out --top" in ended.errors) == (2, True)
    for model in (TRIVIAL, "mood"):
        ended = run("predict", "--spans", "text", "--registry", str(trained / "models"), "--model", model)
        assert (ended.status, "can't find spans" in ended.errors) == (2, True)


def test_predict_and_score_apply_conditions_serve_classes_and_leave_shadows_out(run: Run) -> None:
    models = f"{TRIVIAL}, mood=python:headrace.testing.classifiers:Faulty if fake=long, shadow {TRIVIAL}"
    short, long = "brief", "long " * 30
    found = run("predict", short, long, "--model", models, "--json").json["predictions"]
    assert [sorted(answers) for answers in found] == [["fake"], ["fake", "mood"]]
    rows = [{"text": short}, {"text": long}]
    assert run("score", write("in.jsonl", rows), "out.jsonl", "--model", models).status == 0
    scored = [json.loads(line)["predictions"] for line in Path("out.jsonl").read_text().splitlines()]
    assert [sorted(answers) for answers in scored] == [["fake"], ["fake", "mood"]]


def test_predict_and_score_are_restricted_to_labels(run: Run) -> None:
    german, swedish = "Wie spät ist es denn heute, mein Freund?", "Vad är klockan idag, min vän?"
    told = run("predict", german, swedish, "--labels", "sv, da,no", "--json").json["predictions"]
    assert [one["language"]["label"] for one in told] == ["und", "sv"]
    told = run("predict", german, "--labels", "sv|da", "--threshold", "0", "--json").json["predictions"]
    assert told[0]["language"]["label"] in ("sv", "da")
    ended = run("predict", german, "--model", "language[sv|da|no]", "--labels", "da", "--top", "9", "--json")
    assert [one["label"] for one in ended.json["predictions"][0]["language"]] == ["da"]
    write("in.jsonl", [{"text": german}, {"text": swedish}])
    assert run("score", "in.jsonl", "out.jsonl", "--labels", "sv,da,no").status == 0
    scored = [
        json.loads(line)["predictions"]["language"]["label"] for line in Path("out.jsonl").read_text().splitlines()
    ]
    assert scored == ["und", "sv"]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ("", "are empty"),
        ("sv,,da", "is empty"),
        ("sv,sv", "'sv' is named twice"),
        ("SV", "did you mean 'sv'"),
        ("sv,und", "can't be restricted to 'und'"),
        ("xx", "its labels are af, am,"),
    ],
)
def test_predict_and_score_refuse_labels_that_make_no_sense(run: Run, labels: str, reason: str) -> None:
    write("in.jsonl", [{"text": "a"}])
    for arguments in (["predict", "text"], ["score", "in.jsonl", "out.jsonl"]):
        ended = run(*arguments, "--labels", labels)
        assert ended.status == 2
        assert f"--labels {labels}: " in ended.errors
        assert reason in ended.errors


@pytest.mark.parametrize(("name", "models"), [("up", f"{TRIVIAL}, shadow language[xx]"), ("work", "language[sv|xx]")])
def test_labels_that_a_model_lacks_end_a_command_before_it_works(run: Run, name: str, models: str) -> None:
    ended = run(name, "--models", models)
    assert ended.status == 2
    assert "the setting models: language@" in ended.errors
    assert "has no label 'xx'" in ended.errors


def test_a_server_that_is_to_serve_labels_that_a_model_lacks_does_not_start() -> None:
    ended = command("serve", "--port", "0", "--models", "language[sv|xx]")
    assert ended.status == 2
    assert "has no label 'xx'" in ended.errors


def test_predict_reads_lines_of_standard_input(trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    told = command("predict", "--json", *registry, given=b"glad\nsad\n").json["predictions"]
    assert [one["mood"]["label"] for one in told] == ["glad", "sad"]


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_predict_refuses_what_is_no_text(run: Run, trained: Path, text: str) -> None:
    ended = run("predict", "fine", text, "--registry", str(trained / "models"), "--model", "mood")
    assert ended.status == 2
    assert "text 2" in ended.errors


def test_score_keeps_the_order_and_the_members_and_marks_what_is_no_document(run: Run, trained: Path) -> None:
    rows = [{"id": "1", "text": "glad", "shop": 12}, {"text": 7, "mine": True}, b"no json", {"text": "sad"}]
    ended = run("score", write("in.jsonl", rows), "out.jsonl", "--registry", str(trained / "models"), "--model", "mood")
    assert ended.status == 1
    lines = [json.loads(line) for line in Path("out.jsonl").read_bytes().splitlines()]
    name = json.loads((trained / "1.json").read_text())["model"]
    first = lines[0].pop("predictions")["mood"]
    assert (first["label"], first["model"], sorted(first)) == ("glad", name, ["label", "model", "score"])
    assert lines[0] == rows[0]
    assert lines[1]["mine"] is True
    assert "must be a string" in lines[1]["error"]
    assert lines[2]["data"] == "no json"
    assert lines[3]["predictions"]["mood"]["label"] == "sad"


def test_score_leaves_no_half_file(run: Run, trained: Path, folder: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    assert run("score", "no-such.jsonl", "out.jsonl", *registry).status == 2
    assert run("score", write("in.jsonl", [{"text": "x"}]), "no/such/folder/out.jsonl", *registry).status == 2
    assert run("score", "in.jsonl", ".", *registry).status == 2
    assert [path.name for path in folder.iterdir()] == ["in.jsonl"]


def test_score_compresses_by_the_ending_of_the_name(run: Run, trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    assert run("score", write("in.jsonl", [{"text": "glad"}]), "out.jsonl.gz", *registry).status == 0
    assert json.loads(gzip.decompress(Path("out.jsonl.gz").read_bytes()))["predictions"]["mood"]["label"] == "glad"
    for name in ("out.jsonl.gz", "out.jsonl.bz2", "out.jsonl.xz", "out.jsonl.zst"):
        assert run("score", "in.jsonl", name, *registry).status == 0
        assert run("score", name, "again.jsonl", *registry).status == 0
        assert json.loads(Path("again.jsonl").read_bytes())["text"] == "glad"


def test_score_leaves_a_device_and_the_link_to_a_file_as_they_are(run: Run, trained: Path, folder: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    write("in.jsonl", [{"text": "glad"}])
    os.mkfifo("pipe")
    with os.fdopen(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK), "rb") as pipe:
        assert run("score", "in.jsonl", "pipe", *registry).status == 0
        assert json.loads(pipe.readline())["predictions"]["mood"]["label"] == "glad"
    assert (folder / "pipe").is_fifo()
    (folder / "real.jsonl").touch()
    (folder / "link.jsonl").symlink_to("real.jsonl")
    assert run("score", "in.jsonl", "link.jsonl", *registry).status == 0
    assert (folder / "link.jsonl").is_symlink()
    assert (folder / "real.jsonl").read_bytes().startswith(b'{"text":"glad"')


@FULL
def test_score_onto_a_full_disk_is_status_3(run: Run, trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    ended = run("score", write("in.jsonl", [{"text": "glad"}]), "/dev/full", *registry)
    assert ended.status == 3
    assert "the disk is full" in ended.errors


def test_score_speaks_through_standard_streams(trained: Path) -> None:
    registry = ["--registry", str(trained / "models"), "--model", "mood"]
    ended = command("score", "-", "-", *registry, given=b'{"text": "glad"}\n')
    assert ended.status == 0
    assert ended.json["predictions"]["mood"]["label"] == "glad"
    assert "1 scored" in ended.errors


@pytest.mark.parametrize("model", ["mood", "fake=python:headrace.testing.classifiers:Faulty"])
def test_score_hands_over_what_came_before_more_comes(trained: Path, model: str) -> None:
    arguments = ["score", "-", "-", "--registry", str(trained / "models"), "--model", model]
    with subprocess.Popen(
        [sys.executable, "-m", "headrace", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as scoring:
        assert scoring.stdin is not None
        assert scoring.stdout is not None
        for number in range(3):
            scoring.stdin.write(b'{"id": %d, "text": "glad"}\n' % number)
            scoring.stdin.flush()
            assert json.loads(scoring.stdout.readline())["id"] == number
        scoring.stdin.close()
        assert scoring.wait() == 0


def test_score_keeps_the_order_of_many_lines(run: Run, trained: Path) -> None:
    rows = [{"id": number, "text": f"glad {'so ' * (number % 50)}"} for number in range(20_000)]
    arguments = ["--registry", str(trained / "models"), "--model", "mood"]
    assert run("score", write("in.jsonl", rows), "out.jsonl", *arguments).status == 0
    scored = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [{"id": one["id"], "text": one["text"]} for one in scored] == rows
    assert all("predictions" in one for one in scored)


# --- compare


LENGTHS = [{"text": "a" * n, "label": "long" if n > 100 else "short"} for n in (1, 5, 99, 101, 300)]
SOUND = "python:headrace.testing.classifiers:Faulty"


def test_compare_says_how_well_models_agree_with_labels_and_with_each_other(run: Run) -> None:
    ended = run(
        "compare", "python:headrace.testing.classifiers:Trivial", f"fake={SOUND}", "--data", write("d.jsonl", LENGTHS)
    )
    assert ended.status == 0, ended.errors
    assert ended.output.startswith("5 texts, 5 of them with a label")
    lines = [line.split() for line in ended.output.splitlines()]
    (first,) = [words for words in lines if words[:2] == ["Trivial", "Trivial@aaaaaa"]]
    assert first[2:7] == ["100.0%", "±", "0.0%", "100.0%", "1.000"]
    assert ["Trivial", "and", "fake", "0.0%", "±", "0.0%", "0.000", "5"] in lines
    assert "labels of the data (down), Trivial (across)" in ended.output
    assert "Trivial (down), fake (across)" in ended.output
    assert "fake says no label of the data: it says 'fine', the data 'long', 'short'" in ended.errors
    assert "Trivial and fake have no label in common" in ended.errors


def test_compare_prints_one_json_object_of_a_stable_shape(run: Run) -> None:
    rows = [*LENGTHS, {"text": "no label"}, b"no json", {"text": "RAISE", "label": "short"}]
    ended = run("compare", TRIVIAL, f"other={SOUND}", "--data", write("d.jsonl", rows), "--json")
    assert ended.status == 0, ended.errors
    told = ended.json
    assert list(told) == ["rows", "labelled", "malformed", "labels", "models", "pairs"]
    assert (told["rows"], told["labelled"], told["malformed"], told["labels"]) == (7, 6, 1, ["long", "short"])
    first, second = told["models"]
    assert first.pop("texts_per_second") > 0
    assert first == {
        "model": "fake@aaaaaa",
        "name": "fake",
        "accuracy": 1.0,
        "macro_recall": 1.0,
        "macro_recall_se": 0.0,
        "macro_f1": 1.0,
        "per_label": {
            "long": {"recall": 1.0, "precision": 1.0, "f1": 1.0, "support": 2},
            "short": {"recall": 1.0, "precision": 1.0, "f1": 1.0, "support": 4},
        },
        "ece": 0.0,
        "declined": 0,
        "failed": 0,
        "confusion": {"long": {"long": 2}, "short": {"short": 4}},
    }
    assert (second["failed"], second["confusion"]) == (1, {"long": {"fine": 2}, "short": {"fine": 3}})
    (pair,) = told["pairs"]
    assert pair == {
        "models": ["fake", "other"],
        "rows": 6,
        "agreement": 0.0,
        "agreement_se": 0.0,
        "kappa": 0.0,
        "confusion": {"long": {"fine": 2}, "short": {"fine": 4}},
    }
    assert "other failed on 1 text: model other@bbbbbb fails on this: ValueError: this text is too much" in ended.errors
    assert "1 row can't be used and was left out: " in ended.errors
    assert "1 row has no label, and counts for agreement and speed alone" in ended.errors


def test_compare_without_labels_is_about_agreement_and_speed_and_says_so(run: Run) -> None:
    rows = [{"text": "a"}, {"text": "🙂"}]
    ended = run("compare", TRIVIAL, f"other={SOUND}", "--data", write("d.jsonl", rows))
    assert ended.status == 0, ended.errors
    assert "no row has a label: models are compared with each other alone" in ended.errors
    assert "macro recall" not in ended.output
    assert "labels of the data" not in ended.output
    told = run("compare", TRIVIAL, f"other={SOUND}", "--data", "d.jsonl", "--json").json
    assert (told["labelled"], told["models"][0]["accuracy"], told["models"][0]["confusion"]) == (0, None, {})


def test_compare_measures_one_model_against_labels_alone(run: Run) -> None:
    ended = run("compare", TRIVIAL, "--data", write("d.jsonl", LENGTHS), "--json")
    assert (ended.status, ended.json["models"][0]["accuracy"], ended.json["pairs"]) == (0, 1.0, [])
    ended = run("compare", TRIVIAL, "--data", write("d.jsonl", [{"text": "a"}]))
    assert ended.status == 2
    assert "no row has a label, so one model has nothing to be compared with" in ended.errors


def test_compare_renames_labels_of_the_data(run: Run) -> None:
    data = write("d.jsonl", [{"text": row["text"], "label": int(row["label"] == "long")} for row in LENGTHS])
    ended = run("compare", TRIVIAL, "--data", data)
    assert "fake says no label of the data: it says 'long', 'short', the data '0', '1'" in ended.errors
    ended = run("compare", TRIVIAL, "--data", data, "--map", "1 = long, 0 = short, 2 = none", "--json")
    assert ended.json["models"][0]["accuracy"] == 1.0
    assert "no row has the label '2', which --map renames" in ended.errors


def test_compare_takes_a_sample_that_a_seed_decides(run: Run) -> None:
    data = write("d.jsonl", [{"text": "a" * n} for n in range(1, 200)])

    def confusion(*more: str) -> Any:
        told = run("compare", TRIVIAL, f"other={SOUND}", "--data", data, "--limit", "20", *more, "--json").json
        assert told["rows"] == 20
        return told["pairs"][0]["confusion"]

    assert confusion() == confusion("--seed", "0")
    assert len({json.dumps(confusion("--seed", f"{seed}")) for seed in range(8)}) > 1


def test_compare_takes_models_of_the_registry_and_words_for_classifiers(run: Run, trained: Path) -> None:
    data = write("d.jsonl", [{"text": "glad 1", "label": "glad"}, {"text": "sad 1", "label": "sad"}])
    newest, oldest = (json.loads((trained / f"{number}.json").read_text())["model"] for number in (1, 0))
    registry = str(trained / "models")
    ended = run("compare", "mood", oldest, "mood[glad]", "vader", "--data", data, "--registry", registry, "--json")
    assert ended.status == 0, ended.errors
    told = ended.json
    assert [one["name"] for one in told["models"]] == ["mood", oldest, "mood[glad]", "vader"]
    assert [one["model"] for one in told["models"]][:3] == [newest, oldest, newest]
    assert [one["accuracy"] for one in told["models"]] == [1.0, 1.0, 0.5, 0.0]
    assert len(told["pairs"]) == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "no model is named; name two or more before --data"),
        (["vadre", TRIVIAL], "there is no model 'vadre'; did you mean 'vader'"),
        (["langage", TRIVIAL], "did you mean 'language'"),
        (["python", TRIVIAL], "python alone names no classifier"),
        (["pyhton:m:C", TRIVIAL], "did you mean python:"),
        (["shadow language", TRIVIAL], "is not a model"),
        (["language", "language"], "language is named 2 times"),
        ([TRIVIAL, "fake=vader:"], "fake is named 2 times; name each model once, or tell classifiers apart: NAME=URL"),
        (["language[xx]", TRIVIAL], "has no label 'xx'"),
        ([TRIVIAL, "--limit", "0"], "--limit is 0"),
        ([TRIVIAL, "--map", "1"], "write OLD=NEW"),
        ([TRIVIAL, "--data", "gone.jsonl"], "there is no such file"),
        ([TRIVIAL, "--data", "empty.jsonl"], "no text was found in"),
        (["fake=python:headrace.testing.classifiers:Refusing"], "fake@dddddd is broken"),
        (["--modle", "language"], "there is no option --modle"),
    ],
    ids=repr,
)
def test_compare_says_what_it_cannot_compare(run: Run, arguments: list[str], told: str) -> None:
    write("empty.jsonl", [])
    data = [] if "--data" in arguments else ["--data", write("d.jsonl", LENGTHS)]
    ended = run("compare", *arguments, *data)
    assert (ended.status, ended.output) == (2, "")
    assert told in ended.errors


def test_compare_ends_with_status_3_if_a_model_is_away(run: Run) -> None:
    ended = run("compare", TRIVIAL, f"other={SOUND}", "--data", write("d.jsonl", [{"text": "UNAVAILABLE"}]))
    assert (ended.status, ended.output) == (3, "")
    assert "the remote model is away" in ended.errors


def test_labels_that_look_like_markup_or_would_harm_a_terminal_are_shown_as_text(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from headrace import Prediction\nclass Marked:\n    def predict(self, texts):\n"
    (folder / "marked.py").write_text(code + "        return [Prediction('[/b] \\x1b[1m', 1.0) for _ in texts]\n")
    monkeypatch.syspath_prepend(folder)
    ended = run(
        "compare", "python:marked:Marked", TRIVIAL, "--data", write("d.jsonl", [{"text": "a", "label": "[red]"}])
    )
    assert ended.status == 0, ended.errors
    lines = [line.split() for line in ended.output.splitlines()]
    assert lines.count(["[/b]", "·[1m"]) == 1  # a column of the labels of the data and the model
    assert ["[/b]", "·[1m", "1"] in lines  # a row of both models
    assert ["[red]", "1"] in lines
    assert "\x1b" not in ended.output + ended.errors


def test_compare_goes_on_if_a_model_fails_on_everything(run: Run) -> None:
    ended = run("compare", TRIVIAL, f"other={SOUND}", "--data", write("d.jsonl", [{"text": "RAISE", "label": "short"}]))
    assert ended.status == 0, ended.errors
    lines = [line.split() for line in ended.output.splitlines()]
    assert ["fake", "and", "other", "-", "-", "0"] in lines
    assert "(down), other (across)" not in ended.output


@pytest.mark.parametrize("name", ["ingest", "up"])
def test_a_stream_that_is_named_twice_is_refused(name: str) -> None:
    table = '[[ingest]]\nurl = "rss:https://127.0.0.1:1/feed#every=%d"\n'
    Path("headrace.toml").write_text(table % 60 + table % 90)
    outcome = command(name)
    assert (outcome.status, "rss:https://127.0.0.1:1/feed is named twice" in outcome.errors) == (2, True)


def test_compare_adds_up_the_labels_that_are_rare(run: Run) -> None:
    rows = [{"text": "a", "label": f"label {n:02}"} for n in range(20) for _ in range(20 - n)]
    ended = run("compare", TRIVIAL, "--data", write("d.jsonl", rows))
    lines = [line.rsplit(maxsplit=1) for line in ended.output.splitlines()]
    assert ["label 11", "9"] in lines
    assert ["(others)", "36"] in lines  # 8 + 7 + … + 1
    assert not any(line and line[0] == "label 12" for line in lines)


def test_compare_loads_no_library_that_only_training_needs() -> None:
    code = """
import sys
for library in ("sklearn", "scipy", "skops", "matplotlib"):
    sys.modules[library] = None
from headrace.cli import run
sys.exit(run(sys.argv[1:]))
"""
    data = write("d.jsonl", [{"text": "Vad är klockan?", "label": "sv"}, {"text": "What time is it?", "label": "en"}])
    arguments = ["compare", "language", TRIVIAL, "--data", data, "--json"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["accuracy"] == 1.0
