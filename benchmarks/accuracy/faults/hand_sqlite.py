"""What a person does to a finished SQLite schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Built

Change = tuple[str, str, tuple[str, ...], str]
HAND = "manual-change"


def changes(source: Source, site: Site, base: Built) -> Iterator[Change]:
    """Yield what is done, to what, the statements, and how the contract calls it."""
    rows = [row for row in _stored(site, source, base) if not row[1].startswith("sqlite_")]
    tables = {row[1]: row[3] for row in rows if row[0] == "table"}
    columns = {
        table: [name for kind, owner, name in base.objects if (kind, owner) == ("column", table)] for table in tables
    }
    yield "add a table", "hand_made", ("CREATE TABLE hand_made (id INTEGER PRIMARY KEY, x TEXT)",), HAND
    for kind, name, _table, sql in rows:
        if kind != "table":
            yield f"drop a {kind}", name, (f"DROP {kind.upper()} {name}",), HAND
        if kind == "index":
            other = sql.replace("UNIQUE ", "") if "UNIQUE" in sql else sql.replace("CREATE INDEX", "CREATE UNIQUE INDEX")
            yield "alter an index", name, (f"DROP INDEX {name}", other), HAND
            yield "rename an index", name, (f"DROP INDEX {name}", sql.replace(name, name + "_x")), "name-only-difference"
        elif kind == "view":
            yield "alter a view", name, (f"DROP VIEW {name}", sql + " LIMIT 10"), HAND
        elif kind == "trigger":
            yield "alter a trigger", name, (f"DROP TRIGGER {name}", sql.replace("BEGIN", "BEGIN SELECT 1;", 1)), HAND
    for table, names in columns.items():
        last = names[-1]
        yield "add a column", f"{table}.hand", (f"ALTER TABLE {table} ADD COLUMN hand VARCHAR(9) DEFAULT 'x'",), HAND
        yield "add an index", f"{table}.hand_{table}", (f"CREATE INDEX hand_{table} ON {table}({last})",), HAND
        trigger = f"CREATE TRIGGER hand_t_{table} AFTER DELETE ON {table} BEGIN SELECT 1; END"
        yield "add a trigger", f"{table}.hand_t", (trigger,), HAND
        yield "add a view", f"hand_v_{table}", (f"CREATE VIEW hand_v_{table} AS SELECT {last} FROM {table}",), HAND
        yield "drop a column", f"{table}.{last}", (f"ALTER TABLE {table} DROP COLUMN {last}",), HAND
        yield "rename a column", f"{table}.{last}", (f"ALTER TABLE {table} RENAME COLUMN {last} TO hand_{last}",), HAND
        yield "drop a table", table, (f"DROP TABLE {table}",), HAND
        yield "rename a table", table, (f"ALTER TABLE {table} RENAME TO hand_{table}",), HAND
        yield from _rebuilt(table, tables[table], names, rows)


def _rebuilt(table: str, sql: str, names: list[str], rows: list[tuple[str, str, str, str]]) -> Iterator[Change]:
    last = names[-1]
    own = [row[3] for row in rows if row[0] in ("index", "trigger") and row[2] == table and row[3]]
    edits = (
        ("alter a type", rf"\b({last})([\"`]? +)(\w+)", r"\1\2BLOB"),
        ("alter a default", r"DEFAULT \S+?(?=[,\s)])", "DEFAULT 77"),
        ("drop NOT NULL", r"(?<!id INTEGER) NOT NULL", ""),
        ("add a check", r"\)\s*(WITHOUT ROWID)?$", rf", CHECK (length({last}) < 99))\1"),
        ("drop a check", r",?\s*(CONSTRAINT \w+ )?CHECK \([^()]*(\([^()]*\))?[^()]*\)", ""),
        ("drop a foreign key", r",?\s*(CONSTRAINT \w+ )?(FOREIGN KEY\s?\([^)]*\) )?REFERENCES [^,()]*\([^)]*\)( ON DELETE \w+)?", ""),
        ("drop a unique constraint", r"(,\s*(CONSTRAINT \w+ )?UNIQUE \([^)]*\)| UNIQUE(?=[,\s)]))", ""),
    )
    for what, pattern, new in edits:
        other = re.sub(pattern, new, sql, count=1, flags=re.IGNORECASE)
        if other == sql or (what == "drop NOT NULL" and "WITHOUT ROWID" in sql):
            continue
        spare = re.sub(rf"(?i)^CREATE TABLE [\"`]?{table}[\"`]?", f"CREATE TABLE hand_{table}", other, count=1)
        listed = ", ".join(names)
        yield (
            what,
            table,
            (
                "PRAGMA foreign_keys=OFF",
                "PRAGMA legacy_alter_table=ON",
                spare,
                f"INSERT INTO hand_{table} ({listed}) SELECT {listed} FROM {table}",
                f"DROP TABLE {table}",
                f"ALTER TABLE hand_{table} RENAME TO {table}",
                *own,
                "PRAGMA legacy_alter_table=OFF",
            ),
            HAND,
        )


def _stored(site: Site, source: Source, base: Built) -> list[tuple[str, str, str, str]]:
    from benchmarks.accuracy.on_sqlite import OWN, SqliteSite

    assert isinstance(site, SqliteSite)
    site.build(source, base.acts)
    return [row for row in site.stored() if row[2] not in OWN]
