"""Reading informal text: its words, emoji, emoticons, marks, links, mentions and tags, as tokens, and where a negation reaches.

The functions are compiled, and run as they are before that. They take sequences of integers.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.tokens.characters import BLANK, DIGIT, LAST, LETTER, MARK, PICTURE, SILENT

#: What is known of a token: a word in capitals, one with a letter more than twice in a row, any word, a hashtag; marks that end the reach
#: of a negation; a word that negates what follows; what follows it, up to such marks.
CAPITALS, LONG, WORD, TAG, STOP, NEGATION, NEGATED = (1 << place for place in range(7))
#: Hashes of tokens that stand for any link, and any mention.
LINK, MENTION = 1, 2

#: The seed and the factor of FNV-1a, and another seed for marks.
SEED, FACTOR, MARK_SEED, PICTURE_SEED = 0x811C9DC5, 16777619, 0x2545F491, 0x9E3779B1
MASK = 0xFFFFFFFF

_AT, _TAG, _UNDERSCORE, _APOSTROPHE, _COLON, _HYPHEN, _DOT, _SLASH, _LESS, _ZERO, _NINE, _THREE = map(
    ord, "@#_':-./<093"
)
_EYES = (_COLON, ord(";"), ord("="))
_MOUTHS = tuple(map(ord, "dpoxs3"))
_STOPS = tuple(map(ord, ".,;!?:"))
_H, _T, _P, _S, _W, _N, _SMALL = *map(ord, "htpswn"), 32
_FEWEST, _MOST = 2, 40  # letters of a word that negates


def word_hash(word: str) -> int:
    """The hash of a word in small letters."""
    code = SEED
    for character in word:
        code = ((code ^ ord(character)) * FACTOR) & MASK
    return code


_NEGATIONS = tuple(
    map(
        word_hash,
        "not no never none nobody nothing nowhere neither nor cannot without hardly barely cant dont wont didnt doesnt isnt arent wasnt"  # noqa: SIM905
        " aint couldnt wouldnt shouldnt havent hasnt hadnt werent".split(),
    )
)


def read(points, size, kinds, small, folded, tokens):
    """Write the tokens of points[:size] to `tokens`, in order: hash, begin and end in `folded`, and flags; returns how many there are.

    `kinds` and `small` are those of `Characters`. `folded` gets the letters of words and the marks, small, those that stand more than
    twice in a row twice, and digits as zeros. Both have room for `size` entries.
    """
    count = used = at = 0
    negated = 0
    while at < size:
        point = points[at]
        kind = kind_of(point, kinds)
        if kind in (BLANK, SILENT):
            at += 1
            continue
        begin, flags = used, 0
        stop = _special(points, at, size, kinds)
        if stop > at:
            code = MENTION if point == _AT else LINK
        elif kind in (LETTER, DIGIT) or (point == _TAG and _is_word(points, at + 1, size, kinds)):
            tag = TAG if point == _TAG else 0
            stop, used, flags = _word(points, at + (tag != 0), size, kinds, small, folded, used)
            flags |= tag
            code = _hash(folded, begin, used, SEED)
            if _negates(folded, begin, used, code):
                flags |= NEGATION
        elif kind == PICTURE:
            stop, code = at + 1, _step(PICTURE_SEED, point)
        else:
            stop, used, flags = _marks(points, at, size, kinds, small, folded, used)
            code = _hash(folded, begin, used, MARK_SEED)
        negated = 0 if flags & STOP else negated
        _write(tokens, count, code, begin, used, flags | negated)
        negated = NEGATED if flags & NEGATION else negated
        count += 1
        at = stop
    return count


def kind_of(point, kinds):
    """The kind of a code point."""
    return kinds[point] if point < LAST else LETTER


def _is_word(points, at, size, kinds):
    return at < size and kind_of(points[at], kinds) in (LETTER, DIGIT)


def _write(tokens, place, code, begin, end, flags):
    tokens[4 * place] = code
    tokens[4 * place + 1] = begin
    tokens[4 * place + 2] = end
    tokens[4 * place + 3] = flags


def _step(code, point):
    return ((code ^ point) * FACTOR) & MASK


def _hash(folded, begin, end, seed):
    code = seed
    for at in range(begin, end):
        code = ((code ^ folded[at]) * FACTOR) & MASK
    return code


def _special(points, at, size, kinds):
    """Where the mention or the link that begins here ends; `at` if none does."""
    point = points[at]
    if point == _AT and _is_word(points, at + 1, size, kinds):
        stop = at + 1
        while stop < size and (points[stop] == _UNDERSCORE or _is_word(points, stop, size, kinds)):
            stop += 1
        return stop
    if _begins_link(points, at, size, kinds):
        stop = at
        while stop < size and kind_of(points[stop], kinds) != BLANK:
            stop += 1
        return stop
    return at


def _begins_link(points, at, size, kinds):
    """Whether `http:`, `https:` or `www.` begins here, or the bare word `http`, which stands for a link in data made anonymous."""
    if at + 4 > size:
        return False
    first, second, third, fourth = points[at] | _SMALL, points[at + 1] | _SMALL, points[at + 2] | _SMALL, points[at + 3]
    if first == _W and second == _W and third == _W:
        return fourth == _DOT
    if first != _H or second != _T or third != _T or fourth | _SMALL != _P:
        return False
    after = at + 4
    if after < size and points[after] | _SMALL == _S:
        after += 1
        return after < size and points[after] == _COLON
    return after == size or points[after] == _COLON or kind_of(points[after], kinds) == BLANK


def _word(points, at, size, kinds, small, folded, used):
    """Fold the word that begins here; returns where it ends, the end of `folded`, and its flags."""
    letters = capitals = run = 0
    last, flags = -1, WORD
    while at < size:
        point = points[at]
        kind = kind_of(point, kinds)
        code = small[point] if point < LAST else point
        if kind == LETTER:
            letters += 1
            capitals += code != point
        elif kind == DIGIT:
            code = _ZERO if _ZERO <= point <= _NINE else code
        elif kind != SILENT and not (
            point == _UNDERSCORE or (code == _APOSTROPHE and _is_word(points, at + 1, size, kinds))
        ):
            break
        at += 1
        if kind == SILENT:
            continue
        run = run + 1 if code == last and kind == LETTER else 1
        last = code
        if run <= 2:
            folded[used] = code
            used += 1
        else:
            flags |= LONG
    if letters > 1 and capitals == letters:
        flags |= CAPITALS
    return at, used, flags


def _negates(folded, begin, end, code):
    """Whether the word of this hash negates what follows it: one of a list, or one that ends in n't."""
    size = end - begin
    if size < _FEWEST or size > _MOST:
        return False
    if folded[end - 1] == _T and folded[end - 2] == _APOSTROPHE and size > _FEWEST and folded[end - 3] == _N:
        return True
    return code in _NEGATIONS


