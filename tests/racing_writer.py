"""A program that writes the same documents as its rivals, in the same order, with labels of its own: racing_writer.py URL NAME."""

import sys

from racing import ROUNDS, insist

from headrace.urls import Connectors


def main() -> None:
    url, name = sys.argv[1:]
    store = Connectors("memory:", url).store()
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(ROUNDS):
        insist(store, name, turn)
        print(turn, flush=True)
    store.close()


if __name__ == "__main__":
    main()
