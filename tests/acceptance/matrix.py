"""Every broker with every store: `headrace prove` on each pair, as a table in Markdown.

deploy/servers start; python tests/acceptance/matrix.py --documents 20000 --kills 20

Needs all the servers, unless pairs are named: `matrix.py RABBITMQ+POSTGRESQL SQLITE+MONGODB`. Exit status 1 if a proof failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path

EMBEDDED = "SQLITE"
BROKERS = (EMBEDDED, "RABBITMQ", "KAFKA", "REDIS", "NATS", "BEANSTALKD")
STORES = (EMBEDDED, "POSTGRESQL", "PGBOUNCER", "MONGODB")
COLUMNS = ("published", "stored", "buried", "lost", "duplicated", "wrong", "unsound", "kills", "seconds")
SERVERS = Path(os.environ.get("SERVERS_FOLDER", "/tmp/headrace-servers")) / "servers.env"


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("pairs", nargs="*")
    given.add_argument("--documents", type=int, default=20_000)
    given.add_argument("--kills", type=int, default=20)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--patience", type=float, default=600.0, help="FerretDB may be busy for minutes")
    options = given.parse_args()
    pairs = [pair.split("+") for pair in options.pairs] or list(product(BROKERS, STORES))
    addresses = dict(line.split("=", 1) for line in SERVERS.read_text().splitlines())
    missing = {name for pair in pairs for name in pair} - {EMBEDDED, *addresses}
    if missing:
        sys.exit(f"{SERVERS} has no {', '.join(sorted(missing))}; deploy/servers start starts them")
    print(f"| broker | store | {' | '.join(COLUMNS)} |\n|---|---|{'---:|' * len(COLUMNS)}", flush=True)
    failed = 0
    for number, (broker, store) in enumerate(pairs):
        urls = {"--broker": addresses.get(broker), "--store": addresses.get(store)}
        flags = [part for flag, url in urls.items() if url is not None for part in (flag, url)]
        size = ["--documents", str(options.documents), "--kills", str(options.kills)]
        rest = ["--seed", str(options.seed + number), "--patience", str(options.patience)]
        failed += prove(broker, store, [*flags, *size, *rest])
    return 1 if failed else 0


def prove(broker: str, store: str, flags: list[str]) -> bool:
    """Print a row; whether the proof failed."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "headrace", "prove", *flags, "--json", "--details"],
            capture_output=True,
            cwd=folder,
            check=False,
        )
    sys.stderr.write(done.stderr.decode())
    try:
        ledger: Mapping[str, object] = json.loads(done.stdout)
    except ValueError:
        ledger = {}
    cells = [f"{ledger[name]:,}" if name in ledger else "?" for name in COLUMNS]
    print(f"| {broker.lower()} | {store.lower()} | {' | '.join(cells)} |", flush=True)
    if done.returncode:
        sys.stderr.write(f"exit status {done.returncode}: {ledger.get('details')}\n")
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
