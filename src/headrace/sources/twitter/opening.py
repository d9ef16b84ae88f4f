"""Which source a URL of `twitter:` means: a recording, or the stream."""

import re
from collections.abc import Callable
from typing import cast

from headrace.documents import DOCUMENT_BYTES
from headrace.errors import Misconfigured
from headrace.ports import SourceAdapter
from headrace.sources.twitter.source import TwitterSource

_LIVE = re.compile(r"twitter:(//[^/?#]*)?/?(\?.*|#.*)?")


def from_url(
    url: str,
    *,
    limit: int = DOCUMENT_BYTES,
    token: Callable[[], str] = str,
    budget: int | None = None,
) -> SourceAdapter:
    """The recording of `twitter:recorded.jsonl`, or the filtered stream of `twitter:`, which needs the extra `streams` and a token.

    `token` reads the token, of which a recording needs none. `budget` is how many posts of the stream may be read in a month. Raises
    Misconfigured for any other URL, and for a recording with a budget.
    """
    if not _LIVE.fullmatch(url):
        if budget is not None:
            raise Misconfigured("a recording costs nothing; leave out the budget")
        return TwitterSource.from_url(url, limit=limit)
    try:
        from headrace.sources.twitter.filtered_stream import FilteredStream
    except ModuleNotFoundError as error:
        raise Misconfigured(f"the filtered stream of X needs {error.name}: pip install 'headrace[streams]'") from error
    stream = FilteredStream.from_url(url, limit=limit, token=token, budget=budget)
    return cast("SourceAdapter", stream)
