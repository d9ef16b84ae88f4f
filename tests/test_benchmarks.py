"""The scripts of benchmarks/, as far as importing them goes: what they measure is not tested."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent / "benchmarks"


def test_a_script_finds_the_http_package_of_the_standard_library() -> None:
    code = "import http, http.client; print(http.HTTPStatus.OK.value, http.client.HTTPConnection.__name__)"
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert run.stdout == "200 HTTPConnection\n", run.stderr
