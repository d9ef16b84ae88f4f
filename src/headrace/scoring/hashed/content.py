"""What of a text is words, and what is not text at all: markup, addresses, program code. The language of a text is that of its words.

These functions run as they are, and compiled by `headrace.scoring.native` as a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from headrace.scoring.hashed.folding import AT, FIRST_LETTER, OTHER, SPACE, begins_link, letter_code, skip_name

#: The kinds of content.
BLANK, WORDS, CODE = 0, 1, 2
#: Code has at least this many marks: prose has a single one now and then.
MIN_MARKS = 2
#: Code has at least one mark for this many words.
WORDS_PER_MARK = 4

# Code points, by what they are called here.

_ENDINGS = (97, 101, 111, 114, 115)  # a e o r s
_DOUBLE, _SINGLE, _CLOSE, _STAR, _PLUS = 34, 39, 41, 42, 43
_AND, _DOLLAR, _OPEN, _MINUS, _DOT, _SLASH, _COLON, _SEMICOLON = 38, 36, 40, 45, 46, 47, 58, 59
_LESS, _EQUAL, _MORE, _BRACKET, _BACKSLASH, _LINE, _BRACE, _BAR, _UNBRACE = 60, 61, 62, 91, 92, 95, 123, 124, 125


def clean(points, bounds, letters, cleaned, ends, origins, kinds):
    """Write what is words in each text points[bounds[i]:bounds[i + 1]] to cleaned[ends[i]:ends[i + 1]], and its kind to kinds[i].

    Each piece that is left out becomes one blank. `origins` gets, for each code point of `cleaned`, the index in `points` of the one it
    comes from; it may be empty, and is not written then. The kinds are BLANK, CODE and WORDS, as `_kind` says.

    `points` (uint32), `bounds` (int64, one more than texts) and `letters` (uint16, by `letters.alphabet`) are read; `cleaned` (uint32, as
    long as `points`), `ends` (int64, as long as `bounds`), `origins` (int64, as long as `points`, or empty) and `kinds` (int8) are written.
    """
    size = 0
    ends[0] = 0
    for text in range(len(bounds) - 1):
        for at in range(bounds[text], bounds[text + 1]):
            cleaned[size] = points[at]
            if len(origins) > 0:
                origins[size] = at
            size += 1
        ends[text + 1] = size
        kinds[text] = _kind(points, bounds[text], bounds[text + 1], letters)


def _kind(points, begin, end, letters):
    """BLANK, WORDS or CODE.

    BLANK: the text has no letter of any script outside links, @names and tokens that mix digits and Latin letters (v2, 0xff, the
    parts of a UUID). CODE: it has marks that programs have and sentences lack (braces, assignments, calls, members, tags), at least
    MIN_MARKS of them and one for every WORDS_PER_MARK words. WORDS: everything else.
    """
    at = begin
    word_count, mark_count, in_word, word_counted, only_latin, in_hashtag = 0, 0, False, False, False, False
    while at < end:
        point = points[at]
        code = letter_code(point, letters)
        if code >= FIRST_LETTER or code == OTHER:
            if not in_word and code >= FIRST_LETTER and begins_link(points, at, end):
                while at < end and letter_code(points[at], letters) != SPACE:
                    at += 1
                continue
            if not in_word:
                word_counted, only_latin = at == begin or not _is_digit(points[at - 1]), True
                word_count += word_counted
            only_latin = only_latin and _is_latin(point)
            if not word_counted and not only_latin:
                word_count += 1
                word_counted = True
            in_word = True
            at += 1
            continue
        if in_word and word_counted and only_latin and _is_digit(point):
            word_count -= 1
        in_word = False
        if code == AT:
            at = skip_name(points, at + 1, end, letters)
            continue
        if point == 35 or code == SPACE:
            in_hashtag = point == 35
        elif 36 <= point <= 125 and not (in_hashtag and point == _LINE):
            before = points[at - 1] if at > begin else 32
            after = points[at + 1] if at + 1 < end else 10
            further = points[at + 2] if at + 2 < end else 10
            mark_count += _marks_code(before, point, after, further)
        at += 1
    if word_count == 0:
        return BLANK
    return CODE if mark_count >= MIN_MARKS and mark_count * WORDS_PER_MARK >= word_count else WORDS


def _marks_code(before, point, after, further):
    """How many marks of code an ASCII sign counts for, given the code points around it: 0, 1, or 2 if prose never has it."""
    if point in (_BRACE, _UNBRACE):
        return 1
    if point == _OPEN and _is_name(before):  # a call; prose has plurals such as (s) and (e)
        if further == _CLOSE and after in _ENDINGS:
            return 0
        return 2 if after in (_DOUBLE, _SINGLE, _CLOSE) else 1
    if point == _COLON and before == _CLOSE:  # the head of a block
        return 1 if after <= 32 else 0
    return 1 if _may_mark_code(before, point, after, further) else 0


def _may_mark_code(before, point, after, further):
    """Whether a sign that counts for one mark at most is one here."""
    if point in (_OPEN, _BRACKET):  # an index
        return _is_name(before)
    if point == _LINE:  # snake_case and __name__, but not a blank line to fill in
        return _is_name(after) and _is_name(before) and not before == after == _LINE
    if point == _COLON:  # the second of two colons
        return _is_name(after) and before == _COLON
    if point in (_PLUS, _STAR):
        return _is_name(before) and _is_name(after)
    if point == _EQUAL:  # an assignment, not an emoticon such as =)
        return _is_name(after) or after <= 32 or after == 34 or after == 39 or after in (_BRACKET, _BRACE)
    if point == _SEMICOLON:
        return after == 10 or after == 13
    if point == _DOT:  # a member; abbreviations have single letters between their dots
        return _is_small(before) and _is_small(after) and _is_name(further)
    if point == _MORE:  # -> => />
        return before in (_MINUS, _EQUAL, _SLASH)
    if point == _LESS:  # a tag
        return after == _SLASH or _is_small(after)
    if point in (_AND, _BAR, _MINUS):
        return before == point and (point != _MINUS or _is_small(after))
    return point in (_DOLLAR, _BACKSLASH) and _is_name(after) and not _is_digit(after)


def _is_digit(point):
    return 48 <= point <= 57


def _is_latin(point):
    return 65 <= point <= 90 or 97 <= point <= 122


def _is_name(point):
    return _is_digit(point) or _is_latin(point) or point == _LINE


def _is_small(point):
    return 97 <= point <= 122
