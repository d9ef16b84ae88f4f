"""The paths of files in URLs."""

import os
import re
from urllib.parse import unquote_to_bytes


def path_in(url: str) -> tuple[str, str] | None:
    """The path in a URL like `files:posts.csv` or `files:///srv/posts`, decoded, and its query; None if there is none, or a host."""
    match = re.fullmatch(r"[a-z]+:(?://(?=/))?(?!//)([^?#]+)(?:\?([^?#]+))?", url)
    return (os.fsdecode(unquote_to_bytes(match[1])), match[2] or "") if match else None
