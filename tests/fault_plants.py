"""The faults: from a chain to databases with one known fault each."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace

from fault_chains import Source
from fault_worlds import Act, Plant, Run, Sql, built, pieces

MANUAL = ("manual-change", "")


def clean(source: Source) -> Plant:
    """A database to which nothing happened but the chain."""
    return Plant(
        name=f"{source.name}: clean",
        source=source,
        acts=tuple(map(Run, source.ids)),
        recorded=tuple(source.ids),
    )


def works(plant: Plant) -> bool:
    """Whether no act of a plant fails that was not stopped on purpose."""
    with built(plant) as made:
        return not any(error and error != "interrupted" for error in made.errors)


def skips(source: Source) -> Iterator[Plant]:
    """Record one, a block or a suffix without running it, where nothing fails after that."""
    return (plant for plant in _skips(source) if works(plant))


def vacuumed(source: Source) -> Iterator[Plant]:
    """The clean database, and those with one migration skipped, without the count of schema changes: VACUUM has moved it on."""
    for plant in (clean(source), *skips(source)):
        yield replace(plant, name=plant.name + ", vacuumed", vacuum=True)


def cascades(source: Source) -> Iterator[Plant]:
    """The same where later ones fail: they are recorded too, with whatever they left."""
    return (plant for plant in _skips(source) if not works(plant))


def _skips(source: Source) -> Iterator[Plant]:
    base = clean(source)
    ids = source.ids
    sets = [(name,) for name in ids]
    sets += [tuple(ids[at : at + 3]) for at in range(1, len(ids) - 3, 3)]
    sets += [tuple(ids[at:]) for at in (len(ids) // 2, len(ids) - 2)]
    for gone in sets:
        yield replace(
            base,
            name=f"{source.name}: skip {' '.join(gone)}",
            acts=tuple(act for act in base.acts if isinstance(act, Run) and act.migration not in gone),
        )


def unrecorded(source: Source) -> Iterator[Plant]:
    """Run what is not recorded: any one with rows, the last ones where only the head is kept."""
    base = clean(source)
    ids = source.ids
    if source.tool == "alembic":
        for count in (1, 2, 4):
            yield replace(base, name=f"{source.name}: head {count} behind", recorded=tuple(ids[:-count]))
        return
    for name in ids:
        yield replace(
            base, name=f"{source.name}: unrecorded {name}", recorded=tuple(item for item in ids if item != name)
        )


def partials(source: Source, *, works_after: bool = True) -> Iterator[Plant]:
    """Stop after some of the statements, recorded and not; later ones go through, or (``works_after`` false) some do not."""
    base = clean(source)
    for place, name in enumerate(source.ids):
        file = source.by_id[name]
        total = len(pieces(source.files[file])) if file.endswith(".sql") else 4
        for count in range(1, total):
            acts = (*base.acts[:place], Run(name, count), *base.acts[place + 1 :])
            plant = replace(base, name=f"{source.name}: {name} stops after {count}", acts=acts)
            if works(plant) != works_after:
                continue
            yield plant
            if place == len(source.ids) - 1 or source.tool != "alembic":
                rest = tuple(item for item in source.ids if item != name)
                yield replace(plant, name=plant.name + ", unrecorded", recorded=rest)
            if place and place < len(source.ids) - 1:
                yield replace(
                    plant,
                    name=plant.name + ", the rest pending",
                    acts=acts[: place + 1],
                    recorded=tuple(source.ids[:place]),
                )


def swaps(source: Source) -> Iterator[Plant]:
    """Run and record two neighbours in the other order."""
    if source.tool == "alembic":
        return
    base = clean(source)
    ids = source.ids
    for at in range(len(ids) - 1):
        order = [*ids[:at], ids[at + 1], ids[at], *ids[at + 2 :]]
        choice = (frozenset({("out-of-order", ids[at])}), frozenset({("out-of-order", ids[at + 1])}))
        plant = replace(
            base,
            name=f"{source.name}: swap {ids[at]} {ids[at + 1]}",
            acts=tuple(map(Run, order)),
            recorded=tuple(order),
            may=frozenset({("out-of-order", ids[at]), ("out-of-order", ids[at + 1])}),
            either=() if _no_ddl(source, ids[at]) or _no_ddl(source, ids[at + 1]) else choice,
        )
        if works(plant):
            yield plant


def _no_ddl(source: Source, name: str) -> bool:
    return not re.search(r"(?i)\b(create|alter|drop)\b", source.files[source.by_id[name]])


def by_hand(source: Source, *, seed: int = 1) -> Iterator[Plant]:
    """Change the finished schema by hand, one object of every kind."""
    base = clean(source)
    chosen = random.Random(seed)
    with built(base) as made:
        rows = made.connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' "
            "AND tbl_name NOT IN ('schema_versions', 'alembic_version')"
        ).fetchall()
        columns = {
            name: [row[1] for row in made.connection.execute(f"PRAGMA table_info('{name}')")]
            for kind, name, _table, _sql in rows
            if kind == "table"
        }
    changes: list[tuple[str, tuple[str, ...]]] = []
    for kind, name, _table, sql in rows:
        if kind != "table":
            changes.append((f"drop {kind} {name}", (f"DROP {kind.upper()} {name}",)))
        if kind == "index":
            changed = sql.replace("CREATE INDEX", "CREATE UNIQUE INDEX") if "UNIQUE" not in sql else sql.replace("UNIQUE ", "")
            changes.append((f"alter index {name}", (f"DROP INDEX {name}", changed)))
            changes.append((f"rename index {name}", (f"DROP INDEX {name}", sql.replace(name, name + "_x"))))
        if kind == "view":
            changes.append((f"alter view {name}", (f"DROP VIEW {name}", sql + " LIMIT 10")))
        if kind == "trigger":
            changes.append((f"alter trigger {name}", (f"DROP TRIGGER {name}", sql.replace("BEGIN", "BEGIN SELECT 1;", 1))))
    for table, names in columns.items():
        last = names[-1]
        changes += [
            (f"add column {table}.hand", (f"ALTER TABLE {table} ADD COLUMN hand VARCHAR(9) DEFAULT 'x'",)),
            (f"add index on {table}", (f"CREATE INDEX hand_{table} ON {table}({last})",)),
            (f"add trigger on {table}", (f"CREATE TRIGGER hand_t AFTER DELETE ON {table} BEGIN SELECT 1; END",)),
            (f"add view on {table}", (f"CREATE VIEW hand_v AS SELECT {last} FROM {table}",)),
            (f"drop column {table}.{last}", (f"ALTER TABLE {table} DROP COLUMN {last}",)),
            (f"rename column {table}.{last}", (f"ALTER TABLE {table} RENAME COLUMN {last} TO hand",)),
            (f"drop table {table}", (f"DROP TABLE {table}",)),
        ]
        sql = next(row[3] for row in rows if row[1] == table)
        indexes = [row[3] for row in rows if row[0] in ("index", "trigger") and row[2] == table and row[3]]
        for what, pattern, new in (
            ("type", rf"\b({last})(\W+)(\w+)", r"\1\2BLOB"),
            ("default", r"DEFAULT \S+?(?=[,\s)])", "DEFAULT 77"),
            ("nullability", r"(?<!id INTEGER) NOT NULL", ""),
        ):
            other = re.sub(pattern, new, sql, count=1, flags=re.IGNORECASE)
            if other != sql and not (what == "nullability" and "WITHOUT ROWID" in sql):
                spare = other.replace(table, "hand_spare", 1)
                listed = ", ".join(names)
                changes.append(
                    (
                        f"alter {what} in {table}",
                        (
                            "PRAGMA foreign_keys=OFF",
                            "PRAGMA legacy_alter_table=ON",
                            spare,
                            f"INSERT INTO hand_spare ({listed}) SELECT {listed} FROM {table}",
                            f"DROP TABLE {table}",
                            f"ALTER TABLE hand_spare RENAME TO {table}",
                            *indexes,
                        ),
                    )
                )
    changes.append(("add table", ("CREATE TABLE hand_made (id INTEGER PRIMARY KEY, x TEXT)",)))
    chosen.shuffle(changes)
    for what, statements in changes:
        plant = replace(
            base,
            name=f"{source.name}: by hand, {what}",
            acts=(*base.acts, Sql(statements)),
            want=frozenset() if what.startswith("rename index") else frozenset({MANUAL}),
            may=frozenset() if what.startswith("rename index") else frozenset({MANUAL}),
        )
        if works(plant):
            yield plant


def hand_columns(source: Source) -> Iterator[Plant]:
    """Add a column or an index by hand between migrations, wherever everything still runs after it."""
    base = clean(source)
    for place in range(1, len(source.ids)):
        with built(replace(base, acts=base.acts[:place])) as made:
            tables = [
                row[0]
                for row in made.connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                    "AND name NOT IN ('schema_versions', 'alembic_version')"
                )
            ]
        for table in tables:
            hand = Sql((f"ALTER TABLE {table} ADD COLUMN hand INTEGER",))
            plant = replace(
                base,
                name=f"{source.name}: column in {table} by hand before {source.ids[place]}",
                acts=(*base.acts[:place], hand, *base.acts[place:]),
            )
            if not works(plant):
                continue
            with built(plant) as made:
                text = str(made.master())
            visible = "hand" in text
            yield replace(plant, want=frozenset({MANUAL}) if visible else frozenset())


def edits(source: Source) -> Iterator[Plant]:
    """Edit a file after it ran: a comment, and its DDL; delete it; give its version to a second file."""
    if source.tool == "alembic":
        return
    base = replace(clean(source), checksums=True)
    for name in source.ids:
        file = source.by_id[name]
        text = source.files[file]
        if not file.endswith(".sql"):
            continue
        files = dict(source.files)
        files[file] = "-- a new comment\n" + text
        pair = ("modified-after-apply", name)
        yield replace(
            base, name=f"{source.name}: comment in {name}", today=replace(source, files=dict(files)), want=frozenset({pair})
        )
        files[file] = text + "CREATE TABLE late_addition (id INTEGER PRIMARY KEY);\n"
        yield replace(
            base, name=f"{source.name}: DDL in {name}", today=replace(source, files=dict(files)), want=frozenset({pair})
        )
        del files[file]
        yield replace(
            base,
            name=f"{source.name}: {name} deleted",
            today=replace(source, files=dict(files)),
            want=frozenset({("missing-file", name)}),
        )
        files[file] = text
        twin = name.partition("_")[0] + "_zz_twin"
        files = dict(sorted({**files, twin + ".sql": "CREATE TABLE twin (id INTEGER PRIMARY KEY);\n"}.items()))
        yield replace(
            base,
            name=f"{source.name}: {name} has a twin",
            today=replace(source, files=files),
            may=frozenset({("recorded-not-executed", twin)}),
            executed={twin: frozenset({"no"})},
        )


def applications(source: Source) -> Iterator[Plant]:
    """Let the application make a table that a migration makes if it is not there: before it, with more and with less."""
    base = clean(source)
    for place, name in enumerate(source.ids):
        text = source.files[source.by_id[name]]
        for match in re.finditer(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\)(?=;|\"\))", text, re.DOTALL):
            table = match[1]
            parts = [part.strip() for part in re.split(r",\s*(?![^()]*\))", match[2])]
            shapes = {"same": parts, "less": parts[:-1], "more": [*parts, "extra TEXT"]}
            for shape, columns in shapes.items():
                if len(columns) < 2:
                    continue
                statement = f"CREATE TABLE IF NOT EXISTS {table} (\n    " + ",\n    ".join(columns) + "\n)"
                code = f'SCHEMA = """\n{statement};\n"""\n'
                for known in (True, False):
                    acts: tuple[Act, ...] = (*base.acts[:place], Sql((statement,)), *base.acts[place:])
                    masked = frozenset({("masked-create", name)}) if shape != "same" else frozenset()
                    plant = replace(
                        base,
                        name=f"{source.name}: {table} made before {name}, {shape}, {'known' if known else 'unknown'}",
                        source=replace(source, application={"app.py": code}),
                        acts=acts,
                        application=known,
                        may=frozenset({MANUAL}) | masked,
                    )
                    with built(plant) as made, built(base) as other:
                        visible = made.master(cookie=False) != other.master(cookie=False)
                    yield replace(plant, want=masked if visible else frozenset())


def alike(source: Source) -> Iterator[Plant]:
    """Let the last object of a script be missing: it stopped before its last statement, or somebody dropped it."""
    base = clean(source)
    for name in source.ids:
        file = source.by_id[name]
        every = pieces(source.files[file]) if file.endswith(".sql") else []
        found = re.match(r"CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+)", every[-1]) if len(every) > 1 else None
        later = source.ids[source.ids.index(name) + 1 :]
        if found is None or any(found[1] in source.files[source.by_id[other]] for other in later):
            continue
        dropped = replace(
            base,
            name=f"{source.name}: {found[1]} of {name} dropped",
            acts=(*base.acts, Sql((f"DROP INDEX {found[1]}",))),
            tied=True,
            executed={name: frozenset({"yes", "partial"})},
            may=frozenset({MANUAL, ("partially-executed", name)}),
            either=(frozenset({MANUAL}), frozenset({("partially-executed", name)})),
        )
        if works(dropped):
            yield dropped
