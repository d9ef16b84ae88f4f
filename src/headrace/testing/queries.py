"""What every store finds and counts: results by what they are, in pages. Needs a fixture `connect`."""

from itertools import product
from random import Random
from typing import Any

import pytest

from headrace.burial import bury_bytes
from headrace.documents import Outcome, Result
from headrace.errors import Rejected
from headrace.ports import Counts, DeadQuery, ResultQuery
from headrace.testing.outcomes import document, labelled, prediction, results
from headrace.testing.stores import Connect


class QuerySuite:
    """Queries, pages and counts; each name is the sentence that the test shows."""

    def test_results_are_found_by_label_source_model_and_ids(self, connect: Connect) -> None:
        store = connect()
        mood = prediction("sv", "mood@dddddd")
        store.write([labelled("1"), labelled("2", "da"), labelled("3", source="other")])
        store.write([Outcome(document("4"), (prediction("da"), mood))])

        def found(**members: Any) -> list[str]:
            return [result.id for result in results(store, ResultQuery(**members))]

        assert found() == ["4", "3", "2", "1"]
        assert found(label="da") == ["4", "2"]
        assert found(label="sv") == ["4", "3", "1"]
        assert found(label="sv", model="language") == ["3", "1"]
        assert found(model="mood") == ["4"]
        assert found(source="other") == ["3"]
        assert found(label="sv", source="suite", model="language") == ["1"]
        assert found(ids=["1", "4", "9"]) == ["4", "1"]
        assert found(label="nothing") == found(source="nothing") == found(model="nothing") == []

    def test_results_are_found_by_the_version_that_answered(self, connect: Connect) -> None:
        store = connect()
        other = "language@bbbbbb"
        store.write([labelled("1"), Outcome(document("2"), (prediction("sv", other), prediction("sv", "mood@aaaaaa")))])
        store.write([Outcome(document("1"), (prediction("sv", other),), (prediction("x", "mood@bbbbbb"),))])

        def found(**members: Any) -> list[str]:
            return [result.id for result in results(store, ResultQuery(**members))]

        assert found(version=other) == ["2"]
        assert found(version="language@aaaaaa", label="sv") == ["1"]
        assert found(version=other, model="language", label="sv") == ["2"]
        assert found(version=other, label="x") == found(version="mood@bbbbbb") == found(version="language") == []
        assert found(version=other, model="mood") == []

    def test_results_are_found_by_any_conditions_at_once_page_by_page(self, connect: Connect) -> None:
        store = connect()
        sources, labels, versions = ("a", "b"), ("sv", "da"), ("language@1", "language@2", "mood@1")
        chance = Random(7)
        for batch in range(3):
            store.write(
                [
                    Outcome(
                        document(f"{batch} {number}", source=chance.choice(sources)),
                        tuple(prediction(chance.choice(labels), v) for v in chance.sample(versions[1:], number % 3)),
                    )
                    for number in range(12)
                ]
            )
            store.write([Outcome(document(f"{batch} {n}"), (prediction("sv", "language@1"),)) for n in range(0, 12, 3)])
        everything = results(store, limit=1000)

        def matches(result: Result, source: str, label: str, model: str, version: str) -> bool:
            return source in ("", result.source) and (
                not (label or model or version)
                or any(
                    label in ("", one.label) and model in ("", name) and version in ("", one.model)
                    for name, one in result.predictions.items()
                )
            )

        for asked in product(("", *sources), ("", *labels), ("", "language", "mood"), ("", *versions)):
            source, label, model, version = asked
            query = ResultQuery(source=source, label=label, model=model, version=version)
            wanted = [one.id for one in everything if matches(one, *asked)]
            first = store.find(query, limit=5)
            found = [one.id for one in first.items]
            if first.next:
                found += [one.id for one in store.find(query, limit=1000, page=first.next).items]
            assert found == wanted, query

    def test_results_are_found_by_the_score_of_one_and_the_same_answer(self, connect: Connect) -> None:
        store = connect()
        for number, score in enumerate((0.25, 0.5, 0.75)):
            mood = prediction("sv" if number else "good", "mood@dddddd", 1.0 - score)
            store.write([Outcome(document(f"{number}"), (prediction("sv", score=score), mood))])
        store.write([Outcome(document("none"), (), (prediction("sv", score=0.5),))])

        def found(**members: Any) -> list[str]:
            return [result.id for result in results(store, ResultQuery(**members))]

        assert found(min_score=0.5, model="language") == ["2", "1"]
        assert found(max_score=0.5, model="language") == ["1", "0"]
        assert found(min_score=0.5, max_score=0.5) == ["1"]
        assert found(min_score=0.7) == ["2", "0"]
        assert found(min_score=0.7, label="sv") == ["2"]
        assert found(max_score=0.4, label="sv") == ["2", "0"]
        assert found(min_score=0.7, label="sv", model="mood") == []
        assert found(min_score=0.7, version="mood@dddddd") == ["0"]
        assert found(min_score=0.0, max_score=1.0) == ["2", "1", "0"]
        assert found(min_score=0.8) == found(max_score=-0.1) == []

    def test_results_are_found_by_what_their_text_contains_letter_by_letter(self, connect: Connect) -> None:
        store = connect()
        texts = ["Hej på dig", "hej", "100 % (sure) [a_b] \\d+ 'x' \"y\"", "Ηey.\nйод", "😀"]
        store.write([labelled(f"{number}", text=text) for number, text in enumerate(texts)])

        def found(text: str, **members: Any) -> list[str]:
            return [result.id for result in results(store, ResultQuery(text=text, **members))]

        assert found("ej") == ["1", "0"]
        assert found("Hej") == ["0"]
        assert found("på d") == ["0"]
        assert found("ЙОД") == []
        assert found("йод") == ["3"]
        assert found("\nй") == ["3"]
        assert found("😀") == ["4"]
        for literal in ("%", "_", " (sure) [", "\\d+", "'", '"', "[a_b]", "\\"):
            assert found(literal) == ["2"], literal
        assert found(".") == ["3"]
        assert found("h.j") == found("ej", source="other") == found("x*") == found("^hej$") == []
        assert found("ej", label="sv", model="language") == ["1", "0"]

    def test_pages_hold_every_result_once_newest_first(self, connect: Connect) -> None:
        store = connect()
        for number in range(25):
            store.write([labelled(f"{number:02}", "sv" if number % 2 else "da")])
        for query, wanted in (
            (ResultQuery(), 25),
            (ResultQuery(label="sv"), 12),
            (ResultQuery(source="suite", model="language"), 25),
        ):
            seen: list[str] = []
            page: str | None = None
            while True:
                answer = store.find(query, limit=4, page=page)
                seen.extend(item.id for item in answer.items)
                assert len(answer.items) <= 4
                page = answer.next
                if page is None:
                    break
            assert len(seen) == wanted
            assert seen == sorted(set(seen), reverse=True)

    @pytest.mark.parametrize("page", ["x", "-1", "1 OR 1", "", "٣"])
    def test_a_page_token_of_another_is_rejected(self, connect: Connect, page: str) -> None:
        store = connect()
        with pytest.raises(Rejected, match="page"):
            store.find(ResultQuery(), page=page)
        with pytest.raises(Rejected, match="page"):
            store.find_dead(DeadQuery(), page=page)

    def test_counts_follow_the_query(self, connect: Connect) -> None:
        store = connect()
        store.write([labelled("1"), labelled("2", "da"), labelled("3", source="other")])
        store.write([Outcome(None, dead=(bury_bytes(b"x", "no", source="other"),))])
        store.write([Outcome(document("1"), (prediction("good", "mood@dddddd"),))])
        language, mood = {"language": {"sv": 2, "da": 1}}, {"mood": {"good": 1}}
        assert store.count(ResultQuery()) == Counts(3, {**language, **mood})
        assert store.count(ResultQuery(model="language")) == Counts(3, language)
        assert store.count(ResultQuery(model="mood")) == Counts(1, mood)
        assert store.count(ResultQuery(model="nothing")) == store.count(ResultQuery(label="nothing")) == Counts()
        assert store.count(ResultQuery(model="language", source="other")) == Counts(1, {"language": {"sv": 1}})
        assert store.count(ResultQuery(label="sv")) == Counts(2, {"language": {"sv": 2}, **mood})
        assert store.count(ResultQuery()).by_model() == {"language": 3, "mood": 1}
        assert store.count(ResultQuery(min_score=0.8)) == store.count(ResultQuery(text="nothing")) == Counts()
        assert store.count(ResultQuery(version="mood@dddddd")) == Counts(1, {"language": {"sv": 1}, **mood})
        assert store.count(ResultQuery(text="hej", max_score=0.75, model="mood")) == Counts(1, mood)
        assert store.count_dead(DeadQuery(source="other")) == {"malformed": 1}
        assert store.count_dead(DeadQuery(source="suite")) == {}
