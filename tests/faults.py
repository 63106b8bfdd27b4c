"""Fault injection: build databases with a chain, plant a known fault, diagnose, and compare with what was planted.

The truth comes from the building itself, never from the toolkit: what ran, what was recorded, and, where a migration could be
left out without any trace (the same stored text, the same count of schema changes, nothing that fails), ``unknown``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
import time
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import rebuild
from fault_chains import Source

from forensics.catalogs.sqlite import SqliteReader
from forensics.chain import chain_evidence, load_chain
from forensics.content import content
from forensics.diagnose import Workshop, examine
from forensics.document import document
from forensics.findings import conclude
from forensics.history import read_histories
from forensics.model import ChainEvidence, Evidence, FileVersion, Hints
from forensics.rules.facts import Facts

Pair = tuple[str, str]
GRAVE = ("critical", "error", "warning")
TRACKER = (
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, applied_at TIMESTAMP, "
    "description TEXT, checksum TEXT)"
)
ALEMBIC = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


class Stop(sqlite3.OperationalError):
    """The run was to end here."""


@dataclass(frozen=True)
class Run:
    """A migration runs: all of it, or its first statements."""

    migration: str
    upto: int | None = None


@dataclass(frozen=True)
class Sql:
    """Something that is no migration changes the schema."""

    statements: tuple[str, ...]


Act = Run | Sql


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One database to be: what happens to it in order, what is recorded, and what must be found.

    ``source`` is the chain as it was applied, ``today`` as it is found. ``want`` are findings at warning or above, ``may`` others
    that are right too. ``either`` are sets of findings of which one must be there. ``executed`` overrides what follows from the acts.
    """

    name: str
    source: Source
    acts: tuple[Act, ...]
    recorded: tuple[str, ...]
    today: Source | None = None
    checksums: bool = False
    application: bool = False
    vacuum: bool = False
    want: frozenset[Pair] = frozenset()
    may: frozenset[Pair] = frozenset()
    either: tuple[frozenset[Pair], ...] = ()
    executed: dict[str, frozenset[str]] = field(default_factory=dict)
    tied: bool = False
    before: tuple[str, str | None] | None = None


@dataclass
class Built:
    """A database that was built, and how each act went: its error, and whether it left anything."""

    connection: sqlite3.Connection
    acts: tuple[Act, ...]
    errors: list[str]
    changed: list[bool]
    settled: bool = False

    def master(self, *, cookie: bool = True) -> tuple[Any, ...]:
        """Everything that the schema can testify to."""
        rows = self.connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
        text = [(*row[:3], sorted(line.strip(" \t,") for line in (row[3] or "").splitlines())) for row in rows]
        if self.settled:  # Alembic's batch mode makes indexes again in an order that is not settled
            text.sort()
        count = self.connection.execute("PRAGMA schema_version").fetchone()[0] if cookie else 0
        return (text, count)


def pieces(script: str) -> list[str]:
    """Split a script into its statements."""
    return [piece.strip() for piece in rebuild.pieces(script)]


class Recording(sqlite3.Connection):
    """A connection that stops after some statements."""

    left: int | None = None

    def count(self, sql: str) -> None:
        if self.left is None or sql.lstrip()[:6].casefold() in ("select", "pragma"):
            return
        if self.left <= 0:
            raise Stop("interrupted")
        self.left -= 1

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self.count(sql)
        return super().execute(sql, *rest)

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or Counting)


class Counting(sqlite3.Cursor):
    """A cursor of such a connection."""

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        home = self.connection
        assert isinstance(home, Recording)
        home.count(sql)
        return super().execute(sql, *rest)


@contextlib.contextmanager
def built(plant: Plant) -> Iterator[Built]:
    """Build the database of a plant in memory."""
    connection = sqlite3.connect(":memory:", factory=Recording, check_same_thread=False)
    alembic = plant.source.tool == "alembic"
    engine = None
    try:
        connection.execute(ALEMBIC if alembic else TRACKER)
        connection.commit()
        if alembic:
            import sqlalchemy
            from sqlalchemy.pool import StaticPool

            engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        made = Built(connection, plant.acts, [], [], alembic)
        for act in plant.acts:
            before = made.master(cookie=False)
            made.errors.append(_perform(plant.source, act, connection, engine))
            made.changed.append(made.master(cookie=False) != before)
        _record(plant, connection)
        if plant.vacuum:
            connection.isolation_level = None
            connection.execute("VACUUM")
        yield made
    finally:
        if engine is not None:
            engine.dispose()
        connection.close()


