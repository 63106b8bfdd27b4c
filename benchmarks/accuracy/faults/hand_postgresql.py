"""What a person does to a finished PostgreSQL schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.accuracy.worlds import Built

Change = tuple[str, str, tuple[str, ...], str]
HAND = "manual-change"
CONSTRAINTS = {"check": "a check", "foreign_key": "a foreign key", "unique": "a unique constraint"}


def changes(base: Built) -> Iterator[Change]:
    """Yield what is done, to what, the statements, and how the contract calls it."""
    tables = [name for kind, _owner, name in base.objects if kind == "table"]
    columns: dict[str, list[tuple[str, str]]] = {}
    for (kind, owner, name), told in base.objects.items():
        if kind == "column":
            columns.setdefault(owner, []).append((name, str(told)))
    yield "add a table", "hand_made", ("CREATE TABLE hand_made (id serial PRIMARY KEY, x text)",), HAND
    yield "add an enum", "hand_mood", ("CREATE TYPE hand_mood AS ENUM ('up', 'down')",), HAND
    yield "add a function", "hand_f", ("CREATE FUNCTION hand_f() RETURNS int LANGUAGE sql AS 'SELECT 1'",), HAND
    yield "add a sequence", "hand_seq", ("CREATE SEQUENCE hand_seq",), HAND
    for (kind, owner, name), told in base.objects.items():
        text = str(told)
        if kind == "index":
            yield "drop an index", name, (f"DROP INDEX {name}",), HAND
            yield "rename an index", name, (f"ALTER INDEX {name} RENAME TO {name}_x",), "name-only-difference"
            definition = re.sub(r"(true|false)$", "", text)
            other = definition.replace("UNIQUE ", "") if "UNIQUE" in text else definition.replace("CREATE INDEX", "CREATE UNIQUE INDEX")
            if "gin" not in text:
                yield "alter an index", name, (f"DROP INDEX {name}", other), HAND
            invalid = f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass"
            yield "an INVALID index", name, (invalid,), "invalid-object"
        elif kind == "view":
            yield "drop a view", name, (f"DROP VIEW {name}",), HAND
            yield "alter a view", name, (f"CREATE OR REPLACE VIEW {name} AS {text.rstrip(';')} LIMIT 10",), HAND
        elif kind == "trigger":
            yield "drop a trigger", name, (f"DROP TRIGGER {name} ON {owner}",), HAND
            yield "disable a trigger", name, (f"ALTER TABLE {owner} DISABLE TRIGGER {name}",), HAND
        elif kind == "enum":
            yield "add an enum value", name, (f"ALTER TYPE {name} ADD VALUE 'by_hand'",), HAND
            first = text.split(",")[0]
            yield "rename an enum value", name, (f"ALTER TYPE {name} RENAME VALUE '{first}' TO 'by_hand'",), HAND
            yield "rename an enum", name, (f"ALTER TYPE {name} RENAME TO {name}_hand",), HAND
        elif kind == "function":
            yield "alter a function", name, (f"ALTER FUNCTION {name} STABLE",), HAND
        elif kind in CONSTRAINTS:
            yield f"drop {CONSTRAINTS[kind]}", f"{owner}.{name}", (f"ALTER TABLE {owner} DROP CONSTRAINT {name}",), HAND
            if kind == "foreign_key":
                again = text.split(" ON DELETE")[0] + " ON DELETE SET NULL"
                twice = (f"ALTER TABLE {owner} DROP CONSTRAINT {name}", f"ALTER TABLE {owner} ADD CONSTRAINT {name} {again}")
                yield "alter a foreign key", f"{owner}.{name}", twice, HAND
            if kind == "check":
                twice = (f"ALTER TABLE {owner} DROP CONSTRAINT {name}", f"ALTER TABLE {owner} ADD CONSTRAINT {name} CHECK (1 < 2)")
                yield "alter a check", f"{owner}.{name}", twice, HAND
    for table in tables:
        names = columns.get(table, [])
        if not names:
            continue
        last = names[-1][0]
        yield "add a column", f"{table}.hand", (f"ALTER TABLE {table} ADD COLUMN hand varchar(9) DEFAULT 'x'",), HAND
        yield "add an index", f"{table}.hand_i", (f"CREATE INDEX hand_{table} ON {table} ({last})",), HAND
        yield "add a check", f"{table}.hand_c", (f"ALTER TABLE {table} ADD CONSTRAINT hand_c CHECK ({last} IS NOT NULL)",), HAND
        yield "add a unique constraint", f"{table}.hand_u", (f"ALTER TABLE {table} ADD CONSTRAINT hand_{table}_u UNIQUE ({last})",), HAND
        yield "add a view", f"hand_v_{table}", (f"CREATE VIEW hand_v_{table} AS SELECT {last} FROM {table}",), HAND
        yield "drop a column", f"{table}.{last}", (f"ALTER TABLE {table} DROP COLUMN {last}",), HAND
        yield "rename a column", f"{table}.{last}", (f"ALTER TABLE {table} RENAME COLUMN {last} TO hand_{last}",), HAND
        yield "rename a table", table, (f"ALTER TABLE {table} RENAME TO hand_{table}",), HAND
        yield "drop a table", table, (f"DROP TABLE {table}",), HAND
        yield "drop a table, CASCADE", table, (f"DROP TABLE {table} CASCADE",), HAND
        done: set[str] = set()
        for name, told in names:
            edits = (
                ("alter a type", "integer" in told and "nextval" not in told and "truet" not in told, "TYPE bigint"),
                ("alter a default", "'" in told or told[-1:].isdigit(), "SET DEFAULT NULL"),
                ("set a default", told.startswith("text") and told.endswith("false"), "SET DEFAULT 'x'"),
                ("drop NOT NULL", "true" in told[:30] and name != "id", "DROP NOT NULL"),
                ("set NOT NULL", "false" in told[:30], "SET NOT NULL"),
            )
            for what, fits, clause in edits:
                if fits and what not in done:
                    done.add(what)
                    yield what, f"{table}.{name}", (f"ALTER TABLE {table} ALTER COLUMN {name} {clause}",), HAND
