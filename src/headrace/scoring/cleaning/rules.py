"""The table of rules by which a text is read: what begins a piece that is no text, where it ends, and what is left of it.

| piece | examples | what is left | in |
|---|---|---|---|
| mojibake | FÃ¼r, Ïðèâåò | the text as it was meant | `mojibake` |
| homoglyphs | Cyrillic words with Latin letters | words in one script | `homoglyphs` |
| program | lines of code, SQL, JSON, CSS, a stack trace | nothing; prose beside it stays | `program` |
| HTML, XML | <a href="...">, <!-- -->, <script>...</script> | the text between tags | `markup.tag_end` |
| entity | &amp; &uuml; &#252; | letters that it stands for | `markup.entity` |
| template | {name}, {{ user.name }}, {% if %}, #{x} | nothing | `markup.brace_end` |
| placeholder | %s, %(name)d, %1$s, ${name}, $name, :name | nothing | `markup.percent_end`, `dollar_end`, `colon_end` |
| BBCode, wikitext | [b], [url=...], [[page|text]] | the text between tags | `markup.bracket_end` |
| Markdown link | [text](address "title") | the text | `markup.link_target_end` |
| Markdown code | `span`, fenced blocks | nothing | `markup.tick_end` |
| LaTeX, escapes | \textbf{text}, \n, \u00fc | the text, letters that it stands for | `markup.backslash_end` |
| link, domain | https://..., www..., example.co.uk/path | nothing | `addresses.address_end` |
| e-mail address | name@example.org | nothing | `addresses.address_end` |
| @name, #tag | @name, #tag | nothing | `folding.skip_name`, here |
| path, file | /usr/bin, C:\folder, report.pdf | nothing | `addresses` |
| version, UUID, hash | v1.2.3, 550e8400-... | nothing | `addresses.address_end` |
| identifier, call | my_name, os.path.join, print() | nothing | `addresses.identifier_end` |
| letters spaced out | G R E A T   N E W S | GREAT NEWS | `spelling.spaced_end` |
| digits for letters | H3ll0, l8r | Hello, lr | `spelling.spells` |
| letters and digits | 5kg, H2O, MP3 | words of MIN_WORD letters | `spelling.keeps_run` |
| heaps of marks | zalgo | the letters | `spelling.marks_end` |
| flags | regional letters in pairs | nothing | `spelling.flags_end` |

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning import signs
from headrace.scoring.cleaning.addresses import address_end, hashtag_end, run_end
from headrace.scoring.hashed.folding import SPACE, letter_code, skip_name
from headrace.scoring.cleaning.html import entity, is_inline_tag, tag_end
from headrace.scoring.cleaning.markup import (
    backslash_end, bracket_end, escaped, follows_command, link_target_end, tick_end,
)  # fmt: skip
from headrace.scoring.cleaning.paths import slash_path_end, windows_path_end
from headrace.scoring.cleaning.signs import is_digit, is_latin, is_letter, is_unspaced, is_wordy
from headrace.scoring.cleaning.spelling import (
    MIN_WORD, flags_end, is_regional, is_spoken, keeps_run, look_alike, marks_end, spaced_end, spells, word_end,
)  # fmt: skip
from headrace.scoring.cleaning.templates import brace_end, colon_end, dollar_end, merge_tag_end, percent_end

# isort: on

_BEFORE_PATHS = (signs.OPEN, signs.DOUBLE, signs.SINGLE, signs.LESS, signs.MORE, signs.EQUAL, signs.COLON, signs.COMMA)


def read(text, places, end, letters, nexts, cleaned, origins, size):
    """Append the words of text[:end] to `cleaned`, by the table of rules above. Returns the new size and whether there are any."""
    begin, at, seen, has_words = size, 0, 0, False
    while at < end:
        point, first = text[at], at
        is_flag = is_regional(point) and flags_end(text, at, end) > at
        if (is_letter(point, letters) or is_digit(point)) and not is_flag:
            stop = _plain_end(text, at, end, letters)
            if stop > at:
                for place in range(at, stop):
                    size = _put(cleaned, origins, size, text[place], places[place])
                at, has_words = stop, True
                continue
            if at >= seen:
                seen = run_end(text, at, end, letters)
                at = address_end(text, at, seen, end, letters)
            if at == first:
                size, at, is_word = _word(text, places, at, end, letters, cleaned, origins, size)
                has_words = has_words or is_word
                continue
        elif 32 < point < 128 or is_flag:
            if point == signs.AND:
                size, at = _entity(text, places, at, end, cleaned, origins, size)
                has_words = has_words or (size > begin and is_wordy(cleaned[size - 1] + 0, letters))
            elif point == signs.BACKSLASH and escaped(text, at, end) > 0:
                size = _put(cleaned, origins, size, escaped(text, at, end), places[at])
                at, has_words = at + 6, has_words or is_letter(cleaned[size - 1] + 0, letters)
            if at > first:
                continue
            at = _piece_end(text, at, end, letters, nexts)
        else:
            at = marks_end(text, at, end)
            if at > first:
                continue
        if at == first:
            size = _put(cleaned, origins, size, point, places[at])
            at += 1
        elif not _joins(text, first, at, end, letters) and size > begin and cleaned[size - 1] != 32:
            size = _put(cleaned, origins, size, 32, places[first])
    return size, has_words


def _plain_end(text, at, end, letters):
    """The index after the word at text[at:] if it has letters alone, and what follows it can't make it a piece of anything; else `at`."""
    stop = at
    while stop < end and (
        is_latin(text[stop])
        or (0xC0 <= text[stop] < 0x2000 and not is_unspaced(text[stop]) and is_letter(text[stop], letters))
    ):
        stop += 1
    if stop < at + 2 or (stop < end and text[stop] not in (32, 44, 33, 63, 34, 39, 10)):
        return at
    return stop


