"""Text in other encodings than UTF-8: read if its bytes show it or the user says it, and told, never guessed."""

import gzip
import io
import json
from pathlib import Path

import pytest

from headrace.documents import Document
from headrace.errors import Misconfigured
from headrace.file_options import FileOptions
from headrace.ports import Malformed
from headrace.sources.compression import Damaged
from headrace.sources.files import FileSource
from headrace.sources.transcoding import Transcoded, known_encoding, wide_encoding

TEXTS = ["schön, “so”", "Привет", "日本語 𝄞", "plain", "a\u2028b\x85c"]
FORMATS = {
    "a.txt": "\r\n".join(TEXTS),
    "a.csv": "id;text\r\n" + "".join(f'{number};"{text}"\r\n' for number, text in enumerate(TEXTS)),
    "a.jsonl": "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in TEXTS),
    "a.json": json.dumps([{"text": text} for text in TEXTS], ensure_ascii=False, indent=2),
}
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def texts(path: Path, encoding: str = "", kind: str = "") -> list[str]:
    """The texts of documents, and the reasons of what is malformed, in order."""
    source = FileSource(path, options=FileOptions(kind, encoding))
    found = [item for batch in source.read() for item in batch.items]
    return [item.text if isinstance(item, Document) else f"! {item.reason}" for item in found]  # type: ignore[union-attr]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", WIDE)
def test_utf_16_and_utf_32_are_read_by_their_mark(tmp_path: Path, name: str, encoding: str) -> None:
    data = ("\ufeff" + FORMATS[name]).encode(encoding)
    assert texts(write(tmp_path / name, data)) == TEXTS
    assert texts(write(tmp_path / f"{name}.gz", gzip.compress(data))) == TEXTS
    assert texts(tmp_path / name, "utf-16" if "16" in encoding else "utf-32") == TEXTS


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_they_are_read_without_a_mark_if_most_of_their_beginning_is_ascii(
    tmp_path: Path, name: str, encoding: str
) -> None:
    line = {"a.txt": "%s", "a.csv": "1,%s", "a.jsonl": '{"text": "%s"}'}[name]
    words = ["a plain text, in English", *TEXTS[1:4]]
    data = ("id,text\n" if name == "a.csv" else "") + "\n".join(line % text for text in words)
    written = [
        text.encode(encoding) for text in [data.replace("1,a plain text, in English", '1,"a plain text, in English"')]
    ]
    assert texts(write(tmp_path / name, written[0])) == words


@pytest.mark.parametrize("name", FORMATS)
def test_an_encoding_that_is_named_is_read(tmp_path: Path, name: str) -> None:
    content = FORMATS[name]
    for text in ("Привет", "日本語 𝄞", "a\u2028b\x85c"):
        content = content.replace(text, "ça")
    want = ["schön, “so”", "ça", "ça", "plain", "ça"]
    assert texts(write(tmp_path / name, content.encode("cp1252")), "CP1252") == want
    assert texts(write(tmp_path / name, content.encode("utf-8-sig")), "utf-8") == want
    japanese = FORMATS[name].replace("schön", "日本").replace("𝄞", "語").replace("\u2028", " ").replace("\x85", " ")
    found = texts(write(tmp_path / name, japanese.encode("shift-jis")), "shift-jis")
    assert found == ["日本, “so”", "Привет", "日本語 語", "plain", "a b c"]


def test_a_url_names_an_encoding_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\nschön\n".encode("cp1252"))
    (batch,) = FileSource.from_url(f"files:{path}?encoding=cp1252&format=csv").read()
    assert [item.text for item in batch.items if isinstance(item, Document)] == ["schön"]


@pytest.mark.parametrize(
    ("name", "meant"), [("cp1253x", "did you mean cp125"), ("Latln1", "did you mean latin"), ("rot13", ""), ("no", "")]
)
def test_an_encoding_that_is_not_known_is_told_with_what_was_perhaps_meant(name: str, meant: str) -> None:
    with pytest.raises(Misconfigured, match=f"no encoding '{name}' is known; {meant}.*cp1252"):
        FileSource("a.txt", options=FileOptions(encoding=name))
    assert known_encoding("UTF8") == known_encoding("utf-8-sig") == ""
    with pytest.raises(Misconfigured, match="no encoding 'a b' is known"):
        FileSource.from_url("files:a.txt?encoding=a%20b")


