"""Dead letters again: published, confirmed, and only then dropped, so that a death in between costs a repetition."""

from collections.abc import Sequence

from headrace.documents import Body, DeadLetter
from headrace.errors import Rejected
from headrace.ports import Broker, Store


def replay(store: Store, broker: Broker, buried: Sequence[DeadLetter]) -> list[Rejected]:
    """Publish dead letters as they came, then drop these burials alone; one that is buried again has a new number.

    What the broker never takes is found by halving and stays buried; its reasons are returned.
    """
    try:
        broker.publish([Body(letter.data, letter.source) for letter in buried])
    except Rejected as error:
        if len(buried) == 1:
            return [Rejected(f"dead letter {buried[0].burial} stays: {error}")]
        middle = len(buried) // 2
        return replay(store, broker, buried[:middle]) + replay(store, broker, buried[middle:])
    store.drop([letter.burial for letter in buried])
    return []
