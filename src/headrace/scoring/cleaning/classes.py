"""Classes of characters, and what two of them in a row say of a text."""

from collections.abc import Mapping

#: What a character may say of a text: nothing, that it has pieces of other kinds, that it is a program.
PLAIN, PIECES, PROGRAM = 0, 1, 2
#: Classes of characters: ASCII letters, blanks, digits, signs that say nothing, the full stop, signs that say something before a letter,
#: one that does after a letter, signs that always do, those that programs have, letters beyond ASCII, line breaks, the semicolon.
LETTER, BLANK, DIGIT, QUIET, STOP, BEFORE, AFTER, LOUD, CODE, FOREIGN, BREAK, SEMICOLON = range(12)
_SIGNS: Mapping[str, int] = {".": STOP, **dict.fromkeys(":%", BEFORE), "(": AFTER, **dict.fromkeys("&@/`#~_+", LOUD),
          **dict.fromkeys("[]\\|{}<>=*$", CODE), ";": SEMICOLON}  # fmt: skip
#: Signs that lead bytes of UTF-8 become in code pages of DOS and Mac OS.
LEADS = (0x192, 0x393, 0x221A, 0x2248, 0x2500, 0x251C, 0x253C, 0x2564, 0x2568, 0x256A, 0x256B, 0x256C, 0x25CA)


def ascii_class(point: int) -> int:
    """The class of an ASCII character."""
    sign = chr(point)
    if sign.isalpha():
        return LETTER
    if sign.isdigit():
        return DIGIT
    if sign in "\r\n":
        return BREAK
    return BLANK if sign.isspace() else _SIGNS.get(sign, QUIET)


def says(before: int, kind: int) -> int:
    """What a character of one class after one of another says of a text; the classes are those above.

    A semicolon with a blank after it stands between words of prose.
    """
    if kind == CODE or (before == SEMICOLON and kind != BLANK) or (before == LETTER and kind == AFTER):
        return PIECES | PROGRAM
    if kind == LOUD or (before == LETTER and kind == DIGIT) or (before == DIGIT and kind == LETTER):
        return PIECES
    if before in (STOP, BEFORE) and kind in (LETTER, FOREIGN, BEFORE, AFTER):
        return PIECES | (PROGRAM if before == BEFORE else PLAIN)
    return PLAIN
