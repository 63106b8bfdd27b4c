"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import documents
import pytest
from test_session import Engine, make

from forensics import cli, session


class Told(Engine):
    """Stands for the engine and gives the documents that it was told."""

    def __init__(self, found: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self.found = found

    def diagnose(self, evidence: Any, source: Any, **rest: Any) -> dict[str, Any]:
        document = self.found.get(evidence.environment)
        return document if document is not None else super().diagnose(evidence, source, **rest)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path


def told(monkeypatch: pytest.MonkeyPatch, **found: dict[str, Any]) -> None:
    engine = Told(found)
    monkeypatch.setattr(session, "_engine", lambda: engine)


def named(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {**document, "environment": {**document["environment"], "name": name}}


@pytest.fixture
def fleet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(
        monkeypatch, dev=documents.dev(), empty=documents.empty("empty"), gone=named(documents.qa(), "gone"),
    )  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_status(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "status")
    lines = out.splitlines()
    assert (code, err) == (1, "")
    assert lines[2].startswith("  dev    needs fixing     The next run will stop at 009")
    assert lines[3] == "  empty  not initialised  The database file has zero bytes: nothing was ever created in it."
    assert lines[4] == "  gone   ok"
    assert "         000000000111111111122222" in lines
    assert "  dev    ✓✓✓✓✓✓✓✓················" in lines
    assert lines[-1] == "3 databases: 1 ok, 1 needs fixing, 1 not initialised"
    assert "\x1b" not in out


def test_status_as_json(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "status", "--format", "json")
    found = json.loads(out)
    assert found["schema"] == "forensics/status/1"
    assert [item["state"] for item in found["environments"]] == ["needs-fixing", "not-initialised", "ok"]
    assert found["environments"][0]["cause"] == "pending-will-fail"
    assert found["summary"] == {
        "environments": 3, "ok": 1, "pending": 0, "needs-fixing": 1, "not-initialised": 1, "unreadable": 0,
    }  # fmt: skip
    (matrix,) = found["matrix"]
    assert len(matrix["migrations"]) == len(matrix["environments"][0]["executed"]) == 24


def test_diagnose_says_the_verdict_first(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "diagnose", "dev")
    assert (code, err) == (1, "")
    assert out.startswith("dev needs fixing: ")
    assert out.index("F1  CRITICAL  pending-will-fail  009") < out.index("F2  ERROR  masked-create")
    assert out.index("F3") < out.index("The next run fails") < out.index("What really happened")
    for words in (
        "do        Create the missing column first", "[app/store.py:118]", "001 to 008", "certainty high (97%); overturned by",
        "CREATE TABLE notification_log", "no such column: notification_type", "rebuilds the schema exactly",
    ):  # fmt: skip
        assert words in out
    assert "Why this story" not in out
    assert max(map(len, out.splitlines())) <= 100
    _, explained, _ = run(capsys, "diagnose", "dev", "--explain")
    assert "Why this story" in explained
    assert "leaves 7 objects unexplained" in explained


def test_diagnose_one_or_several(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "diagnose", "dev", "--format", "json")
    assert json.loads(out) == documents.dev()
    code, out, _ = run(capsys, "diagnose", "--format", "json")
    assert (code, json.loads(out)["schema"]) == (1, "forensics/fleet/1")
    code, out, _ = run(capsys, "diagnose", "gone", "empty")
    assert code == 0
    assert "Nothing is wrong in gone" in out


@pytest.mark.parametrize(
    ("severity", "code"), [("critical", 0), ("error", 0), ("warning", 0), ("info", 1)]
)  # fmt: skip
def test_fail_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], severity: str, code: int
) -> None:
    told(monkeypatch, dev=named(documents.waiting(), "dev"))
    assert run(capsys, "diagnose", "dev", "--fail-on", severity)[0] == code


def test_unreadable_comes_before_findings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(monkeypatch, dev=documents.dev(), gone=documents.unreadable("gone"))
    for command in ("status", "diagnose"):
        code, out, _ = run(capsys, command)
        assert code == 3
        assert "009" in out, "the rest is still reported"
        assert "not a database" in out


