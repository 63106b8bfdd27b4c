from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from forensics.catalogs.sqlite import snapshot
from forensics.model import Snapshot


def read(script: str) -> Snapshot:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        return snapshot(connection)


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
    "rowid alias is not null": (
        "CREATE TABLE t (a INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a INTEGER NOT NULL, PRIMARY KEY (a))",
    ),
    "constraint name": ("CREATE TABLE t (a CONSTRAINT c UNIQUE)", "CREATE TABLE t (a, UNIQUE (a))"),
    "unique twice": ("CREATE TABLE t (a UNIQUE, UNIQUE (a))", "CREATE TABLE t (a UNIQUE)"),
    "unique key": ("CREATE TABLE t (a TEXT PRIMARY KEY UNIQUE)", "CREATE TABLE t (a TEXT PRIMARY KEY)"),
    "check place": ("CREATE TABLE t (a CHECK ((a>0)))", "CREATE TABLE t (a, CONSTRAINT c CHECK ( A > 0 ))"),
    "check in double quotes": ('CREATE TABLE t (a CHECK ("a" IN ("X")))', "CREATE TABLE t (a CHECK (a IN ('X')))"),
    "reference place": (
        "CREATE TABLE t (a REFERENCES p (b))",
        'CREATE TABLE t (a, FOREIGN KEY (a) REFERENCES "P" (B) ON DELETE NO ACTION)',
    ),
    "reference in a comment": (
        "CREATE TABLE t (a INT REFERENCES p (x) ON DELETE CASCADE)",
        "CREATE TABLE t (a INT /* REFERENCES q (x) */ references [p] (x) on delete cascade)",
    ),
    "reference to the key": (
        "CREATE TABLE p (b TEXT PRIMARY KEY); CREATE TABLE t (a REFERENCES p)",
        "CREATE TABLE p (b TEXT PRIMARY KEY); CREATE TABLE t (a REFERENCES p (b))",
    ),
    "reference to its own key": (
        "CREATE TABLE t (a INT PRIMARY KEY, b REFERENCES t)",
        "CREATE TABLE t (a INT PRIMARY KEY, b REFERENCES t (a))",
    ),
    "order of pairs": (
        "CREATE TABLE t (a, b, FOREIGN KEY (a, b) REFERENCES p (x, y))",
        "CREATE TABLE t (a, b, FOREIGN KEY (b, a) REFERENCES p (y, x))",
    ),
    "immediate": (
        "CREATE TABLE t (a REFERENCES p (x) DEFERRABLE INITIALLY IMMEDIATE)",
        "CREATE TABLE t (a REFERENCES p (x) NOT DEFERRABLE)",
    ),
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
    "expression": (
        "CREATE TABLE t (a); CREATE INDEX i ON t (lower(a))",
        'CREATE TABLE t (a); CREATE INDEX i ON t (LOWER( "a" ))',
    ),
    "view": ("CREATE VIEW v AS SELECT 1 AS x;", "create view V as\n select 1 as X -- c\n;"),
    "trigger": (
        "CREATE TABLE t (a); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN SELECT 1; END",
        "CREATE TABLE t (a); create trigger G insert on T begin select 1; end",
    ),
    "generated": (
        "CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a*2) VIRTUAL)",
        "CREATE TABLE t (a INT, b INT AS (( A * 2 )))",
    ),
    "missing comma": ("CREATE TABLE t (a, CHECK (a > 0) UNIQUE (a))", "CREATE TABLE t (a UNIQUE CHECK (a > 0))"),
    "created from a query": ("CREATE TABLE t AS SELECT CAST(1 AS TEXT) AS a", "CREATE TABLE t (a TEXT)"),
    "renamed away and back": ("CREATE TABLE s (a INT); ALTER TABLE s RENAME TO t", "CREATE TABLE t (a INT)"),
    "added later": (
        "CREATE TABLE t (a INT); ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE t (a INT, b TEXT DEFAULT '' NOT NULL)",
    ),
}

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
    "without rowid": (
        "CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE t (a INT PRIMARY KEY NOT NULL)",
    ),
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
    "reference in a string": (
        "CREATE TABLE t (a DEFAULT ' REFERENCES p (x)')",
        "CREATE TABLE t (a DEFAULT ' REFERENCES q (x)')",
    ),
    "second parent": (
        "CREATE TABLE t (a REFERENCES p (x) REFERENCES q (x))",
        "CREATE TABLE t (a REFERENCES r (x) REFERENCES q (x))",
    ),
    "parent column": ("CREATE TABLE t (a REFERENCES p (x))", "CREATE TABLE t (a REFERENCES p (y))"),
    "action": (
        "CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE)",
        "CREATE TABLE t (a REFERENCES p (x) ON DELETE SET NULL)",
    ),
    "action on update": (
        "CREATE TABLE t (a REFERENCES p (x) ON UPDATE CASCADE)",
        "CREATE TABLE t (a REFERENCES p (x) ON DELETE CASCADE)",
    ),
    "deferred": (
        "CREATE TABLE t (a REFERENCES p (x) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE t (a REFERENCES p (x))",
    ),
    "unique index": (
        "CREATE TABLE t (a); CREATE UNIQUE INDEX i ON t (a)",
        "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
    ),
    "index columns": (
        "CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b)",
        "CREATE TABLE t (a, b); CREATE INDEX i ON t (b, a)",
    ),
    "descending": ("CREATE TABLE t (a); CREATE INDEX i ON t (a DESC)", "CREATE TABLE t (a); CREATE INDEX i ON t (a)"),
    "index collation": (
        "CREATE TABLE t (a); CREATE INDEX i ON t (a COLLATE RTRIM)",
        "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
    ),
    "predicate": (
        "CREATE TABLE t (a); CREATE INDEX i ON t (a) WHERE a > 1",
        "CREATE TABLE t (a); CREATE INDEX i ON t (a)",
    ),
    "expression": (
        "CREATE TABLE t (a); CREATE INDEX i ON t (lower(a))",
        "CREATE TABLE t (a); CREATE INDEX i ON t (upper(a))",
    ),
    "view": ("CREATE VIEW v AS SELECT 1 AS x", "CREATE VIEW v AS SELECT 2 AS x"),
    "trigger": (
        "CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TABLE t (a); CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT 1; END",
    ),
    "generated": ("CREATE TABLE t (a INT, b INT AS (a * 2))", "CREATE TABLE t (a INT, b INT AS (a * 3))"),
    "stored": ("CREATE TABLE t (a INT, b INT AS (a * 2))", "CREATE TABLE t (a INT, b INT AS (a * 2) STORED)"),
    "module arguments": ("CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE VIRTUAL TABLE f USING fts5(a, b)"),
}


