from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from forensics.catalogs.sqlite import MASTER_SQL, SqliteReader, groups, internal, snapshot
from forensics.errors import DatabaseUnreadable
from forensics.model import SchemaObject, Snapshot
from forensics.sqltext import spell


@contextmanager
def database(script: str = "") -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        yield connection


def read(script: str) -> Snapshot:
    with database(script) as connection:
        return snapshot(connection)


def only(script: str, kind: str) -> SchemaObject:
    found = [item for item in read(script).objects if item.kind == kind]
    assert len(found) == 1
    return found[0]


def meaning(script: str, kind: str = "column") -> dict[str, object]:
    return dict(only(script, kind).meaning)


def test_equal_texts_are_the_identical_group_and_one_change_leaves_the_others() -> None:
    script = "".join(f"CREATE TABLE t{n} (a INT); CREATE INDEX i{n} ON t{n} (a);" for n in range(20))
    with database(script) as connection:
        before = groups(connection.execute(MASTER_SQL).fetchall())
        connection.execute("ALTER TABLE t3 ADD COLUMN b TEXT")
        after = groups(connection.execute(MASTER_SQL).fetchall())
        assert [old is new for old, new in zip(before, after, strict=True)] == [n != 3 for n in range(20)]
        assert all(old is new for old, new in zip(after, snapshot(connection).groups, strict=True))


def test_groups_are_in_order_of_creation_with_all_that_belongs_to_them() -> None:
    found = read(
        "CREATE TABLE z (a); CREATE TABLE b (a); CREATE INDEX i ON z (a); CREATE VIEW v AS SELECT * FROM missing;"
        "CREATE TRIGGER g INSTEAD OF INSERT ON V BEGIN SELECT 1; END;"
        "CREATE TRIGGER h AFTER DELETE ON Z BEGIN SELECT 1; END"
    )
    assert [group.name for group in found.groups] == ["z", "b", "v"]
    assert [(item.kind, item.table, item.name) for item in found.groups[0].objects] == [
        ("table", None, "z"), ("column", "z", "a"), ("index", "z", "i"), ("trigger", "z", "h"),
    ]  # fmt: skip
    assert [(item.kind, item.table) for item in found.groups[2].objects] == [("view", None), ("trigger", "v")]
    assert found.groups[0].source[0] == "CREATE TABLE z (a)"


def test_the_author_leaves_a_trace() -> None:
    column = only("CREATE TABLE t (a decimal( 10,2 ) DEFAULT '3')", "column")
    assert dict(column.trace) == {"type": "NUMERIC(10,2)", "default": "'3'"}
    check = only("CREATE TABLE t (a, CONSTRAINT Positive CHECK (a > 0))", "check")
    assert (check.name, check.ident, check.trace) == ("Positive", "a > 0", (("name", "Positive"),))
    one, other = read("CREATE TABLE t (a INT)"), read("CREATE TABLE t (a SMALLINT)")
    assert one.groups[0].meaning == other.groups[0].meaning
    assert one.groups[0].trace != other.groups[0].trace


def test_two_references_of_one_structure_are_both_kept() -> None:
    found = read(
        "CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE"
        " REFERENCES p (x) REFERENCES p (x) ON DELETE CASCADE)"
    )
    assert [item.ident for item in found.objects if item.kind == "foreign_key"] == ["a->p(x)", "a->p(x) #2"]


def test_strict_and_without_rowid_keys_are_not_null() -> None:
    assert meaning("CREATE TABLE t (a TEXT PRIMARY KEY) STRICT")["notnull"] is True
    assert meaning("CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID")["notnull"] is True
    assert meaning("CREATE TABLE t (a TEXT PRIMARY KEY)")["notnull"] is False
    assert meaning("CREATE TABLE t (a ANY) STRICT")["affinity"] == "ANY"
    assert meaning("CREATE TABLE t (a ANY)")["affinity"] == "NUMERIC"


def test_what_is_sqlites_own_is_only_listed() -> None:
    script = (
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE f_notes (x); CREATE TABLE f_data_old (x);"
        "CREATE VIRTUAL TABLE f USING fts5(a, b UNINDEXED); CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); ANALYZE"
    )
    found = read(script)
    assert [group.name for group in found.groups] == ["t", "f_notes", "f_data_old", "f", "r"]
    assert {"f_data", "f_idx", "r_node", "sqlite_sequence"} <= set(found.internal)
    module = dict(found.by_key["table", "", "f"].meaning)
    assert (module["module"], module["arguments"]) == ("fts5", "a, b unindexed")
    with database(script) as connection:
        assert internal(connection.execute(MASTER_SQL).fetchall()) == found.internal


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "CREATE TABLE t",
        "CREATE TABLE t (",
        "CREATE TABLE t (a b c d ! e)",
        "nonsense ' (",
        "CREATE TABLE t (a, , b)",
    ],
)
@pytest.mark.parametrize("kind", ["table", "index", "view", "trigger"])
def test_a_text_that_cannot_be_read_still_has_a_meaning(kind: str, sql: str) -> None:
    (group,) = groups([(kind, "t", "t", sql)])
    (other,) = groups([(kind, "t", "t", sql + " x")])
    assert group.objects[0].kind == kind
    assert group.meaning != other.meaning


