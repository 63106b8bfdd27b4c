"""Migrations that may not or cannot run here: their texts are read, marked as such, and the rest is analysed all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from cases import Document, causes, check_schema, executed, one, said
from laboratory import OPS, migration
from test_alembic_projects import Project, revise

import forensics as fx
from forensics.errors import ReplayError
from forensics.explain.reading import reduced
from forensics.replay import bench, bench_postgresql
from forensics.replay.child import start
from forensics.replay.cluster import Cluster

BODIES: dict[str, tuple[str, ...]] = {
    "a1": ("op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.Text))",),
    "a2": (
        "bind = op.get_bind()",
        "op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True),"
        " sa.Column('user_id', sa.Integer, sa.ForeignKey('users.id')))",
        "bind.execute(sa.text('CREATE INDEX ix_orders_user ON orders (user_id)'))",
    ),
    "a3": ("op.add_column('orders', sa.Column('total', sa.Integer))", "op.create_index('ix_total', 'orders', ['total'])"),
    "a4": (
        "bind = op.get_bind()",
        "if bind.dialect.name == 'mysql':",
        "    op.execute('CREATE TABLE not_here (x int)')",
        "for name in ('tags', 'labels'):",
        "    op.execute('CREATE TABLE ' + name + ' (id INTEGER PRIMARY KEY, label TEXT)')",
        "op.execute('ALTER TABLE orders ADD COLUMN note TEXT')",
    ),
    "a5": (
        "op.add_column('tags', sa.Column('colour', sa.Text))",
        "op.create_table('last', sa.Column('id', sa.Integer, primary_key=True))",
    ),
}
PARENTS = {"a1": None, "a2": "a1", "a3": "a2", "a4": "a3", "a5": "a4"}


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that offers no namespaces."""

    def without(python: str, config: dict[str, Any], environment: Any) -> Any:
        return start(python, {**config, "isolation": "guard"}, environment)

    monkeypatch.setattr(bench, "start", without)
    monkeypatch.setattr(bench_postgresql, "start", without)