def _perform(source: Source, act: Act, connection: Recording, engine: Any) -> str:
    try:
        if isinstance(act, Sql):
            for statement in act.statements:
                connection.execute(statement)
            connection.commit()
            return ""
        file = source.by_id[act.migration]
        text = source.files[file]
        if file.endswith(".sql"):
            every = pieces(text)
            level, connection.isolation_level = connection.isolation_level, None
            try:
                for piece in every if act.upto is None else every[: act.upto]:
                    sqlite3.Connection.execute(connection, piece).fetchall()
            finally:
                connection.isolation_level = level
            return "" if act.upto is None or act.upto >= len(every) else "interrupted"
        connection.left = act.upto
        _python(text, file, connection, engine)
        return ""
    except Exception as error:
        return str(error) or type(error).__name__
    finally:
        connection.left = None
        if connection.in_transaction:
            connection.rollback()


def _python(text: str, file: str, connection: Recording, engine: Any) -> None:
    module = types.ModuleType("migration")
    exec(compile(text, file, "exec"), module.__dict__)
    if engine is None:
        module.upgrade(connection)
        connection.commit()
        return
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    with engine.connect() as opened:
        context = MigrationContext.configure(opened)
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            module.upgrade()


def _record(plant: Plant, connection: sqlite3.Connection) -> None:
    if plant.source.tool == "alembic":
        for name in plant.recorded[-1:]:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (name,))
    else:
        at = datetime(2026, 3, 1, 8, tzinfo=UTC)
        for place, name in enumerate(plant.recorded):
            text = plant.source.files[plant.source.by_id[name]] if name in plant.source.by_id else ""
            connection.execute(
                "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, '', ?)",
                (
                    name.partition("_")[0],
                    f"{at + timedelta(hours=7 * place, seconds=13 * place):%Y-%m-%d %H:%M:%S}",
                    hashlib.md5(text.encode()).hexdigest() if plant.checksums else "",
                ),
            )
    connection.commit()


def truth(plant: Plant, made: Built) -> dict[str, frozenset[str]]:
    """Say for each migration which answers are right."""
    ran: dict[str, str] = {}
    for act, error, changed in zip(plant.acts, made.errors, made.changed, strict=True):
        if isinstance(act, Run):
            ran[act.migration] = "yes" if not error else "partial" if changed else "failed" if _real(error) else "nothing"
    counts = not plant.vacuum and not any(isinstance(act, Sql) for act in plant.acts)
    said = {name: ran.get(name, "no") for name in plant.source.ids}
    # Those that could be left out, or put in, while every stored text stays.
    twins: dict[str, Built] = {}
    with contextlib.ExitStack() as stack:
        for name, answer in said.items():
            if answer in ("yes", "no"):
                other = stack.enter_context(built(replace(plant, acts=_toggled(plant, {name: answer == "no"}))))
                if not _fails_otherwise(made, other) and other.master(cookie=False) == made.master(cookie=False):
                    twins[name] = other
        answers = {name: _right(plant, made, name, said, twins, counts) for name in said}
    return {name: plant.executed.get(name, answer) for name, answer in answers.items()}


def _right(
    plant: Plant, made: Built, name: str, said: dict[str, str], twins: dict[str, Built], counts: bool
) -> frozenset[str]:
    answer = said[name]
    if answer == "failed":
        return frozenset({"no", "unknown"} if name in silent_together(plant.source) else {"no"})
    if answer == "nothing":
        with built(replace(plant, acts=_toggled(plant, {name: True}))) as other:
            return frozenset({"unknown"} if other.master() == made.master() else {"no"})
    if answer == "partial":
        right = {"partial"}
        for whole in (True, False):
            with built(replace(plant, acts=_toggled(plant, {name: whole}))) as other:
                alike = not _fails_otherwise(made, other) and other.master(cookie=False) == made.master(cookie=False)
                right |= {"yes" if whole else "no", "unknown"} if alike else set()
        return frozenset(right)
    if name in silent_together(plant.source) and (not counts or said != dict.fromkeys(said, "yes")):
        return frozenset({"unknown", answer})
    if name not in twins:
        return frozenset({answer})
    if not counts:
        return frozenset({"unknown"} if plant.vacuum else {"unknown", answer})
    if twins[name].master() == made.master():
        return frozenset({"unknown"})
    for other in twins:  # another one in its place leaves the very same database
        if said[other] != answer and other != name:
            with built(replace(plant, acts=_toggled(plant, {name: answer == "no", other: answer == "yes"}))) as swapped:
                if not _fails_otherwise(made, swapped) and swapped.master() == made.master():
                    return frozenset({"unknown"})
    stopped = any(isinstance(act, Run) and act.upto is not None for act in plant.acts)
    if stopped or _part_of_another(plant, made, name, said):
        return frozenset({"unknown", answer})
    return frozenset({answer})


