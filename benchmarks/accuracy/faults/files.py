"""The files are no longer those that were applied: edited, deleted, renamed, doubled. The tracker has their checksums."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Built, Fault, Pair, Plant

Change = Callable[[dict[str, str]], dict[str, str]]


def faults(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Yield the faults of this kind; a tracker of heads keeps nothing that could tell."""
    if source.tool == "alembic":
        return
    for name in source.ids:
        file = source.by_id[name]
        text = source.files[file]
        edited: frozenset[Pair] = frozenset({("modified-after-apply", name)})
        if file.endswith(".sql"):
            yield _edit("edit a comment", name, {file: "-- a new comment\n" + text}, edited)
            late = "CREATE TABLE late_addition (id INTEGER PRIMARY KEY);\n"
            yield _edit("edit: one more statement", name, {file: text + late}, edited)
            typed = re.sub(r"(?i)\b(\w+ )(TEXT|VARCHAR\(\d+\))(?=[ ,\n)])", r"\1BLOB", text, count=1)
            if source.dialect == "postgresql":
                typed = re.sub(r"(?i)\b(\w+ )(TEXT|VARCHAR\(\d+\))(?=[ ,\n)])", r"\1varchar(77)", text, count=1)
            if typed != text and "CREATE TABLE" in text:
                yield _edit("edit a type", name, {file: typed}, edited)
        else:
            yield _edit("edit a comment", name, {file: "# a new comment\n" + text}, edited)
        yield _edit("delete a file", name, {file: None}, frozenset({("missing-file", name)}))
        moved = file.replace("step", "moved")
        if moved != file:
            yield _edit("rename a file", name, {file: None, moved: text}, frozenset(), executed_as=moved.rpartition(".")[0])
        twin = source.version(name) + "_zz_twin"
        yield Fault(
            "duplicate a version",
            f"{name} has a twin",
            _doubled(twin),
            frozenset({name}),
        )


def _doubled(twin: str) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        if plant.today is not None:
            return None
        files = {**plant.source.files, twin + ".sql": "CREATE TABLE twin (id INTEGER PRIMARY KEY);\n"}
        return replace(
            plant,
            checksums=True,
            today=replace(plant.source, files=dict(sorted(files.items()))),
            may=plant.may | {("recorded-not-executed", twin)},
            executed={**plant.executed, twin: frozenset({"no"})},
        )

    return apply


def _edit(
    kind: str, name: str, change: dict[str, str | None], want: frozenset[Pair], *, executed_as: str = ""
) -> Fault:
    def apply(plant: Plant) -> Plant | None:
        if plant.today is not None or name not in plant.recorded:
            return None
        files = {**plant.source.files, **change}
        kept = {file: text for file, text in files.items() if text is not None}
        ordered = dict(sorted(kept.items()))
        if not ordered:
            return None
        return replace(
            plant, checksums=True, today=replace(plant.source, files=ordered), want=plant.want | want,
            may=plant.may | want | ({("missing-file", name)} if executed_as else set()),
        )  # fmt: skip

    return Fault(kind, f"{kind} in {name}", apply, frozenset({name}))
