"""What happens to whole databases: restores, VACUUM, another chain; evidence that was removed; and clean controls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.faults.tracker import skipped
from benchmarks.accuracy.source import Source, alembic
from benchmarks.accuracy.worlds import Act, Built, Fault, Name, Plant, Run, Sql, clean


def faults(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Yield the faults of this kind."""
    everything = frozenset(source.ids)
    treatments: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("control: slow build", "clean", {}),
        ("control: fast build", "built in a moment", {"pace": "fast"}),
        ("control: several goes", "built in several goes", {"pace": "goes"}),
        ("control: vacuumed", "vacuumed", {"after": "vacuum"}),
        ("control: dump and restore", "dumped and restored", {"after": "restore"}),
        ("control: with checksums", "with checksums", {"checksums": True}),
    )
    for kind, label, changes in treatments:
        yield Fault(kind, label, _changed(changes), everything, alone=kind.endswith(("build", "goes")))
    ids = source.ids
    for part in (len(ids) // 3, len(ids) // 2, len(ids) - 1):
        if part > 0 and _line(source):
            yield Fault("control: some pending", f"{len(ids) - part} pending", _until(ids[:part]), everything, alone=True)
    for part in (len(ids) // 2, len(ids) - 2):
        if part > 0 and _line(source):
            older, newer = f"schema of {ids[part - 1]}, tracker of today", f"schema of today, tracker of {ids[part - 1]}"
            yield Fault("restored from an older one", older, _older(ids[:part]), everything, alone=True)
            yield Fault("restored from a newer one", newer, _newer(ids[:part]), everything, alone=True)
    yield from _erased(source, site, base)
    yield from _leftovers(source, base)
    yield from _archived(source, site, base)


def _line(source: Source) -> bool:
    return all(len(found) <= 1 for found in source.parents.values()) and len(source.heads(source.ids)) == 1


def _changed(changes: dict[str, object]) -> Callable[[Plant], Plant | None]:
    return lambda plant: replace(plant, **changes)  # type: ignore[arg-type]


def _until(names: tuple[str, ...]) -> Callable[[Plant], Plant | None]:
    return lambda plant: replace(plant, acts=tuple(map(Run, names)), recorded=names)


def _older(names: tuple[str, ...]) -> Callable[[Plant], Plant | None]:
    return lambda plant: replace(plant, acts=tuple(map(Run, names)), after="restore")


def _newer(names: tuple[str, ...]) -> Callable[[Plant], Plant | None]:
    return lambda plant: replace(plant, recorded=names, after="restore")


def _erased(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Skip a migration, and remove by hand every table that it writes."""
    acts = clean(source).acts
    made: list[set[Name]] = []
    last = site.build(source, ())
    for place in range(len(acts)):
        now = site.build(source, acts[: place + 1])
        made.append(now.differs(last))
        last = now
    for name, names in zip(source.ids, made, strict=True):
        tables = {owner or item for kind, owner, item in names if kind in ("table", "column", "index", "check", "foreign_key", "unique")}
        there = [item for item in base.tables() if item in tables]
        if not there or len(there) > 2 or any(kind in ("view", "enum", "function") for kind, _owner, _item in names):
            continue
        tail = " CASCADE" if source.dialect == "postgresql" else ""
        statements = tuple(f"DROP TABLE {table}{tail}" for table in there)
        yield Fault("evidence removed", f"skip {name}, its tables dropped", _gone(name, statements), frozenset({name}))


def _gone(name: str, statements: tuple[str, ...]) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        without = skipped((name,), plant)
        return without and replace(without, acts=(*without.acts, Sql(statements)))

    return apply


def _leftovers(source: Source, base: Built) -> Iterator[Fault]:
    if source.tool != "alembic" or source.dialect != "sqlite":
        return
    for table in base.tables():
        if any(re.search(rf"batch_alter_table\(\s*[\"']{table}[\"']", text) for text in source.files.values()):
            statement = f"CREATE TABLE _alembic_tmp_{table} (id INTEGER NOT NULL, PRIMARY KEY (id))"
            act: Act = Sql((statement,), "leftover-object")
            yield Fault("_alembic_tmp_ left over", f"_alembic_tmp_{table}", _then(act), frozenset({f"object {table}"}))


def _then(act: Act) -> Callable[[Plant], Plant | None]:
    return lambda plant: replace(plant, acts=(*plant.acts, act))


def _archived(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """The chain was squashed into one revision, and the database still stands on the old one."""
    if source.tool != "alembic" or len(source.heads(source.ids)) != 1:
        return
    statements = site.script(source, base.acts)
    if statements is None:
        return
    body = "\n".join(f"op.execute({item!r})" for item in statements)
    squash = alembic(source.name + "-squashed", body, dialect=source.dialect)
    squash = replace(squash, files={"b001_squash.py": squash.files["a001_step.py"].replace("'a001'", "'b001'")})
    head = source.heads(source.ids)[0]

    def stays(plant: Plant) -> Plant | None:
        return replace(
            plant, source=squash, archived=source, want=frozenset({("foreign-chain", head)}),
            may=frozenset({("foreign-chain", head), ("pending-will-fail", "b001"), ("executed-not-recorded", "b001")}),
            executed={"b001": frozenset({"no", "unknown"})},
        )  # fmt: skip

    def moved(plant: Plant) -> Plant | None:
        return replace(plant, source=squash, acts=(Run("b001"),), recorded=("b001",))

    yield Fault("stamped on an archived chain", "on the old chain", stays, frozenset(source.ids), alone=True)
    yield Fault("control: squashed", "built by a squash", moved, frozenset(source.ids), alone=True)
