"""What becomes of documents that are erased, by their ids or with their authors."""

from typing import Any

from headrace.belonging import author_of, erased_at, keys_of
from headrace.burial import bury, bury_bytes
from headrace.clock import microseconds
from headrace.documents import Document, Outcome, encode
from headrace.ports import Counts, ResultQuery
from headrace.testing.outcomes import document, labelled, labels, letters, prediction, results
from headrace.testing.stores import Connect

LATE = 1 << 60  # a time of publishing after anything is erased


class ErasingSuite:
    """What is erased; each name is the sentence that the test shows."""

    def test_an_erased_document_is_gone_with_its_dead_letters(self, connect: Connect) -> None:
        store = connect()
        dead = bury(document("a"), "raised", "no", model="sentiment")
        store.write([labelled("b"), Outcome(document("a"), (prediction("sv"),), dead=(dead,))])
        store.erase(["a", "unknown"])
        assert [result.id for result in results(store)] == ["b"]
        assert letters(store) == []
        assert store.count(ResultQuery()) == Counts(1, {"language": {"sv": 1}})
        assert labels(store) == {"sv": 1}
        store.erase(["a"])
        store.erase([])

    def test_what_was_published_before_it_was_erased_is_dropped(self, connect: Connect) -> None:
        store = connect()
        store.erase(["a", "b", "c"])
        dead = bury(document("b"), "raised", "no")
        store.write(
            [labelled("a"), Outcome(document("b"), dead=(dead,)), labelled("c", published_at=None), labelled("d")]
        )
        assert [result.id for result in results(store)] == ["d"]
        assert letters(store) == []

    def test_bytes_that_name_an_erased_id_are_dropped_too(self, connect: Connect) -> None:
        store = connect()
        early = b'{"id": "a", "text": 5, "published_at": 1}'
        late = b'{"id": "a", "text": 5, "published_at": %d}' % (1 << 60)
        store.erase(["a"])
        store.write([Outcome(None, dead=(bury_bytes(early, "no"),)), Outcome(None, dead=(bury_bytes(late, "no"),))])
        assert [letter.data for letter in letters(store)] == [late]

    def test_what_was_published_after_it_was_erased_is_kept(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("a", text="old")])
        store.erase(["a"])
        store.write([labelled("a", text="new", published_at=1 << 60)])
        assert [result.text for result in results(store)] == ["new"]

    def test_all_that_an_author_has_written_is_erased_with_its_dead_letters(self, connect: Connect) -> None:
        store = connect()
        store.write([_by("anna", "1"), _by("anna", "2"), _by("ann", "3"), labelled("4"), _by(17, "5", source="other")])
        store.write([Outcome(None, dead=(bury(_document("anna", "6"), "raised", "no"),)), labelled("suite:anna")])
        store.erase([], authors=["suite:anna", "suite:unknown"])
        assert [result.id for result in results(store)] == ["suite:anna", "5", "4", "3"]
        assert letters(store) == []
        assert store.count(ResultQuery()).documents == labels(store)["sv"] == 4
        store.erase(["4"], authors=["other:17"])
        store.erase([], authors=["other:17"])
        assert [result.id for result in results(store)] == ["suite:anna", "3"]

    def test_what_an_author_had_published_before_is_dropped_when_it_arrives_and_what_follows_is_kept(
        self, connect: Connect
    ) -> None:
        store = connect()
        store.erase([], authors=["suite:anna"])
        dead = bury(_document("anna", "4"), "raised", "no")
        as_bytes = bury_bytes(encode(_document("anna", "5"))[:-1] + b', "text": 5}', "malformed")
        store.write([_by("anna", "1"), _by("anna", "2", published_at=LATE), _by("bo", "3")])
        store.write([Outcome(_document("anna", "4"), dead=(dead,)), Outcome(None, dead=(as_bytes,))])
        assert [result.id for result in results(store)] == ["3", "2"]
        assert letters(store) == []

    def test_edits_are_erased_with_the_document_that_they_are_of_and_may_be_erased_alone(
        self, connect: Connect
    ) -> None:
        store = connect()
        for number in "12":
            store.write([labelled(number), _edit(f"{number}@a", number), _edit(f"{number}@b", number)])
        store.erase(["1", "2@a"])
        assert [result.id for result in results(store)] == ["2@b", "2"]
        store.write([_edit("1@c", "1"), _edit("1@d", "1", published_at=LATE)])
        assert [result.id for result in results(store)] == ["1@d", "2@b", "2"]

    def test_an_id_that_was_erased_and_came_again_by_another_author_is_not_erased_with_the_first(
        self, connect: Connect
    ) -> None:
        store = connect()
        store.write([_by("anna", "1"), _edit("2@a", "2")])
        store.erase(["1", "2@a"])
        store.write([_by("bo", "1", published_at=LATE), labelled("2@a", published_at=LATE)])
        store.erase(["2"], authors=["suite:anna"])
        assert [result.id for result in results(store)] == ["2@a", "1"]

    def test_an_answer_that_came_later_goes_with_the_author_too(self, connect: Connect) -> None:
        store = connect()
        store.write([_by("anna", "1")])
        store.write([Outcome(_document("anna", "1"), (prediction("good", "mood@aaaaaa"),))])
        store.erase([], authors=["suite:anna"])
        assert (results(store), store.count(ResultQuery())) == ([], Counts())
        assert store.predictions(["1"]) == {}

    def test_it_tells_when_a_document_was_erased_by_whatever_it_was(self, connect: Connect) -> None:
        store = connect()
        written, edit = _document("anna", "1"), document("2@a", meta={"edit_of": "2"})
        assert (author_of(written), keys_of(edit)) == ("suite:anna", ("2@a", "2"))
        assert erased_at(store, [written, edit]) == {}
        before = microseconds()
        store.erase(["2"], authors=["suite:anna"])
        found = erased_at(store, [written, edit, document("3")])
        assert sorted(found) == ["1", "2@a"]
        assert all(before <= at <= microseconds() for at in found.values())

    def test_a_clock_that_was_set_back_leaves_no_tombstone_that_is_older_than_what_an_author_wrote(
        self, connect: Connect
    ) -> None:
        store = connect()
        ahead = microseconds() + 3_600_000_000
        store.write([_by("anna", "1", published_at=ahead)])
        store.erase([], authors=["suite:anna"])
        store.write([_by("anna", "1", published_at=ahead), _by("anna", "2", published_at=ahead)])
        assert results(store) == []

    def test_many_documents_of_an_author_are_erased_at_once(self, connect: Connect) -> None:
        store = connect()
        store.write([_by("anna" if number % 3 else "bo", f"{number}") for number in range(1200)])
        store.erase([], authors=["suite:anna"])
        assert store.count(ResultQuery()) == Counts(400, {"language": {"sv": 400}})


def _document(author: str | int, identity: str, **members: Any) -> Document:
    name = "author_id" if isinstance(author, int) else "author"
    return document(identity, meta={name: author}, **members)


def _by(author: str | int, identity: str, **members: Any) -> Outcome:
    return Outcome(_document(author, identity, **members), (prediction("sv"),))


def _edit(identity: str, original: str, **members: Any) -> Outcome:
    return labelled(identity, meta={"edit_of": original}, **members)
