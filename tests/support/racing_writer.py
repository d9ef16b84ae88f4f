"""A program that writes the same documents as its rivals, in the same order, with labels of its own.

`python -m support.racing_writer URL NAME`.

It begins with the first line on its standard input, and writes them again and again until that ends: whoever kills it, or its server,
before kills it at work.
"""

import sys
import threading

from headrace.urls import Connectors
from support.racing import ROUNDS, insist


def main() -> None:
    url, name = sys.argv[1:]
    store = Connectors("memory:", url).store()
    print("ready", flush=True)
    sys.stdin.readline()
    enough = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), enough.set()), daemon=True).start()
    while True:
        for turn in range(ROUNDS):
            insist(store, name, turn)
            print(turn, flush=True)
        if enough.is_set():
            break
    store.close()


if __name__ == "__main__":
    main()
