from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.sqltext import (
    Target,
    first_comment,
    fold,
    mentions,
    name_key,
    quote,
    spell,
    split_script,
    statement_target,
    tokens,
    unquote,
)

STATEMENTS = st.sampled_from([
    "CREATE TABLE IF NOT EXISTS a (x INT, -- one; two\n y TEXT DEFAULT ';')",
    'CREATE TABLE IF NOT EXISTS "b;c" (x /* ; */ INT)',
    "CREATE VIEW IF NOT EXISTS v AS SELECT ';' AS x -- kept; as written\n",
    "CREATE TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN ';' END; DELETE FROM a; END",
    "CREATE TEMP TRIGGER IF NOT EXISTS u AFTER INSERT ON a BEGIN SELECT 1; END",
    "INSERT INTO a VALUES (1, 'it''s; so')",
    "CREATE INDEX IF NOT EXISTS i ON a (x) -- last\n",
    "EXPLAIN SELECT 1",
    "SELECT 1 AS \"end\"",
])  # fmt: skip
GAPS = st.sampled_from(["", " ", "\n\n", "-- a; comment\n", "/* ; ' */", ";", "\t\r\n"])


def stored(run: list[str] | str) -> list[tuple[str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE a (x, y)")
        if isinstance(run, str):
            connection.executescript(run)
        else:
            for statement in run:
                connection.execute(statement)
        return connection.execute("SELECT name, sql FROM sqlite_master UNION SELECT 'row', x FROM a").fetchall()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(GAPS, STATEMENTS, GAPS), max_size=8), st.booleans())
def test_pieces_store_what_the_whole_script_stores(parts: list[tuple[str, str, str]], ended: bool) -> None:
    script = ";".join("".join(part) for part in parts) + (";" if ended else "")
    pieces = split_script(script)
    assert stored(list(pieces)) == stored(script)
    assert len(pieces) == len(parts)


@given(st.text(alphabet="ab '\"`[]();-/*\n$.x1\0é", max_size=40))
def test_no_text_is_refused_and_no_letter_is_lost(text: str) -> None:
    found = tokens(text, comments=True)
    assert all(text[token.start : token.end] == token.text for token in found)
    covered = {place for token in found for place in range(token.start, token.end)}
    assert all(text[place] in " \n" for place in range(len(text)) if place not in covered)
    fold(text)
    split_script(text)
    statement_target(text)
    mentions(text)
    first_comment(text)


def test_splitting_survives_what_sqlite_cannot_be_given() -> None:
    assert split_script("create table a(x); select '\0'; select '\ud800'") == (
        "create table a(x);", "select '\0';", "select '\ud800'"
    )  # fmt: skip
    assert split_script(" -- nothing\n ; ;; /* here */") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A  >\n1", "a > 1"),
        ('"a" = 1', "A == 1"),
        ("[a]<>`b`", 'a != "b"'),
        ("((a in (1,2)))", "a IN ( 1, 2 )"),
        ("x IS NOT NULL", "x NOTNULL"),
        ("x is null", "x ISNULL"),
        ("a -- why\n+ b", "a + b"),
        ("lower ( x )", "LOWER(x)"),
        ("x = X'AB'", "x = x'ab'"),
        ("select 1;", "SELECT 1"),
    ],
)
def test_spelling_folds_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 'X'", "a = 'x'"),
        ("a = 'x'", 'a = "x"'),
        ("a > 1", "a >= 1"),
        ("(a) + (b)", "a) + (b"),
        ("a in ('x y')", "a in ('x  y')"),
        ('"order"', "order"),
        ('"current_timestamp"', "current_timestamp"),
        ("x is null", "x is not null"),
        ('"A b"', '"ab"'),
        ("É", "é"),
    ],
)
def test_real_differences_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_double_quotes_around_what_is_no_column_are_a_string() -> None:
    columns = frozenset({"status"})
    assert fold('"Status" in ("Open")', columns) == "status in ('Open')"
    assert fold('"Status" in ("Open")', columns) != fold('"Status" in ("open")', columns)
    assert fold('"Status" in ("Open")', columns) == fold("status IN ('Open')", columns)


def test_folding_twice_changes_nothing() -> None:
    for text in (
        "a > - 1 and \"x y\" like '%;' or f(b)",
        "case when a then -b else ~c end",
        "t.a-1",
        "x collate nocase",
    ):
        assert fold(fold(text)) == fold(text)


@given(st.text(max_size=12))
def test_a_quoted_name_comes_back(name: str) -> None:
    assert unquote(quote(name)) == name
    assert unquote(spell(name)) == name_key(name)


@pytest.mark.parametrize(
    ("sql", "target"),
    [
        ("CREATE TABLE IF NOT EXISTS main.t (x)", ("create", "table", "t", True, "t")),
        ("create temp table t as select 1", ("create", "table", "t", False, "t")),
        ('-- why\nCREATE UNIQUE INDEX "i x" ON t (a)', ("create", "index", "i x", False, "t")),
        ("CREATE TRIGGER g BEFORE UPDATE OF a ON t BEGIN SELECT 1; END", ("create", "trigger", "g", False, "t")),
        ("CREATE VIEW v AS SELECT 1", ("create", "view", "v", False, "v")),
        ("CREATE VIRTUAL TABLE f USING fts5(a)", ("create", "table", "f", False, "f")),
        ("ALTER TABLE [t u] ADD COLUMN x", ("alter", "table", "t u", False, "t u")),
        ("DROP INDEX IF EXISTS i", ("drop", "index", "i", True, "")),
        ("DROP TABLE t", ("drop", "table", "t", False, "t")),
        ("INSERT OR IGNORE INTO t VALUES (1)", ("insert", "table", "t", False, "t")),
        ("WITH a AS (SELECT 1) DELETE FROM t", ("delete", "table", "t", False, "t")),
        ("UPDATE OR REPLACE t SET x = 1", ("update", "table", "t", False, "t")),
        ("PRAGMA foreign_keys = ON", ("pragma", "pragma", "foreign_keys", False, "")),
        ("COMMIT", ("commit", "", "", False, "")),
        ("", ("", "", "", False, "")),
        ("CREATE", ("create", "", "", False, "")),
    ],
)
def test_target(sql: str, target: tuple[str, str, str, bool, str]) -> None:
    assert statement_target(sql) == Target(*target)


def test_mentions_names_but_no_keywords_strings_or_comments() -> None:
    found = mentions("CREATE INDEX i ON \"My Table\" (Key, [a]) WHERE b = 'c' -- d")
    assert found == {"i", "my table", "key", "a", "b"}


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("-- one\n-- two\n\n-- three\nSELECT 1", "one\ntwo"),
        ("/* one\n * two */ SELECT 1", "one\ntwo"),
        ("SELECT 1 -- late", ""),
        ("\n\n--- x", "x"),
        ("", ""),
    ],
)
def test_first_comment(text: str, comment: str) -> None:
    assert first_comment(text) == comment


def test_dollar_quotes_are_one_token() -> None:
    assert [token.kind for token in tokens("$$ a; b $$ $f$ ; $$ $f$ $p")] == ["dollar", "dollar", "parameter"]
