"""Addresses: links, domains and e-mail addresses, and where they end.

A domain without a scheme is told from a full stop without a blank (`gut.Wir`, `z.B.`) by its last part: a top-level domain in lower case,
of two letters (_COUNTRIES) or more (_DOMAINS).

These functions run as they are, and compiled by `headrace.scoring.native` as parts of a kernel.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

# isort: off
from headrace.scoring.hashed.folding import SPACE, letter_code
from headrace.scoring.cleaning.identifiers import identifier_end
from headrace.scoring.cleaning.paths import path_end, token_end
from headrace.scoring.cleaning.signs import (
    AND, AT_SIGN, BACKSLASH, UNDERSCORE, CLOSE, COLON, COMMA, DOLLAR, DOT, EQUAL, HASH, MINUS, OPEN, PERCENT, PLUS, QUESTION, SLASH, TILDE,
    holds, is_capital, is_digit, is_latin, is_name, is_small, is_unspaced, is_wordy, pack, packed,
)  # fmt: skip

# isort: on

_COUNTRIES = pack("""ac ad ae af ag ai al am ao ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg
    ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq
    gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt
    lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl
    pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to
    tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye za zm zw""")
_DOMAINS = pack("""com org net info biz edu gov mil int name mobi app dev blog shop online site tech xyz club store news cloud live agency
    guru link media social museum travel jobs pro eus gal cat example localhost local internal test""")  # fmt: skip
_SCHEMES = pack("mailto tel sms magnet urn doi javascript data xmpp geo")
#: Code points of the longest run that is looked at for an address, other than a link.
_LONGEST = 4096


def run_end(points, at, end, letters):
    """The index after the run at points[at:] that may be an address: no blanks, quotes or brackets, and no letters of a script that
    writes no blanks after Latin ones, unless a link goes on with them."""
    latin_before, unspaced_before = False, False
    while at < end:
        point = points[at]
        if point < 128:
            if not (is_name(point) or point in (DOT, MINUS, SLASH, AT_SIGN, COLON, PLUS, PERCENT, TILDE, QUESTION, EQUAL, AND, HASH,
                                                BACKSLASH, DOLLAR, 33)):  # fmt: skip
                break
            if unspaced_before and is_latin(point):
                break
        elif not is_wordy(point, letters) or (latin_before and is_unspaced(point)):
            break
        latin_before, unspaced_before = is_latin(point) or is_digit(point), is_unspaced(point)
        at += 1
    return at


def address_end(points, at, stop, end, letters):
    """The index after the address or identifier that begins at points[at] and lies in the run points[at:stop], or `at` if it is words."""
    while stop > at and points[stop - 1] in (DOT, COLON, QUESTION, MINUS, 33, SLASH, EQUAL):
        stop -= 1
    head = at  # the first sign that is not of a word
    while head < stop and is_wordy(points[head], letters):
        head += 1
    if head >= stop and not (head < end and points[head] in (OPEN, COLON)):
        return at
    link = _link_end(points, at, head, stop, end, letters)
    if link > at:
        return link
    if stop - at > _LONGEST:
        return at
    place = _email_end(points, at, stop, letters)
    if place == at:
        place = _domain_end(points, at, stop, end, letters)
    if place == at:
        place = path_end(points, at, stop, end)
    if place == at:
        place = token_end(points, at, stop)
    return place if place > at else identifier_end(points, at, stop, end)


def _link_end(points, at, head, stop, end, letters):
    """A scheme and what follows, or www. in front."""
    sign = head
    while sign < stop and is_digit(points[sign]):  # s3://
        sign += 1
    if sign > head > at and sign + 2 < end and points[sign] == COLON and points[sign + 1] == points[sign + 2] == SLASH:
        return _to_blank(points, sign, end, letters)
    if head + 2 < end and points[head] == COLON:
        if head > at and points[head + 1] == points[head + 2] == SLASH and is_latin(points[head - 1]):
            return _to_blank(points, head, end, letters)
        if head + 1 < stop and holds(_SCHEMES, packed(points, at, head)):
            return _to_blank(points, head, end, letters)
    www = head - at == 3 and points[at] | 32 == points[at + 1] | 32 == points[at + 2] | 32 == 119
    return _to_blank(points, head, end, letters) if www and head + 1 < end and points[head] == DOT else at


def _to_blank(points, at, end, letters):
    """The index after a link: at a blank, a bracket that the link did not open, a quote, or a sign or word of a script without blanks."""
    opened, before = 0, 0
    while at < end:
        point = points[at]
        if (
            point <= 32
            or point in (34, 60, 62, 96, 0x7C, 0x5D, 0x7D)
            or (point > 127 and letter_code(point, letters) == SPACE)
        ):
            break
        if point == CLOSE:
            if opened == 0:
                break
            opened -= 1
        opened += point == OPEN
        if point > 127 and not is_wordy(point, letters):
            break
        if is_unspaced(point) and (is_latin(before) or is_digit(before)):
            break
        before = point
        at += 1
    while points[at - 1] in (DOT, COMMA, COLON, 33, 39, 59, QUESTION):
        at -= 1
    return at


def _email_end(points, at, stop, letters):
    """name@host.domain, user@host"""
    sign = at
    while sign < stop and points[sign] != AT_SIGN:
        if points[sign] in (SLASH, BACKSLASH, QUESTION):
            return at
        sign += 1
    if sign == at or sign + 2 >= stop or (not is_wordy(points[stop - 1], letters) and not is_digit(points[stop - 1])):
        return at
    if not (is_name(points[sign - 1]) or points[sign - 1] > 127) or not (
        is_name(points[sign + 1]) or points[sign + 1] > 127
    ):
        return at
    for place in range(sign + 1, stop):
        if points[place] == DOT:
            return stop
    return at


def _domain_end(points, at, stop, end, letters):
    """example.org, example.co.uk:8080/path, localhost:8080"""
    place, label, dots, last_label, longest = at, at, 0, at, 0
    while place < stop:
        point = points[place]
        if point == DOT:
            if place == label:
                return at
            longest = max(longest, place - label)
            dots += 1
            label = place + 1
        elif not (is_latin(point) or is_digit(point) or point == MINUS or point > 127):
            break
        place += 1
    last_label = label
    if dots == 0:
        is_port = place + 1 < stop and points[place] == COLON and is_digit(points[place + 1])
        return stop if is_port and holds(_DOMAINS, packed(points, at, place)) else at
    continues = place < stop and points[place] in (SLASH, COLON, QUESTION, HASH)
    if place < stop and not continues:
        return at
    if not _is_top_level(points, last_label, place, at):
        return at
    if longest < 2 and not continues and not holds(_DOMAINS, packed(points, last_label, place)):  # m.in.
        return at
    return _to_blank(points, place, end, letters) if continues else place


def _is_top_level(points, at, stop, begin):
    """Whether points[at:stop] is a top-level domain as it is written in an address: in lower case, or the address in capitals."""
    if stop - at == 2 and (
        (points[at] == 0x440 and points[at + 1] == 0x444) or (points[at] == 0x431 and points[at + 1] == 0x433)
    ):  # рф, бг
        return True
    if not is_small(points[at]) and not (
        is_capital(points[at]) and is_capital(points[begin]) and is_capital(points[at - 2])
    ):
        return False
    key = packed(points, at, stop)
    return holds(_COUNTRIES, key) if stop - at == 2 else key != 0 and holds(_DOMAINS, key)


def hashtag_end(points, at, end, letters):
    """#tag, and Weibo's #tag#."""
    stop = at + 1
    while stop < end and (
        is_wordy(points[stop], letters) or is_digit(points[stop]) or points[stop] in (UNDERSCORE, 0x200C)
    ):
        stop += 1
    if stop == at + 1:
        return at
    return stop + 1 if stop < end and points[stop] == HASH and is_unspaced(points[stop - 1]) else stop
