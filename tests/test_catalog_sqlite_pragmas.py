from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.catalogs.sqlite import snapshot
from forensics.model import Group, SchemaObject
from forensics.sqltext import name_key, quote, spell

IDENTIFIERS = st.one_of(
    st.sampled_from(
        [
            "id",
            "a",
            "B",
            "key",
            "order",
            "na me",
            'q"q',
            "it's",
            "x(y",
            "a,b",
            "[z",
            "ü",
            "Été",
            "line\nbreak",
            "--c",
            "check",
        ]
    ),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=6),
)
TYPES = st.sampled_from(
    [
        "",
        "INT",
        "INTEGER",
        "integer",
        "TEXT",
        "VARCHAR(30)",
        "DECIMAL(10, 2)",
        "DOUBLE PRECISION",
        "BLOB",
        "FLOATING POINT",
        "BOOLEAN",
        '"my type"',
        "ANY",
        "UNSIGNED /* big */ BIG INT",
    ]
)
ATTRIBUTES = st.sampled_from(
    [
        "NOT NULL",
        "NULL",
        "DEFAULT 1",
        "DEFAULT 'it''s, (x'",
        "DEFAULT (1 + (2))",
        "COLLATE nocase",
        "UNIQUE",
        'CONSTRAINT "c," CHECK (1 > (0))',
        "REFERENCES p (x) ON DELETE SET NULL",
        "CONSTRAINT f REFERENCES p ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED",
        "NOT NULL ON CONFLICT ROLLBACK",
    ]
)
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
        gap.join(
            [
                quoted(draw, name),
                draw(TYPES),
                *draw(st.lists(ATTRIBUTES, max_size=3, unique_by=lambda text: text.split()[0])),
            ]
        )
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
        terms = f"{quoted(draw, name)}{order}, abs({quoted(draw, name)})"
        script.append(f"CREATE {unique}INDEX i{number} ON {quoted(draw, table)} ({terms}){where}")
    return "\n;".join(script)


@settings(max_examples=300, deadline=None)
@given(schemas())
def test_texts_say_what_the_pragma_functions_say(script: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE p (x TEXT PRIMARY KEY)")
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
    assert len(group.by_key) == len(group.objects)
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
        assert [part.split(" collate ")[0] for part in str(dict(key.meaning)["columns"]).split(", ")] == [
            name for _, name in pairs
        ] or any("," in name for _, name in pairs)
    else:
        assert not pairs
    # The rowid alias is the one key without an index of its own.
    indexes = connection.execute("SELECT * FROM pragma_index_list(?)", [group.name]).fetchall()
    origins = [row[3] for row in indexes]
    assert origins.count("pk") == (key is not None and not alias)
    uniques = {item.ident for item in found.get("unique", [])}
    for name in [row[1] for row in indexes if row[3] == "u"]:
        parts = connection.execute("SELECT name, coll FROM pragma_index_xinfo(?) WHERE key", [name]).fetchall()
        ident = ", ".join(
            spell(part) + (f" collate {coll.lower()}" if coll != "BINARY" else "") for part, coll in parts
        )
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
