"""The text of HTML."""

import time

import pytest

from headrace.sources.html_text import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("nothing to do", "nothing to do"),
        ("  two\n words ", "two words"),
        ("<p>one</p>\n\n<p>two<br>three<br/>four</p>", "one\ntwo\nthree\nfour"),
        ("a <b>bold</b> <a href='x'>link</a>", "a bold link"),
        ("&lt;b&gt; &amp;amp; &nbsp;caf&eacute; &#x1F600;", "<b> &amp; café 😀"),
        ("a<script>if (x<y) { '</p>' }</script><style>p {}</style>b", "ab"),
        ("<html><head><title>no</title></head><body>yes</body></html>", "yes"),
        ("a<!-- <p>not this -->b", "ab"),
        ("a<!-- never ends", "a"),
        ("<script>never ends", "never ends"),
        ("1 < 2, x<y and <3", "1 < 2, x<y and <3"),
        ("<p title='a > b'>c</p>", "c"),
        ("<![CDATA[a]]><![if !lists]>b<![endif]>", "ab"),
        ("<pre><code>if x:\n    y()</code></pre>z", "if x:\ny()\nz"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ('<a href="u"><span class="invisible">https://</span><span>example.org/a</span></a>', "https://example.org/a"),
        ("", ""),
    ],
)
def test_html_is_read_as_people_read_it(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    "piece", ["<a", "<!--", "<a b='", " <p", "<script>", "<noscript", "</a", "<!", "&", "<style><"]
)
def test_unfinished_tags_take_no_time(piece: str) -> None:
    """html.parser takes minutes for some of them."""
    begin = time.process_time()
    plain(piece * 50_000)
    assert time.process_time() - begin < 10
