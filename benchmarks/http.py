"""Requests a second over HTTP, and CPU microseconds a request by process, of Headrace and of a naive app.

    python benchmarks/http.py [--quick] [--data ../shared/data]
    python benchmarks/http.py --broker amqp://… --store postgresql://…

Needs the extras `all` and `bench`. `headrace up` runs as users start it, with the language model, on temporary SQLite files or on a queue
and a database of its own; the naive app (peers/fastapi_app.py) runs beside it and is idle while Headrace is measured. The load comes from a
process of its own on the same machine: arrivals are random (Poisson), a request is sent when it is due whatever became of earlier ones, and
its latency counts from that time. The highest rate is the one up to which 99 % of all requests have the expected answer within 100 ms. At
the end every document that was accepted must be in the store, once.

--quick takes three minutes instead of ten. --only names what to measure: rates, lists, idle, dashboards, overload.
"""

import sys

if __name__ == "__main__":
    from web_rates import main

    main()
elif __name__ == "http":
    # Scripts of this folder find this file when a library imports the standard library's package of the same name: hand that over.
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    from sysconfig import get_path

    spec = PathFinder.find_spec("http", [get_path("stdlib")])
    assert spec is not None
    assert spec.loader is not None
    sys.modules["http"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)