@lru_cache(maxsize=64)
def _silent_together(source: tuple[str, tuple[tuple[str, str], ...], str]) -> frozenset[str]:
    chain = Source(name=source[0], files=dict(source[1]), tool=source[2])
    plant = Plant(name="", source=chain, acts=tuple(map(Run, chain.ids)), recorded=())
    found: set[str] = set()
    with built(plant) as made:
        for name in chain.ids:
            gone = {name}
            for _round in chain.ids:
                with built(replace(plant, acts=_toggled(plant, dict.fromkeys(gone, False)))) as other:
                    failing = {act.migration for act, error in zip(other.acts, other.errors, strict=True) if error}
                    extra = {row[1] for row in other.master(cookie=False)[0]} - {row[1] for row in made.master()[0]}
                    if not failing and other.master(cookie=False) == made.master(cookie=False):
                        found |= gone if len(gone) > 1 else set()
                        break
                writers = {item for item in chain.ids if any(word in chain.files[chain.by_id[item]] for word in extra)}
                if not (failing | writers) - gone:
                    break
                gone |= failing | writers
    return frozenset(found)


def silent_together(source: Source) -> frozenset[str]:
    """Return the migrations that some together can be left out of a chain without any trace in its schema."""
    return _silent_together((source.name, tuple(source.files.items()), source.tool))


def _part_of_another(plant: Plant, made: Built, name: str, said: dict[str, str]) -> bool:
    """Whether the same database comes about where this one did the opposite and another one stopped half-way."""
    acts = _toggled(plant, {name: said[name] == "no"})
    for at, act in enumerate(acts):
        file = plant.source.by_id[act.migration] if isinstance(act, Run) else ""
        if isinstance(act, Run) and act.migration != name and file.endswith(".sql"):
            for upto in range(1, len(pieces(plant.source.files[file]))):
                with built(replace(plant, acts=(*acts[:at], replace(act, upto=upto), *acts[at + 1 :]))) as other:
                    if not _fails_otherwise(made, other) and other.master() == made.master():
                        return True
    return False


def _toggled(plant: Plant, wanted: dict[str, bool]) -> tuple[Act, ...]:
    """Return the acts with some migrations run whole, at their place, or not at all."""
    order = {item: at for at, item in enumerate(plant.source.ids)}
    acts = plant.acts
    for name, runs in wanted.items():
        found = (at for at, act in enumerate(acts) if isinstance(act, Run) and act.migration == name)
        place = next(found, None)
        acts = tuple(act for act in acts if not (isinstance(act, Run) and act.migration == name))
        if place is None:
            later = (at for at, act in enumerate(acts) if isinstance(act, Run) and order[act.migration] > order[name])
            place = next(later, len(acts))
        acts = (*acts[:place], Run(name), *acts[place:]) if runs else acts
    return acts


def _fails_otherwise(made: Built, other: Built) -> bool:
    """Whether something fails in one of two databases that does not in the other."""
    before = {_who(act): _real(error) for act, error in zip(made.acts, made.errors, strict=True)}
    after = {_who(act): _real(error) for act, error in zip(other.acts, other.errors, strict=True)}
    own = {_who(act) for act in made.acts} ^ {_who(act) for act in other.acts}
    return any(after[key] != before.get(key, False) for key in after) or any(after.get(key, False) for key in own)


def _real(error: str) -> bool:
    return bool(error) and error != "interrupted"


def _who(act: Act) -> object:
    return act.migration if isinstance(act, Run) else act


def fails_next(plant: Plant) -> tuple[list[str], bool]:
    """Return which pending migrations fail when they are run on a copy, in order, and whether it is the schema that decides.

    What fails because of rows cannot be foreseen without reading them.
    """
    today = plant.today or plant.source
    taken = {name.partition("_")[0] for name in plant.recorded}
    pending = [name for name in today.ids if name.partition("_")[0] not in taken]
    if today.tool == "alembic":
        pending = today.ids[today.ids.index(plant.recorded[-1]) + 1 :] if plant.recorded else today.ids
    with built(replace(plant, acts=(*plant.acts, *map(Run, pending)), vacuum=False)) as after:
        errors = list(zip(pending, after.errors[len(plant.acts) :], strict=True))
    failing = [name for name, error in errors if error]
    return failing, not any("constraint failed" in error for _name, error in errors)


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
