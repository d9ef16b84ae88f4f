"""Tokens of platforms, as the environment has them: in a variable, or in a file that another one names. They are no settings, so that none
comes to stand on a command line, where `ps` shows it, or in a URL.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from headrace.errors import Misconfigured, system_error
from headrace.masking import forms

TOKENS: Sequence[str] = ("HEADRACE_BLUESKY_KEY", "HEADRACE_MASTODON_TOKEN", "HEADRACE_TWITTER_TOKEN")
OF_FILE = "_FILE"  #: the end of the name of a variable with the path of a file
VARIABLES: frozenset[str] = frozenset(name + end for name in TOKENS for end in ("", OF_FILE))


def token(name: str, environment: Mapping[str, str]) -> str:
    """The token of this name, without blanks around it; empty if there is none.

    Raises Misconfigured if both variables are set, or the file can't be read or is empty.
    """
    value, path = (environment.get(variable, "").strip() for variable in (name, name + OF_FILE))
    if value and path:
        raise Misconfigured(f"both {name} and {name}{OF_FILE} are set; leave one out")
    if not path:
        return value
    try:
        value = Path(path).read_text().strip()
    except UnicodeDecodeError:
        raise Misconfigured(f"the file that {name}{OF_FILE} names is no text; write the token into it") from None
    except OSError as error:
        raise system_error(f"reading {path}", error, f"correct {name}{OF_FILE}") from None
    if not value:
        raise Misconfigured(f"the file that {name}{OF_FILE} names is empty; write the token into it")
    return value


def secrets(environment: Mapping[str, str]) -> frozenset[str]:
    """All tokens, to be hidden. One that cannot be read is nobody's secret."""
    found = set[str]()
    for name in TOKENS:
        found |= forms(environment.get(name, "").strip())
        with suppress(Misconfigured, OSError, UnicodeDecodeError):
            found |= forms(token(name, environment))
    return frozenset(found)