@pytest.fixture
def childless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system on which no child can be started."""

    def none(*_: object) -> Any:
        raise ReplayError("the interpreter .venv/bin/python could not be started", remedy="check `python` in the case file")

    monkeypatch.setattr(bench, "start", none)
    monkeypatch.setattr(bench_postgresql, "start", none)


Build = Callable[..., Document]


@pytest.fixture(params=["sqlite", "postgresql"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Build]:
    """Run these revisions (and this SQL) on a database, stamp the last one, and diagnose it."""
    project = Project(tmp_path)
    for name, body in BODIES.items():
        revise(project.versions, name, PARENTS[name], *body)
    cluster: Cluster | None = None
    url = engine_url = str(project.database)
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres")
        assert isinstance(cluster, Cluster)
        cluster.create("static")
        url = cluster.url("static")
        engine_url = url.replace("postgresql://", "postgresql+psycopg://")

    def made(*names: str, sql: str = "", version: str = "a5") -> Document:
        engine = sa.create_engine(engine_url if cluster else f"sqlite:///{engine_url}")
        with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
            for name in names:
                space: dict[str, Any] = {}
                exec((project.versions / f"{name}_x.py").read_text(), space)
                space["upgrade"]()
            for statement in filter(None, sql.split(";")):
                connection.execute(sa.text(statement))
            connection.execute(sa.text("create table alembic_version (version_num varchar(32) not null primary key)"))
            connection.execute(sa.text(f"insert into alembic_version values ('{version}')"))
        engine.dispose()
        document = fx.diagnose(url, migrations=tmp_path).document
        check_schema(document)
        return document

    yield made
    if cluster is not None:
        cluster.drop("static")


@pytest.mark.usefixtures("guarded")
def test_a_database_in_order_stays_in_order_where_nothing_may_run(build: Build) -> None:
    document = build(*BODIES)
    assert executed(document) == dict.fromkeys(BODIES, "yes")
    basis = {item["id"]: item["basis"] for item in document["migrations"]}
    assert basis == {"a1": "schema", "a2": "static", "a3": "schema", "a4": "static", "a5": "schema"}
    assert causes(document) == {"not-replayable"}
    assert one(document, "not-replayable")["migrations"] == ["a2", "a4"]
    assert "--trust-migrations" in said(one(document, "not-replayable"))
    assert document["explanation"]["reconstructed"]
    assert document["environment"]["state"] == "ok"
    scratch = document["explanation"]["scratch"]
    assert scratch["isolation"] == "guard"
    assert "past Python's own hooks" in scratch["caveat"]
    assert (document["failures"], document["chain"]["builds_from_empty"]) == ([], None)


@pytest.mark.usefixtures("guarded")
def test_the_report_says_what_is_not_promised(build: Build) -> None:
    from forensics.diagnosis import Diagnosis
    from forensics.report.facts import assumptions

    section = assumptions(Diagnosis(build(*BODIES)))
    assert section is not None
    text = str(section)
    assert "without help of the operating system" in text
    assert "Not promised: this system offers no isolation" in text


@pytest.mark.usefixtures("guarded")
def test_what_did_not_run_is_found_by_its_text_and_what_needs_it_is_no_second_finding(build: Build) -> None:
    document = build("a1", "a2", "a3")
    told = {item["id"]: (item["executed"], item["basis"]) for item in document["migrations"]}
    assert told["a4"] == ("no", "static")
    assert [told[name][0] for name in ("a1", "a2", "a3", "a5")] == ["yes", "yes", "yes", "no"]
    missing = {
        item["table"] or item["name"] for finding in document["findings"] for item in finding["objects"] if item["state"] == "missing"
    }
    assert {"tags", "labels", "orders", "last"} <= missing
    assert not {"chain-cannot-build", "masked-create", "manual-change"} & causes(document)


@pytest.mark.usefixtures("guarded")
def test_a_change_by_hand_is_seen_beside_what_was_read(build: Build) -> None:
    document = build(*BODIES, sql="ALTER TABLE orders ADD COLUMN by_hand TEXT; CREATE TABLE mine (x int)")
    (finding,) = [item for item in document["findings"] if item["cause"] == "manual-change"]
    assert {item["name"] for item in finding["objects"]} >= {"by_hand", "mine"}
    assert {item["name"] for item in finding["objects"]} <= {"by_hand", "mine", "x"}
    assert executed(document) == dict.fromkeys(BODIES, "yes")


@pytest.mark.usefixtures("childless")
def test_without_any_child_all_is_read_and_nothing_is_claimed(build: Build) -> None:
    document = build(*BODIES)
    assert executed(document) == dict.fromkeys(BODIES, "yes")
    assert {item["basis"] for item in document["migrations"]} == {"static"}
    assert causes(document) == {"not-replayable"}
    finding = one(document, "not-replayable")
    assert finding["migrations"] == list(BODIES)
    assert "could not be started" in finding["summary"]
    assert "`python`" in said(finding)
    scratch = document["explanation"]["scratch"]
    assert (scratch["isolation"], scratch["server"]) == ("none", "none")
    assert "nothing was replayed" in scratch["caveat"]
    assert (document["failures"], document["next_failure"]) == ([], None)


@pytest.mark.usefixtures("childless")
def test_without_any_child_what_is_missing_is_still_told(build: Build) -> None:
    document = build("a1", "a2", "a3", sql="CREATE TABLE mine (x int)")
    told = executed(document)
    assert [told[name] for name in ("a1", "a2", "a3", "a5")] == ["yes", "yes", "yes", "no"]
    assert told["a4"] in ("no", "unknown")
    assert "a5" in str([item["migrations"] for item in document["findings"] if item["cause"] == "recorded-not-executed"])
    extra = {item["name"] for finding in document["findings"] if finding["cause"] == "manual-change" for item in finding["objects"]}
    assert extra <= {"mine", "x"}
    assert "mine" in extra


HEAD = OPS + "from shop.models import Thing\nfrom sqlalchemy.dialects import postgresql\n\nSIZE = 20\nNAMES = ['one', 'two']\n\n"


def text_of(*lines: str, dialect: str = "postgresql", before: str = "") -> tuple[str, bool] | None:
    body = "\n".join(f"    {line}" for line in lines)
    found = reduced(migration("1.py", HEAD + before + f"def upgrade():\n{body}\n"), dialect)
    if found is None:
        return None
    text = found[0].content.text
    return text[text.index("def upgrade():") + len("def upgrade():") :].strip(), found[1]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("op.drop_table('t')",), ("op.drop_table('t')", True)),
        (("op.execute('DROP TABLE t')",), ("op.execute('DROP TABLE t')", True)),
        (("conn = op.get_bind()", "conn.execute(sa.text('DROP TABLE t'))"), ("op.execute('DROP TABLE t')", True)),
        (("op.get_bind().exec_driver_sql('DROP TABLE t')",), ("op.execute('DROP TABLE t')", True)),
        (("op.drop_table('t')", "op.execute('UPDATE x SET y = 1')", "print('done')"), ("op.drop_table('t')", True)),
        (("for name in NAMES:", "    op.drop_table(name)"), ("op.drop_table('one')\n    op.drop_table('two')", True)),
        (("for a, b in [('x', 1), ('y', 2)]:", "    op.drop_index(a, b)"), ("op.drop_index('x', 1)\n    op.drop_index('y', 2)", True)),
        (("for name in ('a', 'b'):", "    op.execute(f'DROP TABLE {name}')"),
         ("op.execute('DROP TABLE a')\n    op.execute('DROP TABLE b')", True)),
        (("op.alter_column('t', 'c', type_=sa.String(SIZE))",), ("op.alter_column('t', 'c', type_=sa.String(SIZE))", True)),
        (("if op.get_bind().dialect.name == 'postgresql':", "    op.drop_table('t')", "else:", "    op.drop_table('u')"),
         ("op.drop_table('t')", True)),
        (("if op.get_context().dialect.name not in ('sqlite',):", "    op.drop_table('t')"), ("op.drop_table('t')", True)),
        (("if context.is_offline_mode():", "    return", "op.drop_table('t')"), ("op.drop_table('t')", True)),
        (("with op.get_context().autocommit_block():", "    op.execute('CREATE INDEX CONCURRENTLY i ON t (c)')"),
         ("op.execute('CREATE INDEX  i ON t (c)')", True)),
        (("op.create_index('i', 't', ['c'], postgresql_concurrently=True)",), ("op.create_index('i', 't', ['c'])", True)),
        (("with op.batch_alter_table('t') as batch:", "    batch.drop_column('c')"),
         ("with op.batch_alter_table('t') as batch:\n        batch.drop_column('c')", True)),
        (("kind = sa.Text()", "op.add_column('t', sa.Column('c', kind))"), ("op.add_column('t', sa.Column('c', sa.Text()))", True)),
        (("op.drop_table('t')", "op.add_column('t', sa.Column('c', Thing.kind))"), ("op.drop_table('t')", False)),
        (("op.drop_table('t')", "Thing.create_all()"), ("op.drop_table('t')", False)),
        (("op.drop_table('t')", "if op.get_bind().execute('SELECT 1'):", "    op.drop_table('u')"), ("op.drop_table('t')", False)),
        (("if not sa.inspect(op.get_bind()).has_table('t'):", "    op.create_table('t')"), ("op.create_table('t')", False)),
        (("op.drop_table('t')", "while True:", "    op.drop_table('u')"), ("op.drop_table('t')", False)),
        (("t = op.create_table('t', sa.Column('a'))", "op.bulk_insert(t, [{'a': 1}])"), ("op.create_table('t', sa.Column('a'))", True)),
        (("there = sa.inspect(op.get_bind()).get_table_names()", "op.drop_table('t')"), ("op.drop_table('t')", True)),
        (("rows = op.get_bind().execute(sa.text('SELECT 1')).fetchall()", "op.drop_table('t')"), ("op.drop_table('t')", True)),
        (("done = Thing.build(op)", "op.drop_table('t')"), ("op.drop_table('t')", False)),
        (("done = unknown()", "op.drop_table('t')"), ("op.drop_table('t')", False)),
        (("done = op.get_bind().execute(sa.text('DROP TABLE u'))",), ("op.execute('DROP TABLE u')", True)),
        (("Thing.create_all()",), None),
        (("pass",), None),
        (("op.drop_table('t')", "op.execute('DROP TABLE ' + Thing.name)"), ("op.drop_table('t')", False)),
        (("op.drop_table('t')", "raise RuntimeError('no way')", "op.drop_table('u')"), ("op.drop_table('t')", True)),
    ],
)  # fmt: skip
def test_a_revision_is_reduced_to_what_it_spells_out(lines: tuple[str, ...], expected: tuple[str, bool] | None) -> None:
    assert text_of(*lines) == expected


def test_helpers_of_the_file_are_followed_and_others_are_not() -> None:
    helper = "def both(table, *, column='c'):\n    op.add_column(table, sa.Column(column, sa.Text))\n    again(op.get_bind(), table)\n\n"
    helper += "def again(bind, table):\n    bind.execute(sa.text(f'COMMENT ON TABLE {table} IS NULL'))\n\n"
    made = "op.add_column('t', sa.Column('c', sa.Text))\n    op.execute('COMMENT ON TABLE t IS NULL')"
    assert text_of("both('t')", before=helper) == (made, True)
    assert text_of("both('t')", "unknown('t')", before=helper) == (made, False)
    endless = "def upgrade2():\n    upgrade2()\n    op.drop_table('t')\n\n"
    found = text_of("upgrade2()", before=endless)
    assert found is not None
    assert not found[1]


@pytest.mark.parametrize("text", ["", "def upgrade(:", "x = 1", "def upgrade(): pass", "def other():\n    op.drop_table('t')"])
def test_texts_that_spell_nothing_out(text: str) -> None:
    assert reduced(migration("1.py", text), "sqlite") is None
    assert reduced(migration("1.sql", "DROP TABLE t"), "sqlite") is None
