"""Labelled sentences from Wikipedia: the introductions of the most read articles of each language."""

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
#: Articles of each language.
ARTICLES = 1_000
LICENCE = "CC BY-SA 4.0"
#: The length of a sentence in characters; one without blanks may be shorter, as Japanese characters say more.
SHORTEST, LONGEST = 20, 400
SHORTEST_UNSPACED = 8

_END = re.compile(r"(?<=[.!?…؟।])\s+(?=\S)|(?<=[。！？])")
_PARENTHESES = re.compile(r"\s*[(（][^()（）]*[)）]")
_BLANKS = re.compile(r"\s+")


class State(msgspec.Struct, frozen=True):
    """The progress in one language: its titles, the index of the next one, and the size of the file in bytes when this was saved."""

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
    """Write labelled sentences to `folder`, which is made if missing: a file `wikipedia_LANGUAGE.jsonl.gz` for each language.

    After an interruption at any moment, the same call continues where it stopped; languages that are done are not requested again. Returns
    the files. Raises Unavailable if a Wikipedia doesn't answer, Misconfigured for an invalid language or a folder that can't be written to.
    """
    for language in languages:
        if not re.fullmatch(r"[a-z][a-z-]{1,19}", language):
            raise Misconfigured(f"{language!r} is not a language of Wikipedia; give codes such as sv")
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
    """The sentences of a plain text, without parentheses; short ones, long ones and those without final punctuation are left out."""
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
        file.truncate(state.size)  # what was written after the state was saved will be requested again
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
        raise Misconfigured(f"the state {path} is damaged: {error}; delete it to begin this language again") from None
