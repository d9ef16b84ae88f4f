"""A registry in a folder, by its path or by a `file:` URL."""

import re
from urllib.parse import unquote

from headrace.errors import Misconfigured
from headrace.models.registry import Registry


def from_url(url: str) -> Registry:
    """The registry of `file:///srv/models` (percent-encoded) or of a plain path. Raises Misconfigured for a `file:` URL with a host."""
    if not url.startswith("file:"):
        return Registry(url)
    match = re.fullmatch(r"file:(?://(?:localhost)?(?=/)|(?!//))(/.*)", url)
    if match is None:
        raise Misconfigured(f"no registry can be opened at {url!r}: a file URL has three slashes, file:///srv/models")
    return Registry(unquote(match[1]))
