"""Alembic chains in the laboratory: contexts, batch mode, transactions, hints, and a real project's chain."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from laboratory import OPS, chain, names, outside, run

from forensics.replay.lab import Lab

FILES = {
    "a.py": OPS
    + """
def upgrade():
    op.create_table(
        "t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.String(20)),
        sa.UniqueConstraint("n"), sa.CheckConstraint("id > 0"), sa.CheckConstraint("n <> ''", name="named"),
    )
    op.create_index(op.f("ix_t_n"), "t", ["n"])
    op.create_index(op.f("ix_t_id"), "t", ["id", "n"])
    op.bulk_insert(sa.table("t", sa.column("id"), sa.column("n")), [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}])
""",
    "b.py": OPS
    + """
def upgrade():
    with op.batch_alter_table("t") as batch:
        batch.add_column(sa.Column("z", sa.Integer, server_default="3", nullable=False))
        batch.alter_column("n", nullable=False)
""",
    "c.py": OPS
    + """
def upgrade():
    assert not context.is_offline_mode()
    assert context.config.get_main_option("sqlalchemy.url").endswith("scratch.db")
    assert op.get_context().opts["render_as_batch"]
    assert "alembic_version" in sa.inspect(op.get_bind()).get_table_names()
    with op.get_bind().engine.connect() as second:
        assert second.execute(sa.text("SELECT count(*) FROM t")).scalar() == 2
    with op.get_context().autocommit_block():
        op.execute("CREATE TABLE auto (x)")
""",
    "d.py": OPS
    + """
def upgrade():
    op.execute("CREATE TABLE one (x)")
    op.execute("INSERT INTO one VALUES (1)")
    op.execute("CREATE TABLE two (x)")
    op.execute("CREATE INDEX bad ON two (y)")
""",
    "e.py": OPS
    + """
import sqlite3

def upgrade():
    op.create_table("early", sa.Column("id", sa.Integer))
    sa.create_engine("sqlite://", creator=lambda: sqlite3.connect("/var/lib/app/prod.db")).connect()
""",
    "f.py": OPS
    + """
def upgrade():
    sa.create_engine("sqlite:////var/lib/app/prod.db").connect()
