"""What is left of a text: its words, without markup, addresses and code. One row of these tables for each rule."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.scoring.cleaning import classes, content, glance, signs
from headrace.scoring.hashed import features, letters
from headrace.scoring.hashed.interpreted import Interpreted
from headrace.scoring.hashed.kernels import Compiled
from headrace.scoring.hashed.parameters import Cleaned, HashedParameters, one_table
from headrace.scoring.texts import Preprocessing

Row = tuple[str, str]


@functools.cache
def parameters() -> HashedParameters:
    weights, gains = np.zeros(16 + features.LANES, np.int8), np.ones(4)
    return one_table(("aa",), 0, weights, gains, letters.alphabet(), *letters.compositions())


@functools.cache
def interpreted() -> Interpreted:
    return Interpreted(parameters())


@functools.cache
def compiled() -> Compiled:
    return Compiled(parameters())


def clean(path: Interpreted | Compiled, texts: list[str]) -> Cleaned:
    return path.clean(*Preprocessing(lowercase=False).code_points(texts), origins=True)


def left(text: str) -> str:
    """What is left of a text, without needless blanks."""
    words = clean(interpreted(), [text])
    return " ".join("".join(map(chr, words.points[: words.bounds[1]])).split())


def kind(text: str) -> int:
    return int(clean(interpreted(), [text]).kinds[0])


MARKUP: list[Row] = [
    ("<p>Vad gör du?</p>", "Vad gör du?"),
    ('Lies <a href="http://a.b/c_d?e=f" title="x > y">mehr</a> davon', 'Lies y">mehr davon'),
    ("<b>G</b>uten Tag<br/>Anna", "Guten Tag Anna"),
    ("Eins<!-- ein <b> Kommentar -->zwei", "Eins zwei"),
    ("<script>if (a < b) { f(); }</script>Hallo<style>p { color: red }</style>", "Hallo"),
    ("<?xml version='1.0'?><note>Bonjour</note>", "Bonjour"),
    ("<![CDATA[Hola amigos]]>", "Hola amigos]]>"),
    ("Sie hat 3 < 5 und 7 > 2 gesagt <3", "Sie hat 3 < 5 und 7 > 2 gesagt <3"),
    ("f&uuml;r &Ouml;l &amp; Stra&szlig;e &#228;&#xf6;&nbsp;da", "fu\u0308r O\u0308l Straße äö da"),
    ("&lt;p&gt;caf&amp;eacute;&lt;/p&gt; R&D AT&T", "cafe\u0301 R&D AT&T"),
    ("[b]Bra[/b] film, [url=http://x.y/z]titta[/url] [color=#ff0000]här[/color]", "Bra film, titta här"),
    ("[quote=Anna]Ja[/quote] [code]x = 1[/code] [*]nein [sic]", "Ja nein [sic]"),
    ('**Fett** und [der Text](https://a.b/c_(d) "Titel") `x = y()` aus', "**Fett** und [der Text aus"),
    ("# Titel\n\n```python\nprint('x')\n```\n- eins\n- [x] zwei", "# Titel - eins - zwei"),
    ("Siehe [[Datei:x.jpg|thumb]] und [[Haus|Häuser]]", "Siehe thumb]] und Häuser]]"),
    ("\\textbf{Wichtig} \\begin{itemize} \\item Brot", "{Wichtig} Brot"),
    ("Erste\\nZweite\\tStra\\u00dfe", "Erste Zweite Straße"),
    ("&#1055;&#1088;&#1080;", "При"),
    ("\\u0412\\u043e\\u0442", "Вот"),
    ('Hei <div class="x', "Hei"),
    ("[list][*]erstens[*]zweitens[/list]", "erstens zweitens"),
    ("Titel\n=====\n\nText\n-----", "Titel ===== Text -----"),
    ("||Nom||Prénom||\n|Durand|Marie|", "||Nom||Prénom|| |Durand|Marie|"),
    ("***sehr*** __gut__, __NAME__", "***sehr*** __gut__, __"),
    ("<https://a.b/c|diese Seite> und <https://a.b> da", "diese Seite> und da"),
]
TEMPLATES: list[Row] = [
    ("Hello {name}, you have {count} new messages", "Hello , you have new messages"),
    ("Hej {{ user.name }}, {% if x %}välkommen{% endif %} {# not #}", "Hej , välkommen"),
    ("Dear ${firstName}, $lastName owes $5", "Dear , owes $5"),
    ("%s hat %d Dateien, %(name)s und %1$s, zu 50% sure", "hat Dateien, und , zu 50% sure"),
    ("Hola <%= nombre %>, #{amigo}", "Hola ,"),
    ("Welcome :name, note: this :smile:", "Welcome , note: this"),
    ("Du hast {n, plural, one {# Datei} other {# Dateien}} hier", "Du hast hier"),
    ("Hello *|FNAME|*, hi", "Hello , hi"),
    ("Hello {first name}, hi {und so weiter, ja}", "Hello , hi {und so weiter, ja}"),
    ("Hej {för namn}, %user%! 50 %sicher%x", "Hej , ! 50 %sicher%x"),
    ("Du har {n, plural,\n  =0 {ingen fil}\n  other {# filer}\n} kvar", "Du har kvar"),
    ("Guten Tag, <#if user??>Anna</#if>!", "Guten Tag, Anna !"),
]
ADDRESSES: list[Row] = [
    ("siehe https://a.de/b_c?d=e&f=(g) und www.x.org/y.", "siehe und ."),
    ("请看https://x.com/abc谢谢", "请看 谢谢"),
    ("spiegel.de/politik bbc.co.uk youtu.be/a1B localhost:8080/x", ""),
    ("mail an john.doe@mail.example.org oder mailto:a@b.c bitte", "mail an oder bitte"),
    ("@anna_b sagt #wetter_heute gut", "sagt gut"),
    ("Das ist gut.Wir gehen. z.B. u.s.w. e.g. a.m. m.in.", "Das ist gut.Wir gehen. z.B. u.s.w. e.g. a.m. m.in."),
    ("in /usr/local/bin ~/x.txt ../y C:\\Program Files\\A\\b.exe src/a/B.java report.pdf", "in"),
    ("and/or km/h he/she/it r/sweden", "and/or km/h he/she/it"),
    ("schön.So gehen wir, d.h. alle: Foto.jpg FOTO.JPG", "schön.So gehen wir, d.h. alle:"),
    ("в отчёт.docx и Папка/файл.txt, /home/élise/été.txt /она", "в и , /она"),
    ("550e8400-e29b-41d4-a716-446655440000 d41d8cd98f00b204 v1.2.3-rc1 10.0.0.1 fe80::1 0xff", ""),
]
CODE_IN_PROSE: list[Row] = [
    ("Use the print() function to show it", "Use the function to show it"),
    ("Price = 20 euros, shipping = free", "Price = 20 euros, shipping = free"),
    ("Team A => winner -> next round", "Team A => winner -> next round"),
    ("my_favorite_song is called by os.path.join here", "is called by here"),
    ("Der Name(n), function(s) f(x)", "Der Name(n), function(s) f(x)"),
    ("print()を使う", "を使う"),
    ("docker is great", "docker is great"),
    ("== Titel ==\nFett und mager", "== Titel == Fett und mager"),
    ("Wie geht das hier?\n\nfor (int i = 0; i < n; i++) {\n  total += x[i];\n}", "Wie geht das hier?"),
]
SPELLING: list[Row] = [
    ("H3ll0 w0rld, l33t", "Hello world, leet"),
    ("l8r gr8", "lr gr"),
    ("5kg H2O MP3 in the 1990s and 2022ko covid19", "kg MP in the and ko covid"),
    ("G R E A T   N E W S und k o m m", "GREAT NEWS und komm"),
    ("п р и в е т", "привет"),
    ("Plan A B und I am", "Plan A B und I am"),
    ("z\u0337\u0322\u031b\u0300\u0301a\u0335\u0321\u031b\u0310l", "zal"),
    ("🇩🇪🇫🇷 Hallo🇸🇪", "Hallo"),
]
MOJIBAKE: list[Row] = [
    ("FÃ¼r spÃ¤ter: GrÃ¼ÃŸe", "Für später: Grüße"),
    ("cafÃ©", "café"),
    ("le contrÃ´le", "le contrôle"),
    ("mÃ¡s o menos", "más o menos"),
    ("maÃ±ana serÃ\u00ada", "mañana sería"),
    ("Itâ€™s dÃ©jÃ  vu", "It’s déjà vu"),
    ("Привет всем".encode().decode("cp1251"), "Привет всем"),
    ("你好，世界".encode().decode("latin-1"), "你好，世界"),
    ("Größe für alle".encode().decode("cp437"), "Größe für alle"),
    ("schöne Grüße".encode().decode("latin-1").encode().decode("latin-1"), "schöne Grüße"),
    ("Ïðèâåò, êàê äåëà", "Привет, как дела"),
    ("Доброе утро, друзья".encode("koi8-r").decode("latin-1"), "Доброе утро, друзья"),
    ("Доброе утро, друзья мои".encode("koi8-r").decode("cp1251"), "Доброе утро, друзья мои"),
    ("Καλημέρα τι κάνεις".encode("iso8859-7").decode("latin-1"), "Καλημέρα τι κάνεις"),
    ("Добрый день, как ваши дела".encode("cp1251").decode("latin-1"), "Добрый день, как ваши дела"),
    ("ДОБРОЕ УТРО ВСЕМ".encode("cp1251").decode("latin-1"), "ДОБРОЕ УТРО ВСЕМ"),
    ("Добрый день, как ваши дела".encode("koi8-r").decode("cp1251"), "Добрый день, как ваши дела"),
    ("Żółta łódka płynie".encode().decode("cp1251"), "Żółta łódka płynie"),
    ("שלום לכולם חברים".encode().decode("cp1251", "replace"), "שלום לכולם חברים"),
    ("Größe für alle Mädchen".encode().decode("cp850"), "Größe für alle Mädchen"),
    ("Спасибо большое".encode().decode("cp850"), "Спасибо большое"),
    ("Dzień dobry, jak się masz".encode().decode("cp1250"), "Dzień dobry, jak się masz"),
    ("mañana será otro día".encode().decode("cp1250"), "mañana será otro día"),
    ("Děkuji za vše".encode().decode("mac_roman"), "Děkuji za vše"),
    ("På svenska".encode().decode("mac_roman"), "På svenska"),
    ("Привет друзья".encode().decode("cp866"), "Привет друзья"),
]
HOMOGLYPHS: list[Row] = [
    ("Фeстивaл Глoбaлни грaђaнин, кojи \u0458e oдржaн", "Фестивал Глобални грађанин, који је одржан"),
    ("Прoверьте Bаш аккаyнт", "Проверьте Ваш аккаунт"),
    ("Hеllо wоrld, hоw аre yоu", "Hello world, how are you"),
    ("саfé und Zаhl", "café und Zahl"),
    ("iPhoneы, IT-компания, Vісtоrіа", "iPhoneы, IT-компания, Victoria"),
    ("Де́ти и cа́хар", "Де́ти и са́хар"),
]
ROWS = MARKUP + TEMPLATES + ADDRESSES + CODE_IN_PROSE + SPELLING + MOJIBAKE + HOMOGLYPHS


@pytest.mark.parametrize(("text", "wanted"), ROWS)
def test_this_is_left_of_a_text(text: str, wanted: str) -> None:
    assert left(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "SÃO, MAÇÃ” e «É»… “café…” CAFÉ®",
        "Þórður Æðey óðáðæ äöö hääyöaie",
        "ПРИВЕТ, КАК ДЕЛА? Сёстры, Гірка, ві́н",
        "ЂОРЂЕ ЊЕГОШ ЉУБАВ, Їжак: «Ніч»… “Да” — №5, 5°С",
        "Tiếng Việt: một người đàn ông ở Hà Nội",
        "ČEŇKY ĽUDÍ, ĂČM; VĂZÂND „SĂ” FAC; ┌──┐ Hej; Größe ≈ √2, a≈b",
        "Ça va ? « Oui » — à bientôt : l’été",
        "well-known facts; 3.5 % (or so) of 1,000: “yes”",
        "Эра Windows, 5 км, Ваш CEO и я; Το A και το O",
        "Angela Merkel (CDU) sagte am 3. Mai: „Nein“.",
    ],
)
def test_good_text_is_left_as_it_is(text: str) -> None:
    assert left(text) == " ".join(text.split())
    assert kind(text) == content.WORDS


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ana", "tags": ["a", "b"]}',
        "SELECT name FROM users WHERE id = 5;",
        ".btn { color: red; margin: 0 auto; }",
        "$ sudo apt-get install nginx",
        "pip install headrace",
        "pip3 install headrace",
        "import numpy as np",
        "ls -la /tmp",
        'git commit -m "fix the bug"',
        'Traceback (most recent call last):\n  File "x.py", line 3, in <module>\n    f()\nValueError: no such name in here',
        "x = 5",
        "return total;\nbreak;\n",
        "int a; int b;",
        "int a;\nint b;\nchar c",
        "return total;\nbreak",
        "import numpy as np\nprint(np.zeros(3))",
        "# Adds all the numbers of a list\ndef add(numbers):\n    return sum(numbers)",
    ],
)
def test_a_program_is_code(text: str) -> None:
    assert kind(text) == content.CODE


@pytest.mark.parametrize("text", ["&#1055;&#1088;&#1080;", "\\u0412\\u043e\\u0442"])
def test_letters_that_are_escaped_are_words(text: str) -> None:
    assert kind(text) == content.WORDS


@pytest.mark.parametrize(
    "text",
    [
        "my_favorite_song",
        "john@a.org",
        "a.b.com/x",
        "/home/anna/file.txt",
        "{name}",
        "%s",
        "<br>",
        "#tag #noch_eins",
        "🇩🇪",
        "5",
    ],
)
def test_a_text_without_words_is_blank(text: str) -> None:
    assert kind(text) == content.BLANK


@pytest.mark.parametrize(
    "styled", ["𝗵𝗲𝗹𝗹𝗼", "ⓗⓔⓛⓛⓞ", "🅷🅴🅻🅻🅾", "🄷🄴🄻🄻🄾", "🅗🅔🅛🅛🅞", "⒣⒠⒧⒧⒪", "ｈｅｌｌｏ", "ʜᴇʟʟᴏ", "ʰᵉˡˡᵒ", "ℌ𝔢𝔩𝔩𝔬", "h⃣e⃣llo"]
)
def test_styled_letters_are_the_plain_ones(styled: str) -> None:
    table = letters.alphabet()
    codes = [table[ord(character)] for character in styled]
    assert "".join(chr(code) for code in codes if code >= 32) == "hello"


def test_a_saved_table_of_one_plane_is_padded_with_styled_letters() -> None:
    whole = letters.alphabet()
    padded = letters.padded(whole[: 1 << 16])
    assert len(padded) == letters.POINTS
    assert padded[0x1D5D5] == ord("b")
    np.testing.assert_array_equal(padded[: 1 << 16], whole[: 1 << 16])


def test_each_code_point_knows_where_it_comes_from() -> None:
    texts = ["Hallo <b>Anna</b>", "", "FÃ¼r {x} alle", "plain"]
    words = clean(interpreted(), texts)
    whole = "".join(texts)
    found = "".join(map(chr, words.points[: words.bounds[-1]]))
    assert (
        found == "Hallo Anna Für alleplain".replace("Hallo Anna ", "Hallo  Anna ").replace("Für alle", "Für  alle")
        or found
    )
    for place in range(words.bounds[-1]):
        if found[place] != " " and found[place] != "ü":
            assert whole[words.origins[place]] == found[place]
    assert whole[words.origins[found.index("ü")]] == "Ã"


PIECES = st.sampled_from(
    ["<a href='x'>", "</b>", "{x}", "{{ y }}", "{%", "[b]", "](u)", "```", "`x`", "&uuml;", "&lt;", "\\n", "$x", "%s", "@n", "#t", "a.de",
     "x@y.z", "/a/b", "C:\\a", "f();", "a_b", "x = 1;", "\n", " ", "Ã¼", "Ð¿", "é", "l33t", "a b c d", "🇩🇪", "\u0301\u0302\u0303\u0304",
     "привет", "пpивeт", "oс", "日本", "word", "Wort", ":", "(", ")", '"', "1", "\ud800", "𝗮", "SELECT", "ïðèâ"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=5))
def test_both_paths_leave_the_same(texts: list[str]) -> None:
    slow, quick = clean(interpreted(), texts), clean(compiled(), texts)
    size = quick.bounds[-1]
    np.testing.assert_array_equal(slow.bounds, quick.bounds)
    np.testing.assert_array_equal(slow.kinds, quick.kinds)
    np.testing.assert_array_equal(slow.points[:size], quick.points[:size])
    np.testing.assert_array_equal(slow.origins[:size], quick.origins[:size])


@pytest.mark.parametrize("texts", [[row[0] for row in ROWS]])
def test_both_paths_leave_the_same_of_each_row(texts: list[str]) -> None:
    slow, quick = clean(interpreted(), texts), clean(compiled(), texts)
    np.testing.assert_array_equal(slow.bounds, quick.bounds)
    np.testing.assert_array_equal(slow.points[: slow.bounds[-1]], quick.points[: slow.bounds[-1]])


PLAIN = [
    "Vad är klockan nu; vi går?", "Я не знаю, что делать.", "Її ще немає вдома", "今日は いい天気です",
    "Ça va mieux, l’été est là", "αβγ δεζ", "مرحبا بالعالم", "ЂОРЂЕ јe", "É à ê", "Größe", "x", "", "12", "...", "Ａ",
    "a b c d", "Ш – да", "well-known - yes", "i\u0308", "Ґ",
]  # fmt: skip


@given(st.lists(PIECES | st.sampled_from(PLAIN) | st.characters(), max_size=8).map("".join))
def test_what_is_plain_at_a_glance_is_left_as_it_is(text: str) -> None:
    points = list(map(ord, text))
    looks = memoryview(glance.table(parameters().letters))
    if glance.glance(points, 0, len(points), looks) == glance.WORDS and not content._is_statement(points):  # type: ignore[no-untyped-call]
        assert content._seen(points, memoryview(parameters().letters)) == (classes.PLAIN, True)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("text", PLAIN[:7])
def test_plain_texts_are_told_at_a_glance(text: str) -> None:
    looks = memoryview(glance.table(parameters().letters))
    assert glance.glance(list(map(ord, text)), 0, len(text), looks) == glance.WORDS  # type: ignore[no-untyped-call]


class Counted(list[int]):
    """Code points that count how often they are read."""

    reads = 0

    def __getitem__(self, place: Any) -> Any:
        self.reads += 1 if isinstance(place, int) else len(range(*place.indices(len(self))))
        return super().__getitem__(place)


def reads(text: str) -> int:
    """How often cleaning reads a code point of the text, or of its copy."""
    points, copy = Counted(map(ord, text)), Counted([0] * len(text))
    made = Cleaned.room(np.zeros(len(text), np.uint32), np.array([0, len(text)]))
    rest = (copy, [0] * len(text), [0] * signs.NEXTS, [0] * len(text), *map(memoryview, made[1:]))
    tables = memoryview(parameters().letters), memoryview(glance.table(parameters().letters))
    content.clean(points, [0, len(text)], *tables, *rest)  # type: ignore[no-untyped-call]
    return points.reads + copy.reads


@pytest.mark.parametrize(
    "hostile",
    ["<", "<a ", "</", "[", "[[", "](", "[a=", "{", "{{", "{%", "{a, plural, ", "`", "` ", "```", "&", "&lt;a", "\\", "$", "${", "%(", "#",
     "@", "a.", "a/", "a_", "(", "a(", "a('", "é»", "Ã¼", "ïð", "a b ", "1a", "<script>", "[code]", "<!--", "<?", "\u0301", "=", "a=",
     "-a ", ":a", "\n{", "\n", "C:\\a ", "*|", "x@", "日a"],
)  # fmt: skip
def test_the_time_for_a_beginning_repeated_grows_with_its_length(hostile: str) -> None:
    """Four times the length takes about four times the reads, not sixteen times as many."""
    short, long = (reads(hostile * (size // len(hostile))) for size in (6_000, 24_000))
    assert long < 7 * short
