"""From words, each with a number for each label, to stretches of one label: the likeliest sequence of labels (Viterbi 1967), in which each
change of label costs a penalty.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.hashed.folding import SPACE, letter_code
from headrace.scoring.hashed.words import SENTENCE, between_words

#: What a change of label costs, by what stands before the word (`words.JOINED`, BLANK, SIGN, SENTENCE), and how much one word can speak
#: against a label at most: a name or a quoted word does not make a stretch of its own. In units of log odds; benchmarks/spans.py measures
#: what they lead to.
PENALTIES = (12.0, 10.0, 8.0, 6.0)
MOST = 8.0
#: What a label costs in addition that the text is not expected to have: the model is restricted to others.
UNEXPECTED = 8.0
#: What it costs in addition to be in none of the labels.
NO_LABEL = 8.0
#: The number of a label for which a word has no weights, because its script is not the label's.
MISSING = -(1 << 50)
#: Words whose labels are settled together, at most; in a longer text, the last ones of them wait for what follows.
WINDOW, KEPT = 1024, 128
#: ( [ { ¡ « and other brackets and quotation marks that open.
_OPENING = (40, 91, 123, 0xA1, 0xAB, 0xBF, 0x2018, 0x201C, 0x201E, 0x2039, 0x3008, 0x300A, 0x300C, 0x300E, 0x3010, 0xFF08)  # fmt: skip
#: The columns of a word: the number of its text, where it begins and ends, what stands before it.
TEXT, BEGIN, END, BETWEEN = range(4)
#: The columns of a stretch, beside TEXT, BEGIN and END.
LABEL = 3
#: What is known of the current text: its number or -1, how many of its words wait, and how many stretches are found in all texts.
CURRENT, WAITING, FOUND = range(3)


def follow(words, count, sums, penalties, handicaps, most, progress, best, labels, waiting, stretches):
    """Add the first `count` of `words` to their texts, and write the stretches of each text that is over.

    sums[i]: how much word i speaks for each label. What is more than `most` below the highest counts as `most` below it. `penalties`: the
    cost of a change of label, by what stands before the word; `handicaps`: what each label costs in addition, where it begins. All are
    integers, of one unit.

    `progress` (int64), `best` (int64, for each label), `labels` (int16, word x label) and `waiting` (int64, word x 2) hold what is known of
    a text from call to call. `stretches` (int64: TEXT, BEGIN, END, LABEL) needs room for as many as there are words.
    """
    for i in range(count):
        if words[i, TEXT] != progress[CURRENT]:
            settle(progress, best, labels, waiting, stretches, 0)
            progress[CURRENT] = words[i, TEXT]
            for label in range(len(best)):
                best[label] = -handicaps[label]
        elif progress[WAITING] == len(waiting):
            settle(progress, best, labels, waiting, stretches, KEPT)
        _add(words, i, sums, penalties, handicaps, most, progress, best, labels, waiting)


def _add(words, i, sums, penalties, handicaps, most, progress, best, labels, waiting):
    """Let one word follow: for each label, the best sequence that ends in it, relative to the best of all before."""
    place = progress[WAITING]
    top, highest = 0, sums[i, 0]
    for label in range(1, len(best)):
        if best[label] > best[top]:
            top = label
        highest = max(highest, sums[i, label])
    floor, base = highest - most, best[top]
    changed = base - penalties[words[i, BETWEEN]]
    for label in range(len(best)):
        before, came = best[label], label
        if before < changed - handicaps[label]:
            before, came = changed - handicaps[label], top
        labels[place, label] = came
        best[label] = before - base + max(sums[i, label], floor) - highest
    waiting[place, 0], waiting[place, 1] = words[i, BEGIN], words[i, END]
    progress[WAITING] = place + 1


def settle(progress, best, labels, waiting, stretches, kept):
    """Write the stretches of all waiting words but the last `kept`, by the best sequence of labels."""
    count, label = progress[WAITING], 0
    settled = count - kept
    for other in range(1, len(best)):
        if best[other] > best[label]:
            label = other
    for place in range(count - 1, -1, -1):
        came = labels[place, label]
        if place < settled:
            labels[place, 0] = label
        label = came
    found = progress[FOUND]
    for place in range(settled):
        last = found - 1
        if last < 0 or stretches[last, TEXT] != progress[CURRENT] or stretches[last, LABEL] != labels[place, 0]:
            stretches[found, TEXT], stretches[found, LABEL] = progress[CURRENT], labels[place, 0]
            stretches[found, BEGIN] = waiting[place, 0]
            last, found = found, found + 1
        stretches[last, END] = waiting[place, 1]
    for place in range(kept):
        waiting[place, 0], waiting[place, 1] = waiting[settled + place, 0], waiting[settled + place, 1]
        for other in range(len(best)):
            labels[place, other] = labels[settled + place, other]
    progress[FOUND], progress[WAITING] = found, kept


def widen(points, bounds, letters, stretches, count):
    """Let the stretches of each text cover all of it, but the blanks around them.

    What has no language between two words (digits, signs, emoji) goes to the stretch before, unless a sentence ends between them: then
    what follows that goes to the stretch behind. What touches a word without a blank stays with it.
    """
    for i in range(count):
        text = stretches[i, TEXT]
        if i == 0 or stretches[i - 1, TEXT] != text:
            stretches[i, BEGIN] = _skip(points, bounds[text], stretches[i, BEGIN], letters)
        last = i + 1 == count or stretches[i + 1, TEXT] != text
        before, after = stretches[i, END], bounds[text + 1] if last else stretches[i + 1, BEGIN]
        if last:
            stretches[i, END] = _skip_back(points, before, after, letters)
            continue
        cut = _cut(points, before, after, letters)
        stretches[i, END] = _skip_back(points, before, cut, letters)
        stretches[i + 1, BEGIN] = _skip(points, cut, after, letters)


def _cut(points, before, after, letters):
    """Where to part what stands between two words: behind the first end of a sentence, else at the last blank, else before a bracket or
    quotation mark that opens, else at the second word."""
    cut, ended = -1, False
    for at in range(before, after):
        blank = letter_code(points[at], letters) == SPACE
        if ended and blank:
            return at
        ended = ended or between_words(points, at, after, letters) == SENTENCE
        if blank:
            if ended:
                return at
            cut = at
    if cut < 0:
        cut = after
        while not ended and cut > before and points[cut - 1] in _OPENING:
            cut -= 1
    return cut


def _skip(points, at, end, letters):
    while at < end and letter_code(points[at], letters) == SPACE:
        at += 1
    return at


def _skip_back(points, begin, at, letters):
    while at > begin and letter_code(points[at - 1], letters) == SPACE:
        at -= 1
    return at
