from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.catalogs.sqlite import MASTER_SQL, SqliteReader, groups, internal, snapshot
from forensics.errors import DatabaseUnreadable
from forensics.model import Group, SchemaObject, Snapshot
from forensics.sqltext import name_key, quote, spell


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


SAME = {
    "type synonyms": ("CREATE TABLE t (a INT)", "create table T (A  integer)"),
    "type without length": ("CREATE TABLE t (a VARCHAR(50))", "CREATE TABLE t (a VARCHAR (80))"),
    "quotes": ('CREATE TABLE "t" ([a] INT)', "CREATE TABLE t (`a` INT)"),
    "comments": ("CREATE TABLE t (a INT, -- it's (one\n b TEXT)", "CREATE TABLE t (a INT, /* ) */ b TEXT)"),
    "column order": ("CREATE TABLE t (a INT, b TEXT)", "CREATE TABLE t (b TEXT, a INT)"),
    "number in quotes": ("CREATE TABLE t (a INT DEFAULT '3')", "CREATE TABLE t (a INT DEFAULT 3)"),
    "number in parentheses": ("CREATE TABLE t (a INT DEFAULT ((+3.0)))", "CREATE TABLE t (a INT DEFAULT 0x3)"),
    "number in a text column": ("CREATE TABLE t (a TEXT DEFAULT 3)", "CREATE TABLE t (a TEXT DEFAULT '3')"),
    "whole number in a real column": ("CREATE TABLE t (a REAL DEFAULT 3)", "CREATE TABLE t (a REAL DEFAULT 3.0)"),
    "negative number": ("CREATE TABLE t (a INT DEFAULT - 1)", "CREATE TABLE t (a INT DEFAULT (-1))"),
    "clock": ("CREATE TABLE t (a DEFAULT CURRENT_TIMESTAMP)", "CREATE TABLE t (a DEFAULT (datetime('NOW')))"),
    "truth": ("CREATE TABLE t (a BOOL DEFAULT TRUE)", "CREATE TABLE t (a BOOLEAN DEFAULT 1)"),
    "default null": ("CREATE TABLE t (a INT DEFAULT NULL)", "CREATE TABLE t (a INT NULL)"),
    "default in double quotes": ('CREATE TABLE t (a DEFAULT "x")', "CREATE TABLE t (a DEFAULT 'x')"),
    "default as a bare word": ("CREATE TABLE t (a DEFAULT x)", "CREATE TABLE t (a DEFAULT ('x'))"),
    "binary collation": ("CREATE TABLE t (a TEXT COLLATE BINARY)", "CREATE TABLE t (a TEXT)"),
    "rowid alias is not null": ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INTEGER NOT NULL, PRIMARY KEY (a))"),
    "constraint name": ("CREATE TABLE t (a CONSTRAINT c UNIQUE)", "CREATE TABLE t (a, UNIQUE (a))"),
    "unique twice": ("CREATE TABLE t (a UNIQUE, UNIQUE (a))", "CREATE TABLE t (a UNIQUE)"),
    "unique key": ("CREATE TABLE t (a TEXT PRIMARY KEY UNIQUE)", "CREATE TABLE t (a TEXT PRIMARY KEY)"),
    "check place": ("CREATE TABLE t (a CHECK ((a>0)))", "CREATE TABLE t (a, CONSTRAINT c CHECK ( A > 0 ))"),
    "check in double quotes": ('CREATE TABLE t (a CHECK ("a" IN ("X")))', "CREATE TABLE t (a CHECK (a IN ('X')))"),
    "reference place": ("CREATE TABLE t (a REFERENCES p (b))", 'CREATE TABLE t (a, FOREIGN KEY (a) REFERENCES "P" (B) ON DELETE NO ACTION)'),
    "reference to the key": (
        "CREATE TABLE p (b TEXT PRIMARY KEY); CREATE TABLE t (a REFERENCES p)",
        "CREATE TABLE p (b TEXT PRIMARY KEY); CREATE TABLE t (a REFERENCES p (b))",
    ),
    "reference to its own key": ("CREATE TABLE t (a INT PRIMARY KEY, b REFERENCES t)", "CREATE TABLE t (a INT PRIMARY KEY, b REFERENCES t (a))"),
    "order of pairs": (
        "CREATE TABLE t (a, b, FOREIGN KEY (a, b) REFERENCES p (x, y))",
        "CREATE TABLE t (a, b, FOREIGN KEY (b, a) REFERENCES p (y, x))",
    ),
    "immediate": ("CREATE TABLE t (a REFERENCES p (x) DEFERRABLE INITIALLY IMMEDIATE)", "CREATE TABLE t (a REFERENCES p (x) NOT DEFERRABLE)"),
    "conflict abort": ("CREATE TABLE t (a UNIQUE ON CONFLICT ABORT)", "CREATE TABLE t (a UNIQUE)"),
    "ascending": ("CREATE TABLE t (a); CREATE INDEX i ON t (a ASC)", "CREATE TABLE t (a); CREATE INDEX I ON t ((a))"),
    "inherited collation": (
        "CREATE TABLE t (a COLLATE nocase); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a COLLATE NOCASE); CREATE INDEX i ON t (a COLLATE NoCase)",
    ),
    "predicate": (
        "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE (a IS NOT NULL)",
        'CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE "a" NOTNULL -- c',
    ),
    "expression": ("CREATE TABLE t (a); CREATE INDEX i ON t (lower(a))", 'CREATE TABLE t (a); CREATE INDEX i ON t (LOWER( "a" ))'),
    "view": ("CREATE VIEW v AS SELECT 1 AS x;", "create view V as\n select 1 as X -- c\n;"),
    "trigger": (
        "CREATE TABLE t (a); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN SELECT 1; END",
        "CREATE TABLE t (a); create trigger G insert on T begin select 1; end",
    ),
    "generated": ("CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a*2) VIRTUAL)", "CREATE TABLE t (a INT, b INT AS (( A * 2 )))"),
    "missing comma": ("CREATE TABLE t (a, CHECK (a > 0) UNIQUE (a))", "CREATE TABLE t (a UNIQUE CHECK (a > 0))"),
    "created from a query": ("CREATE TABLE t AS SELECT CAST(1 AS TEXT) AS a", "CREATE TABLE t (a TEXT)"),
    "renamed away and back": ("CREATE TABLE s (a INT); ALTER TABLE s RENAME TO t", "CREATE TABLE t (a INT)"),
    "added later": ("CREATE TABLE t (a INT); ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT ''", "CREATE TABLE t (a INT, b TEXT DEFAULT '' NOT NULL)"),
}  # fmt: skip

