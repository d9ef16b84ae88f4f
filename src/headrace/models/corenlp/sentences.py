"""Several texts in one request to CoreNLP: joined by blank lines, and told apart again by the offsets of the sentences in the answer."""

import math
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from headrace.documents import Prediction
from headrace.errors import Rejected

#: Follows each text: a sentence of its own, since blank lines end one (`ssplit.newlineIsSentenceBreak=two`). Without it, CoreNLP would read
#: some signs at the end of a text by what the next one begins with, and a text would come out otherwise alone than in company.
STOP = "\n\n."
SEPARATOR = STOP + "\n\n"
LABELS = ("negative", "neutral", "positive")
#: A text in which CoreNLP finds no sentence with a sentiment: nothing was measured, so all three labels are equally likely.
UNKNOWN = Prediction("neutral", 1 / 3)
_BLANK = "".join(map(chr, range(33)))  # what some versions of the server cut off a request, which moves all offsets


class Token(msgspec.Struct, frozen=True, rename="camel"):
    """A word, and where it stands in the request, in UTF-16 units."""

    character_offset_begin: int
    character_offset_end: int


class Sentence(msgspec.Struct, frozen=True, rename="camel"):
    """A sentence. `sentiment_distribution` has the probabilities of five classes, from very negative to very positive."""

    tokens: list[Token]
    sentiment_distribution: list[float] | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the server answers, as far as it is needed."""

    sentences: list[Sentence]


read = msgspec.json.Decoder(Answer).decode


def stripped(text: str) -> str:
    """The text without blanks and control characters at its ends; empty if there is nothing to ask about."""
    return text.strip(_BLANK).strip()


def joined(texts: Sequence[str]) -> str:
    """One text of all of them. None may begin with a blank (`stripped`)."""
    return "".join(text + SEPARATOR for text in texts)


def spans(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Where each text begins and ends once they are joined, in UTF-16 units."""
    found, begin = list[tuple[int, int]](), 0
    for text in texts:
        end = begin + len(text) + sum(character > "\uffff" for character in text)
        found.append((begin, end))
        begin = end + len(SEPARATOR)
    return found


def by_text(sentences: Sequence[Sentence], texts: Sequence[str]) -> list[list[Sentence] | None]:
    """The sentences of each text in an answer about all of them, joined; None for a text that must be asked about alone.

    That is one of which a sentence goes on after its end (CoreNLP may take `<b` there and `c>` in the next text for one tag), and one
    without any sentence. Raises Rejected for a sentence that is in no text.
    """
    places = spans(texts)
    begins = [begin for begin, _ in places]
    found: list[list[Sentence]] = [[] for _ in places]
    torn: set[int] = set()
    for tokens, sentence in ((one.tokens, one) for one in sentences if one.tokens):
        begin, end = tokens[0].character_offset_begin, tokens[-1].character_offset_end
        if not 0 <= begin < end <= places[-1][1] + len(SEPARATOR):
            raise Rejected(f"CoreNLP answers with a sentence at {begin} to {end}, where no text is")
        first, last = bisect_right(begins, begin) - 1, bisect_right(begins, end - 1) - 1
        stop = places[first][1] + len(STOP)
        if (begin, end) == (stop - 1, stop):
            continue
        if first < last or end > places[first][1]:
            torn.update(range(first, last + 1))
        found[first].append(sentence)
    return [None if number in torn or not some else some for number, some in enumerate(found)]


def folded(sentences: Sequence[Sentence]) -> Prediction:
    """The three-class prediction of a text: the mean of its sentences' distributions, each weighing as much as it has tokens.

    A sentence without a sentiment weighs nothing. Raises Rejected for what is not a distribution.
    """
    sums = [0.0, 0.0, 0.0]
    for sentence in sentences:
        shares = sentence.sentiment_distribution
        if shares is None:
            continue
        if len(shares) != 5 or not all(math.isfinite(one) and one >= 0 for one in shares) or not sum(shares):
            raise Rejected(f"CoreNLP answers with {shares} as the probabilities of five classes")
        weight = len(sentence.tokens) / sum(shares)
        for place, share in enumerate((shares[0] + shares[1], shares[2], shares[3] + shares[4])):
            sums[place] += weight * share
    if not any(sums):
        return UNKNOWN
    best = max(range(3), key=sums.__getitem__)
    return Prediction(LABELS[best], sums[best] / sum(sums))