@pytest.mark.parametrize(
    ("line", "seems"),
    [
        (b"it\x92s", "in CP1252, as it seems, read it with --encoding cp1252"),
        (b"sch\xf6n ist es", "in CP1252, as it seems"),
        ("Привет, мир".encode("cp1251"), "name the encoding of the file, such as --encoding cp1251"),
        ("日本語".encode("shift-jis"), "name the encoding of the file"),
    ],
)
@pytest.mark.parametrize("form", ["a.txt", "a.csv", "a.jsonl"])
def test_a_line_that_is_not_utf_8_is_malformed_and_says_what_it_seems_to_be(
    tmp_path: Path, line: bytes, seems: str, form: str
) -> None:
    head, row = {"a.txt": (b"", b"%s"), "a.csv": (b"text\n", b'"%s"'), "a.jsonl": (b"", b'{"text": "%s"}')}[form]
    good, bad, last = texts(write(tmp_path / form, head + b"\n".join([row % b"good", row % line, row % b"last"])))
    assert (good, last) == ("good", "last")
    assert "not valid UTF-8: byte" in bad
    assert seems in bad


def test_a_bad_byte_in_a_line_of_utf_8_is_no_sign_of_another_encoding(tmp_path: Path) -> None:
    (bad,) = texts(write(tmp_path / "a.txt", "schön ist es, ".encode() + b"\xff"))
    assert bad.endswith("not valid UTF-8: byte 16 is 0xff; convert it to UTF-8")


@pytest.mark.parametrize("form", ["a.txt", "a.csv", "a.jsonl"])
def test_what_is_no_text_in_the_named_encoding_is_malformed_alone(tmp_path: Path, form: str) -> None:
    head, row = {"a.txt": (b"", b"%s"), "a.csv": (b"text\n", b"%s"), "a.jsonl": (b"", b'{"text": "%s"}')}[form]
    data = head + b"\n".join([row % b"sch\xf6n", row % b"\x81", row % b"last"])
    found = texts(write(tmp_path / form, data), "cp1252")
    assert (found[0], found[2]) == ("schön", "last")
    assert found[1].endswith("not valid cp1252; name the right encoding, or mend it")


def test_half_a_surrogate_pair_costs_its_own_line(tmp_path: Path) -> None:
    data = "\ufeffa\n".encode("utf-16-le") + b"\x34\xd8" + "\nb\n".encode("utf-16-le")
    found = texts(write(tmp_path / "a.txt", data))
    assert (found[0], found[2]) == ("a", "b")
    assert "not valid UTF-16" in found[1]


def test_wide_text_that_is_cut_short_is_read_up_to_the_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\ntwo\nthree".encode("utf-16")[:-1])
    found: list[object] = []
    with pytest.raises(Misconfigured, match=r"a.txt: the UTF-16 file is damaged or cut short"):
        found.extend(item for batch in FileSource(path).read() for item in batch.items)
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "two"]
    assert not [item for item in found if isinstance(item, Malformed)]


@pytest.mark.parametrize("head", [b"", b"a", b"a\0b", b"\0" * 64, b"ab\0\0cd\0\0" * 3, b"text with one \0 in it"])
def test_what_is_not_wide_is_left_alone(head: bytes) -> None:
    assert wide_encoding(head) == ""
    assert Transcoded(io.BytesIO(head).read)(1000) == head


def test_a_mark_that_comes_in_pieces_is_seen_and_no_more_is_waited_for() -> None:
    chunks = iter([b"\xff", b"\xfe", b"a\0", b"b\0", b""])
    assert Transcoded(lambda _size: next(chunks), least=1)(100) == b"a"
    only = iter([b"x"])
    assert Transcoded(lambda _size: next(only), least=1)(100) == b"x"


def test_what_comes_before_damage_in_the_compressed_data_is_kept() -> None:
    def read(_size: int, given: list[bytes] = [b"short"]) -> bytes:  # noqa: B006
        if given:
            return given.pop()
        raise Damaged("it is cut")

    reading = Transcoded(read)
    assert reading(100) == b"short"
    with pytest.raises(Damaged, match="it is cut"):
        reading(100)
