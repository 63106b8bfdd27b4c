"""Outside changes at every position: columns and indexes by hand between migrations, tables of the application before them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Built, Fault, Plant, Run, Sql, clean


def faults(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Yield the faults of this kind."""
    ids = source.ids
    acts = clean(source).acts
    for place in range(1, len(ids)):
        before = site.build(source, acts[:place])
        for table in before.tables():
            column = f"ALTER TABLE {table} ADD COLUMN hand_between INTEGER"
            yield _fault("column by hand between", f"column in {table} by hand before {ids[place]}", ids[place], (column,))
        if place % 3 == 0:
            for kind, _owner, name in sorted(before.objects):
                if kind == "index":
                    yield _fault("index dropped between", f"{name} dropped before {ids[place]}", ids[place], (f"DROP INDEX {name}",))
            for table in before.tables()[:2]:
                first = sorted(name for kind, owner, name in before.objects if (kind, owner) == ("column", table))[0]
                yield _fault(
                    "index by hand between", f"index on {table} by hand before {ids[place]}", ids[place],
                    (f"CREATE INDEX hand_between ON {table} ({first})",),
                )  # fmt: skip
    yield from _applications(source)
    yield from _all_at_once(source, site, base)


def _fault(kind: str, label: str, before: str, statements: tuple[str, ...], cause: str = "manual-change", told: str = "") -> Fault:
    return Fault(kind, label, _inserted(before, statements, cause, told), frozenset({before}))


def _inserted(before: str, statements: tuple[str, ...], cause: str, told: str) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        order = plant.place
        later = (at for at, act in enumerate(plant.acts) if isinstance(act, Run) and order[act.migration] >= order[before])
        place = next(later, None)
        if place is None:
            return None
        return replace(plant, acts=(*plant.acts[:place], Sql(statements, cause, told), *plant.acts[place:]))

    return apply


def _applications(source: Source) -> Iterator[Fault]:
    """Let the application make a table that a migration makes if it is not there: before it, with more and with less."""
    for name in source.ids:
        text = source.text(name)
        for match in re.finditer(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\)(?=;|\"\))", text, re.DOTALL):
            table = match[1]
            parts = [part.strip() for part in re.split(r",\s*(?![^()]*\))", match[2])]
            shapes = {"same": parts, "less": parts[:-1], "more": [*parts, "extra TEXT"]}
            for shape, columns in shapes.items():
                if len(columns) < 2:
                    continue
                statement = f"CREATE TABLE IF NOT EXISTS {table} (\n    " + ",\n    ".join(columns) + "\n)"
                for known in (True, False):
                    told = "known" if known else "unknown"
                    yield Fault(
                        f"application first, {shape}", f"{table} made before {name}, {shape}, {told}",
                        _made(name, statement, known=known), frozenset({name}),
                    )  # fmt: skip


def _made(name: str, statement: str, *, known: bool) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        if plant.application or Run(name) not in plant.acts:
            return None
        at = plant.acts.index(Run(name))
        act = Sql((statement,), "masked-create", name)
        code = {"app.py": f'SCHEMA = """\n{statement};\n"""\n'}
        source = replace(plant.source, application=code) if known else plant.source
        today = replace(plant.today, application=code) if known and plant.today else plant.today
        acts = (*plant.acts[:at], act, *plant.acts[at:])
        return replace(plant, acts=acts, source=source, today=today, application=known)

    return apply


def _all_at_once(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """`create_all` makes every table as it is at some migration, the tracker is stamped there, and the rest runs for real."""
    if source.dialect != "sqlite":
        return
    for place in (len(source.ids) // 2, len(source.ids) - 2):
        if place < 1:
            continue
        stamped = source.ids[:place]
        statements = _statements(site, source, place)
        yield Fault(
            "create_all, stamped, then migrations", f"create_all stands for all up to {stamped[-1]}",
            _stamped(stamped, statements), frozenset(source.ids), alone=True,
        )  # fmt: skip


def _statements(site: Site, source: Source, place: int) -> tuple[str, ...]:
    """Return the statements with which models that were read from the schema would make it."""
    from sqlalchemy import MetaData, create_engine
    from sqlalchemy.pool import StaticPool
    from sqlalchemy.schema import CreateIndex, CreateTable

    from benchmarks.accuracy.on_sqlite import OWN, SqliteSite

    assert isinstance(site, SqliteSite)
    site.build(source, clean(source).acts[:place])
    engine = create_engine("sqlite://", creator=lambda: site.connection, poolclass=StaticPool)
    metadata = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what SQLAlchemy cannot reflect (expressions in indexes) comes from the catalogue
        metadata.reflect(engine)
        tables = [table for table in metadata.sorted_tables if table.name not in OWN]
        found = [str(CreateTable(table).compile(engine)).strip() for table in tables]
        indexes = {
            str(index.name): str(CreateIndex(index).compile(engine)).strip()
            for table in tables
            for index in sorted(table.indexes, key=lambda item: str(item.name))
        }
    rows = [row for row in site.stored() if row[2] not in OWN and not row[1].startswith("sqlite_") and row[0] != "table"]
    found += [indexes.get(row[1], row[3]) for row in rows if row[0] == "index"]
    return (*found, *(row[3] for row in sorted(rows, key=lambda row: row[0] == "trigger") if row[0] in ("view", "trigger")))


def _stamped(stamped: tuple[str, ...], statements: tuple[str, ...]) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        rest = tuple(act for act in plant.acts if not (isinstance(act, Run) and act.migration in stamped))
        may = frozenset({("manual-change", ""), *(("recorded-not-executed", name) for name in stamped)})
        return replace(
            plant, acts=(Sql(statements, "create_all"), *rest), may=plant.may | may,
            executed={**plant.executed, **dict.fromkeys(stamped, frozenset({"no", "unknown"}))},
        )  # fmt: skip

    return apply
