"""Deparsed expressions of PostgreSQL: two spellings that are one, two that are not, and a normal form that the server takes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from forensics.catalogs.postgresql_expressions import expression, query
from forensics.catalogs.postgresql_normal import bound, default_value, index_keys, trigger_text
from forensics.replay.cluster import Cluster

SAME = {
    "a list cast whole and value by value": (
        "((c)::text = ANY ((ARRAY['x'::character varying, 'y)'::character varying])::text[]))",
        "((c)::text = ANY (ARRAY[('x'::character varying)::text, ('y)'::character varying)::text]))",
    ),
    "parentheses of and": ("((a > 1) AND ((b < 2) AND (c = 3)))", "(((a > 1) AND (b < 2)) AND (c = 3))"),
    "parentheses of or": ("((a > 1) OR ((b < 2) OR (c = 3)))", "((a > 1) OR (b < 2) OR (c = 3))"),
    "parentheses within others": ("((a > 1) OR ((b < 2) AND ((c = 3) AND d)))", "((a > 1) OR ((b < 2) AND (c = 3) AND d))"),
    "a time zone": ("timezone('utc'::text, now())", "(CURRENT_TIMESTAMP AT TIME ZONE 'utc'::text)"),
    "the names of now": ("(now() + '1 day'::interval)", "(transaction_timestamp() + '1 day'::interval)"),
    "today": ("((now())::date + 1)", "(('now'::text)::date + 1)"),
    "trim": ("btrim(b, 'x'::text)", "TRIM(BOTH 'x'::text FROM b)"),
    "substring": ('"substring"(b, 1, 2)', "SUBSTRING(b FROM 1 FOR 2)"),
}
OTHER = {
    "and within or": ("((a > 1) OR ((b < 2) AND (c = 3)))", "(((a > 1) OR (b < 2)) AND (c = 3))"),
    "words in a string": ("(a = 'CURRENT_TIMESTAMP'::text)", "(a = 'now()'::text)"),
    "parentheses in a string": ("(a = '(x AND (y AND z))'::text)", "(a = '(x AND y AND z)'::text)"),
    "words in a name": ('("CURRENT_TIMESTAMP" > 1)', "(now() > 1)"),
    "another precision": ("(CURRENT_TIMESTAMP(0) > b)", "(CURRENT_TIMESTAMP > b)"),
    "a list of others": ("(a = ANY (ARRAY['x'::text, 'y'::text]))", "(a = ANY (ARRAY['y'::text, 'x'::text, 'z'::text]))"),
    "a cast that cuts": ("('abc'::character varying(2))::text", "('abc'::character varying)::text"),
    "ends of a text": ("TRIM(LEADING FROM b)", "TRIM(TRAILING FROM b)"),
}
QUERIES = {
    "a table under its own name": ("SELECT a\n   FROM public.t t\n  WHERE (a > 1)", "SELECT a\n   FROM public.t\n  WHERE (a > 1)"),
    "columns of the only table": ('SELECT t.a,\n    t."B c"\n   FROM public.t\n  WHERE (t.a > 1)',
        'SELECT a,\n    "B c"\n   FROM public.t\n  WHERE (a > 1)'),
    "columns of the only table under another name": ("SELECT x.a\n   FROM s.t x\n  ORDER BY x.a", "SELECT a\n   FROM s.t x\n  ORDER BY a"),
    "a quoted table": ('SELECT "T t".a\n   FROM public."T t" "T t"', 'SELECT a\n   FROM public."T t"'),
}
OTHER_QUERIES = {
    "two tables": ("SELECT t.a\n   FROM public.t,\n    public.u", "SELECT u.a\n   FROM public.t,\n    public.u"),
    "joined tables": ("SELECT t.a\n   FROM (public.t\n     JOIN public.u ON ((t.a = u.a)))",
        "SELECT u.a\n   FROM (public.t\n     JOIN public.u ON ((t.a = u.a)))"),
    "a string": ("SELECT 't.a'::text AS x\n   FROM public.t", "SELECT 'a'::text AS x\n   FROM public.t"),
    "another schema": ("SELECT a\n   FROM public.t t", "SELECT a\n   FROM s.t t"),
}
DEFAULTS = [
    ("now()", "CURRENT_DATE", "date", True), ("now()", "CURRENT_DATE", "timestamp with time zone", False),
    ("CURRENT_TIMESTAMP(3)", "now()", "timestamp(3) with time zone", True),
    ("CURRENT_TIMESTAMP(3)", "now()", "timestamp with time zone", False), ("(now())::timestamp without time zone", "LOCALTIMESTAMP",
        "timestamp without time zone", True),
    ("ARRAY[]::text[]", "'{}'::text[]", "text[]", True), ("ARRAY['a'::text, 'b'::text]", "'{a,b}'::text[]", "text[]", True),
    ("ARRAY['a,b'::text]", "'{a,b}'::text[]", "text[]", False), ("ARRAY['null'::text]", "'{null}'::text[]", "text[]", False),
    ("ARRAY[1, 2]", "'{1,2}'::integer[]", "integer[]", True), ("ARRAY[1, 2]", "'{2,1}'::integer[]", "integer[]", False),
    ("('a'::text)::public.e", "'a'::public.e", "e", True), ("('a'::text)::s.e", "'b'::s.e", "s.e", False),
    ("('today'::text)::date", "'today'::date", "date", False), ("'N'::bpchar", "'N'::character varying", "character(1)", True),
    ("'ab'::character varying(1)", "'ab'::character varying", "text", False), ("(CURRENT_USER)::text", "CURRENT_USER", "text", True),
    ("(x)::character varying(2)", "x", "character varying(2)", False),
]  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_two_spellings_of_one_expression(name: str) -> None:
    one, two = map(expression, SAME[name])
    assert one == two


@pytest.mark.parametrize("name", OTHER)
def test_two_expressions(name: str) -> None:
    one, two = map(expression, OTHER[name])
    assert one != two


@pytest.mark.parametrize("name", QUERIES)
def test_two_spellings_of_one_query(name: str) -> None:
    one, two = map(query, QUERIES[name])
    assert one == two


@pytest.mark.parametrize("name", OTHER_QUERIES)
def test_two_queries(name: str) -> None:
    one, two = map(query, OTHER_QUERIES[name])
    assert one != two


@pytest.mark.parametrize(("one", "two", "kind", "same"), DEFAULTS)
def test_defaults(one: str, two: str, kind: str, same: bool) -> None:
    assert (default_value(one, kind) == default_value(two, kind)) is same


def test_lists_whose_order_means_nothing() -> None:
    assert bound("FOR VALUES IN ('b', 'a, c')") == bound("FOR VALUES IN ('a, c', 'b')") != bound("FOR VALUES IN ('a', 'c', 'b')")
    assert bound("FOR VALUES FROM (2) TO (1)") == "FOR VALUES FROM (2) TO (1)"
    assert trigger_text("BEFORE UPDATE OF b, a OR DELETE ON t") == "BEFORE UPDATE OF a, b OR DELETE ON t"
    assert index_keys("lower(b) varchar_pattern_ops, c varchar_ops DESC") == "lower(b) text_pattern_ops, c DESC"


CHECKS = (
    "c IN ('x', 'y''s (', 'AND')", "c NOT IN ('x') OR c LIKE 'a%'", "a BETWEEN 1 AND 5 AND b <> '' AND n",
        "a > 1 AND (b <> '' AND (c <> '' AND n))",
    "a > 1 OR (b <> '' OR (c = 'q' AND (n AND a < 3)))", "NOT (a IN (1, 2) AND n)", "(c = 'x') = (b IS NOT NULL)",
        "CASE WHEN n THEN a > 0 ELSE c IN ('p') END",
    "trim(b) <> '' AND trim(both 'x' from b) <> '' AND substring(b from 1 for 2) <> ''",
        "at AT TIME ZONE 'utc' < '2100-01-01' AND at < now()",
    "(CURRENT_TIMESTAMP AT TIME ZONE 'utc') > '2000-01-01' AND CURRENT_DATE > '2000-01-01' AND LOCALTIMESTAMP > '2000-01-01'",
        "(a, 1) > (1, 2)",
    "b COLLATE \"C\" < 'z' AND c SIMILAR TO 'a|b'", "(now())::date = CURRENT_DATE",
        "b = 'x AND (y AND z)' AND (n AND b = 'CURRENT_TIMESTAMP')",
)  # fmt: skip
ROWS = (
    "VALUES (1, 'x', 'x', now(), true), (NULL, '', 'y''s (', now(), false), (3, ' x ', NULL, NULL, NULL),"
    " (2, 'xax', 'q', '2001-01-01', true)"
)


@pytest.mark.parametrize("version", [16, 18])
def test_the_normal_form_means_the_same_to_the_server(clusters: Callable[[int | None], Cluster], version: int) -> None:
    cluster = clusters(version)
    cluster.create("expressions")
    with psycopg.connect(cluster.url("expressions"), autocommit=True) as connection:
        for text in CHECKS:
            connection.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (a integer, b text, c varchar(9), at timestamptz, n boolean)")
            connection.execute(f"ALTER TABLE t ADD CONSTRAINT k CHECK ({text})")
            deparsed = "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'k'"
            ((shown,),) = connection.execute(deparsed).fetchall()
            normal = expression(shown)
            assert expression(normal) == normal
            compare = f"SELECT count(*) FROM ({ROWS}) t (a, b, c, at, n) WHERE ({shown}) IS DISTINCT FROM ({normal})"
            assert connection.execute(compare).fetchall() == [(0,)], (shown, normal)
            connection.execute(f"ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k CHECK ({normal})")
            ((again,),) = connection.execute(deparsed).fetchall()
            assert expression(again) == normal, (shown, again)
