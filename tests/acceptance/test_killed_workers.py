"""Workers are killed in the middle of their work, again and again: none lost, none twice, none wrong, and only the culprits buried."""

import json
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

import psutil
import pytest
from driver import COMMAND, HERE, PATIENCE, Headrace, Running, kill, until

from headrace.brokers.sqlite import SqliteBroker
from headrace.documents import Body
from headrace.testing.classifiers import checksum

SOUND = [f"sound text {number}".ljust(250, ".") for number in range(4000)]
POISON = [f"RAISE {number}" for number in range(20)]
KILLERS = ["KILL by a signal", "EXIT without a word"]
IN_FILE = [b"{cut short", b'{"no": "text"}']
KILLS = 14
HASTY = (sys.executable, str(HERE / "hasty_worker.py"))

# What a slow disk does, in the store's own file: so many steps for every document that is written.
SLOW = """CREATE TRIGGER slow AFTER INSERT ON documents BEGIN
    SELECT (WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < {}) SELECT max(n) FROM steps); END"""
ABOUT_A_MILLISECOND, ENDLESS = 4_000, 1 << 60


def publish_everything(headrace: Headrace) -> set[bytes]:
    """Sound texts, poison and killers, half with an id of their own, half by `ingest`, some twice; the lines that are malformed."""
    texts = [*SOUND, *POISON, *KILLERS]
    random.Random(7).shuffle(texts)
    documents = [
        {"id": f"own-{place}", "text": text} if place % 2 else {"text": text} for place, text in enumerate(texts)
    ]
    half = len(documents) // 2
    headrace.write("half.jsonl", [*documents[:half], *documents[:100], *IN_FILE])
    ingested = headrace.run("ingest", "half.jsonl", "--json")
    assert json.loads(ingested.output) == {
        "published": half,
        "repeated": 100,
        "malformed": len(IN_FILE),
        "erased": 0,
        "missed": 0,
    }
    lines = [json.dumps(one).encode() for one in documents[half:]]
    starts = range(0, len(lines), 50)
    bodies = [Body(b"\n".join([*lines[start : start + 50], b"no json %d" % start])) for start in starts]
    with closing(SqliteBroker(headrace.queue)) as broker:
        broker.publish([*bodies, *bodies[:5]])
    return {*IN_FILE, *(b"no json %d" % start for start in starts)}


def kill_again_and_again(headrace: Headrace, workers: Running, kills: int) -> dict[str, tuple[str, float]]:
    """Kill keepers, predictors, or both, each time that more has been stored or a moment has gone; the answers seen meanwhile."""
    chance = random.Random(11)
    seen: dict[str, tuple[str, float]] = {}
    for _ in range(kills):
        until(workers.predictors, PATIENCE, "no predictor is back")
        before, since = headrace.stored(), time.monotonic()
        until(lambda: headrace.stored() > before or time.monotonic() - since > 1, PATIENCE, "")  # noqa: B023
        seen = {**answers(headrace), **seen}
        victims: list[psutil.Process] = []
        choice = chance.choice(["keepers", "predictors", "one of each"])
        if choice != "predictors":
            victims += workers.keepers()[: 2 if choice == "keepers" else 1]
        if choice != "keepers":
            victims += workers.predictors()[:1]
        kill(victims)
    return seen


def answers(headrace: Headrace) -> dict[str, tuple[str, float]]:
    """By id, the one answer, with the score by which one could tell a second."""
    return {one.id: (one.predictions["fake"].label, one.predictions["fake"].score) for one in headrace.results()}


def lost(headrace: Headrace, texts: Sequence[str]) -> set[str]:
    """Texts that have no result, having checked that no text has two, and none a wrong one."""
    results = headrace.results()
    counted = Counter(result.text for result in results)
    assert not [text for text, number in counted.items() if number > 1]
    assert all(one.predictions["fake"].label == checksum(one.text) for one in results if "fake" in one.predictions)
    return set(texts) - {one.text for one in results if "fake" in one.predictions}