DIFFERENT = {
    "affinity": ("CREATE TABLE t (a INT)", "CREATE TABLE t (a TEXT)"),
    "no type": ("CREATE TABLE t (a)", "CREATE TABLE t (a NUMERIC)"),
    "nullability": ("CREATE TABLE t (a INT NOT NULL)", "CREATE TABLE t (a INT)"),
    "text key may be null": ("CREATE TABLE t (a TEXT PRIMARY KEY)", "CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL)"),
    "default": ("CREATE TABLE t (a INT DEFAULT 3)", "CREATE TABLE t (a INT DEFAULT 4)"),
    "default text": ("CREATE TABLE t (a TEXT DEFAULT 'x')", "CREATE TABLE t (a TEXT DEFAULT 'X')"),
    "empty default": ("CREATE TABLE t (a TEXT DEFAULT '')", "CREATE TABLE t (a TEXT)"),
    "digits without affinity": ("CREATE TABLE t (a DEFAULT '3')", "CREATE TABLE t (a DEFAULT 3)"),
    "leading zero in text": ("CREATE TABLE t (a TEXT DEFAULT '03')", "CREATE TABLE t (a TEXT DEFAULT 3)"),
    "clock": ("CREATE TABLE t (a DEFAULT CURRENT_TIMESTAMP)", "CREATE TABLE t (a DEFAULT CURRENT_DATE)"),
    "clock as text": ("CREATE TABLE t (a DEFAULT CURRENT_TIMESTAMP)", "CREATE TABLE t (a DEFAULT 'CURRENT_TIMESTAMP')"),
    "collation": ("CREATE TABLE t (a TEXT COLLATE NOCASE)", "CREATE TABLE t (a TEXT)"),
    "rowid alias": ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "CREATE TABLE t (a INT PRIMARY KEY)"),
    "rowid alias and desc": ("CREATE TABLE t (a INTEGER PRIMARY KEY DESC)", "CREATE TABLE t (a INTEGER PRIMARY KEY)"),
    "autoincrement": ("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE t (a INTEGER PRIMARY KEY)"),
    "without rowid": ("CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t (a INT PRIMARY KEY NOT NULL)"),
    "strict": ("CREATE TABLE t (a INT) STRICT", "CREATE TABLE t (a INT)"),
    "unique": ("CREATE TABLE t (a UNIQUE)", "CREATE TABLE t (a)"),
    "unique columns": ("CREATE TABLE t (a, b, UNIQUE (a, b))", "CREATE TABLE t (a, b, UNIQUE (a))"),
    "unique collation": ("CREATE TABLE t (a, UNIQUE (a COLLATE NOCASE))", "CREATE TABLE t (a UNIQUE)"),
    "conflict": ("CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE)", "CREATE TABLE t (a UNIQUE)"),
    "conflict of not null": ("CREATE TABLE t (a NOT NULL ON CONFLICT IGNORE)", "CREATE TABLE t (a NOT NULL)"),
    "check": ("CREATE TABLE t (a CHECK (a > 0))", "CREATE TABLE t (a CHECK (a >= 0))"),
    "check literal": ("CREATE TABLE t (a CHECK (a = 'x'))", "CREATE TABLE t (a CHECK (a = 'X'))"),
    "check literal in double quotes": ('CREATE TABLE t (a CHECK (a = "x"))', 'CREATE TABLE t (a CHECK (a = "X"))'),
    "parent": ("CREATE TABLE t (a REFERENCES p (x))", "CREATE TABLE t (a REFERENCES q (x))"),
    "parent column": ("CREATE TABLE t (a REFERENCES p (x))", "CREATE TABLE t (a REFERENCES p (y))"),
    "action": ("CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE)", "CREATE TABLE t (a REFERENCES p (x) ON DELETE SET NULL)"),
    "action on update": ("CREATE TABLE t (a REFERENCES p (x) ON UPDATE CASCADE)", "CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE)"),
    "deferred": ("CREATE TABLE t (a REFERENCES p (x) DEFERRABLE INITIALLY DEFERRED)", "CREATE TABLE t (a REFERENCES p (x))"),
    "unique index": ("CREATE TABLE t (a); CREATE UNIQUE INDEX i ON t (a)", "CREATE TABLE t (a); CREATE INDEX i ON t (a)"),
    "index columns": ("CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b)", "CREATE TABLE t (a, b); CREATE INDEX i ON t (b, a)"),
    "descending": ("CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)", "CREATE TABLE t (a); CREATE INDEX i ON t (a)"),
    "index collation": ("CREATE TABLE t (a); CREATE INDEX i ON t (a COLLATE RTRIM)", "CREATE TABLE t (a); CREATE INDEX i ON t (a)"),
    "predicate": ("CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 1", "CREATE TABLE t (a); CREATE INDEX i ON t (a)"),
    "expression": ("CREATE TABLE t (a); CREATE INDEX i ON t (lower(a))", "CREATE TABLE t (a); CREATE INDEX i ON t (upper(a))"),
    "view": ("CREATE VIEW v AS SELECT 1 AS x", "CREATE VIEW v AS SELECT 2 AS x"),
    "trigger": (
        "CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TABLE t (a); CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT 1; END",
    ),
    "generated": ("CREATE TABLE t (a INT, b INT AS (a * 2))", "CREATE TABLE t (a INT, b INT AS (a * 3))"),
    "stored": ("CREATE TABLE t (a INT, b INT AS (a * 2))", "CREATE TABLE t (a INT, b INT AS (a * 2) STORED)"),
    "module arguments": ("CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE f USING fts5(a, b)"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_two_spellings_are_one(name: str) -> None:
    one, other = map(read, SAME[name])
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_real_difference_is_seen(name: str) -> None:
    one, other = map(read, DIFFERENT[name])
    assert one.fingerprint != other.fingerprint


IDENTIFIERS = st.one_of(
    st.sampled_from(["id", "a", "B", "key", "order", "na me", 'q"q', "it's", "x(y", "a,b", "[z", "ü", "Été", "line\nbreak", "--c", "check"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=6),
)
TYPES = st.sampled_from(["", "INT", "INTEGER", "integer", "TEXT", "VARCHAR(30)", "DECIMAL(10, 2)", "DOUBLE PRECISION", "BLOB", "FLOATING POINT", "BOOLEAN", '"my type"', "ANY", "UNSIGNED /* big */ BIG INT"])
ATTRIBUTES = st.sampled_from(["NOT NULL", "NULL", "DEFAULT 1", "DEFAULT 'it''s, (x'", "DEFAULT (1 + (2))", "COLLATE nocase", "UNIQUE", "CONSTRAINT \"c,\" CHECK (1 > (0))", "REFERENCES p (x) ON DELETE SET NULL", "CONSTRAINT f REFERENCES p ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED", "NOT NULL ON CONFLICT ROLLBACK"])
GAPS = st.sampled_from([" ", "\n  ", " -- it's (a, comment\n", " /* ),( */ ", "\t"])


def quoted(draw: st.DrawFn, name: str) -> str:
    styles = ['"' + name.replace('"', '""') + '"', "`" + name.replace("`", "``") + "`"]
    if "]" not in name:
        styles.append(f"[{name}]")
    if name.isascii() and name.isidentifier() and spell(name) == name_key(name) and name_key(name) != "key":
        styles.append(name)
    return draw(st.sampled_from(styles))


@st.composite
def schemas(draw: st.DrawFn) -> str:
    gap = draw(GAPS)
    names = draw(st.lists(IDENTIFIERS, min_size=1, max_size=5, unique_by=name_key))
    columns = [
        gap.join([quoted(draw, name), draw(TYPES), *draw(st.lists(ATTRIBUTES, max_size=3, unique_by=lambda text: text.split()[0]))])
        for name in names
    ]
    constraints = []
    key = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    if key:
        constraints.append(f"PRIMARY KEY ({', '.join(quoted(draw, name) for name in key)})")
    if draw(st.booleans()):
        constraints.append(f"CONSTRAINT u UNIQUE ({quoted(draw, draw(st.sampled_from(names)))} COLLATE rtrim DESC)")
    if draw(st.booleans()):
        constraints.append(f"FOREIGN KEY ({quoted(draw, names[-1])}) REFERENCES p (x) ON DELETE CASCADE")
    table = draw(IDENTIFIERS.filter(lambda name: not name_key(name).startswith("sqlite_") and name_key(name) != "p"))
    tail = draw(st.sampled_from(["", " WITHOUT ROWID" if key else "", " -- end"]))
    script = [f"CREATE TABLE {quoted(draw, table)}{gap}({(',' + gap).join(columns + constraints)}{gap}){tail}"]
    for number, name in enumerate(names[:2]):
        order = draw(st.sampled_from(["", " DESC", " COLLATE nocase"]))
        where = draw(st.sampled_from(["", f" WHERE {quoted(draw, name)} > 0"]))
        unique = draw(st.sampled_from(["", "UNIQUE "]))
        script.append(f"CREATE {unique}INDEX i{number} ON {quoted(draw, table)} ({quoted(draw, name)}{order}, abs({quoted(draw, name)})){where}")
    return "\n;".join(script)


@settings(max_examples=300, deadline=None)
@given(schemas())
def test_texts_say_what_the_pragma_functions_say(script: str) -> None:
    with database("CREATE TABLE p (x TEXT PRIMARY KEY)") as connection:
        try:
            connection.executescript(script)
        except sqlite3.OperationalError:
            return
        group = snapshot(connection).groups[-1]
        compare_with_pragmas(connection, group)


def compare_with_pragmas(connection: sqlite3.Connection, group: Group) -> None:
    found: dict[str, list[SchemaObject]] = {}
    for item in group.objects:
        found.setdefault(item.kind, []).append(item)
    rows = connection.execute("SELECT * FROM pragma_table_xinfo(?)", [group.name]).fetchall()
    columns = found["column"]
    assert [item.name for item in columns] == [row[1] for row in rows]
    (key,) = found.get("primary_key", [None])
    table = dict(found["table"][0].meaning)
    alias = key is not None and dict(key.meaning)["rowid"]
    for item, (_, _, _, notnull, default, place, hidden) in zip(columns, rows, strict=True):
        said = dict(item.meaning)
        assert said["notnull"] == bool(notnull or (place and (alias or table["without_rowid"])))
        spelled = dict(item.trace).get("default")
        # The pragma leaves the outer parentheses out.
        assert spelled == default or str(spelled)[1:-1] == default
        assert ("generated" in said) == (hidden in (2, 3))
    # What SQLite makes of a copy tells the affinity; it has no name for BLOB there.
    connection.execute(f"CREATE TEMP TABLE copied AS SELECT * FROM main.{quote(group.name)}")
    copied = [row[2] or "BLOB" for row in connection.execute("SELECT * FROM temp.pragma_table_info('copied')")]
    assert [{"INT": "INTEGER", "NUM": "NUMERIC"}.get(name, name) for name in copied] == [
        dict(item.meaning)["affinity"] for item in columns
    ]
    pairs = sorted((row[5], spell(row[1])) for row in rows if row[5])
    if key is not None:
        assert [part.split(" collate ")[0] for part in str(dict(key.meaning)["columns"]).split(", ")] == [name for _, name in pairs] or any("," in name for _, name in pairs)
    else:
        assert not pairs
    # The rowid alias is the one key without an index of its own.
    indexes = connection.execute("SELECT * FROM pragma_index_list(?)", [group.name]).fetchall()
    origins = [row[3] for row in indexes]
    assert origins.count("pk") == (key is not None and not alias)
    uniques = {item.ident for item in found.get("unique", [])}
    for name in [row[1] for row in indexes if row[3] == "u"]:
        parts = connection.execute("SELECT name, coll FROM pragma_index_xinfo(?) WHERE key", [name]).fetchall()
        ident = ", ".join(spell(part) + (f" collate {coll.lower()}" if coll != "BINARY" else "") for part, coll in parts)
        assert ident in uniques or (alias and ident not in uniques)
    # Naming the rowid alias again makes an index that constrains nothing.
    assert origins.count("u") - len(found.get("unique", [])) in ((0, 1) if alias else (0,))
    assert {row[1] for row in indexes if row[3] == "c"} == {item.name for item in found.get("index", [])}
    for _, name, unique, origin, partial in (row[:5] for row in indexes):
        if origin == "c":
            said = dict(next(item for item in found["index"] if item.name == name).meaning)
            assert (said["unique"], said["predicate"] is not None) == (bool(unique), bool(partial))
            _, _, _, descending, collation, _ = connection.execute(f"PRAGMA index_xinfo({spell(name)})").fetchone()
            first = str(said["columns"])
            assert (" desc, abs(" in first) == bool(descending)
            assert (f" collate {collation.lower()}" in first) == (collation != "BINARY") or "collate" in group.name
    references = connection.execute("SELECT * FROM pragma_foreign_key_list(?)", [group.name]).fetchall()
    wanted = {(spell(row[3]), row[5].lower(), row[6].lower()) for row in references}
    said_of_them = {
        (item.ident.split("->p")[0], str(dict(item.meaning)["on_update"]), str(dict(item.meaning)["on_delete"]))
        for item in found.get("foreign_key", [])
    }
    assert said_of_them == wanted
    assert all(item.ident.split(" #")[0].endswith("->p(x)") for item in found.get("foreign_key", []))


@pytest.mark.parametrize(
    "declared",
    ["", "INT", "CHARINT", "VARCHAR(3)", "CLOB", "text", "BLOB", "REAL", "FLOAT", "DOUBLE", "DECIMAL(3,1)", "STRING", "DATE", "POINT"],
)
@pytest.mark.parametrize("default", ["3", "'3'", "' 3 '", "3.0", "-2.5", "'2.50'", "'x'", "1e3", "x'33'", "true", "NULL", "0x10", "1e20", "'0x10'", "9223372036854775808", "(-0.0)", ".5"])  # fmt: skip
def test_a_default_means_what_sqlite_stores(declared: str, default: str) -> None:
    with database(f"CREATE TABLE t (x, a {declared} DEFAULT {default}); INSERT INTO t (x) VALUES (1)") as connection:
        value = snapshot(connection).by_key["column", "t", "a"]
        said = dict(value.meaning)["default"] or "NULL"
        stored, again = connection.execute(f"SELECT quote(a), quote({said}) FROM t").fetchone()
        assert stored == again
        assert connection.execute(f"SELECT typeof(a) = typeof({said}) FROM t").fetchone() == (1,)


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
        "CREATE TRIGGER g INSTEAD OF INSERT ON V BEGIN SELECT 1; END; CREATE TRIGGER h AFTER DELETE ON Z BEGIN SELECT 1; END"
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
    found = read("CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE REFERENCES p (x) REFERENCES p (x) ON DELETE CASCADE)")
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


@pytest.mark.parametrize("sql", ["", "CREATE TABLE t", "CREATE TABLE t (", "CREATE TABLE t (a b c d ! e)", "nonsense ' (", "CREATE TABLE t (a, , b)"])
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
        f'CREATE INDEX {text[:-1]}i" ON {text} ({text}) WHERE {text} > 0; CREATE VIEW {text[:-1]}v" AS SELECT {text} FROM {text}'
    )
    group, view = found.groups
    assert (group.name, view.name) == (name, name + "v")
    assert [item.name for item in group.objects] == [name, name, f"{spell(name)}->{spell(name)}({spell(name)})", name, f"{spell(name)} > 0", name + "i"]
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
        "CREATE TABLE t (a, \"b c\"); INSERT INTO t VALUES (2, 'x'), (1, 'y'); CREATE TABLE w (a INT PRIMARY KEY) WITHOUT ROWID;"
        "INSERT INTO w VALUES (5), (4); CREATE TABLE r (rowid TEXT, a); INSERT INTO r VALUES ('own', 1); CREATE VIEW v AS SELECT 1 AS a"
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
