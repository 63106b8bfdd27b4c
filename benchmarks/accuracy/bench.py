"""Build a plant, diagnose it, and say how that went."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.on_sqlite import SqliteSite
from benchmarks.accuracy.scoring import Score, score
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.truth import Judge
from benchmarks.accuracy.worlds import Plant
from forensics.chain.content import content
from forensics.chain.load import chain_evidence, load_chain
from forensics.conclusions.diagnose import examine
from forensics.conclusions.document import document
from forensics.conclusions.findings import conclude
from forensics.conclusions.workshop import Workshop
from forensics.history.read import read_histories
from forensics.model import ChainEvidence, Evidence, FileVersion, Hints


@dataclass
class Shop:
    """What is shared by all plants with the same files: the chain as evidence, what replays it, its folder."""

    evidence: ChainEvidence
    workshop: Workshop
    folder: Path
    replay_seconds: float | None = None


@dataclass
class Bench:
    """Diagnose plants; replays are shared between plants with the same files. A context manager.

    ``servers`` are made when the first plant of a dialect comes; `site` gives the one of a dialect.
    """

    _sites: dict[str, Site] = field(default_factory=dict)
    _judges: dict[object, Judge] = field(default_factory=dict)
    _shops: dict[object, Shop] = field(default_factory=dict)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *details: object) -> None:
        self.forget()
        for site in self._sites.values():
            site.close()
        self._stack.close()

    def forget(self) -> None:
        """End the replays of the chains so far."""
        for shop in self._shops.values():
            shop.workshop.close()
        self._shops.clear()

    def site(self, dialect: str) -> Site:
        """Return where databases of a dialect are built."""
        if dialect not in self._sites:
            if dialect == "sqlite":
                self._sites[dialect] = SqliteSite()
            else:
                from benchmarks.accuracy.on_postgresql import PostgresSite

                self._sites[dialect] = PostgresSite()
        return self._sites[dialect]

    def judge(self, source: Source) -> Judge:
        """Return who knows what is right of the plants of a chain."""
        if source.key not in self._judges:
            self._judges[source.key] = Judge(self.site(source.dialect), source)
        return self._judges[source.key]

    def shop(self, plant: Plant) -> Shop:
        """Return the chain of a plant as it is found today, and what replays it."""
        today = plant.today or plant.source
        code = tuple(today.application.items()) if plant.application else None
        archived = plant.archived.key if plant.archived else None
        key = (today.key, plant.source.key, code, archived)
        if key not in self._shops:
            root = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            folder = _write(root / "migrations", today.files)
            app = _write(root / "app", today.application if plant.application else {})
            old = [_write(root / "archived", plant.archived.files)] if plant.archived else []
            said: dict[str, Any] = {"trust": True, **today.hints}
            hints = Hints(**said)
            chain = load_chain(folder, tool=today.tool, hints=hints, archived=old)
            evidence = chain_evidence(chain, git="none", sources=[app] if plant.application else [])
            if plant.today is not None:
                evidence = replace(evidence, versions=tuple(_versions(plant)))
            self._shops[key] = Shop(evidence, Workshop(evidence), folder)
        return self._shops[key]

    def score(
        self, plant: Plant, rivals: Callable[[], Iterable[Plant]] | None = None, *, rebuilt: bool = True, baselines: bool = False
    ) -> Score:
        """Build, diagnose and compare."""
        site = self.site(plant.source.dialect)
        right = self.judge(plant.source).truth(plant)
        shop = self.shop(plant)
        with site.realised(plant) as reader:
            snapshot = reader.snapshot()
            evidence = Evidence(
                environment="plant", url=f"{site.dialect}:///x", dialect=site.dialect, state="read", snapshot=snapshot,
                histories=read_histories(reader, shop.evidence.chain),
            )  # fmt: skip
        if shop.replay_seconds is None:  # the plain replay of the chain, which every diagnosis needs
            began = time.perf_counter()
            shop.workshop.speaking(snapshot).furnish(evidence)
            shop.workshop.speaking(snapshot).bench(shop.evidence.chain.migrations)
            shop.replay_seconds = time.perf_counter() - began
        began = time.perf_counter()
        facts = examine(evidence, shop.evidence, workshop=shop.workshop)
        found = document(facts, conclude(facts))
        seconds = time.perf_counter() - began
        differs: tuple[str, ...] = ()
        if rebuilt and site.dialect == "sqlite" and found["explanation"].get("reconstructed"):
            differs = self._rebuilt(plant, found, shop.folder)
        tried = len(facts.explanation.tried) if facts.explanation else 0
        told: dict[str, Any] = {"seconds": seconds, "replay_seconds": shop.replay_seconds, "tried": tried}
        result = score(plant, right, found, rebuilt=differs, **told)
        if result.misses and rivals is not None:  # it may be right of another story that comes to the same database
            right = self.judge(plant.source).truth(plant, rivals())
            result = score(plant, right, found, rebuilt=differs, **told)
        if baselines:
            from benchmarks.accuracy.baselines import answers

            alembic, difference = answers(site, plant)
            result = replace(result, alembic_check=alembic, sqlalchemy_diff=difference)
        return result

    def _rebuilt(self, plant: Plant, found: dict[str, Any], folder: Path) -> tuple[str, ...]:
        """Rebuild the schema from the document without the toolkit and return what differs."""
        site = self.site("sqlite")
        assert isinstance(site, SqliteSite)
        with tempfile.TemporaryDirectory() as place, site.raw(plant) as connection:
            told, live = Path(place) / "diagnosis.json", Path(place) / "live.db"
            told.write_text(json.dumps(found))
            copy = sqlite3.connect(live)
            connection.backup(copy)
            copy.close()
            try:
                differs = _rebuilder().main(told, folder, live)
            except (sqlite3.Error, OSError) as error:
                return (f"rebuild fails: {error}",)
        return tuple(f"rebuild differs: {item}" for item in differs)


@cache
def _rebuilder() -> Any:
    """Return the script of the tests that rebuilds a schema from a diagnosis without the toolkit."""
    spec = spec_from_file_location("rebuild", Path(__file__).parents[2] / "tests" / "rebuild.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _write(folder: Path, files: Any) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _versions(plant: Plant) -> Iterator[FileVersion]:
    """Yield the git history of the files: each as it was applied, then as it is today."""
    assert plant.today is not None
    at = datetime(2026, 2, 1, tzinfo=UTC)
    changed = [name for name in plant.source.files if plant.today.files.get(name) != plant.source.files[name]]
    new = [name for name in plant.today.files if name not in plant.source.files]
    for name, text in plant.source.files.items():
        yield FileVersion(
            path=name, commit="1" * 40, at=at, author="a", subject="add", action="A",
            content=content(text.encode(), origin="git:" + "1" * 40)[0],
        )  # fmt: skip
    for name in (*changed, *new):
        now = plant.today.files.get(name)
        action = "D" if now is None else "A" if name in new else "M"
        yield FileVersion(
            path=name, commit="2" * 40, at=at + timedelta(days=60), author="a", subject="change", action=action,
            content=None if now is None else content(now.encode(), origin="git:" + "2" * 40)[0],
        )  # fmt: skip