def _marks(points, at, size, kinds, small, folded, used):
    """Fold the marks that begin here, an emoticon perhaps, without its nose; returns where they end, the end of `folded`, and flags."""
    first, begin, last, run, flags = points[at], at, -1, 0, 0
    while at < size:
        point = points[at]
        kind = kind_of(point, kinds)
        if kind == SILENT:
            at += 1
            continue
        if kind != MARK or (at > begin and point in (_AT, _TAG)):
            break
        code = small[point]
        run = run + 1 if code == last else 1
        last = code
        if point in _STOPS:
            flags = STOP
        if run <= 2 and not (code == _HYPHEN and at > begin):
            folded[used] = code
            used += 1
        at += 1
    if at < size and _ends_in_letter(first, points, at, size, kinds):
        folded[used] = points[at] | _SMALL
        return at + 1, used + 1, 0
    smiles = first in _EYES and at - begin > 1  # an emoticon ends nothing
    return at, used, 0 if smiles else flags


def _ends_in_letter(first, points, at, size, kinds):
    """Whether marks that begin with `first` are an emoticon whose last character, at points[at], is a letter or digit: `:D`, `<3`."""
    if kind_of(points[at], kinds) not in (LETTER, DIGIT) or _is_word(points, at + 1, size, kinds):
        return False
    point = points[at] | _SMALL
    return (first in _EYES and point in _MOUTHS) or (first == _LESS and point == _THREE)
