"""Secrets in messages: the accounts of URLs, and parameters that may be secret. What cannot be told apart is hidden too.

`mask` knows a secret by the form around it. `secrets_of` gives those of one URL, so that they can be hidden wherever they stand alone, as
in the message of a driver that quotes a part of it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"
LEAST = 3  # characters of what is hidden wherever it stands; less would be found in every word

_NEXT_URL = r"[,;][a-z][a-z0-9+.-]*://"
#: From `//`, or a colon, to the last `@` of what has no blank; the name of the user is shown if it is surely one.
_ACCOUNT = re.compile(rf"(?P<slashes>:?//)(?P<user>[^\s/?#@:]*:)?(?:(?!{_NEXT_URL})\S)*@", re.IGNORECASE)
_WITHOUT_SLASHES = re.compile(r"(?<![\w/])[^\s:@/'\"(]+:(?!//)\S*@")
#: `authors` are not a secret, an `authorization` is.
_SECRET_NAME = r"[\w.%-]*(?:pass|pwd|secret|token|key|sasl|sig|cred|access|auth(?!ors?\b)|options|%)[\w.%-]*"
#: Its value, and what follows without a name of its own: an ampersand may be a part of the secret.
_PARAMETER = re.compile(
    rf"(?<![\w.%-])({_SECRET_NAME})=(?:'[^']*'|\"[^\"]*\"|[^&\s]*(?:&[^&=\s]*(?=&|\s|$))*)", re.IGNORECASE
)
_NAMED = re.compile(_SECRET_NAME, re.IGNORECASE)


def mask(text: str) -> str:
    """The text with everything hidden that may be a secret by its form."""
    if "@" in text:
        text = _ACCOUNT.sub(lambda found: f"{found['slashes']}{found['user'] or ''}{HIDDEN}@", text)
        text = _WITHOUT_SLASHES.sub(f"{HIDDEN}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1={HIDDEN}", text)
    return text


def secrets_of(url: str) -> frozenset[str]:
    """What is secret in one URL, or in a list of them, and every part of it that a parser may take out."""
    return frozenset[str]().union(*map(forms, _parts(url)))


def forms(secret: str) -> frozenset[str]:
    """A secret as messages may write it: as it is, decoded, with escapes. Empty if it has fewer than LEAST characters."""
    read = (secret, unquote(secret), unquote_plus(secret))
    written = {form for one in read for form in (one, repr(one)[1:-1], json.dumps(one)[1:-1])}
    return frozenset(form for form in written if len(form) >= LEAST)


def mask_url(url: str) -> str:
    """One URL with everything hidden that may be secret in it, even if blanks are."""
    return mask(hide(url, secrets_of(url)))


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets. One that is short is hidden only if it is a word of its own."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text:
            alone = rf"(?<!\w){re.escape(secret)}(?!\w)" if len(secret) < 2 * LEAST else re.escape(secret)
            text = re.sub(alone, HIDDEN, text)
    return text


def _parts(url: str) -> Iterator[str]:
    account, at, _ = url.partition(":")[2].removeprefix("//").rpartition("@")
    if at:
        password = account.partition(":")[2] or account
        yield password
        yield from re.split(r"[/?#@&,;\s\[\]]+", account)  # as a parser that stops there quotes it: "u:SE" of u:SE/CRET
        yield from re.split(r"[/?#@:&,;=\s\[\]]+", password)
    for pair in re.split(r"[?&;\s]", url):
        name, equals, value = pair.partition("=")
        if equals and _NAMED.fullmatch(unquote(name)):
            yield value
