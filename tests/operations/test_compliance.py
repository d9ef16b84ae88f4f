"""Erasing what is gone at X: only ids are sent, and whatever is interrupted is found again."""

from collections.abc import Callable, Iterator

import pytest
from support.http_server import Request, serving
from support.twitter_server import TOKEN, X, body_of, refusing

from headrace import browse
from headrace.burial import bury
from headrace.documents import Document, Outcome
from headrace.errors import Misconfigured, Unavailable
from headrace.operations.compliance import NAME, Compliance
from headrace.ports import ResultQuery
from headrace.sources.back_off import Broken
from headrace.sources.x_api.api import Api
from headrace.stores.memory import MemoryStore
from headrace.testing.outcomes import labelled, letters

Erase = Callable[..., Compliance]


@pytest.fixture
def x() -> X:
    return X()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    names = ["twitter:1", "twitter:2", "twitter:3", "twitter:x", "mastodon:4"]
    store.write([labelled(name, source=name.partition(":")[0]) for name in names])
    buried = Document("twitter:5", "text", "twitter")
    store.write([Outcome(None, dead=(bury(buried, "raised", "no"),))])
    return store


@pytest.fixture
def erase(x: X, store: MemoryStore) -> Iterator[Erase]:
    with serving(x) as served, Api(f"http://127.0.0.1:{served.port}", TOKEN) as api:
        yield lambda **options: Compliance(api, store, lambda _seconds: None, **options)


def left(store: MemoryStore) -> set[str]:
    found = {result.id for result in browse.results(store, ResultQuery())}
    return found | {letter.id for letter in letters(store)}


def test_a_job_of_which_x_tells_no_status_is_not_waited_for(x: X, erase: Erase) -> None:
    def before(request: Request) -> bool:
        if found := request.command == "GET" and request.path.endswith("/1"):
            request.begin()
            request.send('{"data": {"id": "1"}}')
        return found

    x.before = before
    with pytest.raises(Unavailable, match="X did not say the status of a compliance job; call it again"):
        erase().run()


ALL = {"twitter:1", "twitter:2", "twitter:3", "twitter:x", "mastodon:4", "twitter:5"}


def test_what_is_gone_at_x_is_erased_and_only_that(x: X, store: MemoryStore, erase: Erase) -> None:
    x.events = {
        "1": [{"action": "delete", "reason": "deleted"}],
        "2": [{"action": "scrub_geo", "reason": "scrub_geo"}],
        "3": [{"action": "rehydrate", "reason": "edited"}],
        "5": [{"action": "delete", "reason": "suspended"}],
    }
    outcome = erase().run()
    assert (outcome.checked, outcome.erased, outcome.edited) == (4, 2, 1)
    assert left(store) == ALL - {"twitter:1", "twitter:5"}
    assert sorted(x.uploaded["1"].split()) == [b"1", b"2", b"3", b"5"]
    assert x.jobs[0]["name"] == NAME


def test_a_place_that_is_taken_back_does_not_touch_a_text(x: X, store: MemoryStore, erase: Erase) -> None:
    x.events = {"1": [{"action": "delete", "reason": "scrub_geo"}], "2": [{"error": "invalid_id"}]}
    assert erase().run().erased == 0
    assert left(store) == ALL


def test_many_posts_are_asked_about_one_job_after_the_other(x: X, store: MemoryStore, erase: Erase) -> None:
    x.events = {str(one): [{"action": "delete", "reason": "protected"}] for one in range(9)}
    outcome = erase(ids=3).run()
    assert (outcome.checked, outcome.erased) == (4, 4)
    assert [len(x.uploaded[job["id"]].split()) for job in x.jobs] == [3, 1]
    assert left(store) == {"twitter:x", "mastodon:4"}


def test_nothing_is_asked_if_nothing_is_stored(x: X, store: MemoryStore, erase: Erase) -> None:
    store.erase(sorted(ALL))
    assert erase().run().checked == 0
    assert x.jobs == []


def test_a_job_that_an_interrupted_call_has_left_is_finished(x: X, store: MemoryStore, erase: Erase) -> None:
    x.events = {"1": [{"action": "delete", "reason": "deleted"}]}

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    call = erase()
    call.wait = interrupted
    with pytest.raises(KeyboardInterrupt):
        call.run()
    assert x.jobs[0]["status"] == "in_progress"
    outcome = erase().run()
    assert (outcome.checked, outcome.erased) == (3, 1)  # the second job asks about what is left
    assert left(store) == ALL - {"twitter:1"}
    assert [job["status"] for job in x.jobs] == ["complete", "complete"]


def test_a_job_to_which_nothing_was_sent_is_given_up(x: X, erase: Erase) -> None:
    x.jobs.append({"id": "1", "name": NAME, "status": "created", "type": "tweets"})
    assert erase().run().checked == 4
    assert [job["status"] for job in x.jobs] == ["failed", "complete"]


def test_the_job_of_another_program_is_left_alone(x: X, erase: Erase) -> None:
    x.jobs.append({"id": "1", "name": "mine", "status": "created", "type": "tweets"})
    with pytest.raises(Misconfigured, match="job 1, which is not Headrace's"):
        erase().run()
    assert x.jobs[0]["status"] == "created"


def test_a_job_that_x_gives_up_can_be_made_again(x: X, store: MemoryStore, erase: Erase) -> None:
    call = erase()
    call.wait = lambda _seconds: x.jobs[-1].update(status="failed")
    with pytest.raises(Unavailable, match=r"has given up the compliance job 1 \(failed\); call it again"):
        call.run()
    assert erase().run().checked == 4
    assert left(store) == ALL


def test_a_result_that_is_cut_off_is_told(x: X, erase: Erase) -> None:
    def cut(request: Request) -> bool:
        if cuts := "/download" in request.path:
            request.begin()
            request.send('{"id": "1", "acti')
        return cuts

    x.before = cut
    with pytest.raises(Unavailable, match="was cut off or is not JSON; call it again"):
        erase().run()


def test_the_token_is_sent_to_no_other_host(x: X, erase: Erase) -> None:
    seen: list[str | None] = []

    def elsewhere(request: Request) -> None:
        seen.append(request.headers.get("Authorization"))
        if request.command == "PUT":
            body_of(request)
            x.jobs[0]["status"] = "complete"
        request.begin()

    with serving(elsewhere) as other:
        x.files = f"http://127.0.0.1:{other.port}"
        assert erase().run().checked == 4
    assert seen == [None, None]


def test_a_refusal_is_told(x: X, erase: Erase) -> None:
    x.before = refusing(403, {"title": "Client Forbidden"})
    with pytest.raises(Broken, match="Client Forbidden"):
        erase().run()
