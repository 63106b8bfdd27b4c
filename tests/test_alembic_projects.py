"""Whole Alembic projects, as their own command builds and upgrades them: where things are, what the tracker means, env.py."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from cases import Document, causes, executed, one, said

import forensics as fx
from forensics.adapters.alembic_config import find_settings
from forensics.chain.load import load_chain
from forensics.model import Hints

ENV = """
from alembic import context
import sqlalchemy as sa
{imports}
config = context.config
def run():
    engine = sa.create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        context.configure(connection=connection, {configure})
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
run()
"""


def revise(folder: Path, name: str, down: object = None, *body: str, labels: object = None, depends: object = None) -> None:
    lines = "\n".join(f"    {line}" for line in body or (f"op.create_table('t_{name}', sa.Column('id', sa.Integer, primary_key=True))",))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_x.py").write_text(
        f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {name!r}\ndown_revision = {down!r}\n"
        f"branch_labels = {labels!r}\ndepends_on = {depends!r}\n\ndef upgrade():\n{lines}\n\ndef downgrade():\n    pass\n"
    )


class Project:
    """A project with a configuration, a script folder and a SQLite database that its own Alembic writes to."""

    def __init__(self, root: Path, ini: str = "", *, configure: str = "", imports: str = "", script: str = "alembic") -> None:
        self.root, self.script = root, root / script
        self.database = root / "app.db"
        self.versions = self.script / "versions"
        self.versions.mkdir(parents=True)
        (self.script / "env.py").write_text(ENV.format(configure=configure, imports=imports))
        (root / "alembic.ini").write_text(f"[alembic]\nscript_location = %(here)s/{script}\npath_separator = os\n{ini}")

    def alembic(self) -> Config:
        config = Config(str(self.root / "alembic.ini"))
        config.set_main_option("sqlalchemy.url", f"sqlite:///{self.database}")
        return config

    def upgrade(self, *targets: str) -> None:
        for target in targets:
            command.upgrade(self.alembic(), target)

    def sql(self, text: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(text).fetchall()
            connection.commit()
        return rows

    def diagnose(self, path: str = "", **hints: object) -> Document:
        made = fx.diagnose(self.database, migrations=self.root / path, trust=True, hints=Hints(**hints))  # type: ignore[arg-type]
        return made.document


@pytest.mark.parametrize("path", ["", "alembic", "alembic/versions", "alembic.ini"])
def test_a_project_is_found_from_each_of_its_places(tmp_path: Path, path: str) -> None:
    project = Project(tmp_path, "prepend_sys_path = .\n")
    revise(project.versions, "a1")
    revise(project.versions, "a2", "a1")
    project.upgrade("a1")
    chain = load_chain(tmp_path / path)
    assert [item.id for item in chain.migrations] == ["a1", "a2"]
    assert chain.hints.sys_path == (str(tmp_path),)
    assert chain.root == str(tmp_path / "alembic")
    document = project.diagnose(path)
    assert executed(document) == {"a1": "yes", "a2": "no"}
    assert causes(document, "info") == {"pending"}


def test_several_version_locations_recursive_and_with_spaces(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        "version_locations = %(here)s/alembic/versions:%(here)s/more places/of mine\nrecursive_version_locations = true\n",
    )
    revise(project.versions, "a1", labels=("core",))
    revise(project.versions / "2026" / "01", "a2", "a1")
    revise(tmp_path / "more places" / "of mine", "b1", labels=("extra",), depends="a1")
    project.upgrade("heads")
    chain = load_chain(tmp_path)
    assert {item.id for item in chain.migrations} == {"a1", "a2", "b1"}
    assert chain.root == str(tmp_path)
    assert {item.file for item in chain.migrations} == {
        "alembic/versions/a1_x.py", "alembic/versions/2026/01/a2_x.py", "more places/of mine/b1_x.py",
    }  # fmt: skip
    document = project.diagnose()
    assert executed(document) == {"a1": "yes", "a2": "yes", "b1": "yes"}
    assert document["explanation"]["reconstructed"]
    assert causes(document) == set()


def test_pyproject_says_it_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/db"\nversion_locations = ["%(here)s/db/one", "%(here)s/db/two"]\n'
        'prepend_sys_path = ["%(here)s/src"]\nfile_template = "%%(year)d_%%(rev)s"\n'
    )
    (tmp_path / "src").mkdir()
    revise(tmp_path / "db" / "one", "a1")
    revise(tmp_path / "db" / "two", "a2", "a1")
    found = find_settings(tmp_path)
    assert found.file_template == "%(year)d_%(rev)s"
    assert found.source == tmp_path / "pyproject.toml"
    chain = load_chain(tmp_path)
    assert [item.file for item in chain.migrations] == ["one/a1_x.py", "two/a2_x.py"]
    assert chain.hints.sys_path == (str(tmp_path / "src"),)


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("script_location = db\nversion_locations = db/a db/b\n", ["db/a", "db/b"]),
        ("script_location = db\nversion_locations = db/a, db/b\n", ["db/a", "db/b"]),
        ("script_location = db\nversion_path_separator = ;\nversion_locations = db/a;db/b\n", ["db/a", "db/b"]),
        ("script_location = db\nversion_path_separator = newline\nversion_locations =\n  db/a\n  db/b\n", ["db/a", "db/b"]),
        ("where = db\nscript_location = %(where)s\nversion_locations = %(here)s/%(where)s/b\n", ["db/b"]),
        ("script_location = shop:db\nversion_locations = shop:db/a\n", ["shop/db/a"]),
    ],
)
def test_configurations_in_every_spelling(tmp_path: Path, text: str, folders: list[str]) -> None:
    for name in ("db/a", "db/b", "shop/db/a"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text(f"[alembic]\n{text}")
    assert [item.relative_to(tmp_path).as_posix() for item in find_settings(tmp_path).folders] == folders


def test_a_configuration_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = gone\nversion_locations = elsewhere\n")
    revise(tmp_path, "a1")
    chain = load_chain(tmp_path)
    assert [problem.cause for problem in chain.problems] == ["unreadable"]
    assert "elsewhere" in chain.problems[0].detail or "script folder" in chain.problems[0].detail


def branches(project: Project) -> None:
    revise(project.versions, "a1", labels=("core",))
    revise(project.versions, "a2", "a1")
    revise(project.versions, "b1", labels=("extra",), depends="a1")
    revise(project.versions, "b2", "b1", depends="a2")
    revise(project.versions, "c1", "a1")
    revise(project.versions, "m1", ("a2", "c1"))


@pytest.mark.parametrize(
    ("targets", "there"),
    [
        (("a1",), {"a1"}), (("b1",), {"a1", "b1"}), (("c1",), {"a1", "c1"}), (("b1", "c1"), {"a1", "b1", "c1"}),
        (("b2",), {"a1", "a2", "b1", "b2"}), (("b2", "c1"), {"a1", "a2", "b1", "b2", "c1"}),
        (("m1",), {"a1", "a2", "c1", "m1"}), (("heads",), {"a1", "a2", "b1", "b2", "c1", "m1"}),
    ],
)  # fmt: skip
def test_what_the_tracker_implies_is_what_alembic_ran(tmp_path: Path, targets: tuple[str, ...], there: set[str]) -> None:
    project = Project(tmp_path)
    branches(project)
    project.upgrade(*targets)
    document = project.diagnose()
    tables = {str(row[0]).removeprefix("t_") for row in project.sql("select name from sqlite_master where name like 't\\_%' escape '\\'")}
    assert tables == there
    assert {item["id"] for item in document["migrations"] if item["recorded"]} == there
    assert {name for name, answer in executed(document).items() if answer == "yes"} == there
    assert causes(document) <= {"multiple-heads", "multiple-bases"}


def test_a_target_leaves_other_histories_out(tmp_path: Path) -> None:
    project = Project(tmp_path)
    branches(project)
    chain = load_chain(tmp_path, hints=Hints(target="extra@head"))
    assert {item.id for item in chain.migrations} == {"a1", "a2", "b1", "b2"}
    assert {item.id for item in chain.beside} == {"c1", "m1"}
    assert {item.id for item in load_chain(tmp_path, hints=Hints(target="a2")).migrations} == {"a1", "a2"}
    assert {item.id for item in load_chain(tmp_path, hints=Hints(target="a2, c1")).migrations} == {"a1", "a2", "c1"}
    wrong = load_chain(tmp_path, hints=Hints(target="nothing"))
    assert len(wrong.migrations) == 6
    assert any("'nothing' names no revision" in problem.detail for problem in wrong.problems)
    project.upgrade("m1")
    document = project.diagnose(target="extra")
    assert "off the target" in said(one(document, "foreign-chain"))


def test_overlapping_rows_are_what_alembic_calls_them(tmp_path: Path) -> None:
    project = Project(tmp_path)
    branches(project)
    project.upgrade("m1")
    project.sql("insert into alembic_version values ('a2')")
    with pytest.raises(Exception, match="overlaps"):
        project.upgrade("heads")
    assert one(project.diagnose(), "duplicate-record")["migrations"] == ["a2"]


def test_a_version_table_that_env_py_names(tmp_path: Path) -> None:
    project = Project(tmp_path, configure='version_table="shop_versions"')
    revise(project.versions, "a1")
    project.upgrade("heads")
    document = project.diagnose()
    assert document["tracker"] == {"tool": "alembic", "table": "shop_versions", "state": "present", "recorded": ["a1"]}
    assert causes(document, "info") == set()
    assert load_chain(tmp_path).hints.version_table == "shop_versions"


MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_name)s"})
"""


