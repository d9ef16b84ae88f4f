"""Labelled sentences from the Wikipedias: introductions of the articles that are read most."""

import gzip
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from headrace import durable
from headrace.errors import Misconfigured
from headrace.training.datasets import Progress, silent
from headrace.training.mediawiki import AT_ONCE, MediaWiki

CODES = (
    "ar bg ca cs da de en es et eu fa fi fr he hi hr hu id it ja kk ko lt ms nl no pl pt ro ru sk sl sr sv tr uk vi war"
)
LANGUAGES = tuple(CODES.split())
ARTICLES = 1_000
LICENCE = "CC BY-SA 4.0"
SHORTEST, LONGEST = 20, 400
SHORTEST_UNSPACED = 8  # Japanese, Korean: a character says more

_END = re.compile(r"(?<=[.!?…؟।])\s+(?=\S)|(?<=[。！？])")
_PARENTHESES = re.compile(r"\s*[(（][^()（）]*[)）]")
_BLANKS = re.compile(r"\s+")


class State(msgspec.Struct, frozen=True):
    """How far a language is: its titles, the next one, and how long the file was when that was noted."""

    titles: list[str]
    next: int = 0
    size: int = 0


def gather(
    folder: Path,
    languages: Sequence[str] = LANGUAGES,
    *,
    articles: int = ARTICLES,
    base_url: str = "https://{language}.wikipedia.org",
    contact: str = "",
    delay: float = 0.5,
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress = silent,
) -> list[Path]:
    """A file of labelled sentences a language, `wikipedia_LANGUAGE.jsonl.gz`, in `folder`, which is made.

    Interrupted at any moment, it goes on where it stopped when called again; languages that are done are not asked for again. Raises
    Unavailable where a Wikipedia doesn't answer, Misconfigured for a language that has none or a folder that can't be written to.
    """
    for language in languages:
        if not re.fullmatch(r"[a-z][a-z-]{1,19}", language):
            raise Misconfigured(f"{language!r} is no language of a Wikipedia; give codes such as sv")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for language in languages:
            wiki = MediaWiki(base_url.format(language=language), contact, delay, sleep)
            found.append(_gather(folder, language, wiki, articles, progress))
    except OSError as error:
        raise Misconfigured(f"writing articles to {folder}: {error.strerror or error}") from error
    return found


def sentences(introduction: str) -> Iterator[str]:
    """Sentences of a plain text, without what stands in parentheses; too short ones, too long ones and lines without an end left out."""
    for line in introduction.splitlines():
        bare = _PARENTHESES.sub("", _PARENTHESES.sub("", line))
        for part in _END.split(bare):
            sentence = _BLANKS.sub(" ", part).strip()
            shortest = SHORTEST if " " in sentence else SHORTEST_UNSPACED
            if shortest <= len(sentence) <= LONGEST and sentence[-1] in ".!?…؟।。！？":
                yield sentence


def _gather(folder: Path, language: str, wiki: MediaWiki, articles: int, progress: Progress) -> Path:
    done = folder / f"wikipedia_{language}.jsonl.gz"
    if done.exists():
        return done
    part, noted = folder / f".{done.stem}.part", folder / f".{done.stem}.state"
    state = _load(noted)
    if state is None or (state.size and not (part.exists() and part.stat().st_size >= state.size)):
        state = State(wiki.most_viewed(articles))
        durable.write(noted, msgspec.json.encode(state))
    with part.open("ab") as file:
        file.truncate(state.size)  # what was written after the last note will be asked for again
        while state.next < len(state.titles):
            progress(f"gathering {language}", state.next, len(state.titles))
            some = state.titles[state.next : state.next + AT_ONCE]
            for title, introduction in wiki.introductions(some):
                lines = ({"text": text, "label": language, "title": title} for text in sentences(introduction))
                file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            file.flush()
            durable.flush(part)
            state = State(state.titles, state.next + len(some), file.tell())
            durable.write(noted, msgspec.json.encode(state))
    progress(f"gathering {language}", len(state.titles), len(state.titles))
    _finish(part, done)
    noted.unlink()
    return done


def _finish(part: Path, done: Path) -> None:
    with durable.replacing(done) as draft, part.open("rb") as lines, gzip.GzipFile(draft, "wb", mtime=0) as file:
        shutil.copyfileobj(lines, file)
    part.unlink()


def _load(path: Path) -> State | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Misconfigured(f"the state {path} is damaged: {error}; delete it to begin this language anew") from None
