"""Schemathesis against a real server: what /openapi.json describes is what the API takes and answers."""

import os
import subprocess
import sys

import httpx
import pytest
from driver import HERE, PATIENCE, TRIVIAL, Headrace
from webhook_signing import SECRET

SCHEMATHESIS = (
    sys.executable,
    "-c",
    "from schemathesis.cli import schemathesis; schemathesis()",
    "--config-file",
    str(HERE / "schemathesis.toml"),
    "run",
    "--no-color",
    "--continue-on-failure",
)
TOKEN = "a long random word"
WEBHOOKS = """
[[webhook]]
name = "signed"
signature = "slack"
[[webhook]]
name = "plain"
text = "/message/text"
"""


@pytest.mark.parametrize(
    ("token", "more"),
    [
        (TOKEN, ["--header", f"Authorization: Bearer {TOKEN}"]),
        ("", ["--phases", "examples,fuzzing,stateful"]),
    ],
    ids=["with a token", "without"],
)
def test_every_call_takes_and_answers_what_the_description_says(
    headrace: Headrace, token: str, more: list[str]
) -> None:
    (headrace.folder / "headrace.toml").write_text(WEBHOOKS)
    server = headrace.start("up", models=TRIVIAL, token=token, webhook_signed_secret=SECRET)
    description = f"{server.address()}/openapi.json"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(description, headers=headers, trust_env=False, timeout=PATIENCE)
    assert {"/in/signed", "/in/plain"} <= answer.json()["paths"].keys()
    calls = sum(len(methods) for methods in answer.json()["paths"].values())
    ended = subprocess.run(
        [*SCHEMATHESIS, description, "--max-examples", "5", *more],
        cwd=headrace.folder,
        env={**os.environ, "PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "webhook_signing"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert f"Tested: {calls}" in ended.stdout
    server.interrupt()
    assert server.status() == 0
