"""A real nginx, with the configuration that a test gives it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import PATIENCE, until

PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"


@contextmanager
def nginx(folder: Path, servers: str, *ports: int) -> Iterator[None]:
    """nginx with this in its `http` block, as a process of the test, once it answers on the ports.

    Without nginx the test is skipped, and fails with CI=true.
    """
    if not os.access(PROGRAM, os.X_OK):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs nginx: apt-get install nginx")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}\n{servers}\n}}\n"
    )
    with subprocess.Popen([PROGRAM, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]) as running:
        try:
            for port in ports:
                until(lambda port=port: running.poll() is not None or _answers(port), "nginx")  # type: ignore[misc]
            assert running.poll() is None, "it ended; the reason is printed above"
            yield
        finally:
            running.terminate()
            running.wait(PATIENCE)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for a name, and its key."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*command, "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", made], check=True, capture_output=True
    )
    return made, key


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
