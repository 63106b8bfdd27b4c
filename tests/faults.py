"""Fault injection: build databases with a chain, plant a known fault, diagnose, and compare with what was planted.

The truth comes from the building itself, never from the toolkit: what ran, what was recorded, and, where a migration could be
left out without any trace (the same stored text, the same count of schema changes, nothing that fails), ``unknown``.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import rebuild
from fault_truth import fails_next, truth
from fault_worlds import Built, Pair, Plant, built

from forensics.catalogs.sqlite import SqliteReader
from forensics.chain.content import content
from forensics.chain.load import chain_evidence, load_chain
from forensics.conclusions.diagnose import examine
from forensics.conclusions.document import document
from forensics.conclusions.findings import conclude
from forensics.conclusions.workshop import Workshop
from forensics.history.read import read_histories
from forensics.model import ChainEvidence, Evidence, FileVersion, Hints
from forensics.rules.facts import Facts

GRAVE = ("critical", "error", "warning")


@dataclass(frozen=True, kw_only=True)
class Score:
    """How one diagnosis compares with what was planted."""

    plant: str
    misses: tuple[str, ...]
    seconds: float
    tried: int


class Bench:
    """Diagnose plants of one chain; replays are shared between plants with the same files. A context manager."""

    def __init__(self, *, application: bool = True) -> None:
        self._shops: dict[object, tuple[ChainEvidence, Workshop, Path]] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *details: object) -> None:
        for _evidence, shop, _folder in self._shops.values():
            shop.close()
        self._stack.close()

    def evidence(self, plant: Plant) -> tuple[ChainEvidence, Workshop, Path]:
        """Return the chain of a plant as it is found today, what replays it, and its folder."""
        today = plant.today or plant.source
        code = tuple(today.application.items()) if plant.application else None
        key = (tuple(today.files.items()), tuple(plant.source.files.items()), code)
        if key not in self._shops:
            root = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            folder, code = root / "migrations", root / "app"
            folder.mkdir()
            code.mkdir()
            for name, text in today.files.items():
                (folder / name).write_text(text)
            for name, text in today.application.items() if plant.application else ():
                (code / name).write_text(text)
            chain = load_chain(folder, tool=today.tool, hints=Hints(trust=True))
            source = chain_evidence(chain, git="none", sources=[code] if plant.application else [])
            if plant.today is not None:
                source = replace(source, versions=tuple(_versions(plant)))
            self._shops[key] = (source, Workshop(source), folder)
        return self._shops[key]

    def diagnose(self, plant: Plant, made: Built) -> tuple[Facts, dict[str, Any]]:
        """Return the facts and the document of a built database."""
        source, shop, _folder = self.evidence(plant)
        reader = SqliteReader(made.connection)
        evidence = Evidence(
            environment=plant.name,
            url="sqlite:///x",
            dialect="sqlite",
            state="read",
            snapshot=reader.snapshot(),
            histories=read_histories(reader, source.chain),
        )
        facts = examine(evidence, source, workshop=shop)
        return facts, document(facts, conclude(facts))

    def score(self, plant: Plant, *, rebuilt: bool = True) -> Score:
        """Build, diagnose and compare."""
        with built(plant) as made:
            right = truth(plant, made)
            failing = fails_next(plant)
            began = time.perf_counter()
            facts, found = self.diagnose(plant, made)
            seconds = time.perf_counter() - began
            misses = list(compare(plant, right, failing, found))
            if rebuilt and found["explanation"].get("reconstructed"):
                misses += self.rebuilt(plant, made, found)
        tried = len(facts.explanation.tried) if facts.explanation else 0
        return Score(plant=plant.name, misses=tuple(misses), seconds=seconds, tried=tried)

    def rebuilt(self, plant: Plant, made: Built, found: dict[str, Any]) -> list[str]:
        """Rebuild the schema from the document without the toolkit and return what differs."""
        folder = self.evidence(plant)[2]
        with tempfile.TemporaryDirectory() as place:
            told, live = Path(place) / "diagnosis.json", Path(place) / "live.db"
            told.write_text(json.dumps(found))
            copy = sqlite3.connect(live)
            made.connection.backup(copy)
            copy.close()
            try:
                differs = rebuild.main(told, folder, live)
            except sqlite3.Error as error:
                return [f"rebuild fails: {error}"]
        return [f"rebuild differs: {item}" for item in differs]


def _versions(plant: Plant) -> Iterator[FileVersion]:
    """Yield the git history of the files: each as it was applied, then as it is today."""
    assert plant.today is not None
    at = datetime(2026, 2, 1, tzinfo=UTC)
    for name, text in plant.source.files.items():
        now = plant.today.files.get(name)
        yield FileVersion(
            path=name, commit="1" * 40, at=at, author="a", subject="add", action="A",
            content=content(text.encode(), origin="git:" + "1" * 40)[0],
        )  # fmt: skip
        if now != text:
            yield FileVersion(
                path=name, commit="2" * 40, at=at + timedelta(days=60), author="a", subject="change",
                action="D" if now is None else "M",
                content=None if now is None else content(now.encode(), origin="git:" + "2" * 40)[0],
            )  # fmt: skip


def compare(
    plant: Plant, right: dict[str, frozenset[str]], failing: tuple[Sequence[str], bool], found: dict[str, Any]
) -> Iterator[str]:
    """Yield what a diagnosis got wrong."""
    said = {item["id"]: item["executed"] for item in found["migrations"]}
    for name, answers in right.items():
        if said.get(name) not in answers:
            yield f"executed {name}: {said.get(name)} instead of {'/'.join(sorted(answers))}"
    labels = {item["version"]: item["id"] for item in found["migrations"]}
    have: set[Pair] = set()
    for item in found["findings"]:
        if item["severity"] in GRAVE and item["scope"] == "environment":
            have |= {(item["cause"], labels.get(name, name)) for name in item["migrations"] or [""]}
    want = set(plant.want) | {
        ("recorded-not-executed", name)
        for name in plant.recorded
        if right.get(name) == {"no"}
    } | {("partially-executed", name) for name in right if right[name] == {"partial"}} | {
        ("executed-not-recorded", name) for name in right if right[name] == {"yes"} and name not in plant.recorded
    }  # fmt: skip
    may = set(plant.may) | {
        ("executed-not-recorded", name) for name in right if "yes" in right[name] and name not in plant.recorded
    }
    may |= {("recorded-not-executed", name) for name in plant.recorded if "no" in right.get(name, ())}
    if "partial" in {answer for answers in right.values() for answer in answers}:
        may |= {("leftover-object", name) for name in ["", *right]}
        may |= {("partially-executed", name) for name in right if "partial" in right[name]}
    if failing[0]:
        may |= {("pending-will-fail", name) for name in failing[0]}
        if failing[1]:
            want.add(("pending-will-fail", failing[0][0]))
    for choice in plant.either:
        may |= choice
    if plant.either and not any(choice <= have for choice in plant.either):
        yield f"none of {[sorted(choice) for choice in plant.either]}"
    for pair in sorted(want - have):
        yield f"finding missing: {pair}"
    for pair in sorted(have - want - may):
        yield f"finding too many: {pair}"
    told = found["explanation"]
    if told and not told["reconstructed"]:
        yield f"not reconstructed: residual {[item['name'] for item in told['residual']]}"
    if bool(told and told["ties"]) < plant.tied:
        yield "no ties"
    if plant.tied and any(item["severity"] in ("critical", "error") for item in found["findings"]):
        yield "accused in spite of a tie"
    if plant.before is not None:
        name, expected = plant.before
        places = [
            labels.get(item["before"], item["before"])
            for item in told["outside"]
            if any(ref["name"] == name for ref in item["objects"])
        ]
        if places != [expected]:
            yield f"outside {name} placed before {places} instead of {expected}"
