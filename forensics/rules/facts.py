"""What a rule may look at: the evidence of one environment and what the explanation made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from forensics.conclusions.foreign import Foreign, Verdict, elsewhere
from forensics.explain.engine import Explanation
from forensics.explain.judge import Judged
from forensics.explain.reference import Trace
from forensics.explain.static import Unreplayed
from forensics.explain.story import Told
from forensics.explain.votes import objects
from forensics.history.assignment import RowMatch
from forensics.model import (
    KINDS,
    Chain,
    ChainEvidence,
    Event,
    Evidence,
    FileVersion,
    History,
    Key,
    Migration,
    ObjectRef,
    Proof,
    SchemaObject,
)
from forensics.replay.lab import Attempt, Harvest
from forensics.wording import listing as enumerated
from forensics.wording import spans

OPENERS = frozenset({
    "a", "all", "an", "application", "created", "each", "environments", "it", "its", "no", "none", "objects", "one",
    "several", "some", "tables", "the", "their", "these", "this", "two",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything about one environment. ``explanation`` is None where there was nothing to explain."""

    evidence: Evidence
    source: ChainEvidence | None
    history: History
    recorded: frozenset[str] = frozenset()
    pending: tuple[str, ...] = ()
    matches: Mapping[str, RowMatch] = field(default_factory=dict)
    explanation: Explanation | None = None
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    not_run: Mapping[str, str] = field(default_factory=dict)
    read: frozenset[str] = frozenset()  # of these: those whose text spells all of it out, and that ran by it
    troubles: tuple[tuple[str, str], ...] = ()  # hints that failed, and why
    isolation: str = "none"
    lent: bool = False
    caveat: str = ""
    foreign: tuple[Foreign, ...] = ()
    harvest: Harvest | None = None

    @cached_property
    def unreplayed(self) -> Unreplayed:
        """What the migrations that could not be run here would have made, as their text says."""
        return Unreplayed({item.id: item for item in self.migrations}, self.not_run.keys() - self.read)

    @property
    def elsewhere(self) -> Verdict | None:
        """The foreign chain that explains the live schema better than the active one, if the tracker names one."""
        return elsewhere(self.explanation, self.foreign) if self.explanation is not None else None

    @property
    def story(self) -> Facts:
        """The facts whose story is told: these, or those of the foreign chain that explains the live schema better."""
        verdict = self.elsewhere
        return verdict.facts if verdict is not None else self

    @property
    def chain(self) -> Chain | None:
        """The chain, where one was given."""
        return self.source.chain if self.source else None

    @property
    def versions(self) -> tuple[FileVersion, ...]:
        """Every text that a file of the chain had in git."""
        return self.source.versions if self.source else ()

    @property
    def migrations(self) -> tuple[Migration, ...]:
        """The migrations with the text that was applied here."""
        if self.explanation is not None:
            return self.explanation.subject.migrations
        return self.chain.migrations if self.chain else ()

    @property
    def judged(self) -> Mapping[str, Judged]:
        """What was concluded of every migration."""
        return self.explanation.judged if self.explanation else {}

    @property
    def url(self) -> str:
        """How texts name the environment."""
        return self.evidence.environment

    def executed(self, *answers: str) -> tuple[str, ...]:
        """Return the ids of the migrations with one of these answers, in the chain's order."""
        return tuple(name for name, item in self.judged.items() if item.executed in answers)

    def label(self, migration_id: str) -> str:
        """How findings name a migration."""
        return self.chain.label(migration_id) if self.chain else migration_id

    def file(self, migration_id: str) -> str:
        """Return the file of a migration as references name it."""
        item = self.chain.by_id.get(migration_id) if self.chain else None
        return (item.file if item else None) or migration_id

    def labels(self, names: Iterable[str]) -> tuple[str, ...]:
        """How findings name several migrations, in the given order."""
        return tuple(self.label(name) for name in names)

    def spans(self, names: Iterable[str], limit: int = 12) -> str:
        """How a text names several migrations of the chain: ``005, 006 and 008 to 016``."""
        order = [self.label(item.id) for item in self.migrations]
        return enumerated(spans(self.labels(names), order), limit)

    def told(self, migration_id: str) -> Told | None:
        """Return the step of the story in which a migration ran."""
        if self.explanation is None:
            return None
        for line in self.explanation.played.told:
            if line.migration == migration_id:
                return line
        return None

    def signature(self, migration_id: str) -> tuple[Trace, ...]:
        """Return what a migration leaves behind when it runs whole."""
        return self.explanation.reference.signatures.get(migration_id, ()) if self.explanation else ()

    def live(self) -> dict[Key, SchemaObject]:
        """Return the live objects by identity."""
        return objects(self.explanation.subject.live) if self.explanation else {}

    def rows(self, migration_id: str) -> tuple[RowMatch, ...]:
        """Return the tracker's rows that stand for a migration: by its version, or by its text."""
        return self._rows.get(migration_id, ())

    @cached_property
    def _rows(self) -> dict[str, tuple[RowMatch, ...]]:
        found: dict[str, tuple[RowMatch, ...]] = {}
        for match in self.matches.values():
            for name in dict.fromkeys([*([match.migration_id] if match.migration_id else []), *self.claims(match)]):
                found[name] = (*found.get(name, ()), match)
        return found

    def claims(self, match: RowMatch) -> tuple[str, ...]:
        """Return the ids of the migrations that a row keeps from running: those of its version, or the one it names."""
        version = match.row.version
        if self.chain is not None and version in self.chain.by_id:
            return (version,)
        return self._versions.get(version, ())

    @cached_property
    def _versions(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for item in self.migrations:
            found[item.version] = (*found.get(item.version, ()), item.id)
        return found

    def tracker_proofs(self, migration_id: str) -> list[Proof]:
        """Return what the tracker says of a migration, as evidence."""
        proofs = []
        for match in self.rows(migration_id):
            row = match.row
            said = []
            if row.recorded_at is not None:
                said.append(f"recorded at {row.recorded_at:%Y-%m-%d %H:%M:%S}Z")
            if row.description:
                said.append(f"description says {row.description!r}")
            if row.checksum:
                said.append(f"checksum {row.checksum!r}")
            proofs.append(Proof(source="tracker", detail="; ".join(said) or "recorded", ref=row.ref))
        return proofs

    def log_lines(self, words: Sequence[str], *, limit: int = 3) -> list[Event]:
        """Return the log lines that contain one of these texts, first ones first."""
        wanted = [word for word in words if word]
        lines = (item for item in self.evidence.events if item.source == "log")
        found = [item for item in lines if any(word in item.message for word in wanted)]
        return found[:limit]

    def answer(self, migration_id: str) -> tuple[str, str]:
        """Return ``executed`` and ``basis`` of a migration.

        ``unknown`` where another story, as good as the best, says otherwise and no physical evidence speaks for the best.
        """
        judged = self.judged[migration_id]
        settled = self.explanation is not None and self.explanation.settled
        tied = not settled and self.tie_differs(migration_id)
        return ("unknown", "none") if tied else (judged.executed, judged.basis)

    def tie_differs(self, migration_id: str) -> tuple[str, ...]:
        """Return what the equally good stories say of a migration, where they disagree with the best one."""
        if self.explanation is None or migration_id in self.explanation.search.silent:
            return ()
        own = self.explanation.judged[migration_id].executed if migration_id in self.judged else "unknown"
        mine = {"yes": "full", "partial": "partial"}.get(own, "nothing")
        said = []
        for tied in self.explanation.ties:
            theirs = dict(self.explanation.search.told(tied)).get(migration_id, "nothing")
            if theirs != mine:
                said.append(theirs)
        return tuple(dict.fromkeys(said))


def ref(item: SchemaObject, state: str) -> ObjectRef:
    """Return an object as findings name it."""
    return ObjectRef(kind=item.kind, table=item.table, name=item.name, state=state)


def trace_refs(traces: Sequence[Trace], live: Mapping[Key, SchemaObject]) -> tuple[ObjectRef, ...]:
    """Return the objects of a signature that are not as it left them, with how they differ."""
    found = []
    for trace in traces:
        there = live.get(trace.key)
        if trace.after is None:
            if there is not None:
                found.append(ref(there, "extra"))
        elif there is None:
            found.append(ref(trace.after, "missing"))
        elif there.meaning != trace.after.meaning or there.trace != trace.after.trace:
            found.append(ref(there, "altered"))
    return ranked(found, (item for trace in traces for item in (trace.after, trace.before)))


def ranked(refs: Iterable[ObjectRef], items: Iterable[SchemaObject | None]) -> tuple[ObjectRef, ...]:
    """Return references table by table: the table, its columns in their order, then keys, checks and indexes."""
    places = {(item.kind, item.table, item.name): item.position or 0 for item in items if item is not None}
    return tuple(
        sorted(
            refs,
            key=lambda item: (
                (item.table or item.name).casefold(),
                KINDS.index(item.kind),
                places.get((item.kind, item.table, item.name), 0),
                item.name,
            ),
        )
    )


def change_refs(pairs: Sequence[tuple[SchemaObject | None, SchemaObject | None]]) -> tuple[ObjectRef, ...]:
    """Return (expected, live) pairs as findings name them."""
    found = []
    for was, now in pairs:
        if now is None and was is not None:
            found.append(ref(was, "missing"))
        elif was is None and now is not None:
            found.append(ref(now, "extra"))
        elif now is not None:
            found.append(ref(now, "altered"))
    return ranked(found, (item for pair in pairs for item in pair))


def named(item: ObjectRef) -> str:
    """Return an object in words: ``column orders.total``."""
    kind = item.kind.replace("_", " ")
    return f"{kind} {item.table}.{item.name}" if item.table else f"{kind} {item.name}"


def listing(items: Sequence[str], limit: int = 5) -> str:
    """Return ``a, b and c``, cut after ``limit`` with the number of those left out."""
    shown = list(items[:limit])
    if len(items) > limit:
        return ", ".join(shown) + f" and {len(items) - limit} more"
    if len(shown) < 2:
        return "".join(shown)
    return ", ".join(shown[:-1]) + f" and {shown[-1]}"


def span(labels: Sequence[str]) -> str:
    """Return neighbours in the chain as findings name them: ``005 and 006``, or ``004 to 016``."""
    return f"{labels[0]} to {labels[-1]}" if len(labels) > 2 else listing(labels)


def in_words(refs: Sequence[ObjectRef], limit: int = 4) -> str:
    """Return objects in words, the wholes first: a table stands for everything in it that shares its fate."""
    wholes = {(item.name.casefold(), item.state): item for item in refs if item.kind in ("table", "view")}
    inside: Counter[tuple[str, str]] = Counter()
    rest: list[ObjectRef] = []
    for item in refs:
        key = ((item.table or "").casefold(), item.state)
        if item.table and key in wholes:
            inside[key] += 1
        elif item.kind not in ("table", "view"):
            rest.append(item)
    said = [named(item) + (f" (with {inside[key]} objects)" if inside[key] > 1 else "") for key, item in wholes.items()]
    if len(said) > limit:
        said = []
        for kind in ("table", "view"):
            names = [item.name for item in wholes.values() if item.kind == kind]
            said += [f"{plural(len(names), kind)} ({listing(names, 4)})"] if names else []
    spread = len({item.table for item in rest}) > limit
    columns: dict[str, list[ObjectRef]] = {}
    for item in rest:
        columns.setdefault(item.kind if spread else f"{item.kind} {item.table}", []).append(item)
    for items in columns.values():
        if len(items) > 2 and items[0].table:
            kind = items[0].kind.replace("_", " ")
            of = "" if spread else f" of {items[0].table}"
            said.append(f"{plural(len(items), kind)}{of} ({listing([item.name for item in items], 2)})")
        else:
            said += [named(item) for item in items]
    return listing(list(dict.fromkeys(said)), limit)


def plural(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 column``, ``3 columns``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('x') else 's'}"


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning, unless it begins with a name: those stay as they are spelled."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first in OPENERS else text
