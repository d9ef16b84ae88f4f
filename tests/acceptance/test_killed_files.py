"""The first law for archives and logs: whatever kills the process that reads one, nothing is lost, and nothing is stored twice."""

import bz2
import io
import json
import random
import tarfile
from collections import Counter
from pathlib import Path

from driver import PATIENCE, TRIVIAL, Headrace, until
from support.ftp_server import serving

DOCUMENTS, MEMBERS = 3000, 30


def lines(first: int, last: int) -> bytes:
    return "".join(f'{{"id": "{n}", "text": "text {n}"}}\n' for n in range(first, last)).encode()


def kill(headrace: Headrace, chance: random.Random, *arguments: str) -> None:
    """Start a command that publishes, and kill it when it has published some more."""
    before, more = headrace.waiting(), chance.choice([1, 1, 2])
    running = headrace.start(*arguments)
    until(
        lambda: headrace.waiting() >= before + more or running.child.poll() is not None,
        PATIENCE,
        "nothing comes",
        every=0.001,
    )
    running.kill()


def all_are_stored_once(headrace: Headrace, number: int) -> None:
    headrace.done("work", "--drain", models=TRIVIAL)
    assert Counter(result.text for result in headrace.results()) == Counter(f"text {n}" for n in range(number))
    assert not headrace.dead()


def pack(archive: Path) -> None:
    each = DOCUMENTS // MEMBERS
    with tarfile.open(archive, "w") as packed:
        for number in range(MEMBERS):
            data = bz2.compress(lines(number * each, (number + 1) * each))
            info = tarfile.TarInfo(f"2026/01/31/23/{number:02}.json.bz2")
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))


def read_to_its_end(headrace: Headrace, archive: str) -> None:
    """Kill the reader of an archive again and again; then let it come to the end."""
    chance = random.Random(7)
    for _ in range(5):
        kill(headrace, chance, "ingest", archive)
    ended = json.loads(headrace.done("ingest", archive, "--json"))
    assert ended["published"] + ended["repeated"] == DOCUMENTS
    all_are_stored_once(headrace, DOCUMENTS)


def test_an_archive_whose_reader_is_killed_again_and_again_is_read_to_its_end(headrace: Headrace) -> None:
    headrace.run("status")  # makes the files
    pack(headrace.folder / "grab.tar")
    read_to_its_end(headrace, str(headrace.folder / "grab.tar"))


def test_so_is_an_archive_of_another_machine(headrace: Headrace) -> None:
    headrace.run("status")  # makes the files
    pack(headrace.folder / "grab.tar")
    with serving(headrace.folder) as server:
        read_to_its_end(headrace, f"{server.url}/grab.tar")


def test_a_log_that_is_rotated_while_its_reader_is_killed_is_read_to_its_end(headrace: Headrace) -> None:
    headrace.run("status")  # makes the files
    log: Path = headrace.folder / "app.jsonl"
    chance, written = random.Random(7), 50
    log.write_bytes(lines(0, written))
    headrace.done("ingest", str(log), "--follow", "--until-idle", "1")  # from now on there is a place to go on from
    for turn in range(5):
        log.rename(log.with_name(f"app.jsonl.{9 - turn}"))
        log.write_bytes(lines(written, written + 600))
        written += 600
        kill(headrace, chance, "ingest", str(log), "--follow")
        with log.open("ab") as more:
            more.write(lines(written, written + 7))
        written += 7
    ended = json.loads(headrace.done("ingest", str(log), "--follow", "--until-idle", "3", "--json"))
    assert (ended["malformed"], ended["missed"]) == (0, 0)
    all_are_stored_once(headrace, written)