def test_hostile_names_do_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = named(documents.hostile(), "dev")
    for item in document["findings"]:
        item["summary"] += "\x1b[2J\u202e"
    told(monkeypatch, dev=document)
    for command in (["status"], ["diagnose"], ["diagnose", "dev", "--explain"]):
        _, out, _ = run(capsys, *command)
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_without_a_case(fleet: None, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "diagnose", "--db", "dev.db", "--migrations", "migrations", "--format", "json")
    assert (code, json.loads(out)["environment"]["name"]) == (1, "dev")
    code, out, err = run(capsys, "diagnose", "--db", "sqlite:///nowhere.db", "--migrations", "migrations")
    assert (code, out) == (2, "")
    assert err == "forensics: 'nowhere.db' does not exist\n  check the path; nothing was created\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["diagnose", "dve"], "no environment 'dve' in this case\n  did you mean 'dev'?"),
        (["--case", "no.toml", "status"], "no case file no.toml"),
        (["status", "--case", "no.toml"], "no case file no.toml"),
        (["diagnose", "--db", "dev.db"], "add --migrations DIR"),
        (["diagnose", "--migrations", "migrations"], "add --db PATH"),
        (["diagnose", "dev", "--db", "dev.db", "--migrations", "migrations"], "stands for itself"),
        (["diagnose", "--tool", "alembic"], "go with --db"),
        (["diagnose", "--evidence", "nowhere"], "no folder of evidence nowhere"),
        (["report"], "name environments (dev, empty, gone) or write report --all"),
        (["report", "--all", "dev"], "not both"),
        (["--case", "sample:nothing", "status"], "no sample case 'nothing'"),
    ],
)
def test_wrong_usage(fleet: None, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["status", "--format", "xml"], ["diagnose", "--fail-on", "x"]])
def test_argparse_refuses_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_secrets_do_not_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "forensics.toml").write_text("[chains.main]\npath = 'm'\n[environments.x]\nurl = 3\n")
    assert run(capsys, "status")[0] == 2
    code, _, err = run(capsys, "diagnose", "--db", "postgresql://app:s3cret@db/x", "--migrations", "migrations")
    assert "s3cret" not in err
    assert code == 3


def test_output_that_cannot_show_symbols(fleet: None, folder: Path) -> None:
    code = "import sys; sys.path[:0] = [sys.argv[1]]; import test_cli; sys.exit(test_cli.alone())"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, env=environment, cwd=folder
    )
    assert done.returncode == 3, done.stderr
    assert b"yyyyyyyy................" in done.stdout


def alone() -> int:
    """Run ``status`` on prepared documents in a process of its own."""
    engine = Told({"dev": documents.dev()})
    session._engine = lambda: engine
    return cli.main(["status"])


def test_help_loads_nothing() -> None:
    code = (
        "import sys; from forensics import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'rich', 'sqlite3', 'matplotlib'}\n"
        "found = [m for m in sys.modules if m.split('.')[0] in heavy or m.startswith('forensics.')]\n"
        "print(*sorted(found), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["forensics.cli", "forensics.errors"]
    for word in ("status", "diagnose", "report", "exit codes", "sample:architect"):
        assert word in done.stdout


def test_status_and_diagnose_load_no_pandas(fleet: None, folder: Path) -> None:
    code = (
        "import sys, test_cli; test_cli.alone()\n"
        "assert not {'pandas', 'numpy', 'matplotlib', 'sqlalchemy', 'rich'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment, cwd=folder)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith("forensics 0")


def test_every_verb_is_a_module_and_has_help() -> None:
    top = cli.parser()
    (verbs,) = (action for action in top._actions if action.dest == "command")
    for name in verbs.choices or ():
        assert __import__(f"forensics.commands.{name}", fromlist=["run"]).run.__doc__


def test_migration_that_only_some_environments_know_keeps_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = named(documents.qa(), "gone")
    lost = {**documents.migration("002", "no"), "id": "002_lost", "version": "002"}
    more["migrations"] = [more["migrations"][0], lost, *more["migrations"][1:]]
    told(monkeypatch, dev=documents.dev(), gone=more)
    _, out, _ = run(capsys, "status", "--format", "json")
    (matrix,) = json.loads(out)["matrix"]
    assert matrix["migrations"][:3] == [documents.ident("001"), "002_lost", documents.ident("002")]
    assert [item["executed"][:3] for item in matrix["environments"]] == [["yes", None, "yes"], ["yes", "no", "yes"]]
    _, out, _ = run(capsys, "status")
    assert "  dev    ✓ ✓✓✓✓✓✓✓················" in out
