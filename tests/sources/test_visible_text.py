"""The text that a reader sees of a post."""

import time

import pytest

from headrace.sources.mastodon.visible_text import visible_text

LINK = (
    '<a href="https://example.org/a/very/long/path" rel="nofollow"><span class="invisible">https://</span>'
    '<span class="ellipsis">example.org/a/very</span><span class="invisible">/long/path</span></a>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<p>a<br>b<br/>c</p>", "a\nb\nc"),
        ("<p>a\n  b\u200b c</p>", "a b c"),
        ("<p>1 &lt; 2 &amp;&amp; 3 &gt; 2 &#8212; &auml;&unknown;</p>", "1 < 2 && 3 > 2 — ä&unknown;"),
        (f"<p>see {LINK}!</p>", "see example.org/a/very…!"),
        (
            '<p><span class="h-card"><a class="u-url mention" href="x">@<span>anna</span></a></span> hej</p>',
            "@anna hej",
        ),
        ('<p><a class="hashtag">#<span>mat</span></a></p>', "#mat"),
        ('<p class="quote-inline">RE: <a href="x">https://x</a></p><p>yes</p>', "yes"),
        ("<ul><li>a</li><li>b</li></ul><blockquote>c</blockquote>", "a\nb\nc"),
        ("<script>alert(1)</script><style>p {}</style>a", "a"),
        ('<span class="invisible">never closed</p> hidden', ""),
        ("a</b></p></span>b", "a\nb"),
        ("<p>a <b>bold<p>b", "a bold\nb"),
        ("a<!-- no -->b", "ab"),
        ("a\0b", "ab"),
        ("<p>👩‍👩‍👧 ok</p>", "👩‍👩‍👧 ok"),
    ],
)
def test_it_is_what_a_browser_shows(html: str, text: str) -> None:
    assert visible_text(html) == text


@pytest.mark.parametrize(
    "piece", ["<a>", "</a>", "<a></b>", '<span class="ellipsis">', "&amp;", "<p><br>", "<a>x</span>"]
)
def test_a_long_and_broken_text_takes_no_long_time(piece: str) -> None:
    begun = time.process_time()
    visible_text(piece * (200_000 // len(piece)))
    assert time.process_time() - begun < 20


def test_tags_that_never_end_are_text_however_many_there_are() -> None:
    assert visible_text("hi" + " <p" * 200_000).startswith("hi <p <p")
