"""Servers for one test module, which it may kill: in a folder and on ports that nothing else uses."""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

import pytest

SERVERS = Path(__file__).parents[2] / "deploy" / "servers"
FIRST_PORTS, PORTS = range(30000, 32000, 100), 100


class OwnServers:
    """Real servers: started, killed as by a loss of power, and started again with what they kept."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="headrace-own-"))
        self._folder.chmod(0o755)  # the servers are other users
        self.first_port, self._claim = claimed()
        self._settings: dict[str, str] = {}
        self._started = dict[str, None]()

    def start(self, *names: str, **settings: str) -> None:
        """Start these servers. If they aren't installed, skip the test, or fail it with CI=true. `settings` for deploy/servers are kept."""
        self._settings |= settings
        self._started |= dict.fromkeys(names)
        done = self._run("start", *names)
        if done.returncode:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(done.stderr.strip())

    def kill(self, *names: str) -> None:
        """Kill these servers with SIGKILL."""
        done = self._run("kill", *names)
        assert done.returncode == 0, done.stderr

    def rabbitmqctl(self, *arguments: str) -> None:
        """Run rabbitmqctl for the first node of RabbitMQ."""
        home = self._folder / "servers" / "rabbitmq"
        settings = [
            f"HOME={home}",
            "LANG=C.UTF-8",
            f"ERL_EPMD_PORT={self.first_port + 10}",
            f"PATH={os.environ['PATH']}",
        ]
        user = ["runuser", "-u", "rabbitmq", "--"] if os.geteuid() == 0 else []
        command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", "headrace-1@localhost", *arguments]
        done = subprocess.run(
            [*user, "env", "-i", *settings, *command], cwd=home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def url(self, name: str) -> str:
        """The URL of a running server, by its name in servers.env."""
        lines = (self._folder / "servers" / "servers.env").read_text().splitlines()
        return next(line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}="))

    def close(self) -> None:
        """Stop all servers and remove their data. If one can't be stopped, it is killed, and the test fails."""
        done = self._run("stop")
        if done.returncode:
            self._run("kill", *self._started)
            self._run("stop")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._claim.close()
        assert done.returncode == 0, done.stderr

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        settings = {
            **self._settings,
            "SERVERS_FOLDER": str(self._folder / "servers"),
            "SERVERS_PORT": str(self.first_port),
        }
        return subprocess.run(
            [str(SERVERS), *arguments], env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )


def claimed() -> tuple[int, BinaryIO]:
    """The first of a hundred free ports outside of the kernel's ephemeral range, and a lock that reserves them until it is closed."""
    for first in FIRST_PORTS:
        claim = (Path(tempfile.gettempdir()) / f"headrace-own-{first}.lock").open("wb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        if all(map(_is_free, range(first, first + PORTS))):
            return first, claim
        claim.close()
    raise AssertionError("no ports are free for a test's own servers")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0
