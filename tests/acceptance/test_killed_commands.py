"""The first and the third law, publish before the note that it is done, by killing whatever publishes; and what erasing reaches."""

import hmac
import json
import random
import threading
from collections import Counter

import httpx
from driver import FAULTY, PATIENCE, TRIVIAL, Headrace, post, until


def texts_of(headrace: Headrace) -> Counter[str]:
    return Counter(result.text for result in headrace.results())


def kill_when_it_has_published(headrace: Headrace, chance: random.Random, *arguments: str) -> bool:
    """Start a command and kill it at a random moment of its work; whether it had ended by itself before."""
    before, more = headrace.waiting(), chance.choice([1, 1, 5, 20, 60])
    running = headrace.start(*arguments)
    until(lambda: headrace.waiting() >= before + more or running.child.poll() is not None, PATIENCE, "", every=0.001)
    ended = running.child.poll() is not None
    running.kill()
    return ended


def test_an_ingest_killed_again_and_again_and_resumed_publishes_all_and_nothing_is_stored_twice(
    headrace: Headrace,
) -> None:
    texts = [f"text {number} of a file that is long" for number in range(20_000)]
    name = headrace.write("long.jsonl", ({"text": text} for text in texts))
    headrace.run("status")  # makes the files
    chance = random.Random(3)
    for _ in range(8):
        kill_when_it_has_published(headrace, chance, "ingest", name)

    ingested = json.loads(headrace.done("ingest", name, "--json"))

    assert ingested["published"] + ingested["repeated"] == len(texts)
    headrace.done("work", "--drain", models=TRIVIAL)
    assert texts_of(headrace) == Counter(texts)
    assert json.loads(headrace.done("ingest", name, "--json")) == {
        "published": 0,
        "repeated": len(texts),
        "malformed": 0,
        "erased": 0,
        "missed": 0,
    }


def test_a_replay_killed_between_publishing_and_dropping_loses_nothing(headrace: Headrace) -> None:
    texts = [f"RAISE {number} {'.' * 300}" for number in range(2000)]
    headrace.done("ingest", headrace.write("poison.jsonl", ({"text": text} for text in texts)))
    headrace.done("work", "--drain", models=FAULTY)
    assert len(headrace.dead()) == len(texts)
    chance = random.Random(5)
    for _ in range(8):
        if kill_when_it_has_published(headrace, chance, "dead", "replay", "--all"):
            break

    headrace.done("dead", "replay", "--all")

    headrace.done("work", "--drain", models=TRIVIAL)
    assert texts_of(headrace) == Counter(texts)
    assert not headrace.dead()


def test_what_is_replayed_and_fails_again_is_buried_once_under_a_new_number(headrace: Headrace) -> None:
    headrace.done("ingest", headrace.write("poison.jsonl", [{"id": "a", "text": "RAISE"}]))
    headrace.done("work", "--drain", models=FAULTY)
    (first,) = headrace.dead()
    headrace.done("dead", "replay", str(first.burial))
    headrace.done("work", "--drain", models=FAULTY)
    (second,) = headrace.dead()
    assert second.burial > first.burial
    assert headrace.run("dead", "replay", str(first.burial)).status == 1


def test_what_is_erased_while_it_is_queued_never_appears(headrace: Headrace) -> None:
    documents = [
        {"id": f"d-{number}", "text": f"RAISE {number}" if number % 10 == 9 else "sound"} for number in range(200)
    ]
    headrace.done("ingest", headrace.write("some.jsonl", documents))
    erased = {f"d-{number}" for number in range(0, 200, 3)}
    headrace.done("erase", *erased)

    headrace.done("work", "--drain", models=FAULTY)

    left = {one.id for one in headrace.results()} | {one.id for one in headrace.dead()}
    assert left == {str(one["id"]) for one in documents} - erased
    headrace.done("ingest", headrace.write("again.jsonl", [{"id": "d-0", "text": "sent anew"}]))
    headrace.done("work", "--drain", models=FAULTY)
    assert "d-0" in {one.id for one in headrace.results()}


def test_nothing_outlives_an_up_that_is_killed_and_a_new_one_does_the_rest(headrace: Headrace) -> None:
    texts = [f"text {number}" for number in range(3000)]
    first = headrace.start("up", "--processes", "2")
    address = first.address()
    for start in range(0, len(texts), 1000):
        sent = [{"text": text} for text in texts[start : start + 1000]]
        assert post(f"{address}/v1/documents", sent).status_code == 202
    until(headrace.stored, PATIENCE, "nothing is stored")
    # itself, two keepers, and predictors of theirs and of the API
    until(lambda: len(first.processes()) >= 6, PATIENCE, "not all have started")

    first.kill()

    first.leaves_nothing()
    second = headrace.start("up")
    until(lambda: headrace.stored() == len(texts) and not headrace.waiting(), PATIENCE, "the rest is not done")
    second.interrupt()
    assert second.status() == 0
    assert texts_of(headrace) == Counter(texts)


def test_what_the_api_has_taken_survives_its_death(headrace: Headrace) -> None:
    serving = headrace.start("serve", "--api-only")
    address = serving.address()
    sent = [{"text": f"text {number}"} for number in range(500)]
    ids = post(f"{address}/v1/documents", sent).json()["ids"]
    serving.kill()
    serving.leaves_nothing()

    headrace.done("work", "--drain")

    assert {one.id for one in headrace.results()} == set(ids)


def test_what_a_webhook_has_answered_survives_a_death_at_any_moment(headrace: Headrace) -> None:
    (headrace.folder / "headrace.toml").write_text('[[webhook]]\nname = "hook"\nsignature = "github"\nid = "n"\n')
    serving = headrace.start("serve", "--api-only", webhook_hook_secret="a shared secret")
    address, answered = serving.address(), list[str]()

    def send() -> None:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            for number in range(1_000_000):
                content = json.dumps({"n": number, "text": f"text {number}"}).encode()
                signature = f"sha256={hmac.digest(b'a shared secret', content, 'sha256').hex()}"
                headers = {"content-type": "application/json", "x-hub-signature-256": signature}
                try:
                    answer = client.post(f"{address}/in/hook", content=content, headers=headers)
                except httpx.TransportError:
                    return
                assert answer.status_code == 202
                answered.extend(answer.json()["ids"])

    sender = threading.Thread(target=send)
    sender.start()
    until(lambda: len(answered) >= 200 or not sender.is_alive(), PATIENCE, "nothing is answered", every=0.001)
    serving.kill()
    sender.join()
    serving.leaves_nothing()

    headrace.done("work", "--drain", models=TRIVIAL)

    stored = [one.id for one in headrace.results()]
    assert len(answered) >= 200
    assert set(answered) <= set(stored)
    assert len(stored) <= len(answered) + 1  # the one that was not answered any more
