"""How far a group is in a partition, as the server keeps it: an offset, and a note beside it.

The note is `3,2;ID`: above the offset three bodies are not done, then two are, and so on; then the id of the topic that this is about.
Kafka gives a topic that was deleted and made anew the same name and another id.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

NOTE_CHARACTERS = 4000  #: the longest note; the server takes 4,096 bytes unless told otherwise
_NOTE = re.compile(r"(?P<runs>(\d{1,18}(,\d{1,18})*)?)(;(?P<id>[\w+/-]{22}))?")


@dataclass(frozen=True)
class Log:
    """A partition as it is now: the offset of its first body, the one after its last, and the id of its topic, if that is known."""

    first: int
    end: int
    topic_id: str = ""


@dataclass(frozen=True)
class Place:
    """Where a group goes on in a partition. `note` says what is done above that. `why` says, for the log, what was lost or begins again,
    and is empty if the group goes on where it was."""

    offset: int
    note: str = ""
    why: str = ""


def resume(committed: int, kept: str, log: Log, where: str) -> Place:
    """Where to go on if the server keeps this offset (negative if none) and this note. `where` names the partition, for `why`."""
    if committed < 0:
        return Place(log.first)
    of = _topic_id(kept)
    if of and log.topic_id and of != log.topic_id:
        return Place(log.first, why=f"{where} was deleted and made anew; it is read from its beginning ({log.first:,})")
    if committed > log.end:
        return Place(
            log.first,
            why=f"{where} ends at {log.end:,}, before the group's offset {committed:,}: it was made anew, or its log was cut, as by a"
            f" replica that lacked the rest. It is read again from its beginning ({log.first:,}); what is stored already stays as it is",
        )
    if committed < log.first:
        done = list(runs(committed, kept))
        lost = log.first - committed - sum(min(end, log.first) - first for first, end in done if first < log.first)
        above = note(log.first, ((max(first, log.first), end) for first, end in done if end > log.first), of)
        return Place(log.first, above, _deleted(where, lost, committed, log.first) if lost else "")
    return Place(committed, kept)


def _deleted(where: str, lost: int, committed: int, first: int) -> str:
    return (
        f"{lost:,} bodies of {where} were deleted before they were done, between {committed:,} and {first - 1:,}, as the topic's retention"
        " is over; raise its retention.ms. It goes on with the rest"
    )


def note(prefix: int, done: Iterable[tuple[int, int]], topic_id: str = "") -> str:
    """A note of these runs above the prefix, each as its first offset and the one after its last; some may be empty.

    A note that would grow too long is cut, which costs repetitions and nothing else.
    """
    end_of_note = f";{topic_id}" if topic_id else ""
    text = ""
    for first, end in done:
        if first < end:
            longer = f"{text},{first - prefix},{end - first}".lstrip(",")
            if len(longer) + len(end_of_note) > NOTE_CHARACTERS:
                break
            text, prefix = longer, end
    return text + end_of_note


def runs(prefix: int, kept: str) -> Iterator[tuple[int, int]]:
    """The runs that a note says are done above the prefix, as `note` takes them; none for a note that is not ours."""
    found = _NOTE.fullmatch(kept)
    lengths = [int(one) for one in found["runs"].split(",")] if found is not None and found["runs"] else []
    for gap, length in zip(lengths[::2], lengths[1::2], strict=False):
        yield prefix + gap, prefix + gap + length
        prefix += gap + length


def done_above(kept: str) -> int:
    """How many offsets a note says are done; 0 for a note that is not ours."""
    return sum(end - first for first, end in runs(0, kept))


def _topic_id(kept: str) -> str:
    found = _NOTE.fullmatch(kept)
    return (found["id"] or "") if found is not None else ""
