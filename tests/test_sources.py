from __future__ import annotations

import pytest
from chains import write

from forensics.chain.sources import find_ddl, scan

PYTHON = '''"""CREATE TABLE documentation (x)"""
import sqlite3

TABLE = "table"  # CREATE TABLE comment (x)
ONE = "CREATE TABLE IF NOT EXISTS one (id INTEGER)"
GLUED = ("CREATE TABLE glued ("
         "id INTEGER, note TEXT)")
FORMATTED = f"CREATE TABLE formatted (id INTEGER)"
OPEN = f"CREATE TABLE {TABLE} (id INTEGER)"
PROSE = "Please create table first, then alter table settings."


def setup(conn):
    """ALTER TABLE documentation ADD COLUMN y"""
    conn.executescript("""
        -- two statements
        CREATE TABLE two (id INTEGER, note TEXT DEFAULT ';');
        CREATE INDEX two_note ON two(note);
        INSERT INTO two VALUES (1, 'create table inner (x)');
        CREATE TRIGGER two_t AFTER INSERT ON two BEGIN UPDATE two SET note = 1; END;
    """)
    conn.execute("ALTER TABLE one ADD COLUMN late TEXT")
    conn.execute("select 1")
    conn.execute("DROP TABLE one")
'''


def test_python_literals_are_read_by_the_syntax_tree(tmp_path):
    write(tmp_path, {"app/db.py": PYTHON})
    found = find_ddl([tmp_path / "app"])
    assert [(item.ref, item.table, item.sql.split("(")[0].strip()) for item in found] == [
        ("app/db.py:5", "one", "CREATE TABLE IF NOT EXISTS one"),
        ("app/db.py:6", "glued", "CREATE TABLE glued"),
        ("app/db.py:8", "formatted", "CREATE TABLE formatted"),
        ("app/db.py:17", "two", "CREATE TABLE two"),
        ("app/db.py:18", "two", "CREATE INDEX two_note ON two"),
        ("app/db.py:20", "two", "CREATE TRIGGER two_t AFTER INSERT ON two BEGIN UPDATE two SET note = 1; END;"),
        ("app/db.py:22", "one", "ALTER TABLE one ADD COLUMN late TEXT"),
    ]


@pytest.mark.parametrize(("name", "text", "expected"), [
    ("a.sql", "-- x\ncreate table a(x);\ncreate view v as select x from a;", [("a.sql:2", "a"), ("a.sql:3", "v")]),
    ("b.js", "// create table no(x)\nrun(`create table b (\n x)`); run('create table ' + n)", [("b.js:2", "b")]),
    ("c.ts", 'const q = "create index c_x on c(x)"; const no = `create table ${name} (x)`', [("c.ts:1", "c")]),
    ("d.rb", "run <<~SQL\n  create table d (x)\nSQL\nrun 'alter table d add y'", [("d.rb:2", "d"), ("d.rb:4", "d")]),
    ("e.go", 'db.Exec(`\ncreate table if not exists e (x)`) // "create table no(x)"', [("e.go:2", "e")]),
    ("f.txt", "create table f(x)", []),
    ("g.py", "def broken(:\n x = 'create table g(x)'", []),
    ("h.py", "x = 'Then create table of contents'", []),
])  # fmt: skip
def test_each_language(tmp_path, name, text, expected):
    write(tmp_path, {f"app/{name}": text})
    assert [(item.ref.removeprefix("app/"), item.table) for item in find_ddl([tmp_path / "app"])] == expected


def test_the_migrations_themselves_and_other_peoples_code_are_left_out(tmp_path):
    sql = "create table x(y)"
    write(tmp_path, {"m/001.sql": sql, "node_modules/a.sql": sql, ".venv/b.sql": sql, "app/c.sql": sql})
    assert [item.ref.split("/", 1)[1] for item in find_ddl([tmp_path], exclude=[tmp_path / "m"])] == ["app/c.sql:1"]


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.sql").write_bytes(b"create table x(\xff)")
    found, problems = scan([tmp_path / "bad.sql", tmp_path / "gone"])
    assert found == ()
    assert problems == (f"{'bad.sql'} is not UTF-8 text (byte 15)", "There is no application code gone")