""",
    "g.py": OPS + "from project.models import Base\n\ndef upgrade():\n    Base.metadata.create_all(op.get_bind())\n",
}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(chain(FILES, tool="alembic")) as made:
        yield made


def test_revisions_run_on_the_recorded_connection(lab: Lab) -> None:
    outcome = run(lab, "a")
    assert outcome.error is None
    assert [item.sql.split()[:3] for item in outcome.statements] == [
        ["CREATE", "TABLE", "t"], ["CREATE", "INDEX", "ix_t_n"], ["CREATE", "INDEX", "ix_t_id"],
        ["INSERT", "INTO", "t"],
    ]  # fmt: skip
    assert outcome.statements[3].parameters == [[1, "a"], [2, "b"]]
    assert names(lab, outcome.state) == ["t", "ix_t_n", "ix_t_id"]


def test_batch_mode_leaves_one_text_whatever_ran_before(lab: Lab) -> None:
    before = run(lab, "a").state
    first = lab.master(run(lab, "b", before).state)
    lab.close()
    outside(lab, "CREATE TABLE noise (x)")
    run(lab, "c", before)
    with Lab(lab.chain) as other:
        assert other.master(run(other, "b", run(other, "a").state).state) == first
    assert [row[1] for row in first] == ["t", "ix_t_id", "ix_t_n"]
    assert "named" in str(first[0][3])


def test_what_a_revision_expects_of_its_surroundings_is_there(lab: Lab) -> None:
    before = run(lab, "a").state
    outcome = run(lab, "c", before)
    assert outcome.error is None
    assert [item.sql for item in outcome.statements] == ["CREATE TABLE auto (x)"]


def test_a_failing_revision_keeps_what_its_transaction_keeps(lab: Lab) -> None:
    outcome = run(lab, "d")
    assert (outcome.error, outcome.failed) == ("no such column: y", "CREATE INDEX bad ON two (y)")
    assert (outcome.failure, outcome.place) == ("sql", "d.py:12")
    assert names(lab, outcome.state) == ["one"]


@pytest.mark.parametrize(("upto", "left"), [(0, []), (1, ["t"]), (2, ["t", "ix_t_n"])])
def test_a_revision_stops_where_it_is_told_to(lab: Lab, upto: int, left: list[str]) -> None:
    outcome = run(lab, "a", upto=upto)
    assert (outcome.stopped, outcome.error, len(outcome.statements)) == (True, None, upto)
    assert names(lab, outcome.state) == left


def test_a_batch_that_is_cut_leaves_its_temporary_table(lab: Lab) -> None:
    before = run(lab, "a").state
    assert names(lab, run(lab, "b", before, upto=1).state) == ["t", "ix_t_n", "ix_t_id", "_alembic_tmp_t"]
    # The copied rows opened a transaction, which takes the dropped table back with it.
    assert names(lab, run(lab, "b", before, upto=3).state) == ["t", "ix_t_n", "ix_t_id", "_alembic_tmp_t"]


@pytest.mark.parametrize("name", ["e", "f"])
def test_another_engine_is_refused_and_reported(lab: Lab, name: str) -> None:
    outcome = run(lab, name)
    assert [(item.kind, item.target) for item in outcome.attempts] == [("connect", "/var/lib/app/prod.db")]
    assert outcome.attempts[0].place.startswith(f"{name}.py:")
    assert outcome.error == "a replay opens the scratch database only"


def test_a_missing_package_is_named_and_found_with_the_hint(lab: Lab, tmp_path: Path) -> None:
    assert "`sys_path`" in lab.load_problems()["g"]
    package = tmp_path / "src" / "project"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(
        "import sqlalchemy as sa\nfrom sqlalchemy.orm import declarative_base\n"
        "Base = declarative_base(metadata=sa.MetaData(naming_convention={'uq': 'uq_%(table_name)s'}))\n"
        "class Item(Base):\n    __tablename__ = 'item'\n    id = sa.Column(sa.Integer, primary_key=True)\n"
    )
    text = OPS + "def upgrade():\n    op.create_table('x', sa.Column('n', sa.Integer), sa.UniqueConstraint('n'))\n"
    hints = {
        "sys_path": (str(tmp_path / "src"),),
        "models": ("project.models:Base",),
        "naming_convention": "project.models:Base.metadata",
    }
    with Lab(chain({**FILES, "h.py": text}, tool="alembic", **hints)) as made:
        assert made.load_problems() == {}
        assert names(made, run(made, "g").state) == ["item"]
        assert "CONSTRAINT uq_x UNIQUE (n)" in str(made.master(run(made, "h").state)[0][3])
        models = made.models()
        assert models is not None
        assert names(made, models.state) == ["item"]
        assert len(models.statements) == models.total == 1
    assert not list(tmp_path.rglob("__pycache__"))
    templates = (("uq", "mine_%(table_name)s"),)
    with Lab(chain({"h.py": text}, tool="alembic", naming_convention=templates)) as made:
        assert "CONSTRAINT mine_x UNIQUE (n)" in str(made.master(run(made, "h").state)[0][3])
        assert made.models() is None


def test_a_real_projects_chain_builds_what_alembic_itself_builds(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    spec = importlib.util.find_spec("optuna")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent / "storages" / "_rdb" / "alembic"
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted((root / "versions").glob("*.py"))}
    config = Config()
    config.set_main_option("script_location", str(root))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path / 'real.db'}")
    command.upgrade(config, "head")
    real = sqlite3.connect(tmp_path / "real.db")
    rows = real.execute("SELECT type, name, tbl_name FROM sqlite_master ORDER BY rowid").fetchall()
    real.close()
    expected = [row for row in rows if row[2] != "alembic_version" and not row[1].startswith("sqlite_")]
    hints = {"models": ("optuna.storages._rdb.models:BaseModel.metadata",)}
    with Lab(chain(files, root / "versions", "alembic", **hints)) as made:
        state = made.empty
        for item in made.chain.migrations:
            outcome = run(made, item.id, state)
            assert (outcome.error, outcome.attempts) == (None, ())
            state = outcome.state
        assert [row[:3] for row in made.master(state)] == expected
        models = made.models()
        assert models is not None
        assert models.error is None
        assert "studies" in names(made, models.state)