def test_workers_killed_again_and_again_lose_nothing_repeat_nothing_and_bury_only_the_culprits(
    headrace: Headrace,
) -> None:
    malformed = publish_everything(headrace)
    workers = headrace.start("work", "--processes", "2", memory=256 << 20)

    seen = kill_again_and_again(headrace, workers, KILLS)
    until(lambda: not headrace.waiting(), PATIENCE, "documents are left in the queue")
    workers.interrupt()

    assert workers.status() == 0
    workers.leaves_nothing()
    assert not lost(headrace, SOUND)
    final = answers(headrace)
    assert {identity: final[identity] for identity in seen} == seen, "an answer changed"
    dead = headrace.dead()
    assert {letter.data for letter in dead if letter.kind == "malformed"} == malformed
    buried = Counter(json.loads(letter.data)["text"] for letter in dead if letter.kind != "malformed")
    assert buried == Counter([*POISON, *KILLERS])
    assert "locked" not in workers.printed


def killed_as_soon_as_something_is_acknowledged(headrace: Headrace, command: Sequence[str], steps: int) -> set[str]:
    """What is lost when a worker on a slow disk is killed each time that the queue has become shorter, and another does the rest."""
    texts = SOUND[:1200]
    for start in range(0, len(texts), 400):
        headrace.done(
            "ingest", headrace.write(f"{start}.jsonl", ({"text": text} for text in texts[start : start + 400]))
        )
        if not start:
            with closing(sqlite3.connect(headrace.store)) as connection:
                connection.execute(SLOW.format(steps))
        worker = headrace.start("work", command=command)
        before = headrace.waiting()
        until(lambda before=before: headrace.waiting() < before, PATIENCE, "nothing is acknowledged", every=0.002)
        worker.kill()
        worker.leaves_nothing()
    with closing(sqlite3.connect(headrace.store)) as connection:
        connection.execute("DROP TRIGGER slow")
    headrace.done("work", "--drain")
    return lost(headrace, texts)


def test_a_worker_killed_just_after_its_acknowledgement_has_lost_nothing(headrace: Headrace) -> None:
    assert not killed_as_soon_as_something_is_acknowledged(headrace, COMMAND, ABOUT_A_MILLISECOND)


def test_the_check_sees_the_loss_where_a_worker_acknowledges_before_it_writes(headrace: Headrace) -> None:
    assert killed_as_soon_as_something_is_acknowledged(headrace, HASTY, ENDLESS)


def test_two_workers_share_the_files_without_ever_finding_them_locked(headrace: Headrace) -> None:
    headrace.write("some.jsonl", ({"text": text} for text in SOUND[:2000]))
    workers = [headrace.start("work") for _ in range(2)]
    for worker in workers:
        until(worker.predictors, PATIENCE, "no predictor has started")
    headrace.done("ingest", "some.jsonl")
    until(lambda: headrace.stored() == 2000 and not headrace.waiting(), PATIENCE, "the documents are not all stored")
    for worker in workers:
        worker.interrupt()
        assert worker.status() == 0
        assert "locked" not in worker.printed
        assert "waiting" not in worker.printed
    assert not lost(headrace, SOUND[:2000])


@pytest.mark.parametrize("model", ["Broken", "Refusing"])
def test_a_model_that_is_broken_stops_the_workers_and_buries_nothing(headrace: Headrace, model: str) -> None:
    headrace.done("ingest", headrace.write("some.jsonl", ({"text": text} for text in SOUND[:100])))

    finished = headrace.run("work", "--processes", "2", models=f"fake=python:headrace.testing.classifiers:{model}")

    assert finished.status == 2
    assert "golden texts" in finished.errors
    assert not headrace.dead()
    headrace.done("work", "--drain")
    assert not lost(headrace, SOUND[:100])
