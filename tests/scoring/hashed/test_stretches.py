"""Stretches of mixed texts: where they begin and end, and that nothing but the text decides it."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripts import of_three_scripts

from headrace.errors import Misconfigured
from headrace.scoring.hashed import features, letters, segmenting, words
from headrace.scoring.hashed.costs import UNIT, Costs
from headrace.scoring.hashed.parameters import HashedParameters, one_table
from headrace.scoring.hashed.scorer import HashedScorer

LABELS = ("aa", "bb", "cc")
BUCKETS = 4096
#: Texts of every kind of letters, marks and signs, with much of what ends a word.
TEXTS = st.one_of(
    st.text(),
    st.text(" abcdeéïo'\u0301\u0308@.-_:/(){};=«»¿\n1\ud800😀ж語ไ한\U00020000", max_size=80),
    st.lists(
        st.sampled_from(
            [
                "https://a.b/c",
                "@name",
                "l’home",
                "e\u0301",
                "x" * 200,
                "語" * 30,
                "Python",
                "ж",
                "да",
                ".",
                "<p>",
                "&uuml;",
                "FÃ¼r",
                "𝗯",
            ]
        )
    ).map(" ".join),
)


alphabet = functools.cache(letters.alphabet)


@functools.cache
def parameters(flags: int = features.WORDS) -> HashedParameters:
    """Random weights, so that labels change often: what holds for them holds for learnt ones."""
    random = np.random.default_rng(5)
    weights = random.integers(-120, 120, BUCKETS * len(LABELS) + features.LANES).astype(np.int8)
    gains = np.exp2(-0.25 * np.arange(14)) * 0.2
    return one_table(LABELS, flags, weights, gains, alphabet(), *letters.compositions())


@functools.cache
def opened(flags: int = features.WORDS, *, compiled: bool) -> HashedScorer:
    made = HashedScorer(parameters(flags), patience=1 << 62)
    if compiled:
        made.prepare(wait=True)
    return made


@functools.cache
def of_tables(*, compiled: bool) -> HashedScorer:
    made = HashedScorer(of_three_scripts(), patience=1 << 62)
    if compiled:
        made.prepare(wait=True)
    return made


@pytest.fixture(params=[False, True], ids=["interpreted", "compiled"])
def scorer(request: pytest.FixtureRequest) -> HashedScorer:
    return opened(compiled=request.param)


@given(st.lists(TEXTS, max_size=3), st.integers(0, 3))
def test_stretches_are_the_same_with_the_kernel_and_without_it(texts: list[str], flags: int) -> None:
    assert opened(flags, compiled=True).stretches(texts) == opened(flags, compiled=False).stretches(texts)


@given(st.lists(TEXTS, max_size=5))
def test_a_text_has_the_same_stretches_alone_and_in_a_batch(texts: list[str]) -> None:
    scorer = opened(compiled=True)
    assert scorer.stretches(texts) == [one for text in texts for one in scorer.stretches([text])]


@given(st.lists(TEXTS, max_size=3), st.sampled_from([None, [0, 60], [61]]), st.booleans())
def test_stretches_by_tables_of_several_scripts_are_the_same_with_the_kernel_and_without_it(
    texts: list[str], places: list[int] | None, others: bool
) -> None:
    found = [of_tables(compiled=compiled).stretches(texts, places, others=others) for compiled in (True, False)]
    assert found[0] == found[1]


def test_a_label_that_asks_for_more_evidence_asks_for_it_where_it_begins() -> None:
    known = replace(of_three_scripts(), biases=np.zeros(75))
    rare = replace(known, biases=np.append(np.zeros(70), [-3.0, 0, 0, -3.0, 0]))
    plain, changed = (Costs.of(one, None, True).handicaps / UNIT for one in (known, rare))
    assert np.flatnonzero(changed != plain).tolist() == [
        60
    ]  # a label whose other column has no such bias asks for nothing more
    assert changed[60] - plain[60] == pytest.approx(3.0)


def test_words_in_a_script_that_no_label_has_are_a_stretch_of_their_own() -> None:
    three = of_three_scripts()
    weights = np.full_like(three.weights, -0x78)  # 0 for each column
    weights[900 * 64 : 900 * 64 + 300 * 16 : 16] = -0x71  # 7 for the first column of Cyrillic letters
    scorer = HashedScorer(replace(three, weights=weights), patience=1 << 62)
    known, unknown = "вот так они и жили долго.", "ერთი ორი სამი ოთხი ხუთი ექვსი"
    text = f"{known} {unknown}"
    assert scorer.stretches([text]) == [[(0, len(known)), (len(known) + 1, len(text))]]


@given(st.lists(TEXTS, max_size=3), st.sampled_from([[0], [0, 2], [1, 2]]), st.booleans())
def test_stretches_of_chosen_labels_are_the_same_with_the_kernel_and_without_it(
    texts: list[str], places: list[int], others: bool
) -> None:
    found = [opened(compiled=compiled).stretches(texts, places, others=others) for compiled in (True, False)]
    assert found[0] == found[1]
    if len(places) == 1 and not others:
        assert all(len(one) <= 1 for one in found[0])


@given(TEXTS)
def test_stretches_are_in_order_do_not_overlap_and_have_no_blanks_around_them(text: str) -> None:
    (found,) = opened(compiled=True).stretches([text])
    at = 0
    for begin, end in found:
        assert at <= begin < end <= len(text)
        assert text[begin:end] == text[begin:end].strip()
        at = end


@given(st.lists(st.text("abcdж語ไ한éï", min_size=1, max_size=30), min_size=1, max_size=60))
def test_stretches_cover_all_words(parts: list[str]) -> None:
    text = " ".join(parts)
    (found,) = opened(compiled=True).stretches([text])
    assert "".join("".join(text[begin:end] for begin, end in found).split()) == "".join(parts)


def test_no_texts_and_texts_without_words_have_no_stretches(scorer: HashedScorer) -> None:
    assert scorer.stretches([]) == []
    assert scorer.stretches(["", " ", "12:30", "😀", "https://example.org/guten-morgen"]) == [[]] * 5


def test_a_single_string_is_refused(scorer: HashedScorer) -> None:
    with pytest.raises(Misconfigured, match="put it in a list"):
        scorer.stretches("guten Morgen")


def test_a_word_of_a_million_letters_is_one_stretch() -> None:
    text = "a" * 1_000_000
    assert opened(compiled=True).stretches([text]) == [[(0, len(text))]]


def segmented(
    sums: list[list[int]], between: int = words.BLANK, *, most: int = 100, handicaps: tuple[int, ...] = (0, 0)
) -> list[tuple[int, int]]:
    """The (number of words, label) of each stretch of a text of one-letter words with these sums; a change of label costs 10."""
    rows = [(0, place, place + 1, between) for place in range(len(sums))]
    stretches = [[0, 0, 0, 0] for _ in sums]
    table, seen = np.array(sums), np.array(rows)
    found = np.array(stretches)
    progress, best = [-1, 0, 0], [0] * len(sums[0])
    held = np.empty((segmenting.WINDOW, len(sums[0])), np.int16), np.empty((segmenting.WINDOW, 2), np.int64)
    segmenting.follow(seen, len(seen), table, [20, 10, 5, 1], handicaps, most, progress, best, *held, found)  # type: ignore[no-untyped-call]
    segmenting.settle(progress, best, *held, found, 0)  # type: ignore[no-untyped-call]
    return [(int(end - begin), int(label)) for _, begin, end, label in found[: progress[2]]]


def test_a_label_changes_when_the_words_speak_for_it_by_more_than_the_change_costs() -> None:
    assert segmented([[6, 0], [6, 0], [0, 6], [0, 6]]) == [(2, 0), (2, 1)]
    assert segmented([[6, 0], [6, 0], [0, 4], [0, 4]]) == [(4, 0)]
    assert segmented([[6, 0], [6, 0], [0, 6], [6, 0], [6, 0]]) == [(5, 0)]


def test_a_change_is_cheaper_at_the_end_of_a_sentence_and_dearer_within_a_token() -> None:
    sums = [[6, 0], [6, 0], [0, 4], [0, 4]]
    assert segmented(sums, words.SIGN) == segmented(sums, words.SENTENCE) == [(2, 0), (2, 1)]
    assert segmented([[8, 0], [8, 0], [0, 8], [0, 8]], words.JOINED) == [(4, 0)]


def test_one_word_alone_cannot_outweigh_two_changes() -> None:
    sums = [[6, 0], [6, 0], [0, 90], [6, 0], [6, 0]]
    assert segmented(sums) == [(2, 0), (1, 1), (2, 0)]
    assert segmented(sums, most=15) == [(5, 0)]


def test_an_unexpected_label_needs_more_words_that_speak_for_it() -> None:
    sums = [[6, 0], [6, 0], [0, 6], [0, 6]]
    assert segmented(sums, handicaps=(0, 1)) == [(2, 0), (2, 1)]
    assert segmented(sums, handicaps=(0, 5)) == [(4, 0)]
    assert segmented([[0, 6]], handicaps=(0, 5)) == [(1, 1)]
    assert segmented([[0, 6]], handicaps=(0, 7)) == [(1, 0)]


def test_a_text_longer_than_the_window_is_segmented_as_a_short_one() -> None:
    size = 3 * segmenting.WINDOW
    sums = [[6, 0]] * size + [[0, 6]] * 50 + [[6, 0]] * size
    assert segmented(sums) == [(size, 0), (50, 1), (size, 0)]
    sums = ([[6, 0]] * 50 + [[0, 6]] * 50) * (size // 100)
    assert segmented(sums) == [(50, 0), (50, 1)] * (size // 100)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("l’home, wasn't", ["l’home", "wasn't"]),
        ("e\u0301te\u0301 noe\u0308l", ["e\u0301te\u0301", "noe\u0308l"]),
        ("@name guten post@example.org https://a.b/c morgen", ["guten", "post", "morgen"]),
        ("Pythonで書く", ["Python", "で書く"]),
        ("это Latin, и ещё", ["это", "Latin", "и", "ещё"]),
        ("今天天气很好。", ["今天天气", "很好"]),
        ("well-known 😀 2nd", ["well", "known", "nd"]),
    ],
)
def test_a_word_ends_where_the_script_changes_and_scripts_without_blanks_come_in_pieces(
    text: str, found: list[str]
) -> None:
    assert [text[begin:end] for begin, end, _ in all_words(text)] == found


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("a b", words.BLANK),
        ("a-b", words.JOINED),
        ("a.b", words.JOINED),
        ("aж", words.JOINED),
        ("a, b", words.SIGN),
        ("a (b", words.SIGN),
        ("a 😀 b", words.SIGN),
        ("a. b", words.SENTENCE),
        ("a\nb", words.SENTENCE),
        ("語。語", words.SENTENCE),
        ("a?! (b", words.SENTENCE),
    ],
)
def test_what_stands_between_two_words_is_the_strongest_sign(text: str, between: int) -> None:
    assert [kind for _, _, kind in all_words(text)][1:] == [between]


def all_words(text: str) -> list[tuple[int, int, int]]:
    points, table = [*map(ord, text)], alphabet()
    found, at = [], 0
    while True:
        begin, at, between, _ = words.next_word(points, at, len(points), table)  # type: ignore[no-untyped-call]
        if begin == at:
            return found
        found.append((begin, at, int(between)))
