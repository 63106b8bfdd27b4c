"""The quick ways through a ``CREATE TABLE`` find exactly what the thorough ones find."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from forensics.catalogs import sqlite_ddl, sqlite_objects
from forensics.catalogs.sqlite_objects import Built, build

NAMES = ("b", '"c d"', "e5", "x", "weight", "length", "Key", "[br]", "`bq`", '"q""q"', "text", "STATE2", "été", "_u", '"desc"', "a$b")
TYPES = ("INTEGER", "TEXT", "VARCHAR(20)", "NUMERIC(10, 2)", "", '"odd type"', "DOUBLE PRECISION", "text")
CLAUSES = (
    "", " NOT NULL", " DEFAULT 'a,b)'", " DEFAULT (datetime('now'))", " COLLATE NOCASE", " UNIQUE", " DEFAULT -1",
    " REFERENCES p (id)", " REFERENCES p", ' REFERENCES "p" ("id") ON DELETE CASCADE', " CHECK (a > 0)",
    " REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED", " /* c, */ NOT NULL", " -- x,\n NOT NULL", " DEFAULT 'it''s'",
    " REFERENCES p (id) CHECK (a)", " CHECK (a IN (1,2)) REFERENCES p (id)",
)  # fmt: skip
CONSTRAINTS = (
    "CHECK (a > 1e5 AND a <> x'ab')", "CHECK (length(a) < 5)", "CONSTRAINT k CHECK (a IN ('a', 'b', 'c'))",
    'CHECK (a = "zz")', "CHECK ((a + 1) * (a - (a)) > 0)", "CHECK (t.a > 0 and a>1)", "PRIMARY KEY (a)", "UNIQUE (a, _z)",
    "FOREIGN KEY (a) REFERENCES p (id) ON DELETE SET NULL", 'CONSTRAINT "q" FOREIGN KEY (a, _z) REFERENCES p (id, id2)',
    "CHECK (a -- c\n > 0)", "CHECK (a == 0 OR A != 1)", "CHECK (a GLOB '[a-z]*')", 'CHECK ("a" > 0 AND a < 9)',
)  # fmt: skip
INDEXES = (
    "CREATE INDEX i ON t (a)", "CREATE UNIQUE INDEX i ON t(a, _z)", 'CREATE INDEX "i" ON "t" ("a", _z)',
    "CREATE INDEX i ON t (a DESC)", "CREATE INDEX i ON t (A, _Z)", 'CREATE INDEX i ON t ("_z" COLLATE NOCASE, a)',
    "CREATE INDEX i ON t (a) WHERE a > 0", "CREATE INDEX i ON t (lower(a), _z)",
)  # fmt: skip

columns = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(TYPES), st.sampled_from(CLAUSES)), max_size=5)
tables = st.builds(
    lambda head, found, constraints, glue, tail: (
        head + glue.join([*(" ".join(item) for item in found), *constraints]) + tail
    ),
    st.sampled_from(("CREATE TABLE t(", 'CREATE TABLE "t" (', "create  table `t`(\n", "CREATE TABLE t\n( ")),
    columns.map(lambda found: [("a", "INTEGER", ""), *found, ("_z", "", " COLLATE BINARY")]),
    st.lists(st.sampled_from(CONSTRAINTS), max_size=3),
    st.sampled_from((", ", ",\n  ", ",")),
    st.sampled_from((")", " )", "\n) WITHOUT ROWID", ") STRICT")),
)


def thorough(rows: tuple[tuple[str, str, str, str], ...]) -> Built:
    def parts(sql: str) -> tuple[list[tuple[str | None, str]], str]:
        _, inside, tail = sqlite_ddl.pieces(sql)
        return [sqlite_ddl.column_name(piece) for piece in inside], tail

    never = sqlite_ddl.re.compile(r"(?!)")
    sqlite_ddl.term.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_objects, "parts", parts)
        patch.setattr(sqlite_objects, "check_apart", lambda piece, _: (piece, ""))
        patch.setattr(sqlite_objects, "parent_apart", lambda text: (text, "", ""))
        patch.setattr(sqlite_objects, "_PLAIN_INDEX", never)
        patch.setattr(sqlite_ddl, "_PLAIN_TERM", never)
        return build(rows, {"p": ("id",)})


@settings(max_examples=200, deadline=None)
@given(sql=tables, index=st.sampled_from(INDEXES))
def test_both_ways_agree(sql: str, index: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE TABLE p (id, id2)")
            connection.execute(sql)
            connection.execute(index)
        except sqlite3.Error:
            assume(False)
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name = 't' AND sql NOT NULL"
        rows = tuple(connection.execute(query).fetchall())
    sqlite_ddl.term.cache_clear()
    found = build(rows, {"p": ("id",)})
    expected = thorough(rows)
    assert (found.group.objects, found.key, found.parents) == (expected.group.objects, expected.key, expected.parents)
