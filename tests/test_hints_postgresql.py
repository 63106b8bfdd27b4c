"""Every hint of the case file, on PostgreSQL, with a case file as a user would write it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from cases import Document, causes, check_schema, executed, found, one, said, toml

import forensics as fx
from forensics.replay.cluster import Cluster

ENV = """
from alembic import context
import sqlalchemy as sa
{imports}
config = context.config
engine = sa.create_engine(config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    {before}
    context.configure(connection=connection, {configure})
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData(naming_convention={
    "uq": "uq_%(table_name)s_%(column_0_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s", "ix": "ix_%(column_0_label)s"})
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))
"""
USERS = """
    op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.Text), sa.UniqueConstraint('email'))
"""


class Project:
    """A project as its authors have it, and a database that its own Alembic builds."""

    def __init__(self, root: Path, cluster: Cluster) -> None:
        self.root, self.cluster = root, cluster
        self.versions = root / "db" / "versions"
        self.versions.mkdir(parents=True)
        (root / "src").mkdir()
        (root / "alembic.ini").write_text(
            "[alembic]\nscript_location = %(here)s/db\nprepend_sys_path = %(here)s/src\npath_separator = os\n"
        )
        self.env()
        self._last: str | None = None
        cluster.create("hints")
        self.url = cluster.url("hints")

    def env(self, configure: str = "", imports: str = "", before: str = "pass") -> None:
        (self.root / "db" / "env.py").write_text(ENV.format(configure=configure, imports=imports, before=before))

    def file(self, name: str, text: str) -> None:
        (self.root / name).write_text(dedent(text))

    def revise(self, name: str, body: str, *, before: str = "") -> None:
        (self.versions / f"{name}_x.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\n{before}\nrevision = {name!r}\ndown_revision = {self._last!r}\n\n"
            f"def upgrade():\n    {dedent(body).strip().replace(chr(10), chr(10) + '    ')}\n"
        )
        self._last = name

    def upgrade(self, target: str = "heads") -> None:
        config = Config(str(self.root / "alembic.ini"))
        config.set_main_option("sqlalchemy.url", self.url.replace("postgresql://", "postgresql+psycopg://").replace("%", "%%"))
        command.upgrade(config, target)

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for text in statements:
                connection.execute(text.encode())

    def diagnose(self, path: str = ".", *, url: str = "", **hints: object) -> Document:
        """Diagnose through a case file with these hints."""
        lines = "".join(f"{key} = {toml(value)}\n" for key, value in {"path": path, "git": "none", **hints}.items())
        file = self.root / "forensics.toml"
        file.write_text(f"[chains.main]\n{lines}\n[environments.live]\nurl = {toml(url or self.url)}\n")
        document = fx.open_case(file)["live"].document
        check_schema(document)
        return document


@pytest.fixture
def project(tmp_path: Path, postgres: Cluster) -> Iterator[Project]:
    made = Project(tmp_path, postgres)
    yield made
    postgres.drop("hints")


def right(document: Document, *names: str) -> None:
    """Check that all of it ran, and nothing is wrong."""
    assert set(executed(document).values()) == {"yes"}, executed(document)
    assert list(executed(document)) == list(names)
    assert causes(document) == set(), [item["summary"] for item in document["findings"]]
    assert document["explanation"]["reconstructed"]


@pytest.mark.parametrize("path", [".", "alembic.ini", "db", "db/versions"])
def test_alembic_ini(project: Project, path: str) -> None:
    project.revise("a1", USERS)
    project.revise("a2", "op.add_column('users', sa.Column('name', sa.Text))")
    project.upgrade()
    right(project.diagnose(path), "a1", "a2")


def test_pyproject(project: Project) -> None:
    (project.root / "alembic.ini").unlink()
    project.file("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/db"\nprepend_sys_path = ["%(here)s/src"]\n')
    project.file("src/shop_names.py", "TABLE = 'users'\n")
    project.revise("a1", "op.create_table(TABLE, sa.Column('id', sa.Integer, primary_key=True))", before="from shop_names import TABLE")
    project.sql(
        "CREATE TABLE users (id serial PRIMARY KEY)", "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('a1')",
    )  # fmt: skip
    right(project.diagnose(), "a1")


DROPS = "op.drop_constraint('uq_users_email', 'users')\nop.create_index(None, 'users', ['email'])"


def conventional(project: Project) -> None:
    """Constraints are named by the metadata of ``env.py``, and a later revision drops one by that name."""
    project.file("src/shop_models.py", MODELS)
    project.env("target_metadata=metadata", "from shop_models import metadata")
    project.revise("a1", USERS)
    project.revise("a2", DROPS.partition("\n")[0])
    project.upgrade()


def test_names_are_harvested_from_env_py(project: Project) -> None:
    conventional(project)
    document = project.diagnose()
    right(document, "a1", "a2")
    assert document["chain"]["harvested"]["arguments"]["metadata"] == "shop_models:metadata"


def test_never_reads_env_py_and_says_what_fails(project: Project) -> None:
    conventional(project)
    document = project.diagnose(env_py="never")
    assert "harvested" not in document["chain"]
    assert one(document, "chain-cannot-build")["migrations"] == ["a2"]


@pytest.mark.parametrize("convention", ["shop_models:metadata", {"uq": "uq_%(table_name)s_%(column_0_name)s"}])
def test_naming_convention(project: Project, convention: object) -> None:
    conventional(project)
    document = project.diagnose(env_py="never", naming_convention=convention)
    right(document, "a1", "a2")


def test_env_py_is_run_where_that_is_asked_for(project: Project) -> None:
    project.file("src/shop_models.py", MODELS)
    project.env(
        "target_metadata=metadata",
        "from shop_models import metadata",
        "connection.execute(sa.text('SET search_path = sales, public')); connection.commit()",
    )
    project.sql("CREATE SCHEMA sales")
    project.revise("a0", "op.execute('CREATE SCHEMA IF NOT EXISTS sales')\nop.execute('SET search_path = sales, public')")
    project.revise("a1", USERS)
    project.upgrade()
    document = project.diagnose(env_py="run")
    assert {item["id"]: item["executed"] for item in document["migrations"]}["a1"] == "yes"
    tables = {item["name"] for finding in found(document, "manual-change") for item in finding["objects"]}
    assert "users" not in tables, document["findings"]


def test_an_env_py_that_fails_when_it_is_run_is_named(project: Project) -> None:
    project.revise("a1", USERS)
    project.upgrade()
    (project.root / "db" / "env.py").write_text("import os\n\nKEY = os.environ['SHOP_KEY']\n")
    document = project.diagnose(env_py="run")
    finding = one(document, "not-replayable")
    assert "SHOP_KEY" in finding["summary"]
    assert "environment" in finding["summary"]
    assert executed(document) == {"a1": "yes"}
    assert not {"chain-cannot-build", "manual-change", "recorded-not-executed"} & causes(document)


@pytest.mark.parametrize("table", ["ops.alembic_version", "shop_revisions", "ops.shop_revisions"])
@pytest.mark.parametrize("known", ["hint", "env.py"])
def test_version_table(project: Project, table: str, known: str) -> None:
    schema, _, name = table.rpartition(".")
    configure = f"version_table={name!r}" + (f", version_table_schema={schema!r}" if schema else "")
    project.env(configure)
    if schema:
        project.sql(f"CREATE SCHEMA {schema}")
    project.revise("a1", USERS)
    project.revise("a2", "op.add_column('users', sa.Column('name', sa.Text))")
    project.upgrade("a1")
    document = project.diagnose(**({"version_table": table, "env_py": "never"} if known == "hint" else {}))
    assert document["tracker"]["table"] == table
    assert document["tracker"]["recorded"] == ["a1"]
    assert executed(document) == {"a1": "yes", "a2": "no"}
    assert causes(document) == set(), [item["summary"] for item in document["findings"]]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2", "psycopg", "postgresql+asyncpg"])
def test_driver(project: Project, driver: str) -> None:
    name = driver.rpartition("+")[2]
    project.revise("a1", "import os\nassert op.get_bind().dialect.driver == os.environ.get('SHOP_DRIVER', 'psycopg')\n" + USERS.strip())
    project.revise("a2", "op.execute(\"DO $$ BEGIN EXECUTE 'ALTER TABLE users ADD COLUMN n int'; END $$\")")
    project.upgrade()
    right(project.diagnose(driver=driver, environment={"SHOP_DRIVER": name}), "a1", "a2")


def test_a_driver_that_is_not_there_is_named(project: Project) -> None:
    project.revise("a1", USERS)
    project.upgrade()
    document = project.diagnose(driver="pg8000")
    assert "pg8000" in one(document, "not-replayable")["summary"]
    assert executed(document) == {"a1": "yes"}
    assert causes(document) == {"not-replayable"}


@pytest.mark.parametrize(("transaction", "seen"), [("per-migration", "yes"), ("single", "no")])
def test_transaction(project: Project, transaction: str, seen: str) -> None:
    """A revision that looks through a second connection sees what is committed."""
    look = (
        "from sqlalchemy import inspect\nwith op.get_bind().engine.connect() as other:\n"
        "    there = 'users' in inspect(other).get_table_names()\n"
        "op.create_table('seen_yes' if there else 'seen_no', sa.Column('id', sa.Integer))"
    )
    project.env(f"transaction_per_migration={transaction == 'per-migration'}")
    project.revise("a1", USERS)
    project.revise("a2", look)
    project.upgrade()
    document = project.diagnose(transaction=transaction, env_py="never")
    right(document, "a1", "a2")
    assert f"seen_{seen}" in str(document["explanation"]["steps"])


def test_target(project: Project) -> None:
    project.revise("a1", USERS)
    project.revise("a2", "op.add_column('users', sa.Column('name', sa.Text))")
    project._last = "a1"
    project.revise("b1", "op.create_table('other', sa.Column('id', sa.Integer))")
    project.upgrade("a2")
    right(project.diagnose(target="a2"), "a1", "a2")
    assert "multiple-heads" in causes(project.diagnose())


def test_setup_and_environment(project: Project) -> None:
    project.file(
        "setup_replay.py",
        """
        import os, pathlib
        import sqlalchemy as sa
        assert url.startswith("postgresql")
        pathlib.Path(os.environ["SHOP_HOME"], "seen").write_text("x")
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA sales"))
            connection.execute(sa.text("CREATE TABLE sales.legacy (id int PRIMARY KEY)"))
        """,
    )
    project.revise(
        "a1",
        """
        import os, pathlib
        home = pathlib.Path(os.environ['SHOP_HOME'])
        (home / 'written').write_text('y')
        assert os.environ['SHOP_KEY'] == 'x', 'no key'
        op.add_column('legacy', sa.Column(os.environ['SHOP_COLUMN'], sa.Text), schema='sales')
        """,
    )
    project.sql(
        "CREATE SCHEMA sales; CREATE TABLE sales.legacy (id int PRIMARY KEY, note text)",
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)", "INSERT INTO alembic_version VALUES ('a1')",
    )  # fmt: skip
    document = project.diagnose(
        setup="setup_replay.py", environment={"SHOP_HOME": "{scratch}", "SHOP_KEY": "x", "SHOP_COLUMN": "note"}, env_py="never"
    )
    right(document, "a1")


def test_models_explain_a_database_that_was_created_from_them(project: Project) -> None:
    project.file("src/shop_models.py", MODELS)
    project.revise("a1", "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True))")
    project.revise("a2", "op.add_column('users', sa.Column('email', sa.Text))\nop.execute('UPDATE users SET email = NULL')")
    project.sql(
        "CREATE TABLE users (id serial PRIMARY KEY, email text)",
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)", "INSERT INTO alembic_version VALUES ('a2')",
    )  # fmt: skip
    document = project.diagnose(models="shop_models:metadata")
    assert causes(document) == set(), [item["summary"] for item in document["findings"]]


FAILING: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "models that are not there": ({"models": "shop_gone:metadata"}, "models", ("shop_gone", "sys_path")),
    "models without the name": ({"models": ["shop_models:nothing"]}, "models", ("shop_models", "nothing")),
    "models that raise": ({"models": "shop_broken:metadata"}, "models", ("src/shop_broken.py:3", "SHOP_KEY", "environment")),
    "models that are no metadata": ({"models": "shop_models:MODELS_TEXT"}, "models", ("create_all",)),
    "a set-up script that raises": ({"setup": "broken_setup.py"}, "setup", ("broken_setup.py:4", "SHOP_KEY", "environment")),
    "a set-up script that is not there": ({"setup": "no_setup.py"}, "setup", ("no_setup.py", "No such file")),
    "a set-up script with a wrong statement": ({"setup": "wrong_setup.py"}, "setup", ("wrong_setup.py:3", "nonsense")),
    "a convention that is not there": ({"naming_convention": "shop_gone:metadata"}, "naming_convention", ("shop_gone", "sys_path")),
    "a convention that is none": ({"naming_convention": "shop_models:MODELS_TEXT"}, "naming_convention", ("MetaData",)),
    "a convention that raises": (
        {"naming_convention": "shop_broken:metadata"},
        "naming_convention",
        ("src/shop_broken.py:3", "SHOP_KEY"),
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_hint_that_fails_is_named_and_the_rest_is_analysed(project: Project, name: str) -> None:
    hints, hint, words = FAILING[name]
    project.file("src/shop_models.py", MODELS + "\nMODELS_TEXT = 'x'\n")
    project.file("src/shop_broken.py", "import os\n\nmetadata = os.environ['SHOP_KEY']\n")
    project.file(
        "broken_setup.py",
        "import os, sqlalchemy as sa\nwith engine.begin() as c:\n    c.execute(sa.text('CREATE TABLE left_over (x int)'))\n"
        "os.environ['SHOP_KEY']\n",
    )
    project.file("wrong_setup.py", "import sqlalchemy as sa\nwith engine.begin() as c:\n    c.execute(sa.text('SELECT nonsense'))\n")
    project.revise("a1", USERS)
    project.upgrade()
    for again in (False, True):  # also where the replay is known already
        document = project.diagnose(**hints)
        finding = one(document, "not-replayable")
        assert f"`{hint}`" in finding["summary"]
        for word in words:
            assert word in said(finding), finding["summary"]
        assert str(project.root) not in said(finding)
        assert executed(document) == {"a1": "yes"}
        assert causes(document) == {"not-replayable"}, again
        assert document["explanation"]["reconstructed"]
        for kept in (project.root / ".forensics" / "cache").glob("diagnosis-*"):
            kept.unlink()