def test_a_virtual_table_of_an_unknown_module_is_read_as_text() -> None:
    (group,) = groups([("table", "v", "v", "CREATE VIRTUAL TABLE v USING nosuch(a = 'b', (c)")])
    assert dict(group.objects[0].meaning)["module"] == "nosuch"


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\nb", "a|b<i>*", "[x", "ü É", " ", "select", "a;--", "a->b(c)"])
def test_hostile_names_survive(name: str) -> None:
    text = '"' + name.replace('"', '""') + '"'
    found = read(
        f"CREATE TABLE {text} ({text} INT CONSTRAINT {text} UNIQUE REFERENCES {text} ({text}), CHECK ({text} > 0));"
        f'CREATE INDEX {text[:-1]}i" ON {text} ({text}) WHERE {text} > 0; '
        f'CREATE VIEW {text[:-1]}v" AS SELECT {text} FROM {text}'
    )
    group, view = found.groups
    assert (group.name, view.name) == (name, name + "v")
    assert [item.name for item in group.objects] == [
        name,
        name,
        f"{spell(name)}->{spell(name)}({spell(name)})",
        name,
        f"{spell(name)} > 0",
        name + "i",
    ]
    assert len(group.by_key) == len(group.objects)


def test_text_that_is_no_utf8_is_read_all_the_same() -> None:
    with database("CREATE TABLE t (a TEXT DEFAULT 'x')") as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = CAST(replace(CAST(sql AS BLOB), x'78', x'ff') AS TEXT)")
        assert dict(snapshot(connection).by_key["column", "t", "a"].meaning)["default"] == "'\udcff'"
        assert connection.text_factory is str
        assert snapshot(connection).fingerprint.startswith("fp1:")


def test_facts() -> None:
    with database("PRAGMA user_version = 7; PRAGMA application_id = 9; CREATE TABLE t (a)") as connection:
        facts = dict(snapshot(connection).facts)
    assert (facts["user_version"], facts["application_id"], facts["encoding"]) == (7, 9, "UTF-8")
    assert (facts["schema_version"], facts["journal_mode"]) == (1, "memory")


def test_an_empty_database_has_no_groups_and_a_file_says_its_journal(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        assert snapshot(connection).groups == ()
        assert dict(snapshot(connection).facts)["journal_mode"] == "rollback"
        connection.execute("PRAGMA journal_mode = wal")
        assert dict(snapshot(connection).facts)["journal_mode"] == "wal"


def test_reading_writes_nothing_and_ends_no_transaction(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    before = path.read_bytes()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.row_factory = sqlite3.Row
        reader = SqliteReader(connection)
        assert reader.columns() == {"t": ("a",)}
        assert not connection.in_transaction
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.db"]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE u (a)")
        assert [group.name for group in snapshot(connection).groups] == ["t", "u"]
        assert connection.in_transaction


def test_what_is_no_database_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is not a database, by far" * 50)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(DatabaseUnreadable, match="not a database"):
        snapshot(connection)


def test_rows_come_with_their_rowid() -> None:
    script = (
        "CREATE TABLE t (a, \"b c\"); INSERT INTO t VALUES (2, 'x'), (1, 'y');"
        "CREATE TABLE w (a INT PRIMARY KEY) WITHOUT ROWID;"
        "INSERT INTO w VALUES (5), (4); CREATE TABLE r (rowid TEXT, a); INSERT INTO r VALUES ('own', 1);"
        "CREATE VIEW v AS SELECT 1 AS a"
    )
    with database(script) as connection:
        reader = SqliteReader(connection)
        assert reader.columns() == {"t": ("a", "b c"), "w": ("a",), "r": ("rowid", "a")}
        assert reader.fetch("t", ["b c"]) == [{"rowid": 1, "b c": "x"}, {"rowid": 2, "b c": "y"}]
        assert reader.fetch("t", ["rowid", "a"])[0] == {"rowid": 1, "a": 2}
        assert reader.fetch("w", ["a"]) == [{"a": 4}, {"a": 5}]
        assert reader.fetch("r", ["a"]) == [{"rowid": 1, "a": 1}]
        assert reader.fetch("r", ["rowid", "a"]) == [{"rowid": "own", "a": 1}]
        with pytest.raises(DatabaseUnreadable, match="no such column"):
            reader.fetch("t", ["nope"])
        with pytest.raises(DatabaseUnreadable, match="no such table"):
            reader.fetch("nope", ["a"])