@pytest.mark.parametrize("name", SAME)
def test_two_spellings_are_one(name: str) -> None:
    one, other = map(read, SAME[name])
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_real_difference_is_seen(name: str) -> None:
    one, other = map(read, DIFFERENT[name])
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "INT",
        "CHARINT",
        "VARCHAR(3)",
        "CLOB",
        "text",
        "BLOB",
        "REAL",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(3,1)",
        "STRING",
        "DATE",
        "POINT",
    ],
)
@pytest.mark.parametrize(
    "default",
    [
        "3",
        "'3'",
        "' 3 '",
        "3.0",
        "-2.5",
        "'2.50'",
        "'x'",
        "1e3",
        "x'33'",
        "true",
        "NULL",
        "0x10",
        "1e20",
        "'0x10'",
        "9223372036854775808",
        "(-0.0)",
        ".5",
    ],
)
def test_a_default_means_what_sqlite_stores(declared: str, default: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(f"CREATE TABLE t (x, a {declared} DEFAULT {default}); INSERT INTO t (x) VALUES (1)")
        value = snapshot(connection).by_key["column", "t", "a"]
        said = dict(value.meaning)["default"] or "NULL"
        stored, again = connection.execute(f"SELECT quote(a), quote({said}) FROM t").fetchone()
        assert stored == again
        assert connection.execute(f"SELECT typeof(a) = typeof({said}) FROM t").fetchone() == (1,)