def _put(cleaned, origins, size, point, place):
    cleaned[size] = point
    if len(origins) > 0:
        origins[size] = place
    return size + 1


def _joins(text, first, at, end, letters):
    """Whether a piece text[first:at] stands inside a word, such as a tag <b>."""
    return (
        text[first] == signs.LESS
        and first > 0
        and at < end
        and is_wordy(text[first - 1], letters)
        and is_wordy(text[at], letters)
        and is_inline_tag(text, first, end)
    )


def _word(text, places, at, end, letters, cleaned, origins, size):
    """Append what is left of the word text[at:] and return the new size, the index after it, and whether it is a word."""
    if (at == 0 or letter_code(text[at - 1], letters) == SPACE) and is_letter(text[at], letters):
        stop = spaced_end(text, at, end, letters)
        if stop > at:
            return _joined(text, places, at, stop, letters, cleaned, origins, size), stop, True
    stop, latin, digits, others = word_end(text, at, end, letters)
    if latin == 0 or digits == 0 or others > 0:
        place = at
        while place < stop:
            if 0x300 <= text[place] < 0x370 and marks_end(text, place, stop) > place:
                place = marks_end(text, place, stop)
                continue
            size = _put(cleaned, origins, size, text[place], places[place])
            place += 1
        return size, stop, latin + others > 0
    spelt, is_word = spells(text, at, stop, latin, digits), False
    if spelt or is_spoken(text, at, stop):
        for place in range(at, stop):
            point = text[place]
            if not is_digit(point):
                size = _put(cleaned, origins, size, point, places[place])
            elif spelt:
                size = _put(cleaned, origins, size, look_alike(point) + 0, places[place])
        return size, stop, True
    place = at
    while place < stop:
        kept = keeps_run(text, at, stop, place)
        is_word = is_word or kept >= place + MIN_WORD
        for inner in range(place, kept):
            size = _put(cleaned, origins, size, text[inner], places[inner])
        place = kept
        if place < stop and size > 0 and cleaned[size - 1] != 32:
            size = _put(cleaned, origins, size, 32, places[place])
        while place < stop and not is_digit(text[place]):
            place += 1
        while place < stop and is_digit(text[place]):
            place += 1
    return size, stop, is_word