def named(tmp_path: Path, **changes: str) -> Project:
    """A project whose constraints get their names from the metadata of its ``env.py``."""
    options = {"configure": "target_metadata=metadata, render_as_batch=True", "imports": "from shop_models import metadata"}
    project = Project(tmp_path, "prepend_sys_path = %(here)s\n", **{**options, **changes})  # type: ignore[arg-type]
    (tmp_path / "shop_models.py").write_text(MODELS)
    revise(
        project.versions, "a1", None,
        "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.Text),"
        " sa.UniqueConstraint('email'))",
    )  # fmt: skip
    revise(
        project.versions, "a2", "a1",
        "with op.batch_alter_table('users') as batch:", "    batch.drop_constraint('uq_users_email', type_='unique')",
    )  # fmt: skip
    return project


def test_env_py_is_harvested_where_the_replay_fails_without_it(tmp_path: Path) -> None:
    project = named(tmp_path)
    project.upgrade("heads")
    document = project.diagnose()
    assert document["explanation"]["scratch"]["isolation"] == "namespaces"
    said = document["chain"]["harvested"]
    assert said["error"] is None
    assert said["arguments"]["naming_convention"]["uq"] == "uq_%(table_name)s_%(column_0_name)s"
    assert said["arguments"]["metadata"] == "shop_models:metadata"
    assert document["chain"]["builds_from_empty"]
    assert executed(document) == {"a1": "yes", "a2": "yes"}
    assert causes(document, "info") == set()


