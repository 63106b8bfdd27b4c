from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from chains import commit, git, write

from forensics.chain import gitlog
from forensics.chain.gitlog import file_versions, read_git, repository

BODY = "".join(f"create table t{number}(x);\n" for number in range(20))


@pytest.fixture
def repo(tmp_path):
    """A folder with additions, edits, a rename, a deletion, a branch that was never merged, and noise beside it."""
    top = tmp_path / "repo"
    write(top, {"db/migrations/001_a.sql": "one\n", "db/migrations/002_b.sql": BODY, "other.txt": "x"})
    git(top, "init", "-q", "-b", "main")
    commit(top, "start", "2026-01-01T10:00:00+02:00")
    write(top, {"db/migrations/001_a.sql": "one, edited\n", "other.txt": "y"})
    commit(top, "edit | with <b> \x01 marks", "2026-01-02T00:00:00Z")
    git(top, "mv", "db/migrations/002_b.sql", "db/migrations/007_b.sql")
    commit(top, "renumber", "2026-01-03T00:00:00Z")
    git(top, "checkout", "-q", "-b", "side")
    write(top, {"db/migrations/003_side.sql": "side\n"})
    commit(top, "never merged", "2026-01-04T00:00:00Z")
    git(top, "checkout", "-q", "main")
    (top / "db/migrations/001_a.sql").unlink()
    write(top, {'db/migrations/004 it\'s\n"odd".sql': "odd\n"})
    commit(top, "delete", "2026-01-05T00:00:00Z")
    return top


EXPECTED = [
    ("A", "001_a.sql", "one\n"),
    ("A", "002_b.sql", BODY),
    ("M", "001_a.sql", "one, edited\n"),
    ("R", "007_b.sql", BODY),
    ("A", "003_side.sql", "side\n"),
    ("D", "001_a.sql", None),
    ("A", '004 it\'s\n"odd".sql', "odd\n"),
]


def told(versions):
    return [(item.action, item.path, item.content.text if item.content else None) for item in versions]


def test_every_text_on_every_branch(repo):
    versions = file_versions(repo / "db/migrations")
    assert told(versions) == EXPECTED
    first = versions[0]
    assert first.at == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert first.author == "Ann O'Nym"
    assert versions[2].subject == "edit | with <b> \x01 marks"
    assert versions[3].old_path == "002_b.sql"
    assert first.content.origin == f"git:{first.commit[:12]}"
    assert len(first.commit) == 40


def test_a_bundle_says_the_same_wherever_the_folder_lies_in_it(repo, tmp_path):
    git(repo, "bundle", "create", "-q", str(tmp_path / "all.bundle"), "--all")
    names = ["007_b.sql", '004 it\'s\n"odd".sql']
    assert told(file_versions(tmp_path / "all.bundle", names=names)) == EXPECTED
    assert told(file_versions(tmp_path / "all.bundle", "db/migrations")) == EXPECTED
    git(repo, "bundle", "create", "-q", str(tmp_path / "head.bundle"), "HEAD")
    found = told(file_versions(tmp_path / "head.bundle", names=names))
    assert found == [item for item in EXPECTED if item[1] != "003_side.sql"]
    versions, problem = read_git(tmp_path / "all.bundle", names=["999_unknown.sql"])
    assert (versions, problem) == ((), "its history holds none of the chain's files")


def test_texts_that_were_amended_away_are_known_as_unreachable(repo):
    write(repo, {"db/migrations/008_c.sql": "first try\n"})
    commit(repo, "eight", "2026-01-06T00:00:00Z")
    write(repo, {"db/migrations/008_c.sql": "second try\n"})
    git(repo, "commit", "-q", "-a", "--amend", "-m", "eight again", at="2026-01-07T00:00:00Z")
    found = {
        item.content.text: item.reachable for item in file_versions(repo / "db/migrations") if item.path == "008_c.sql"
    }
    assert found == {"first try\n": False, "second try\n": True}


def test_texts_that_only_a_merge_made_are_known(repo):
    git(repo, "checkout", "-q", "-b", "left")
    write(repo, {"db/migrations/009_m.sql": "left\n"})
    commit(repo, "left", "2026-01-06T00:00:00Z")
    git(repo, "checkout", "-q", "main")
    write(repo, {"db/migrations/009_m.sql": "right\n"})
    commit(repo, "right", "2026-01-07T00:00:00Z")
    git(repo, "merge", "-q", "-s", "ours", "--no-commit", "left")
    write(repo, {"db/migrations/009_m.sql": "both\n"})
    commit(repo, "merge", "2026-01-08T00:00:00Z")
    found = [
        (item.action, item.content.text) for item in file_versions(repo / "db/migrations") if item.path == "009_m.sql"
    ]
    assert found == [("A", "left\n"), ("A", "right\n"), ("M", "both\n")]


def test_a_folder_that_was_moved_keeps_its_past(repo):
    git(repo, "mv", "db/migrations", "schema")
    commit(repo, "move", "2026-01-09T00:00:00Z")
    found = told(file_versions(repo / "schema"))
    assert ("A", "../db/migrations/001_a.sql", "one\n") in found
    assert ("R", "007_b.sql", BODY) in found


def test_what_is_no_repository_is_a_problem_and_no_exception(tmp_path, repo, monkeypatch):
    (tmp_path / "text.bundle").write_text("not a bundle")
    for source in (tmp_path / "gone", tmp_path / "text.bundle", tmp_path):
        versions, problem = read_git(source)
        assert versions == ()
        assert problem
        assert "\n" not in problem
    assert repository(tmp_path) is None
    assert repository(repo / "db/migrations") == repo
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_git(repo) == ((), "the program git is not installed")


def test_an_empty_repository_has_no_versions(tmp_path):
    git(tmp_path, "init", "-q")
    assert read_git(tmp_path) == ((), "")


def test_nothing_in_the_repository_is_run_and_nothing_is_left_behind(repo, tmp_path):
    ran = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    evil.chmod(0o755)
    for setting in ("core.fsmonitor", "core.pager", "diff.external", "gpg.program", "core.sshCommand", "pager.log"):
        git(repo, "config", setting, str(evil))
    git(repo, "config", "log.showSignature", "true")
    git(repo, "config", "diff.x.textconv", str(evil))
    (repo / ".gitattributes").write_text("*.sql diff=x\n")
    before = sorted(os.listdir(repo / ".git"))
    assert told(file_versions(repo / "db/migrations")) == EXPECTED
    assert not ran.exists()
    assert sorted(os.listdir(repo / ".git")) == before


def test_the_callers_git_environment_does_not_matter(repo, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert told(file_versions(repo / "db/migrations")) == EXPECTED


def test_git_is_called_a_handful_of_times_whatever_the_size(repo, monkeypatch):
    calls = []
    run = gitlog.run_git
    monkeypatch.setattr(gitlog, "run_git", lambda *args, **more: calls.append(args) or run(*args, **more))
    file_versions(repo / "db/migrations")
    assert len(calls) <= 6
