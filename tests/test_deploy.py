"""What is deployed: the files for Docker name what exists, and agree with each other. No engine runs them here."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from headrace import cli
from headrace.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
SERVICES: Mapping[str, Any] = COMPOSE["services"]
OURS = ("server", "worker")
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_tells_whether_it_is_healthy(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})
    told_by_image = name == "server" and "HEALTHCHECK" in DOCKERFILE
    assert check.get("test") or check.get("disable") or told_by_image


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_of_a_named_version_and_every_port_is_on_loopback(name: str) -> None:
    service = SERVICES[name]
    assert "build" in service or re.search(r":\d", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_volumes_that_are_used_are_declared_and_the_other_way_round() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_headrace_is_called_by_commands_and_settings_that_it_has(name: str) -> None:
    service = SERVICES[name]
    assert service["command"][0] in cli.COMMANDS
    for variable, value in service["environment"].items():
        assert hasattr(Settings(), variable.removeprefix(PREFIX).lower())
        if "://" in value:
            address = urlsplit(value)
            assert address.hostname in service["depends_on"]


def test_the_tests_find_the_servers_where_their_ports_are() -> None:
    published = {port.split(":")[1]: name for name, service in SERVICES.items() for port in service.get("ports", ())}
    for line in (ROOT / "deploy" / "compose" / "servers.env").read_text().splitlines():
        name, _, url = line.partition("=")
        assert published[str(urlsplit(url).port)] == name.lower()


def test_the_image_is_built_from_files_and_extras_that_exist() -> None:
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert copied
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", DOCKERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    allowed = {
        line.removeprefix("!") for line in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    }
    assert set(copied) <= allowed
