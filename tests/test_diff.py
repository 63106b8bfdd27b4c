from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from forensics.catalogs.sqlite import snapshot
from forensics.diff import diff, group_diff, name_only, outermost
from forensics.model import Change, Snapshot, decode, encode

BASE = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, CONSTRAINT one UNIQUE (email));"
    "CREATE INDEX by_email ON users (email); CREATE TABLE notes (a INT REFERENCES users);"
)


def read(script: str) -> Snapshot:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        return snapshot(connection)


def reread(source: Snapshot) -> Snapshot:
    return decode(Snapshot, encode(source))


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    return [(change.state, change.subject.kind, change.subject.name) for change in changes]


def test_nothing_differs_from_itself() -> None:
    base = read(BASE)
    assert diff(base, base) == diff(base, reread(base)) == ()
    found = name_only(base, reread(base))
    assert (found.changes, found.renamed, found.spelling, found.reordered) == ((), (), (), ())


def test_missing_extra_and_altered_objects() -> None:
    found = diff(
        read(BASE),
        read(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(9) NOT NULL DEFAULT '');"
            "CREATE TABLE notes (a INT REFERENCES users, b); CREATE VIEW v AS SELECT 1 AS x"
        ),
    )
    assert told(found) == [
        ("extra", "column", "b"),
        ("altered", "column", "email"),
        ("missing", "unique", "one"),
        ("missing", "index", "by_email"),
        ("extra", "view", "v"),
    ]
    assert found[1].attributes == (("notnull", False, True), ("default", None, "''"))
    assert found[1].size == 2


def test_an_absent_attribute_is_none_on_that_side() -> None:
    (change,) = diff(read("CREATE TABLE t (a, b)"), read("CREATE TABLE t (a, b AS (a + 1))"))
    assert change.attributes == (("generated", None, "a + 1"), ("stored", None, False))


def test_a_missing_table_is_each_of_its_objects_and_one_outermost() -> None:
    found = diff(read(BASE), read("CREATE TABLE notes (a INT REFERENCES users)"))
    assert [item for item in told(found) if item[0] == "missing"][:2] == [
        ("missing", "foreign_key", "a->users(id)"),
        ("missing", "table", "users"),
    ]
    assert ("missing", "table", "users") in told(outermost(found))
    assert not [item for item in outermost(found) if item.subject.table == "users"]
    inside = diff(read(BASE), read(BASE + "ALTER TABLE users ADD COLUMN z"))
    assert outermost(inside) == inside


def test_another_name_is_no_drift() -> None:
    base = read(BASE)
    other = read(BASE.replace("by_email", "ix_email").replace("CONSTRAINT one", "CONSTRAINT uq"))
    assert told(diff(base, other)) == [("missing", "index", "by_email"), ("extra", "index", "ix_email")]
    found = name_only(base, other)
    assert found.changes == ()
    assert [(change.state, change.attributes) for change in found.renamed] == [
        ("renamed", (("name", "by_email", "ix_email"),)),
        ("renamed", (("name", "one", "uq"),)),
    ]


def test_another_name_and_another_definition_is_drift() -> None:
    found = name_only(read(BASE), read(BASE.replace("INDEX by_email", "UNIQUE INDEX ix_email")))
    assert told(found.changes) == [("missing", "index", "by_email"), ("extra", "index", "ix_email")]
    assert found.renamed == ()


def test_one_of_two_equal_indexes_is_renamed_and_the_other_missing() -> None:
    twice = BASE + "CREATE INDEX b2 ON users (email);"
    found = name_only(read(twice), read(BASE.replace("by_email", "z")))
    assert told(found.changes) == [("missing", "index", "by_email")] or told(found.changes) == [
        ("missing", "index", "b2")
    ]
    assert len(found.renamed) == 1


def test_a_view_under_another_name_is_drift() -> None:
    found = name_only(read("CREATE VIEW v AS SELECT 1 AS x"), read("CREATE VIEW w AS SELECT 1 AS x"))
    assert told(found.changes) == [("missing", "view", "v"), ("extra", "view", "w")]


def test_spelling_and_column_order_stand_apart() -> None:
    spelled = name_only(read("CREATE TABLE t (a INT, b)"), read("CREATE TABLE t (a SMALLINT, b)"))
    assert [(one.name, other.name) for one, other in spelled.spelling] == [("t", "t")]
    assert (spelled.changes, spelled.reordered) == ((), ())
    moved = name_only(read("CREATE TABLE t (a INT, b)"), read("CREATE TABLE t (b, a INT)"))
    assert [one.name for one, _ in moved.reordered] == ["t"]
    assert moved.changes == ()


def test_names_that_only_unicode_folds_together_are_two_tables() -> None:
    both = read("CREATE TABLE straße (a); CREATE TABLE strasse (a)")
    assert told(diff(both, read("CREATE TABLE strasse (a)")))[0] == ("missing", "table", "straße")
    assert diff(both, reread(both)) == ()


def test_a_whole_group_may_be_absent() -> None:
    group = read(BASE).groups[1]
    assert {change.state for change in group_diff(group, None)} == {"missing"}
    assert {change.state for change in group_diff(None, group)} == {"extra"}
    assert group_diff(None, None) == ()


TABLES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["INT", "TEXT", "INTEGER", "INT NOT NULL"])),
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@given(TABLES, TABLES)
def test_a_difference_is_symmetric_and_agrees_with_the_fingerprint(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    before, after = (read("".join(f"CREATE TABLE {name} (x {kind});" for name, kind in side)) for side in (one, other))
    there, back = diff(before, after), diff(reread(after), reread(before))
    assert (before.fingerprint == after.fingerprint) == (not there)
    flip = {"missing": "extra", "extra": "missing", "altered": "altered"}
    assert sorted((flip[state], kind, name) for state, kind, name in told(there)) == sorted(told(back))
    # Digests that are there already are used, and say the same.
    assert diff(before, after) == there


def test_a_thousand_tables_take_no_time() -> None:
    script = "".join(f"CREATE TABLE t{number} (a INT, b TEXT);" for number in range(1000))
    before = read(script)
    after = read(script + "".join(f"ALTER TABLE t{number} ADD COLUMN c;" for number in range(0, 1000, 50)))
    start = time.perf_counter()
    assert len(diff(before, after)) == 20
    assert time.perf_counter() - start < 0.1
