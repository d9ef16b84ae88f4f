"""Settings: the file, the environment and flags, in rising order of precedence, and unknown names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App

from headrace import config
from headrace.commands import settings as settings_flags
from headrace.commands.settings import Flags
from headrace.config import IngestTable, Settings
from headrace.errors import Misconfigured
from headrace.fields import Field, Fields
from headrace.signatures import SENDERS
from headrace.tables import Webhook, fields_of


def status(folder: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `headrace status` says in a folder; it names the store that it can't open."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    command = [sys.executable, "-m", "headrace", "status", *flags]
    return subprocess.run(command, cwd=folder, env={**clean, **variables}, capture_output=True, text=True, check=False)


def store(name: str) -> str:
    return f"sqlite:///missing-{name}/store.db"


def test_the_environment_wins_over_the_file_and_a_flag_over_both(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(f'store = "{store("file")}"\nport = 9\n')
    by_file = status(tmp_path)
    assert by_file.returncode == 2, by_file.stderr
    assert "missing-file" in by_file.stderr
    by_variable = status(tmp_path, HEADRACE_STORE=store("variable"))
    assert "missing-variable" in by_variable.stderr
    by_flag = status(tmp_path, "--store", store("flag"), HEADRACE_STORE=store("variable"))
    assert "missing-flag" in by_flag.stderr
    assert "missing-variable" not in by_flag.stderr


@pytest.mark.parametrize(
    ("file", "flags", "variables"),
    [
        ('stor = "memory:"', [], {}),
        ("", ["--stor", "memory:"], {}),
        ("", [], {"HEADRACE_STOR": "memory:"}),
    ],
    ids=["file", "flag", "environment"],
)
def test_an_unknown_setting_is_misuse_and_the_closest_is_suggested(
    tmp_path: Path, file: str, flags: list[str], variables: dict[str, str]
) -> None:
    (tmp_path / "headrace.toml").write_text(file)
    done = status(tmp_path, *flags, **variables)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2, said
    assert "id you mean" in said
    assert "store" in said.lower()
    assert "Traceback" not in said


def test_a_file_that_cannot_be_read_is_told_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (b'store = "', b"\xff\xfe", b"store\0"):
        (tmp_path / "headrace.toml").write_bytes(content)
        with pytest.raises(Misconfigured, match=str(tmp_path / "headrace.toml")):
            config.read_file()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", -1),
        ("port", 65536),
        ("deadline", 0.0),
        ("deadline", float("nan")),
        ("deadline", 1e9),
        ("memory", 1 << 20),
        ("document_bytes", 10),
        ("document_bytes", 1 << 40),
        ("request_bytes", 1),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_by_its_name(name: str, value: float) -> None:
    with pytest.raises(Misconfigured, match=f"the setting {name} is"):
        Settings(**{name: value})


def test_the_file_may_hold_tables_of_sources(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.write_text('port = 9\n[[ingest]]\nurl = "files:a.jsonl"\n[[ingest]]\nurl = "twitter:"\nbudget = 5\n')
    found = config.read_file(file)
    assert found.values == {"port": "9"}
    assert found.ingest == (IngestTable("files:a.jsonl"), IngestTable("twitter:", budget=5))


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("[ingest]\nurl = 'files:a'", "write \\[\\[ingest\\]\\]"),
        ("ingest = 'files:a'", "write \\[\\[ingest\\]\\]"),
        ("[[ingest]]\nulr = 'files:a'", "ulr in .* number 1 of .*headrace.toml.* did you mean url"),
        ("[[ingest]]\nurl = 'files:a'\n[[ingest]]", "there is no url in .* number 2"),
        ("[[ingest]]\nurl = 1", "there is no url"),
        ("[[ingest]]\nurl = 'twitter:'\nbudget = 0", "number 1 of .*the budget is 0; it must be a number of posts"),
        ("[[ingest]]\nurl = 'twitter:'\nbudget = 'many'", "the budget is many"),
        ("[[ingest]]\nurl = 'a'\ntext = 'a,'", "number 1 of .*headrace.toml.*'' names no member"),
        ("[[ingest]]\nurl = 'a'\ntext = {}", "text in .* is a table"),
        ("[[ingset]]\nurl = 'files:a'", "did you mean ingest"),
        ("[webhook]\nname = 'a'", "write \\[\\[webhook\\]\\]"),
        ("[[webhook]]\ntext = 'a'", "the name in .*webhook.* number 1 of .*headrace.toml is None; it must be"),
        ("[[webhook]]\nname = 'a/b'", "the name in .* is 'a/b'"),
        ("[[webhook]]\nname = 'é'", "the name in .* is 'é'"),
        ("[[webhook]]\nname = 'a\\n'", "the name in"),
        ("[[webhook]]\nname = 'a'\nsecret = 'b'", "secret in .*webhook.* number 1 .* is not a setting"),
        ("[[webhook]]\nname = 'a'\nsignature = 'slak'", "number 1 of .*signature is 'slak'; did you mean slack"),
        ("[[webhook]]\nname = 'a'\nheader = 'X'", "number 1 of .*header is an option of signature"),
        ("[[webhook]]\nname = 'a'\nrecords = '/a~'", "number 1 of .*'/a~' names no member"),
        ("[[webhook]]\nname = 'a-b'\n[[webhook]]\nname = 'A_b'", "'a-b' and 'A_b' of .* would share a secret"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_place(tmp_path: Path, toml: str, reason: str) -> None:
    (tmp_path / "headrace.toml").write_text(toml)
    with pytest.raises(Misconfigured, match=reason):
        config.read_file(tmp_path / "headrace.toml")


def test_a_value_of_another_kind_is_misuse(tmp_path: Path) -> None:
    for done in (status(tmp_path, "--port", "many"), status(tmp_path, HEADRACE_PORT="many")):
        assert done.returncode == 2
        assert "many" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_the_defaults_are_good_settings() -> None:
    assert Settings() == Settings()


def test_the_file_may_set_what_is_also_the_name_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headrace.toml").write_text('models = ["language", "mood if language=en"]\n')
    seen: list[Settings] = []
    app = App(config=settings_flags.sources(), result_action="return_value")

    @app.command
    def models(settings: Flags = Settings()) -> None:
        seen.append(settings)

    app(["models"])
    assert seen[0].models == "language, mood if language=en"


SERVICE = {
    "PORT": "tcp://10.0.0.1:80",
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "80",
    "SERVICE_PORT_HTTP": "80",
    "PORT_80_TCP": "tcp://10.0.0.1:80",
    "PORT_80_TCP_PROTO": "tcp",
    "PORT_80_TCP_PORT": "80",
    "PORT_80_TCP_ADDR": "10.0.0.1",
}


@pytest.mark.parametrize("service", ["HEADRACE", "HEADRACE_API", "HEADRACE_STORE", "HEADRACE_METRICS", "HEADRACE_PORT"])
def test_what_kubernetes_sets_for_a_service_is_passed_over_and_told_once(tmp_path: Path, service: str) -> None:
    variables = {f"{service}_{end}": value for end, value in SERVICE.items()}
    done = status(tmp_path, "--broker", f"sqlite:///{tmp_path}/queue.db", HEADRACE_STORE=store("given"), **variables)
    assert "missing-given" in done.stderr
    notes = [line for line in done.stderr.splitlines() if "Kubernetes" in line]
    assert notes == [f"headrace: passing over what Kubernetes sets for a Service: {', '.join(sorted(variables))}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADRACE_STORE_PORT", "5432"),
        ("HEADRACE_HOTS", "tcp://10.0.0.1:80"),
        ("HEADRACE_SERVICE", "10.0.0.1"),
        ("HEADRACE_PORTS", "tcp://10.0.0.1:80"),
    ],
)
def test_a_mistyped_variable_is_misuse_although_kubernetes_sets_similar_ones(
    tmp_path: Path, name: str, value: str
) -> None:
    done = status(tmp_path, HEADRACE_PORT="tcp://10.0.0.1:80", **{name: value})
    assert done.returncode == 2
    assert f"{name} in the environment is not a setting" in done.stderr


def test_the_file_gives_the_port_that_a_variable_of_kubernetes_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("HEADRACE_METRICS_PORT", "udp://10.0.0.1:80")
    (tmp_path / "headrace.toml").write_text("port = 9\n")
    seen: list[Settings] = []
    app = App(config=settings_flags.sources(), result_action="return_value")

    @app.command
    def go(settings: Flags = Settings()) -> None:
        seen.append(settings)

    app(["go"])
    assert (seen[0].port, seen[0].metrics_port) == (9, 0)


WEBHOOKS = """
[[webhook]]
name = "team-chat"
text = "/event/text"
signature = "slack"
[[webhook]]
name = "forum"
records = "/posts"
"""
VARIABLE = "HEADRACE_WEBHOOK_TEAM_CHAT_SECRET"


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose headrace.toml declares webhooks, which is the current one."""
    (tmp_path / "headrace.toml").write_text(WEBHOOKS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_may_hold_tables_of_webhooks_and_the_environment_has_their_secrets(
    declared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Webhook("team-chat", Fields.parse(text="/event/text"), None, SENDERS["slack"], b"s")
    monkeypatch.setenv(VARIABLE, "s")
    assert config.webhooks() == (chat, Webhook("forum", records=Field("/posts")))
    assert config.read_file(declared / "headrace.toml").webhooks[0].secret == b""


@pytest.mark.parametrize("written", [b"from a file", b"from a file\n", b"from a file\r\n"])
def test_a_secret_may_be_in_a_file(declared: Path, monkeypatch: pytest.MonkeyPatch, written: bytes) -> None:
    (declared / "secret").write_bytes(written)
    monkeypatch.setenv(f"{VARIABLE}_FILE", str(declared / "secret"))
    webhook = config.webhooks()[0]
    assert webhook.secret == webhook.secret_now == b"from a file"
    (declared / "next").write_bytes(b"rotated")
    (declared / "next").replace(declared / "secret")
    assert webhook.secret_now == b"rotated"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, f"webhook 'team-chat': {VARIABLE}, or {VARIABLE}_FILE with a path: set one"),
        ({VARIABLE: ""}, "set one of them"),
        ({VARIABLE: "a", f"{VARIABLE}_FILE": "b"}, "both are set"),
        ({f"{VARIABLE}_FILE": "missing"}, f"No such file or directory; correct {VARIABLE}_FILE"),
        ({f"{VARIABLE}_FILE": "empty"}, f"{VARIABLE}_FILE names is empty"),
        ({f"{VARIABLE}_FILE": "."}, f"Is a directory; correct {VARIABLE}_FILE"),
    ],
)
def test_a_secret_that_is_missing_is_told_with_its_variable(
    declared: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    (declared / "empty").write_text("\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=told):
        config.webhooks()


def test_the_server_does_not_start_without_the_secret_of_a_webhook(declared: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    for command in (["serve"], ["up"]):
        done = subprocess.run(
            [sys.executable, "-m", "headrace", *command, "--port", "0"],
            cwd=declared,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert VARIABLE in done.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("HEADRACE_WEBHOOK_TEAMCHAT_SECRET", f"known are {VARIABLE}, {VARIABLE}_FILE"),
        ("HEADRACE_WEBHOOK_FORUM_SECRET", "belongs to no [[webhook]] of headrace.toml with a signature"),
        (f"{VARIABLE}S", f"is not a setting; did you mean {VARIABLE}"),
    ],
)
def test_a_secret_of_no_webhook_is_misuse_and_is_not_shown(declared: Path, name: str, told: str) -> None:
    done = status(declared, **{VARIABLE: "hidden-one", name: "hidden-two"})
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "hidden" not in done.stdout + done.stderr


def test_a_secret_of_a_webhook_is_misuse_if_there_are_no_tables(tmp_path: Path) -> None:
    done = status(tmp_path, HEADRACE_WEBHOOK_A_SECRET="hidden")
    assert done.returncode == 2
    assert "there is no such table" in done.stderr


def test_a_secret_of_the_environment_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WEBHOOK_A_SECRET", "s3cret/word")
    monkeypatch.setenv("HEADRACE_WEBHOOK_B_SECRET_FILE", "/run/secrets/b")
    hidden = config.secrets_in_environment()
    assert "s3cret/word" in hidden
    assert "/run/secrets/b" not in hidden


def test_the_setting_fields_is_read_as_pairs() -> None:
    fields = fields_of("text=title, text=/payload/body, id=n, created-at=when, meta=lang,meta=user")
    assert fields == Fields.parse(text="title,/payload/body", id="n", created_at="when", meta="lang,user")
    assert fields_of("").usual


def test_a_field_that_holds_a_comma_is_in_double_quotes() -> None:
    fields = fields_of('text="last, first", meta = "/a,b" ,meta=c, id="n,1"')
    assert fields == Fields.parse(text='"last, first"', meta='"/a,b",c', id="n,1")


def test_each_string_of_a_list_in_the_file_is_one_field(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(
        '[[ingest]]\nurl = "a.csv"\ntext = ["last, first", "b"]\nmeta = "c, d"\nid = "n, 1"\n'
        '[[webhook]]\nname = "a"\nmeta = [\'say "hi"\', "e"]\n'
    )
    file = config.read_file(tmp_path / "headrace.toml")
    assert file.ingest[0].fields == Fields.parse(text='"last, first",b', meta="c,d", id="n, 1")
    assert [field.written for field in file.webhooks[0].fields.meta or ()] == ['say "hi"', "e"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("txt=a", "'txt=a'; did you mean text? write pairs"),
        ("text", "has 'text'"),
        ("id=a, id=b", "two members for id"),
        ("text=/a~2", "names no member"),
        ('text="a', "the quotes of '\"a' are wrong"),
    ],
)
def test_a_setting_fields_that_makes_no_sense_is_refused(written: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(told)):
        fields_of(written)
