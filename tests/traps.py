"""Traps: what a chain makes, the same in other words, and what only looks like it. One entry is one trap.

``$t`` stands for a name of the trap's own, so that all traps fit into one chain. ``name`` is the object that a finding must name
where the meaning differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class Trap:
    """A migration, another spelling of all that it leaves, something else in its place, and what differs then."""

    chain: str
    same: str
    other: str
    name: str


def own(trap: str) -> str:
    """Return the name that stands for ``$t`` in a trap."""
    return "".join(letter if letter.isalnum() else "_" for letter in trap.lower())


def filled(trap: str, text: str) -> str:
    """Return a text of a trap with its own name in it."""
    return Template(text).safe_substitute(t=own(trap))


SQLITE = {
    "type synonyms": Trap(
        "CREATE TABLE $t (a INTEGER, b VARCHAR(20), c NUMERIC(9, 2), d DOUBLE PRECISION, e BOOLEAN, f DATETIME)",
        "CREATE TABLE $t (a INT8, b NVARCHAR(99), c DECIMAL, d REAL, e BOOL, f TIMESTAMP)",
        "CREATE TABLE $t (a INTEGER, b BLOB, c NUMERIC(9, 2), d DOUBLE PRECISION, e BOOLEAN, f DATETIME)",
        "b",
    ),
    "type arguments": Trap(
        "CREATE TABLE $t (a VARCHAR(20))", "CREATE TABLE $t (a VARCHAR)", "CREATE TABLE $t (a INTEGER(20))", "a"
    ),
    "quoted type": Trap(
        "CREATE TABLE $t (a INTEGER PRIMARY KEY)", 'CREATE TABLE $t (a "INTEGER" PRIMARY KEY)',
        "CREATE TABLE $t (a INT PRIMARY KEY)", "a",
    ),
    "default text": Trap(
        "CREATE TABLE $t (a INTEGER DEFAULT 3, b TEXT DEFAULT 3)", "CREATE TABLE $t (a INTEGER DEFAULT '3', b TEXT DEFAULT '3')",
        "CREATE TABLE $t (a INTEGER DEFAULT 3, b TEXT DEFAULT '3.0')", "b",
    ),
    "default of now": Trap(
        "CREATE TABLE $t (a DATETIME DEFAULT CURRENT_TIMESTAMP)",
        "CREATE TABLE $t (a DATETIME DEFAULT (strftime('%Y-%m-%d %H:%M:%S','now')))",
        "CREATE TABLE $t (a DATETIME DEFAULT (datetime('now', 'localtime')))", "a",
    ),
    "default truth": Trap(
        "CREATE TABLE $t (a BOOLEAN DEFAULT FALSE NOT NULL)", "CREATE TABLE $t (a BOOLEAN NOT NULL DEFAULT '0')",
        "CREATE TABLE $t (a BOOLEAN NOT NULL DEFAULT 1)", "a",
    ),
    "default in parentheses": Trap(
        "CREATE TABLE $t (a TEXT DEFAULT '')", "CREATE TABLE $t (a TEXT DEFAULT (('')))", "CREATE TABLE $t (a TEXT DEFAULT ' ')", "a"
    ),
    "default null": Trap(
        "CREATE TABLE $t (a TEXT)", "CREATE TABLE $t (a TEXT DEFAULT NULL)", "CREATE TABLE $t (a TEXT DEFAULT 'NULL')", "a"
    ),
    "default expression": Trap(
        "CREATE TABLE $t (a INTEGER DEFAULT (2 - (1 - 1)))", "CREATE TABLE $t (a INTEGER DEFAULT ((2) - (1-1)))",
        "CREATE TABLE $t (a INTEGER DEFAULT (2 - 1 - 1))", "a",
    ),
    "nullable rowid": Trap(
        "CREATE TABLE $t (a INTEGER PRIMARY KEY, b)", "CREATE TABLE $t (a INTEGER NOT NULL, b, CONSTRAINT pk PRIMARY KEY (a))",
        "CREATE TABLE $t (a TEXT PRIMARY KEY, b)", "a",
    ),
    "nullable text key": Trap(
        "CREATE TABLE $t (a TEXT PRIMARY KEY)", "CREATE TABLE $t (a TEXT, PRIMARY KEY (a))",
        "CREATE TABLE $t (a TEXT NOT NULL PRIMARY KEY)", "a",
    ),
    "unnamed unique": Trap(
        "CREATE TABLE $t (a TEXT UNIQUE, b TEXT)", "CREATE TABLE $t (a TEXT, b TEXT, CONSTRAINT uq_a UNIQUE (a))",
        "CREATE TABLE $t (a TEXT, b TEXT UNIQUE)", "b",
    ),
    "unnamed check": Trap(
        "CREATE TABLE $t (a INTEGER CHECK (a > 0 AND (a < 9 AND a <> 3)))",
        'CREATE TABLE $t (a INTEGER, CONSTRAINT ck CHECK (("$t"."a" > 0) AND ("a" < 9) AND (a != 0x3)))',
        "CREATE TABLE $t (a INTEGER CHECK (a > 0 AND (a < 9 OR a <> 3)))", "a > 0 and (a < 9 or a != 3)",
    ),
    "check lost in a rebuild": Trap(
        "CREATE TABLE $t (a INTEGER, b TEXT, CHECK (b IN ('x', 'y')))",
        "CREATE TABLE temporary (a INT, b VARCHAR(9) CHECK (\"b\" IN ('x','y'))); ALTER TABLE temporary RENAME TO $t",
        "CREATE TABLE temporary (a INT, b VARCHAR(9)); ALTER TABLE temporary RENAME TO $t", "b in ('x', 'y')",
    ),
    "unnamed foreign key": Trap(
        "CREATE TABLE ${t}_p (id INTEGER PRIMARY KEY); CREATE TABLE $t (a INTEGER REFERENCES ${t}_p)",
        'CREATE TABLE "${t}_p" (id INTEGER PRIMARY KEY); CREATE TABLE "$t" (a INTEGER, CONSTRAINT fk FOREIGN KEY (a)'
        ' REFERENCES "${t}_p" ("id") ON DELETE NO ACTION)',
        "CREATE TABLE ${t}_p (id INTEGER PRIMARY KEY); CREATE TABLE $t (a INTEGER REFERENCES ${t}_p ON DELETE CASCADE)",
        "a->unnamed_foreign_key_p(id)",
    ),
    "rebuilt table": Trap(
        "CREATE TABLE $t (a INTEGER NOT NULL, b TEXT); CREATE INDEX ${t}_i ON $t (b)",
        'CREATE TABLE temporary (b TEXT, a INTEGER NOT NULL); ALTER TABLE temporary RENAME TO "$t";'
        ' CREATE INDEX "${t}_i" ON "$t" ("b" ASC)',
        "CREATE TABLE temporary (b TEXT, a INTEGER); ALTER TABLE temporary RENAME TO $t; CREATE INDEX ${t}_i ON $t (b)", "a",
    ),
    "index lost in a rebuild": Trap(
        "CREATE TABLE $t (a INTEGER, b TEXT); CREATE INDEX ${t}_i ON $t (b)",
        "CREATE TABLE temporary (a, b TEXT); DROP TABLE temporary; CREATE TABLE $t (a INT, b CLOB);"
        " CREATE INDEX IF NOT EXISTS ${t}_i ON $t (b)",
        "CREATE TABLE temporary (a INTEGER, b TEXT); ALTER TABLE temporary RENAME TO $t", "index_lost_in_a_rebuild_i",
    ),
    "comments and white space": Trap(
        "CREATE TABLE $t (a INTEGER, -- the first, it's (one)\n b TEXT /* DEFAULT 'x' */)", "CREATE TABLE $t(a INTEGER,b TEXT)",
        "CREATE TABLE $t (a INTEGER, -- the first\n b TEXT DEFAULT 'x')", "b",
    ),
    "quoted names": Trap(
        'CREATE TABLE $t ("order" INTEGER, a TEXT)', "CREATE TABLE [$t] (`order` INTEGER, 'a' TEXT)",
        'CREATE TABLE $t ("order" INTEGER, "b" TEXT)', "b",
    ),
    "case of names": Trap(
        "CREATE TABLE $t (Abc INTEGER); CREATE INDEX ${t}_i ON $t (Abc)", "create table $t (aBC integer); create index ${t}_I on $t (abc)",
        "CREATE TABLE $t (Abcd INTEGER); CREATE INDEX ${t}_i ON $t (Abcd)", "Abcd",
    ),
    "order of columns": Trap(
        "CREATE TABLE $t (a INTEGER, b TEXT)", "CREATE TABLE $t (b TEXT, a INTEGER)", "CREATE TABLE $t (b INTEGER, a TEXT)", "a"
    ),
    "order of constraints": Trap(
        "CREATE TABLE $t (a, b, UNIQUE (a), UNIQUE (b), CHECK (a > b))", "CREATE TABLE $t (a, b, CHECK (a > b), UNIQUE (b), UNIQUE (a))",
        "CREATE TABLE $t (a, b, UNIQUE (a), UNIQUE (b), CHECK (b > a))", "b > a",
    ),
    "collations": Trap(
        "CREATE TABLE $t (a TEXT, b TEXT COLLATE NOCASE)", 'CREATE TABLE $t (a TEXT COLLATE BINARY, b TEXT COLLATE "nocase")',
        "CREATE TABLE $t (a TEXT COLLATE RTRIM, b TEXT COLLATE NOCASE)", "a",
    ),
    "counters": Trap(
        "CREATE TABLE $t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE $t (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO $t VALUES (500); DELETE FROM $t; ANALYZE",
        "CREATE TABLE $t (a INTEGER PRIMARY KEY)", "counters",
    ),
    "expression index": Trap(
        "CREATE TABLE $t (a TEXT); CREATE INDEX ${t}_i ON $t (lower(a))",
        'CREATE TABLE $t (a TEXT); CREATE INDEX ${t}_i ON $t ((LOWER("a")))',
        "CREATE TABLE $t (a TEXT); CREATE INDEX ${t}_i ON $t (upper(a))", "expression_index_i",
    ),
    "partial index": Trap(
        "CREATE TABLE $t (a TEXT, b INTEGER); CREATE INDEX ${t}_i ON $t (a) WHERE a = 'x' AND b NOTNULL",
        'CREATE TABLE $t (a TEXT, b INTEGER); CREATE INDEX ${t}_i ON $t (a) WHERE ("a" = "x") AND (b IS NOT NULL)',
        "CREATE TABLE $t (a TEXT, b INTEGER); CREATE INDEX ${t}_i ON $t (a) WHERE a = 'X' AND b NOTNULL", "partial_index_i",
    ),
    "index named anew": Trap(
        "CREATE TABLE $t (a TEXT); CREATE INDEX ${t}_i ON $t (a)", "CREATE TABLE $t (a TEXT); CREATE INDEX ix_${t}_a ON $t (a)",
        "CREATE TABLE $t (a TEXT); CREATE UNIQUE INDEX ix_${t}_a ON $t (a)", "ix_index_named_anew_a",
    ),
    "generated column": Trap(
        "CREATE TABLE $t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1) VIRTUAL)", "CREATE TABLE $t (a INTEGER, b INTEGER AS ((a)+1))",
        "CREATE TABLE $t (a INTEGER, b INTEGER AS (a + 2))", "b",
    ),
    "reprinted view": Trap(
        "CREATE TABLE $t (a INTEGER); CREATE VIEW ${t}_v AS SELECT a FROM $t WHERE a > 1",
        'CREATE TABLE $t (a INTEGER); create view "${t}_v" as\n  select "a" -- one\n  from "$t" where "a" > 1;',
        "CREATE TABLE $t (a INTEGER); CREATE VIEW ${t}_v AS SELECT a FROM $t WHERE a > 2", "reprinted_view_v",
    ),
    "reprinted trigger": Trap(
        "CREATE TABLE $t (a, b); CREATE TRIGGER ${t}_g AFTER UPDATE OF a, b ON $t WHEN new.a > 1 BEGIN UPDATE $t SET b = 1; END",
        "CREATE TABLE $t (a, b); CREATE TRIGGER ${t}_g AFTER UPDATE OF b, \"a\" ON $t FOR EACH ROW WHEN (NEW.a > 1)\n"
        'BEGIN\n  UPDATE "$t" SET "b" = 1;\nEND',
        "CREATE TABLE $t (a, b); CREATE TRIGGER ${t}_g AFTER UPDATE OF a, b ON $t WHEN old.a > 1 BEGIN UPDATE $t SET b = 1; END",
        "reprinted_trigger_g",
    ),
    "renamed away and back": Trap(
        "CREATE TABLE $t (a INTEGER CHECK (a > 0)); CREATE INDEX ${t}_i ON $t (a)",
        "CREATE TABLE $t (b INTEGER CHECK (b > 0)); CREATE INDEX ${t}_i ON $t (b); ALTER TABLE $t RENAME COLUMN b TO a",
        "CREATE TABLE $t (b INTEGER CHECK (b > 0)); CREATE INDEX ${t}_i ON $t (b)", "b",
    ),
    "column added and dropped": Trap(
        "CREATE TABLE $t (a INTEGER, b TEXT NOT NULL DEFAULT '')",
        "CREATE TABLE $t (z, a INTEGER); ALTER TABLE $t ADD COLUMN b TEXT DEFAULT '' NOT NULL; ALTER TABLE $t DROP COLUMN z",
        "CREATE TABLE $t (z, a INTEGER); ALTER TABLE $t ADD COLUMN b TEXT DEFAULT '' NOT NULL", "z",
    ),
}  # fmt: skip
