"""The case file: what it says, and what is said about every mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.case import file as case_module
from forensics.case.file import CaseFile, folder_name, load, without_file
from forensics.errors import CaseError, UsageError

SMALL = '[chains.main]\npath = "migrations"\n[environments.dev]\nurl = "sqlite:///dev.db"\n'


def written(folder: Path, text: str) -> CaseFile:
    path = folder / "forensics.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_the_smallest_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = written(tmp_path, SMALL)
    assert (case.root, case.name, case.title) == (tmp_path, tmp_path.name, tmp_path.name)
    (chain,), (dev,) = case.chains, case.environments
    assert (chain.folder, chain.tool, chain.hints.runner) == (tmp_path / "migrations", "auto", "executescript")
    assert (dev.name, dev.url, dev.address, dev.chain) == ("dev", "sqlite:///dev.db", "sqlite:///dev.db", "main")
    monkeypatch.chdir(tmp_path)
    assert load() == load(tmp_path) == case


def test_everything_that_the_contract_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_DATABASE_URL", "postgresql://app:s3cret@db/shop")
    (tmp_path / "python").write_text("")
    for name in ("qa", "e1"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "architect.db").write_bytes(b"")
    case = written(
        tmp_path,
        """
        [case]
        title = "Architect"
        incident = "INC-1"
        timezone = { tracker = "UTC", logs = "America/Los_Angeles" }
        [chains.main]
        path = "migrations"
        tool = "numbered"
        archived = ["migrations_backup"]
        git = "auto"
        tracker = { table = "schema_versions", version = "version", applied_at = "applied_at" }
        runner = "statements"
        entry = "upgrade"
        python = "python"
        sys_path = ["src"]
        setup = "forensics_setup.py"
        environment = { APP_SECRET = "x", APP_HOME = "{scratch}" }
        naming_convention = { ix = "ix_%(column_0_label)s" }
        models = "app.models:Base.metadata"
        sources = ["app"]
        transaction = "single"
        target = "heads"
        driver = "asyncpg"
        env_py = "never"
        version_table = "ops.alembic_version"
        apps = ["shop"]
        settings = "project.settings"
        trust = true
        [environments.prod]
        url = "${PROD_DATABASE_URL}"
        chain = "main"
        logs = ["logs/prod-*.log"]
        timezone = "Europe/Berlin"
        [environments.old]
        evidence = "evidence/old"
        [fleet]
        glob = "data/{env}/architect.db"
        logs = ["logs/{env}.log"]
        [[events]]
        at = 2026-02-10T12:00:00-08:00
        actor = "on-call"
        text = "Users report that the app does not start"
        [[criteria]]
        text = "milestones has app_id everywhere"
        column = "milestones.app_id"
        [[criteria]]
        text = "no orphans"
        query = "SELECT count(*) FROM x"
        expect = 0
        [scratch]
        bin = "/usr/lib/postgresql/16/bin"
        """,
    )
    hints = case.chains[0].hints
    assert (hints.python, hints.sys_path) == (str(tmp_path / "python"), (str(tmp_path / "src"),))
    assert hints.environment == (("APP_SECRET", "x"), ("APP_HOME", "{scratch}"))
    assert (hints.naming_convention, hints.models) == (
        (("ix", "ix_%(column_0_label)s"),),
        ("app.models:Base.metadata",),
    )
    assert (hints.transaction, hints.env_py, hints.trust) == ("single", "never", True)
    prod, old, e1, qa = case.environments
    assert prod.url == "${PROD_DATABASE_URL}"
    assert "s3cret" not in repr(case)
    assert prod.secrets == ("s3cret",)
    assert (prod.zones.tracker, prod.zones.logs) == ("Europe/Berlin", "Europe/Berlin")
    assert old.evidence == tmp_path / "evidence/old"
    assert (e1.name, e1.url, e1.logs) == ("e1", "sqlite:///data/e1/architect.db", ("logs/e1.log",))
    assert (qa.zones.tracker, qa.zones.logs, qa.zones.events) == ("UTC", "America/Los_Angeles", "UTC")
    (event,) = case.events
    assert (str(event.at), event.actor, event.assumed) == ("2026-02-10 20:00:00+00:00", "on-call", "")
    assert [(item.kind, item.expect) for item in case.criteria] == [("column", ""), ("query", "0")]


def test_unset_variable_makes_only_its_environment_unreadable(tmp_path: Path) -> None:
    case = written(tmp_path, SMALL + '[environments.prod]\nurl = "sqlite:///${NO_SUCH_VARIABLE}/x.db"\n')
    dev, prod = case.environments
    assert not dev.problem
    assert "NO_SUCH_VARIABLE, which is not set" in prod.problem
    assert "export NO_SUCH_VARIABLE" in prod.remedy
    assert prod.url == "sqlite:///${NO_SUCH_VARIABLE}/x.db"


def test_secret_of_a_url_is_masked(tmp_path: Path) -> None:
    case = written(tmp_path, SMALL.replace("sqlite:///dev.db", "postgresql://app:s3cret@db/shop"))
    assert case.environments[0].url == "postgresql://***@db/shop"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[case", "not valid TOML: .*; correct that line"),
        (SMALL + "[cases]\n", "unknown key 'cases'.*did you mean 'case'"),
        (SMALL.replace("url", "urll"), r"unknown key 'urll' in \[environments.dev\]; did you mean 'url'"),
        (SMALL.replace("path", "paths"), r"\[chains.main\]; did you mean 'path'"),
        (SMALL.replace('"migrations"', "3"), "chains.main.path must be text in quotes, not a number"),
        (SMALL.replace('path = "migrations"', 'tool = "numbered"'), "lacks 'path'"),
        ('[environments.dev]\nurl = "x.db"\n', "names no migrations"),
        ('[chains.main]\npath = "m"\n', "names no database"),
        (SMALL + 'chain = "man"\n', "did you mean 'main'"),
        (SMALL + "[chains.b]\npath = 'b'\n", r"\[environments.dev\] does not say which chain"),
        (SMALL + "[case]\ntimezone = 'Mars'\n", "unknown time zone 'Mars'"),
        (SMALL + "[case]\ntimezone = { log = 'UTC' }\n", "did you mean 'logs'"),
        (SMALL.replace('"migrations"\n', '"migrations"\nrunner = "execscript"\n'), "did you mean 'executescript'"),
        (SMALL.replace('"migrations"\n', '"migrations"\npython = "nowhere/python"\n'), "no Python interpreter"),
        (SMALL.replace('"migrations"\n', '"${NO_SUCH_VARIABLE}"\n'), "NO_SUCH_VARIABLE"),
        (SMALL.replace('"migrations"\n', '"migrations"\ntrust = "yes"\n'), "trust must be true or false, not text"),
        (SMALL + "[environments.x]\n", "needs either url or evidence"),
        (SMALL + "[environments]\nx = 3\n", "TOML|must be a table"),
        (SMALL + "[fleet]\nglob = 'data/*.db'\n", "no {env}"),
        (SMALL + "[[events]]\nat = 'soon'\ntext = 'x'\n", r"events\[1\].at is not a time"),
        (SMALL + "[[events]]\nactor = 'x'\n", r"\[events\[1\]\] lacks 'text'"),
        (SMALL + "[[criteria]]\ntext = 'x'\n", "needs exactly one of"),
        (SMALL + "[events]\n", r"must be a list of tables; write \[\[events\]\]"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CaseError, match=words) as caught:
        written(tmp_path, text)
    assert caught.value.exit_code == 2


def test_case_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaseError, match=r"no case file forensics\.toml; name one with --case"):
        load()
    (tmp_path / "latin.toml").write_bytes(b'[case]\ntitle = "\xe9"\n')
    with pytest.raises(CaseError, match="not UTF-8"):
        load(tmp_path / "latin.toml")
    (tmp_path / "forensics.toml").mkdir()
    with pytest.raises(CaseError):
        load(tmp_path)


def test_fleet_skips_what_is_named_and_what_is_no_database(tmp_path: Path) -> None:
    for name in ("a.db", "b.db", "b.db-wal", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    case = written(tmp_path, SMALL.replace("dev.db", "a.db") + "[fleet]\nglob = '{env}.db*'\n")
    assert [item.name for item in case.environments] == ["dev", "b"]
    (tmp_path / "b.db2").write_bytes(b"")
    with pytest.raises(CaseError, match="two files for environment 'b'"):
        load(tmp_path)


def test_unknown_environment_is_answered_with_the_nearest(tmp_path: Path) -> None:
    case = written(tmp_path, SMALL)
    with pytest.raises(UsageError, match="no environment 'dve' in this case; did you mean 'dev'"):
        case.environment("dve")


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for database, name in (("data/app.db", "app"), ("sqlite:///data/app.v2.db", "app.v2"), ("x", "x")):
        case = without_file(database, migrations="m", archived=["old"], tool="alembic", logs=["a.log"])
        (spec,) = case.environments
        assert (spec.name, spec.logs, case.chains[0].archived, case.path) == (name, ("a.log",), ("old",), None)
        assert (spec.url or "").startswith("sqlite:///")


def test_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_module, "sample_folders", lambda: [tmp_path])
    written(tmp_path, SMALL)
    assert load(f"sample:{tmp_path.name}").root == tmp_path
    with pytest.raises(CaseError, match="no sample case"):
        load("sample:nothing")


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "..", "a b", "", "é/", "a\nb", "x" * 300, "-x", "<b>"])
def test_folder_names_are_safe_and_distinct(name: str) -> None:
    found = folder_name(name)
    assert "/" not in found
    assert found not in ("", ".", "..")
    assert len(found) < 120
    assert found != folder_name(name + "?")
    assert folder_name("test_suite") == "test_suite"