def test_env_py_is_left_alone_where_nothing_needs_it_or_the_case_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path, imports="raise SystemError('must not run')")
    revise(project.versions, "a1")
    (project.script / "env.py").write_text(ENV.format(configure="", imports=""))
    project.upgrade("heads")
    (project.script / "env.py").write_text(ENV.format(configure="", imports="raise SystemError('must not run')"))
    document = project.diagnose()
    assert "harvested" not in document["chain"]
    assert causes(document) == set()


def test_never_means_never(tmp_path: Path) -> None:
    project = named(tmp_path)
    project.upgrade("heads")
    document = project.diagnose(env_py="never")
    assert "harvested" not in document["chain"]
    assert one(document, "chain-cannot-build")["migrations"] == ["a2"]


def test_an_env_py_that_cannot_run_says_where_and_why(tmp_path: Path) -> None:
    project = named(tmp_path)
    project.upgrade("heads")
    (project.script / "env.py").write_text("import os\n\nNAME = os.environ['SHOP_SECRET']\n")
    said = project.diagnose()["chain"]["harvested"]
    assert said["arguments"] == {}
    assert said["error"].startswith("env.py:3: ")
    assert "SHOP_SECRET" in said["error"]


ASYNC = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config
from shop_models import metadata

def work(connection):
    context.configure(connection=connection, target_metadata=metadata, version_table="v", transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = async_engine_from_config({"sqlalchemy.url": "postgresql+asyncpg://u:secret@prod.example/db"}, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()

if context.is_offline_mode():
    raise RuntimeError("not this way")
asyncio.run(main())
"""


def test_an_asynchronous_env_py_needs_neither_its_driver_nor_its_server(tmp_path: Path) -> None:
    project = named(tmp_path)
    project.upgrade("heads")
    (project.script / "env.py").write_text(ASYNC)
    document = project.diagnose(version_table="alembic_version")
    said = document["chain"]["harvested"]
    assert said["error"] is None
    assert said["arguments"]["driver"] == "asyncpg"
    assert said["arguments"]["transaction_per_migration"] is True
    assert said["arguments"]["version_table"] == "v"
    assert "secret" not in str(document)
    assert executed(document) == {"a1": "yes", "a2": "yes"}


def test_env_py_can_be_run_in_earnest_on_the_scratch_database_only(tmp_path: Path) -> None:
    project = named(tmp_path)
    project.upgrade("heads")
    before = project.database.read_bytes()
    document = project.diagnose(env_py="run")
    assert executed(document) == {"a1": "yes", "a2": "yes"}
    assert document["chain"]["builds_from_empty"]
    assert causes(document, "info") == set()
    assert project.database.read_bytes() == before
    (project.script / "env.py").write_text(ASYNC.replace('version_table="v", ', ""))
    assert executed(project.diagnose(env_py="run")) == {"a1": "yes", "a2": "yes"}


LOST = """import sqlalchemy as sa
from alembic import op
from shop.models import Thing
revision = {!r}
down_revision = {!r}

def upgrade():
{}
"""


def unloadable(tmp_path: Path, body: str) -> tuple[Project, str]:
    """A project whose second of three revisions imports what is not here; return its text as it ran, too."""
    project = Project(tmp_path)
    revise(project.versions, "a1")
    (project.versions / "a2_x.py").write_text(LOST.format("a2", "a1", body))
    revise(project.versions, "a3", "a2", "op.add_column('t_lost', sa.Column('more', sa.Text))")
    return project, body


MADE = "    op.create_table('t_lost', sa.Column('id', sa.Integer, primary_key=True))\n    op.create_index('ix_lost', 't_lost', ['id'])"


@pytest.mark.parametrize(
    ("body", "ran", "answer", "basis"),
    [
        (MADE, True, "yes", "static"),
        (MADE, False, "no", "static"),
        (MADE + "\n    if sa.__version__ > '9':\n        op.add_column('t_a1', sa.Column('x', sa.Text))", True, "unknown", "none"),
        ("    op.execute('UPDATE t_a1 SET id = id')", True, "unknown", "none"),
    ],
)
def test_what_cannot_be_run_is_named_and_read_and_the_rest_is_still_told(
    tmp_path: Path, body: str, ran: bool, answer: str, basis: str
) -> None:
    project, _ = unloadable(tmp_path, body)
    project.sql("create table alembic_version (version_num varchar(32) not null)")
    project.sql("insert into alembic_version values ('a2')")
    project.sql("create table t_a1 (id integer not null, primary key (id))")
    if ran and "t_lost" in body:
        project.sql("create table t_lost (id integer not null, primary key (id))")
        project.sql("create index ix_lost on t_lost (id)")
    document = project.diagnose()
    finding = one(document, "not-replayable")
    assert finding["migrations"] == ["a2"]
    assert "versions/a2_x.py:3" in finding["summary"]
    assert "No module named 'shop'" in finding["summary"]
    assert "sys_path" in finding["summary"]
    told = {item["id"]: (item["executed"], item["basis"]) for item in document["migrations"]}
    assert told["a1"] == ("yes", "schema")
    assert told["a2"] == (answer, basis)
    assert not {"manual-change", "chain-cannot-build", "executed-not-recorded"} & causes(document)
    assert ("recorded-not-executed" in causes(document)) == (answer == "no")
    assert document["chain"]["builds_from_empty"] is None


def test_a_name_that_the_environment_lacks_is_a_hint_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    revise(project.versions, "a1", None, "import os", "op.execute('CREATE TABLE t (' + os.environ['SHOP_COLUMN'] + ' INTEGER)')")
    project.sql("create table other (x)")
    document = project.diagnose()
    assert "give SHOP_COLUMN a value in `environment`" in one(document, "not-replayable")["summary"]
    project.sql("drop table other")
    project.sql("create table t (x integer)")
    project.sql("create table alembic_version (version_num varchar(32) not null)")
    project.sql("insert into alembic_version values ('a1')")
    document = project.diagnose(environment=(("SHOP_COLUMN", "x"),))
    assert causes(document) == set()
    assert executed(document) == {"a1": "yes"}
