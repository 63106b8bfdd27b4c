"""Expressions of SQLite: what is equal stays equal, whoever wrote the parentheses, and the normal form means the same."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from forensics.catalogs.sqlite_expressions import expression

COLUMNS = frozenset("abst")
ROWS = [
    (None, 1, "x", "Ä"), (0, -1, "", "x"), (1, 2, "y", None), (-3, 0.5, "X", "1"), (7, None, "1", "y"), (2, 2, "%", "it's"),
]  # fmt: skip
# The operators of https://sqlite.org/lang_expr.html from the loosest to the tightest.
LEVELS = (("OR",), ("AND",), (), ("=", "==", "<>", "!=", "IS", "IS NOT"), ("<", "<=", ">", ">="), ("&", "|", "<<", ">>"),
          ("+", "-"), ("*", "/", "%"), ("||",))  # fmt: skip
SAME = {"==": "=", "<>": "!="}


class Writer:
    """Makes random expressions, each in two spellings: with the parentheses that it needs, and with others too."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def whole(self, depth: int) -> tuple[str, str]:
        short, long, _ = self.made(depth)
        return short, long

    def made(self, depth: int) -> tuple[str, str, int]:
        """Return two spellings and the level of the outermost operator."""
        chance = self.chance
        if depth == 0 or chance.random() < 0.15:
            return (*self.atom(), 99)
        how = chance.randrange(8)
        if how < 4:
            level = chance.choice([0, 0, 1, 1, 3, 3, 4, 5, 6, 6, 7, 8])
            operator = chance.choice(LEVELS[level])
            left, right = self.made(depth - 1), self.made(depth - 1)
            chained = operator in ("AND", "OR", "||")
            first, second = self.inner(left, level)[0], self.inner(right, level + (not chained))[0]
            third, fourth = self.inner(left, level)[1], self.inner(right, level + 1)[1]
            other = chance.choice([operator, operator.lower(), SAME.get(operator, operator)])
            return f"{first} {operator} {second}", f"{third}{self.space()}{other}{self.space()}{fourth}", level
        if how == 4:
            negated = self.inner(self.made(depth - 1), 2)
            return f"NOT {negated[0]}", f"not {negated[1]}", 2
        if how == 5:
            value, low, high = (self.inner(self.made(depth - 1), level) for level in (3, 4, 4))
            no = chance.choice(("", "NOT "))
            return f"{value[0]} {no}BETWEEN {low[0]} AND {high[0]}", f"{value[1]} {no.lower()}between {low[1]} and {high[1]}", 3
        if how == 6:
            value, items = self.inner(self.made(depth - 1), 3), [self.made(depth - 1) for _ in range(chance.randint(1, 3))]
            return (
                f"{value[0]} IN ({', '.join(item[0] for item in items)})",
                f"{value[1]} in ({self.space()}{' ,'.join(f'({item[1]})' for item in items)})", 3,
            )  # fmt: skip
        inner = self.made(depth - 1)
        last = self.made(depth - 1)
        return chance.choice([
            (f"coalesce({inner[0]}, {last[0]})", f"COALESCE ( {inner[1]},({last[1]}) )", 99),
            (f"CASE WHEN {inner[0]} THEN {last[0]} ELSE 1 END", f"case when ({inner[1]}) then {last[1]} else 1 end", 99),
            (f"{self.inner(inner, 3)[0]} IS NOT NULL", f"{self.inner(inner, 3)[1]} NOTNULL", 3),
            (f"{self.inner(inner, 3)[0]} IS NULL", f"{self.inner(inner, 3)[1]} isnull", 3),
            (f"CAST({inner[0]} AS TEXT)", f"cast(({inner[1]}) as text)", 99),
            (f"{self.inner(inner, 99)[0]} COLLATE NOCASE", f"{self.inner(inner, 99)[1]} collate \"nocase\"", 10),
        ])  # fmt: skip

    def inner(self, made: tuple[str, str, int], least: int) -> tuple[str, str]:
        short, long, level = made
        wrapped = level < least or self.chance.random() < 0.3
        return (f"({short})" if level < least else short), (f"({self.space()}{long})" if wrapped else long)

    def space(self) -> str:
        return self.chance.choice((" ", "  ", "\n", " /* ) */ ", " "))

    def atom(self) -> tuple[str, str]:
        return self.chance.choice([
            ("a", '"a"'), ("b", "B"), ("s", "[s]"), ("t", "own.t"), ("16", "0x10"), ("1.5", "1.50"), ("'x'", "'x'"), ("'it''s'", "'it''s'"),
            ("NULL", "null"), ("-1", "- 1"), ("a", '"own"."a"'),
        ])  # fmt: skip


@pytest.mark.parametrize("part", range(4))
def test_parentheses_that_change_nothing_do_not_count(part: int) -> None:
    for seed in range(part * 500, part * 500 + 500):
        short, long = Writer(seed).whole(3)
        assert expression(short, COLUMNS) == expression(long, COLUMNS), (seed, short, long)


def test_the_normal_form_is_its_own_normal_form_and_means_the_same() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE own (a, b, s, t)")
        connection.executemany("INSERT INTO own VALUES (?, ?, ?, ?)", ROWS)
        for seed in range(1500):
            _, long = Writer(seed).whole(3)
            normal = expression(long, COLUMNS)
            assert expression(normal, COLUMNS) == normal, (seed, long)
            wrong = connection.execute(f"SELECT count(*) FROM own WHERE quote(({long})) IS NOT quote(({normal}))").fetchone()
            assert wrong == (0,), (seed, long, normal)


def test_other_parentheses_are_another_expression() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE own (a, b, s, t)")
        connection.executemany("INSERT INTO own VALUES (?, ?, ?, ?)", ROWS)
        forms: dict[str, list[str]] = {}
        for seed in range(3000):
            short, _ = Writer(seed).whole(2)
            (values,) = zip(*connection.execute(f"SELECT quote(({short})) FROM own").fetchall(), strict=True)
            known = forms.setdefault(expression(short, COLUMNS), list(values))
            assert known == list(values), (seed, short)


@pytest.mark.parametrize(
    "text",
    ["a IN t2", "raise(abort, 'x')", "count(*) OVER (ORDER BY a)", "a +", "(a", "a b", "CASE a END x", "a BETWEEN 1", ")", "\x00"],
)
def test_what_is_not_understood_keeps_its_words(text: str) -> None:
    assert expression(text, COLUMNS) == expression(f" {text} ", COLUMNS)
