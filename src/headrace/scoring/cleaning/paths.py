"""Paths, files, versions and hashes: where they end. A file is known by its extension.

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.cleaning.signs import (
    BACKSLASH, COLON, DOT, MINUS, PLUS, SLASH, TILDE, UNDERSCORE, hexadecimal, holds, is_digit, is_latin, is_name,
    is_small, is_unspaced, is_wordy, pack, packed,
)  # fmt: skip

# isort: on

_EXTENSIONS = pack("""pdf doc docx odt xls xlsx ods ppt pptx txt rtf csv tsv json jsonl xml html htm xhtml css scss js mjs ts tsx jsx vue
    php asp aspx jsp py pyc ipynb java jar kt rb go rs c h cc cpp hpp cs swift scala pl lua sh bash zsh bat cmd ps1 exe msi dll so apk dmg
    iso img bin deb rpm zip tar gz tgz bz2 xz rar 7z jpg jpeg png gif svg webp bmp ico tif tiff psd mp3 mp4 m4a wav ogg flac avi mov mkv
    webm wmv log md rst tex yml yaml toml ini cfg conf env lock sql db sqlite bak tmp epub mobi ics eml ttf woff woff2""")
_SECTIONS = pack("r u")


def path_end(points, at, stop, end):
    """C:\\folder\\file, folder/file.txt, report.pdf, /usr/bin (from points[at] on), r/name"""
    if is_latin(points[at]) and at + 2 < stop and points[at + 1] == COLON and points[at + 2] in (BACKSLASH, SLASH):
        return windows_path_end(points, at, end)
    slash, dot, odd = -1, -1, False
    for place in range(at, stop):
        point = points[place]
        if point in (SLASH, BACKSLASH):
            slash, dot = place, -1
        elif point == DOT:
            dot = place
        odd = odd or point in (UNDERSCORE, TILDE) or point == DOT
    if (
        dot > max(slash + 1, at)
        and dot + 1 < stop
        and holds(_EXTENSIONS, packed(points, dot + 1, stop))
        and (is_name(points[dot - 1]) or points[dot - 1] >= 0x370)
    ):
        if dot == at + 1 and stop == dot + 2:  # d.h.
            return at
        same_case = is_small(points[stop - 1]) == is_small(points[dot + 1]) or is_digit(points[stop - 1])
        return stop if same_case or is_digit(points[dot + 1]) else at
    if slash == at + 1 and points[at + 1] == SLASH and holds(_SECTIONS, packed(points, at, at + 1)) and stop > at + 4:
        return stop
    return stop if slash > at and odd and _has_name_sign(points, at, stop) else at


def _has_name_sign(points, at, stop):
    """Whether an underscore stands within the run, as in node_modules/react."""
    for place in range(at + 1, stop - 1):
        if points[place] == UNDERSCORE and is_name(points[place - 1]) and is_name(points[place + 1]):
            return True
    return False


def slash_path_end(points, at, end, letters):
    """The index after /usr/bin, ~/file, ./file, ../file or a /command at points[at:], or `at`."""
    place = at
    while place < end and points[place] in (TILDE, DOT):
        place += 1
    if (
        place + 1 >= end
        or points[place] != SLASH
        or place > at + 2
        or not (is_name(points[place + 1]) or points[place + 1] == DOT)
    ):
        return at
    stop, slashes, is_ascii = place, 0, True
    while stop < end:
        point = points[stop]
        is_foreign = point > 127 and is_wordy(point, letters) and not is_unspaced(point)
        if not (is_foreign or is_name(point) or point in (SLASH, DOT, MINUS, TILDE, PLUS, 64, 58, 37)):
            break
        slashes += point == SLASH
        is_ascii = is_ascii and not is_foreign
        stop += 1
    if (not is_ascii and slashes < 2) or (stop < end and is_wordy(points[stop], letters)):
        return at
    while points[stop - 1] in (DOT, COLON, MINUS):
        stop -= 1
    return stop


def windows_path_end(points, at, end):
    """The index after C:\\Program Files\\file or \\\\server\\share at points[at:]; blanks belong to it if a folder's name goes on."""
    while True:
        while at < end and points[at] > 32 and points[at] not in (34, 60, 62, 124, 39, 44, 59):
            at += 1
        ahead = at
        while ahead < min(end, at + 40) and points[ahead] not in (10, BACKSLASH, 34, 60, 62, 124, 44, 59, DOT):
            ahead += 1
        if ahead >= end or points[ahead] != BACKSLASH or points[at] != 32:
            return at
        at = ahead


def token_end(points, at, stop):
    """Versions, UUIDs, hashes and the like: v1.2.3-rc1, 550e8400-e29b-41d4-a716-446655440000, fe80::1"""
    digits, others, dots, colons, hexes = 0, 0, 0, 0, 0
    for place in range(at, stop):
        point = points[place]
        digits += is_digit(point)
        dots += (
            point == DOT
            and place + 1 < stop
            and place > at
            and is_digit(points[place - 1])
            and is_digit(points[place + 1])
        )
        colons += point == COLON
        hexes += hexadecimal(point) >= 0
        others += hexadecimal(point) < 0 and point not in (MINUS, COLON)
    if others == 0 and digits > 0 and hexes > digits and (hexes >= 8 or colons >= 2):
        return stop
    if points[at] == 48 and points[at + 1] | 32 == 120 and others == 1 and stop > at + 2:
        return stop  # 0xff
    first = points[at] | 32
    if (first == 118 and at + 1 < stop and is_digit(points[at + 1]) and dots > 0) or (
        is_digit(points[at]) and dots > 1
    ):
        return stop
    return at
