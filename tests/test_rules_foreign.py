"""Trackers that stand at a revision which the active chain does not know: four causes, kept apart, and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import chains
from cases import Scene, causes, executed, found, one, said

HEAD = "from alembic import op\nimport sqlalchemy as sa\n\nrevision = {!r}\ndown_revision = {!r}\n\n\ndef upgrade():\n{}\n"


def revision(name: str, parent: str | None, *lines: str) -> str:
    return HEAD.format(name, parent, "\n".join("    " + line for line in lines or ("pass",)))


USERS = (
    "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80), nullable=False))"
)
TASKS = (
    "op.create_table('tasks', sa.Column('id', sa.Integer, primary_key=True), sa.Column('title', sa.Text),"
    " sa.Column('archived', sa.Boolean{}))"
)
NAME = "op.add_column('users', sa.Column('name', sa.String(80)))"
BOTH = (
    "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(80)),"
    " sa.Column('email', sa.String(80), nullable=False))"
)
NEW = {"c1ea_clean.py": revision("c1ea", None, BOTH, TASKS.format(""))}
OLD = {
    "old1_users.py": revision("old1", None, USERS),
    "old2_tasks.py": revision("old2", "old1", TASKS.format("")),
    "old3_name.py": revision("old3", "old2", NAME),
}
APART = {**OLD, "old2_tasks.py": revision("old2", "old1", TASKS.format(", server_default='0'"))}


def run(scene: Scene, files: dict[str, str], *names: str) -> None:
    """Run revisions of a chain that is not the active one."""
    for name in names or files:
        scene._revise(files[name])


def test_foreign_chain_that_did_run_and_builds_the_same(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD)
    scene.stamp("old3")
    document = scene.diagnose()
    finding = one(document, "foreign-chain")
    assert finding["severity"] == "critical"
    assert finding["migrations"] == ["old3"]
    assert finding["objects"] == []
    assert "archived chain archived" in finding["summary"]
    assert "did run here" in finding["summary"]
    assert "alembic stamp --purge c1ea" in finding["remedy"]
    assert any(proof["ref"] == "archived:archived" for proof in finding["evidence"])
    equal = one(document, "equivalent-chain")
    assert equal["severity"] == "info"
    assert equal["migrations"] == ["c1ea"]
    assert causes(document) == {"foreign-chain"}
    assert executed(document) == {"c1ea": "no"}  # the columns of users stand as the old chain put them
    assert document["explanation"]["executed"] == ["old1", "old2", "old3"]
    assert document["explanation"]["chain"] == "archived"
    assert document["explanation"]["reconstructed"]
    assert document["next_failure"] is None


def test_two_chains_that_build_one_schema_to_the_letter_leave_open_which_ran(tmp_path: Path) -> None:
    same = {"c1ea_clean.py": revision("c1ea", None, USERS, TASKS.format(""), NAME)}
    scene = Scene(tmp_path, same, archived=OLD)
    run(scene, OLD)
    scene.stamp("old3")
    document = scene.diagnose()
    assert executed(document) == {"c1ea": "unknown"}
    assert one(document, "equivalent-chain")
    assert causes(document) == {"foreign-chain"}


def test_foreign_chain_that_was_only_stamped(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=APART)
    scene.run("c1ea_clean.py")
    scene.stamp("old3")
    document = scene.diagnose()
    assert "active chain's c1ea made" in one(document, "foreign-chain")["summary"]
    assert "contradicts" in one(document, "foreign-chain")["summary"]
    assert one(document, "equivalent-chain")
    assert executed(document) == {"c1ea": "yes"}
    assert causes(document) == {"foreign-chain", "executed-not-recorded"}


def test_foreign_chain_with_the_statements_that_close_the_difference(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=APART)
    run(scene, APART)
    scene.stamp("old3")
    document = scene.diagnose()
    finding = one(document, "foreign-chain")
    assert not found(document, "equivalent-chain")
    assert [(item["table"], item["name"], item["state"]) for item in finding["objects"]] == [("tasks", "archived", "altered")]
    assert finding["remedy"].startswith("Drop nothing.")
    assert "DROP TABLE \"users\"" not in finding["remedy"]
    assert "ALTER TABLE tasks" in " ".join(document["way_out"]["statements"]).replace('"', "") or "tasks" in finding["remedy"]
    assert "alembic stamp --purge c1ea" in finding["remedy"]
    assert causes(document) == {"foreign-chain"}


def test_equivalent_chain_but_for_a_table_that_no_chain_knows(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD)
    scene.sql("CREATE TABLE session_cache (k TEXT)")
    scene.stamp("old3")
    finding = one(scene.diagnose(), "equivalent-chain")
    assert "session_cache" in said(finding)
    assert "order of columns differs in users" in said(finding)


def test_no_equivalent_chain_where_a_default_differs(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=APART)
    run(scene, APART)
    scene.stamp("old3")
    assert not found(scene.diagnose(), "equivalent-chain")


def test_foreign_chain_whose_id_stands_in_two_chains(tmp_path: Path) -> None:
    older = {"x1.py": revision("old1", None, "op.create_table('ancient', sa.Column('id', sa.Integer, primary_key=True))")}
    scene = Scene(tmp_path, NEW, archived=OLD)
    chains.write(tmp_path / "ancient", older)
    scene.options["archived"] = ["ancient", "archived"]
    run(scene, OLD, "old1_users.py")
    scene.stamp("old1")
    finding = one(scene.diagnose(), "foreign-chain")
    assert "archived chain archived" in finding["summary"]
    assert "stands in 2 chains" in finding["summary"]
    assert finding["alternatives"] == ["old1 of ancient"]


def test_foreign_chain_in_a_folder_that_nobody_named(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW)
    chains.write(tmp_path / "backup" / "versions", OLD)
    run(scene, OLD)
    scene.stamp("old3")
    document = scene.diagnose()
    finding = one(document, "foreign-chain")
    assert "backup/versions" in finding["summary"]
    assert finding["evidence"][1]["ref"] == "folder:backup/versions"


def test_no_foreign_chain_where_the_active_one_knows_the_revision_too(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD, archived={"old1_users.py": OLD["old1_users.py"]})
    run(scene, OLD, "old1_users.py")
    scene.stamp("old1")
    document = scene.diagnose()
    assert causes(document) == set()
    assert executed(document) == {"old1": "yes", "old2": "no", "old3": "no"}


def test_orphan_revision(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD, archived=NEW)
    scene.commit("all", "2026-01-01T00:00:00Z")
    scene.run(*OLD)
    scene.stamp("feed")
    finding = one(scene.diagnose(), "orphan-revision")
    assert finding["severity"] == "critical"
    assert finding["migrations"] == ["feed"]
    assert "git with all its branches" in said(finding)
    assert not found(scene.diagnose(), "equivalent-chain")


def test_missing_file_of_a_revision_that_was_deleted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.commit("all", "2026-01-01T00:00:00Z")
    scene.run(*OLD)
    scene.stamp("old3")
    scene.file("old3_name.py").unlink()
    scene.commit("tidy up", "2026-01-02T00:00:00Z")
    document = scene.diagnose()
    finding = one(document, "missing-file")
    assert finding["severity"] == "error"
    assert "tidy up" in said(finding)
    assert causes(document) == {"missing-file"}
    # What the recorded revision comes after is implied by it, and did run.
    assert executed(document) == {"old1": "yes", "old2": "yes"}
    assert [item["recorded"] for item in document["migrations"]] == [True, True]


def test_ahead_of_code_on_another_branch(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.file("old3_name.py").unlink()
    scene.commit("two", "2026-01-01T00:00:00Z")
    chains.git(tmp_path, "checkout", "-q", "-b", "feature/name")
    scene.edit("old3_name.py", OLD["old3_name.py"])
    scene.commit("name", "2026-01-02T00:00:00Z")
    scene.run(*OLD)
    scene.stamp("old3")
    chains.git(tmp_path, "checkout", "-q", "main")
    scene.commit("main goes on", "2026-01-03T00:00:00Z")
    document = scene.diagnose()
    finding = one(document, "ahead-of-code")
    assert finding["severity"] == "error"
    assert finding["migrations"] == ["old3"]
    assert "on another branch (feature/name" in finding["summary"]
    assert causes(document) == {"ahead-of-code"}
    assert executed(document) == {"old1": "yes", "old2": "yes"}
    assert document["explanation"]["executed"] == ["old1", "old2", "old3"]


def test_ahead_of_code_where_the_checkout_is_an_older_commit(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.file("old3_name.py").unlink()
    first = scene.commit("two", "2026-01-01T00:00:00Z")
    scene.edit("old3_name.py", OLD["old3_name.py"])
    scene.commit("three", "2026-01-02T00:00:00Z")
    scene.run(*OLD)
    scene.stamp("old3")
    chains.git(tmp_path, "checkout", "-q", first)
    finding = one(scene.diagnose(), "ahead-of-code")
    assert "in a newer commit" in finding["summary"]
    assert "main" in finding["summary"]


def test_no_ahead_of_code_where_the_branch_is_merged(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.commit("all", "2026-01-01T00:00:00Z")
    chains.git(tmp_path, "branch", "feature")
    scene.run(*OLD)
    scene.stamp("old3")
    assert causes(scene.diagnose()) == set()


def test_a_whole_chain_that_only_git_knows_is_missing_and_the_new_one_equivalent(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.commit("old", "2026-01-01T00:00:00Z")
    scene.run(*OLD)
    scene.stamp("old3")
    shutil.rmtree(tmp_path / "migrations")
    chains.write(tmp_path / "migrations", NEW)
    scene.commit("squash", "2026-01-02T00:00:00Z")
    document = scene.diagnose()
    assert one(document, "missing-file")
    assert one(document, "equivalent-chain")["migrations"] == ["c1ea"]
    assert causes(document) == {"missing-file"}
    assert document["explanation"]["executed"] == ["old1", "old2", "old3"]


def test_ahead_of_code_for_a_tracker_of_rows(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"001_a.sql": "CREATE TABLE a (id INTEGER PRIMARY KEY);"})
    scene.commit("one", "2026-01-01T00:00:00Z")
    chains.git(tmp_path, "checkout", "-q", "-b", "side")
    scene.edit("002_b.sql", "CREATE TABLE b (id INTEGER PRIMARY KEY);")
    scene.commit("two", "2026-01-02T00:00:00Z")
    scene.run("001_a.sql", "002_b.sql")
    scene.record("001", "002")
    chains.git(tmp_path, "checkout", "-q", "main")
    document = scene.diagnose()
    assert one(document, "ahead-of-code")["migrations"] == ["002"]
    assert not found(document, "missing-file")


def test_overlapping_heads_are_a_duplicate_record(tmp_path: Path) -> None:
    scene = Scene(tmp_path, OLD)
    scene.run(*OLD)
    scene.stamp("old2", "old3")
    document = scene.diagnose()
    finding = one(document, "duplicate-record")
    assert finding["migrations"] == ["old2"]
    assert "overlaps" in finding["summary"]


def test_two_heads_that_are_branches_do_not_overlap(tmp_path: Path) -> None:
    files = {
        "a1.py": revision("a1", None, USERS),
        "a2.py": revision("a2", "a1", NAME),
        "b2.py": revision("b2", "a1", TASKS.format("")),
    }
    scene = Scene(tmp_path, files)
    scene.run(*files)
    scene.stamp("a2", "b2")
    document = scene.diagnose()
    assert not found(document, "duplicate-record")
    assert executed(document) == {"a1": "yes", "a2": "yes", "b2": "yes"}


def test_the_earlier_migration_is_why_an_old_chain_cannot_build(tmp_path: Path) -> None:
    broken = {**OLD, "old4_drop.py": revision("old4", "old3", "op.drop_table('tasks')"),
              "old5_again.py": revision("old5", "old4", "op.drop_table('tasks')", "op.drop_table('never')")}  # fmt: skip
    scene = Scene(tmp_path, NEW, archived=broken)
    run(scene, broken, "old1_users.py", "old2_tasks.py", "old3_name.py", "old4_drop.py")
    scene.stamp("old4")
    finding = one(scene.diagnose(), "chain-cannot-build")
    assert finding["migrations"] == ["old5"]
    assert "old4 has dropped the table tasks already" in finding["summary"]


DRIFTED = {
    "a1_runs.py": revision(
        "a1", None, USERS, "op.create_table('runs', sa.Column('id', sa.Integer, primary_key=True), sa.Column('at', sa.Text))",
        "op.create_index('ix_runs_at', 'runs', ['at'])",
    ),
    "a2_gone.py": revision("a2", "a1", "op.drop_index('ix_runs_at', table_name='runs')", "op.drop_table('runs')"),
    "a3_again.py": revision("a3", "a2", "op.drop_index('ix_runs_at', table_name='runs')", "op.drop_table('runs')", NAME),
    "a4_keys.py": revision(
        "a4", "a3", "op.drop_index('ix_keys_value', table_name='api_keys')", "op.drop_table('api_keys')", TASKS.format("")
    ),
}  # fmt: skip


def test_an_old_chain_that_only_ran_because_the_database_had_drifted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=DRIFTED)
    run(scene, DRIFTED, "a1_runs.py", "a2_gone.py")
    scene.sql("CREATE TABLE runs (id INTEGER PRIMARY KEY, at TEXT); CREATE INDEX ix_runs_at ON runs (at);")
    run(scene, DRIFTED, "a3_again.py")
    scene.sql("CREATE TABLE api_keys (id INTEGER PRIMARY KEY, value TEXT); CREATE INDEX ix_keys_value ON api_keys (value);")
    run(scene, DRIFTED, "a4_keys.py")
    scene.stamp("a4")
    document = scene.diagnose()
    assert document["explanation"]["executed"] == ["a1", "a2", "a3", "a4"]
    assert document["explanation"]["reconstructed"]
    assert executed(document) == {"c1ea": "no"}
    finding = one(document, "chain-cannot-build")
    assert finding["migrations"] == ["a3", "a4"]
    assert "ix_runs_at" in finding["summary"]
    assert "a2 has dropped the index ix_runs_at already" in finding["summary"]
    assert "has drifted" in said(finding)
    assert "nothing in the chain creates the index ix_keys_value" in said(finding)
    assert not found(document, "manual-change")
    assert one(document, "equivalent-chain")
