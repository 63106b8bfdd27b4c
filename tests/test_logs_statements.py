"""Which migration contains a statement: by its text, by the object that an operation is about, in whatever chain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from laboratory import content, migration

from forensics.chain.identity import Identity, identities, normal
from forensics.chain.operations import pieces
from forensics.chain.statements import Statements, match
from forensics.model import Chain, ChainEvidence, Event, FileVersion

HEAD = "from alembic import op\nimport sqlalchemy as sa\n\n"


def upgrade(*lines: str, before: str = "", down: tuple[str, ...] = ("pass",)) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    back = "".join(f"    {line}\n" for line in down)
    return f"{HEAD}{before}\n\ndef upgrade():\n{body}\n\ndef downgrade():\n{back}"


@pytest.mark.parametrize(("one", "other"), [
    ('DROP INDEX "ix_a" ;', "drop index IX_A"),
    ("UPDATE t SET a = %(a)s WHERE b = %(b)s", "update public.t set a=$1 where b=$2"),
    ("CREATE TABLE public.t (a INT)", "create table t(\n\ta int\n)"),
    ("DROP TABLE t -- gone", "/* x */ drop table t"),
])  # fmt: skip
def test_spelling_does_not_count(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [
    ("DROP INDEX a", "DROP INDEX IF EXISTS a"),
    ("DROP TABLE t", "DROP TABLE ops.t"),
    ("DROP TABLE t", "DROP TABLE t CASCADE"),
    ("INSERT INTO t VALUES ('a')", "INSERT INTO t VALUES ('A')"),
])  # fmt: skip
def test_meaning_does(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(("sql", "found"), [
    ("DROP INDEX CONCURRENTLY IF EXISTS s.a, \"B c\" CASCADE", [("drop", "index", "a", "", True), ("drop", "index", "b c", "", True)]),
    ("CREATE UNIQUE INDEX CONCURRENTLY ix ON ONLY t (a)", [("create", "index", "ix")]),
    ("CREATE INDEX ON t (a)", [("create", "index", "")]),
    ("ALTER TABLE IF EXISTS ONLY t ADD COLUMN IF NOT EXISTS a numeric(3, 2), DROP b, ALTER c TYPE int, RENAME d TO e, ADD CHECK (a > 1)",
     [("add", "column", "a", "t", True), ("drop", "column", "b", "t"), ("alter", "column", "c", "t"), ("rename", "column", "d", "t"),
      ("add", "constraint", "", "t")]),
    ("ALTER TABLE t RENAME TO u", [("rename", "table", "t")]),
    ("ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES u (b)", [("add", "constraint", "fk", "t")]),
    ("CREATE MATERIALIZED VIEW v AS SELECT 1", [("create", "materialized_view", "v")]),
    ("CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ DROP TABLE x; $$", [("create", "function", "f")]),
    ("DROP FUNCTION f(int, text), g()", [("drop", "function", "f"), ("drop", "function", "g")]),
    ("DROP TRIGGER tr ON t", [("drop", "trigger", "tr", "t")]),
    ("SELECT 1", []), ("", []), ("DROP", []), ("ALTER TABLE", [("alter", "table", "")][:0]), ("CREATE TABLE", [("create", "table", "")]),
])  # fmt: skip
def test_what_a_statement_is_about(sql: str, found: list[tuple[Any, ...]]) -> None:
    assert list(identities(sql)) == [Identity(*item) for item in found]


@pytest.mark.parametrize(("line", "found"), [
    ("op.drop_index(op.f('ix_a'), table_name='t')", ("drop", "index", "ix_a")),
    ("op.drop_index('ix_a', 't', if_exists=True)", ("drop", "index", "ix_a", "", True)),
    ("op.create_index('ix_a', 't', ['a'])", ("create", "index", "ix_a")),
    ("op.create_table(T, sa.Column('id', sa.Integer))", ("create", "table", "runs")),
    ("op.drop_table(table_name='t')", ("drop", "table", "t")),
    ("op.add_column('t', sa.Column('a', sa.Integer))", ("add", "column", "a", "t")),
    ("op.drop_column('t', 'A')", ("drop", "column", "a", "t")),
    ("op.alter_column('t', 'a', nullable=False)", ("alter", "column", "a", "t")),
    ("op.alter_column('t', 'a', new_column_name='b')", ("rename", "column", "a", "t")),
    ("op.rename_table('t', 'u')", ("rename", "table", "t")),
    ("op.create_foreign_key('fk', 't', 'u', ['a'], ['b'])", ("add", "constraint", "fk", "t")),
    ("op.drop_constraint('c', 't', type_='unique')", ("drop", "constraint", "c", "t")),
    ("sa.Enum('a', name='kind').drop(op.get_bind())", ("drop", "type", "kind")),
    ("op.execute(sa.text('DROP TABLE IF EXISTS t CASCADE'))", ("drop", "table", "t", "", True)),
    ("op.get_bind().exec_driver_sql(f'DROP INDEX ix_{T}')", ("drop", "index", "ix_runs")),
    ("if True: op.drop_table('t')", ("drop", "table", "t")),
])  # fmt: skip
def test_operations_of_alembic(line: str, found: tuple[Any, ...]) -> None:
    (piece,) = pieces("python", upgrade(line, before="T = 'runs'"))
    assert piece.identities == (Identity(*found),)
    assert piece.forward


def test_batches_loops_and_what_comes_with_a_table() -> None:
    text = upgrade(
        "with op.batch_alter_table('users') as batch_op:",
        "    batch_op.add_column(sa.Column('x', sa.Integer))",
        "    batch_op.drop_column('y')",
        "    batch_op.create_index('ix_z', ['z'])",
        "for table, column in (('a', 'b'), ('c', 'd')):",
        "    op.drop_column(table, column)",
        "op.create_table('k', sa.Column('id', sa.Integer, index=True), sa.Column('s', sa.Enum('q', name='kind')))",
        down=("op.drop_table('k')",),
    )
    found = [(*piece.identities[0][:4], piece.forward) for piece in pieces("python", text)]
    assert found == [
        ("add", "column", "x", "users", True), ("drop", "column", "y", "users", True), ("create", "index", "ix_z", "", True),
        ("drop", "column", "b", "a", True), ("drop", "column", "d", "c", True), ("create", "table", "k", "", True),
        ("create", "index", "ix_k_id", "", True), ("create", "type", "kind", "", True), ("drop", "table", "k", "", False),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [
    '"""drop table runs"""\n', "def upgrade(:\n", "x = 'drop by any time'\n", "op.drop_table(name())\n", "op.drop_table()\n", "",
])  # fmt: skip
def test_prose_and_what_only_a_run_could_tell_are_no_statements(text: str) -> None:
    assert pieces("python", text) == ()


def chain(name: str, *items: tuple[str, str], archived: tuple[Chain, ...] = ()) -> Chain:
    return Chain(
        name=name, tool="alembic", path=f"{name}/versions", root="/nowhere", archived=archived,
        migrations=tuple(migration(file, text) for file, text in items),
    )  # fmt: skip


ARCHIVED = chain(
    "old", ("002.py", upgrade("op.drop_index('ix_runs', 'runs')", "op.drop_table('runs')")),
    ("8aa.py", upgrade("op.drop_index('ix_runs', 'runs')", "op.drop_table('tasks')")),
    ("sql1.sql", "CREATE TABLE legacy (id INT);"),
)  # fmt: skip
ACTIVE = chain("new", ("clean.py", upgrade("op.create_table('tasks')", down=("op.drop_table('tasks')",))), archived=(ARCHIVED,))


def entry(statement: str) -> Event:
    return Event(at=None, source="log", message="x", ref="a.log:1", statement=statement)


def test_each_statement_is_matched_to_every_migration_that_contains_it() -> None:
    statements = Statements(ChainEvidence(chain=ACTIVE))
    log = [entry("DROP INDEX ix_runs;"), entry("SELECT 1"), entry("create table legacy (\n id int\n)"), entry("DROP TABLE tasks"),
           entry("CREATE TABLE tasks (id SERIAL)"), entry("DROP INDEX IF EXISTS ix_runs"), entry("DROP TABLE nobody")]  # fmt: skip
    index, legacy, back, made, guarded, nobody = match(log, statements)
    assert [(place.where, place.migration, place.by) for place in index.places] == [
        ("archived:old", "002", "object"), ("archived:old", "8aa", "object")
    ]  # fmt: skip
    assert not index.active
    assert [(place.migration, place.by) for place in legacy.places] == [("sql1", "exact")]
    assert [(place.where, place.forward) for place in back.places] == [("active", False), ("archived:old", True)]
    assert made.active
    assert guarded.places == nobody.places == ()


def test_recorded_statements_of_a_replay_are_exact() -> None:
    recorded = {"archived:old": {"8aa": ["DROP INDEX ix_runs"]}}
    statements = Statements(ChainEvidence(chain=ACTIVE), recorded=recorded)
    places = statements.find("DROP INDEX ix_runs")
    assert [(place.migration, place.by) for place in places] == [("8aa", "exact"), ("002", "object")]


def test_a_text_that_only_git_has_is_found_there() -> None:
    version = FileVersion(
        path="versions/lost.py", commit="abcdef0123456789", at=datetime(2026, 1, 1, tzinfo=UTC), author="a", subject="s",
        action="A", content=content(upgrade("op.drop_table('ghosts')")),
    )  # fmt: skip
    statements = Statements(ChainEvidence(chain=ACTIVE, versions=(version,)))
    (place,) = statements.find("DROP TABLE ghosts")
    assert (place.where, place.file) == ("git:abcdef012345", "versions/lost.py")