def _joined(text, places, at, stop, letters, cleaned, origins, size):
    """Append the letters spaced out in text[at:stop]; a wide gap becomes a blank. Returns the new size."""
    for place in range(at, stop):
        is_gap = letter_code(text[place], letters) == SPACE
        if not is_gap or (letter_code(text[place + 1], letters) == SPACE and cleaned[size - 1] != 32):
            size = _put(cleaned, origins, size, 32 if is_gap else text[place], places[place])
    return size


def _entity(text, places, at, end, cleaned, origins, size):
    """Append what the entity at text[at:] stands for; returns the new size and the index after it, or after the tag that it escapes."""
    length, point, mark = entity(text, at, end)
    if length == 4 and text[at + 1] | 32 == 108 and text[at + 2] | 32 == 116:
        length = _escaped_tag(text, at, end)
    elif length == 5 and text[at + 1] == 97 and text[at + 2] == 109:  # &amp;uuml; was escaped twice
        inner, its_point, its_mark = entity(text, at + 4, end)
        if inner > 0:
            length, point, mark = inner + 4, its_point, its_mark
    if length > 0 and point > 0 and not (point == 32 and size > 0 and cleaned[size - 1] == 32):
        size = _put(cleaned, origins, size, point, places[at])
    if mark > 0:
        size = _put(cleaned, origins, size, mark, places[at])
    return size, at + length


def _escaped_tag(text, at, end):
    """The length of the tag that &lt; at text[at:] begins, its &gt; included; 4 if it begins none."""
    if at + 4 < end and (is_latin(text[at + 4]) or text[at + 4] in (signs.SLASH, signs.BANG)):
        for place in range(at + 5, min(end - 3, at + 300)):
            if text[place] == signs.AND and text[place + 1] | 32 == 103 and text[place + 2] | 32 == 116:
                return place + 4 - at
    return 4


def _piece_end(text, at, end, letters, nexts):
    """The index after the piece that the sign at text[at] begins, or `at`."""
    point = text[at]
    before = text[at - 1] if at > 0 else 32
    after = text[at + 1] if at + 1 < end else 32
    glued = is_wordy(before, letters) or is_digit(before)
    if point == signs.LESS:
        return tag_end(text, at, end, nexts)
    if point == signs.BRACE:
        return at if follows_command(text, at) else brace_end(text, at, end, nexts)
    if point == signs.BRACKET:
        return bracket_end(text, at, end, nexts)
    if point == signs.UNBRACKET:
        return link_target_end(text, at, end, nexts)
    if point == signs.TICK or (point == signs.TILDE and after == signs.TILDE):
        return tick_end(text, at, end, nexts)
    if point == signs.AT_SIGN:
        stop = skip_name(text, at + 1, end, letters)
        return stop if stop > at + 1 else at
    if point == signs.BACKSLASH:
        return (
            windows_path_end(text, at, end)
            if after == signs.BACKSLASH and not glued
            else backslash_end(text, at, end, nexts)
        )
    if is_regional(point):
        return flags_end(text, at, end)
    if glued or (point == signs.STAR and after == signs.BAR):
        return at if glued else merge_tag_end(text, at, end)
    if point == signs.PERCENT:
        return percent_end(text, at, end)
    if point == signs.DOLLAR:
        return dollar_end(text, at, end, nexts)
    if point == signs.HASH:
        return brace_end(text, at + 1, end, nexts) if after == signs.BRACE else hashtag_end(text, at, end, letters)
    if point == signs.COLON:
        return colon_end(text, at, end, letters)
    begins = point in (signs.SLASH, signs.TILDE, signs.DOT) and (before <= 32 or before in _BEFORE_PATHS)
    return slash_path_end(text, at, end, letters) if begins else at
