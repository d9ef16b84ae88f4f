"""What every store does with dead letters: buried, cleared, found and dropped. Needs a fixture `connect`."""

import msgspec

from headrace.burial import bury, bury_bytes
from headrace.documents import DeadLetter, Outcome
from headrace.ports import DeadQuery
from headrace.testing.outcomes import document, labelled, letters, prediction, results
from headrace.testing.stores import Connect


class DeadLetterSuite:
    """Dead letters; each name is the sentence that the test shows."""

    def test_a_dead_letter_is_found_as_it_was_buried(self, connect: Connect) -> None:
        store = connect()
        raw = b"\xff\x00 no JSON \n"
        store.write([Outcome(None, dead=(bury_bytes(raw, "no JSON", source="suite"),))])
        (letter,) = letters(store)
        assert (letter.data, letter.kind, letter.reason) == (raw, "malformed", "no JSON")
        assert (letter.source, letter.model) == ("suite", "")
        assert letter.burial > 0
        assert letter.buried_at > 1_000_000
        assert msgspec.json.decode(msgspec.json.encode(letter), type=DeadLetter) == letter
        assert results(store) == []

    def test_the_same_burial_written_twice_is_one(self, connect: Connect) -> None:
        store = connect()
        outcome = Outcome(document("a"), dead=(bury(document("a"), "raised", "ValueError: no"),))
        store.write([outcome])
        store.write([outcome, outcome])
        assert len(letters(store)) == 1
        assert store.count_dead(DeadQuery()) == {"raised": 1}

    def test_buried_again_it_is_a_new_one_that_outlives_the_drop_of_the_old(self, connect: Connect) -> None:
        store = connect()
        outcome = Outcome(document("a"), dead=(bury(document("a"), "raised", "ValueError: no"),))
        store.write([outcome])
        (old,) = letters(store)
        store.write([outcome])
        store.drop([old.burial])
        (new,) = letters(store)
        assert new.burial > old.burial
        store.drop([new.burial, new.burial, 12345])
        store.drop([])
        assert letters(store) == []

    def test_numbers_of_burials_are_never_given_twice(self, connect: Connect) -> None:
        store = connect()
        numbers = []
        for turn in range(3):
            store.write([Outcome(None, dead=(bury_bytes(b"%d" % turn, "no"),))])
            (letter,) = letters(store)
            numbers.append(letter.burial)
            store.drop([letter.burial])
        assert numbers == sorted(set(numbers))

    def test_a_failed_model_leaves_the_others_predictions_and_a_dead_letter(self, connect: Connect) -> None:
        store = connect()
        dead = bury(document("a"), "raised", "ValueError: no", model="sentiment")
        store.write([Outcome(document("a"), (prediction("sv"),), dead=(dead,))])
        assert results(store)[0].predictions == {"language": prediction("sv")}
        assert [letter.model for letter in letters(store)] == ["sentiment"]
        assert letters(store, DeadQuery(model="language")) == []

    def test_a_document_whose_every_model_failed_is_no_result(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(document("a"), dead=(bury(document("a"), "raised", "no", model="language"),))])
        assert results(store) == []
        assert len(letters(store)) == 1

    def test_a_complete_result_clears_the_earlier_burials_of_its_document(self, connect: Connect) -> None:
        store = connect()
        dead = [bury(document(name), "raised", "no", model="language") for name in "ab"]
        store.write([Outcome(document("a"), dead=(dead[0],)), Outcome(document("b"), dead=(dead[1],))])
        store.write([labelled("a")])
        assert [letter.id for letter in letters(store)] == ["b"]
        store.write([Outcome(document("b"), dead=(dead[1],)), labelled("b")])
        assert letters(store) == []

    def test_a_dead_letter_of_a_model_that_was_not_asked_again_stays(self, connect: Connect) -> None:
        store = connect()
        failed = {model: bury(document("a"), "raised", "no", model=model) for model in ("language", "mood", "topic")}
        store.write([Outcome(document("a"), dead=tuple(failed.values()))])
        store.write([labelled("a")])  # a version was promoted for which `mood if language=…` no longer holds
        assert {letter.model for letter in letters(store)} == {"mood", "topic"}
        again = Outcome(document("a"), (prediction("good", "mood@dddddd"),), (prediction("x", "topic@eeeeee"),))
        store.write([again, Outcome(document("b"), dead=(bury(document("b"), "raised", "no", model="mood"),))])
        assert {(letter.id, letter.model) for letter in letters(store)} == {("a", "topic"), ("b", "mood")}

    def test_a_model_that_answers_clears_its_dead_letter_while_another_fails(self, connect: Connect) -> None:
        store = connect()
        whole = bury(document("a"), "refused", "too large")
        failed = {model: bury(document("a"), "raised", "no", model=model) for model in ("language", "mood")}
        store.write([Outcome(document("a"), dead=tuple(failed.values())), Outcome(None, dead=(whole,))])
        store.write([Outcome(document("a"), (prediction("sv"),), dead=(failed["mood"],))])
        assert {letter.model for letter in letters(store)} == {"", "mood"}
        store.write([Outcome(document("a"), (prediction("sv"), prediction("good", "mood@dddddd")))])
        assert letters(store) == []

    def test_a_dead_letter_of_another_text_or_of_bytes_stays_until_it_is_dropped(self, connect: Connect) -> None:
        store = connect()
        before = bury(document("a", text="before the edit"), "raised", "no", model="language")
        store.write([Outcome(None, dead=(bury_bytes(b'{"id": "a", "text": 5}', "no"), before))])
        store.write([labelled("a", text="after the edit")])
        assert {letter.kind for letter in letters(store)} == {"malformed", "raised"}

    def test_pages_of_dead_letters_hold_each_once_newest_first(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(None, dead=(bury_bytes(b"%d" % number, "no", source="s"),)) for number in range(7)])
        first = store.find_dead(DeadQuery(source="s"), limit=4)
        assert first.next is not None
        second = store.find_dead(DeadQuery(source="s"), limit=4, page=first.next)
        assert second.next is None
        burials = [letter.burial for letter in (*first.items, *second.items)]
        assert len(burials) == 7
        assert burials == sorted(set(burials), reverse=True)
        chosen = letters(store, DeadQuery(burials=[burials[2], burials[5], 12345]))
        assert [letter.burial for letter in chosen] == [burials[2], burials[5]]

    def test_dead_letters_are_found_by_id_number_and_content(self, connect: Connect) -> None:
        store = connect()
        edits = [bury(document("a", text=f"edit {number}"), "conflict", "no") for number in range(12)]
        other = bury(document("b"), "raised", "no", model="mood")
        for letter in (*edits, other, bury(document("b"), "raised", "no", model="topic")):
            store.write([Outcome(None, dead=(letter,))])

        def found(query: DeadQuery, limit: int = 50) -> list[tuple[str, str]]:
            return [(letter.id, letter.model) for letter in letters(store, query, limit=limit)]

        both = [("b", "topic"), ("b", "mood")]
        assert found(DeadQuery(contents=[other.content])) == both
        assert found(DeadQuery(contents=[other.content, edits[3].content, "nothing"])) == [*both, ("a", "")]
        assert found(DeadQuery(contents=[other.content], model="mood")) == [("b", "mood")]
        assert found(DeadQuery(contents=["nothing"])) == found(DeadQuery(ids=["nothing"])) == []
        newest = store.find_dead(DeadQuery(ids=["a"]), limit=3)
        assert [letter.content for letter in newest.items] == [edits[n].content for n in (11, 10, 9)]
        assert store.count_dead(DeadQuery(ids=["a"])) == {"conflict": 12}
        (third,) = letters(store, DeadQuery(burials=[newest.items[2].burial]))
        assert third == newest.items[2]
        assert letters(store, DeadQuery(burials=[third.burial], ids=["b"])) == []

    def test_all_are_dropped_page_by_page_though_others_are_buried_meanwhile(self, connect: Connect) -> None:
        store = connect()
        store.write([Outcome(None, dead=(bury_bytes(b"%d" % number, "no"),)) for number in range(10)])
        buried_meanwhile: list[bytes] = []
        page: str | None = None
        for turn in range(4):
            found = store.find_dead(DeadQuery(), limit=3, page=page)
            store.drop([letter.burial for letter in found.items])
            meanwhile = [found.items[0].data, b"new %d" % turn]
            store.write([Outcome(None, dead=tuple(bury_bytes(data, "no") for data in meanwhile))])
            buried_meanwhile += meanwhile
            page = found.next
        assert page is None
        assert sorted(letter.data for letter in letters(store)) == sorted(buried_meanwhile)
