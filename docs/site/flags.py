"""A hook of MkDocs: a flag such as `--text` stays in one piece at the end of a line."""

import re

_FLAG = re.compile(r"<code>(-[^<\s]{1,30})</code>")


def on_page_content(html: str, **_: object) -> str:
    """Mark code that is a flag, for style.css."""
    return _FLAG.sub(r'<code class="flag">\1</code>', html)
