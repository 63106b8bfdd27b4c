from __future__ import annotations

import os

import pytest
from chains import commit, git, write

from forensics.chain.load import chain_evidence, load_chain
from forensics.errors import AmbiguousTool, ChainUnreadable, UnknownTool

REVISION = "revision = 'aaaa1111'\ndown_revision = None\ndef upgrade(): pass\n"


@pytest.mark.parametrize("tool", ["auto", "numbered", "alembic"])
def test_a_folder_without_migrations_is_told_apart_and_each_has_a_way_out(tmp_path, tool):
    with pytest.raises(ChainUnreadable, match="There is no migrations folder db/migrations; check"):
        load_chain(tmp_path / "no", display="db/migrations", tool=tool)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ChainUnreadable, match="is a file, not a folder"):
        load_chain(tmp_path / "file", tool=tool)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ChainUnreadable, match="is empty; give the folder that holds"):
        load_chain(tmp_path / "empty", tool=tool)
    write(tmp_path / "other", {"notes.txt": "", "a\n<b>.md": ""})
    with pytest.raises((UnknownTool, ChainUnreadable), match=r"notes\.txt") as caught:
        load_chain(tmp_path / "other", tool=tool)
    assert "\n" not in str(caught.value)


def test_a_folder_that_may_not_be_read_is_said_to_be_so(tmp_path, monkeypatch):
    folder = write(tmp_path / "m", {"001_a.sql": ""})

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(folder), "iterdir", refuse)
    with pytest.raises(ChainUnreadable, match="cannot be read: Permission denied; give this user the right"):
        load_chain(folder)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_paths_that_no_system_has_are_no_traceback(path):
    with pytest.raises(ChainUnreadable):
        load_chain(path)


def test_the_tool_is_chosen_by_the_files_and_a_draw_is_the_users_choice(tmp_path):
    folder = write(tmp_path / "m", {"001_a.sql": "", "aaaa1111_x.py": REVISION})
    with pytest.raises(AmbiguousTool, match=r"alembic \(1 files\), numbered \(1 files\); name one as tool"):
        load_chain(folder)
    assert load_chain(folder, tool="numbered").tool == "numbered"
    assert load_chain(folder, tool="alembic").tool == "alembic"
    write(folder, {f"00{number}_b.sql": "" for number in range(2, 6)})
    assert load_chain(folder).tool == "numbered"
    with pytest.raises(UnknownTool, match="no adapter for the tool 'djang'; use auto or one of: alembic, numbered"):
        load_chain(folder, tool="djang")


def test_numbered_revisions_are_alembics(tmp_path):
    folder = write(tmp_path, {"001_a.py": REVISION, "002_b.py": REVISION.replace("aaaa", "bbbb")})
    assert load_chain(folder).tool == "alembic"


def test_archived_chains_come_along_and_an_unreadable_one_hides_nothing(tmp_path):
    write(tmp_path / "db/now", {"001_a.sql": ""})
    write(tmp_path / "db/old", {"001_z.sql": ""})
    write(tmp_path / "elsewhere/old", {"001_y.sql": ""})
    chain = load_chain(
        tmp_path / "db/now", display="db/now",
        archived=[tmp_path / "db/old", tmp_path / "elsewhere/old", tmp_path / "gone"],
    )  # fmt: skip
    assert [item.name for item in chain.archived] == ["old", "old-2"]
    assert [item.path for item in chain.archived] == ["db/old", "elsewhere/old"]
    assert [problem.cause for problem in chain.problems] == ["unreadable"]
    assert "There is no migrations folder gone" in chain.problems[0].detail
    assert str(tmp_path) not in chain.problems[0].detail


def test_evidence_holds_git_and_sources_and_names_what_it_could_not_read(tmp_path):
    write(tmp_path, {"m/001_a.sql": "one", "app/db.py": "x = 'create table t(x)'", "m/002_b.py": "'create table u(x)'"})
    chain = load_chain(tmp_path / "m", display="m")
    alone = chain_evidence(chain)
    assert (alone.versions, alone.problems) == ((), ())
    git(tmp_path, "init", "-q")
    commit(tmp_path, "first", "2026-01-01T00:00:00Z")
    full = chain_evidence(chain, sources=[tmp_path / "app", tmp_path / "m", tmp_path / "nothing"])
    assert [item.path for item in full.versions] == ["001_a.sql", "002_b.py"]
    assert [item.ref for item in full.sources] == ["app/db.py:1"]
    assert full.problems == ("There is no application code nothing",)
    assert chain_evidence(chain, git="none").versions == ()
    assert chain_evidence(chain, git=tmp_path).versions == full.versions
    broken = chain_evidence(chain, git=tmp_path / "gone.bundle")
    assert broken.versions == ()
    assert broken.problems[0].startswith("The git history of the chain main was not read: there is no repository")


def test_the_chain_of_a_real_project():
    import optuna

    folder = os.path.join(os.path.dirname(optuna.__file__), "storages", "_rdb", "alembic")
    chain = load_chain(folder, display="alembic")
    assert chain.tool == "alembic"
    assert chain.bases == ("v0.9.0.a",)
    assert chain.heads == ("v3.2.0.a",)
    assert chain.problems == ()
    assert all(item.loadable for item in chain.migrations)
