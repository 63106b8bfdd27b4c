"""A case at work: environments by name, each with its schema, tracker, chain, diagnosis and timeline.

Evidence is acquired when it is first asked for, and kept beside the case file. A diagnosis follows from its evidence
and its chain alone, so it is kept under their hash: while nothing changes, nothing is read or replayed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import acquire as acquisition
from forensics.acquire.store import load, saved, store, stored_key
from forensics.case.gathering import chain_of, surroundings
from forensics.case.spec import CaseFile, EnvironmentSpec
from forensics.case.workspace import Workspace, toolmark
from forensics.errors import DatabaseUnreadable, ForensicsError, UsageError
from forensics.model import ChainEvidence, Evidence, digest, encode

if TYPE_CHECKING:
    import pandas as pd

    from forensics import views
    from forensics.diagnosis import Diagnosis, Fleet

Document = dict[str, Any]
Progress = Callable[[str], None]


class Case:
    """One investigation: its environments by name. `open_case` makes it.

    ``evidence`` is a folder of saved evidence that is used in place of the databases. ``progress`` is called with the
    name of each environment that has been diagnosed.
    """

    def __init__(
        self,
        file: CaseFile,
        *,
        evidence: Path | None = None,
        trust: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.file = file
        self.workspace = Workspace(file)
        self.trust = trust
        self.progress = progress
        self.saved = evidence
        # Saved evidence is looked at without touching any database.
        self.scratch = replace(file.scratch, asks=evidence is None)
        self._chains: dict[str, ChainEvidence] = {}
        self._chain_keys: dict[str, str] = {}
        self._environments = {spec.name: Environment(self, spec) for spec in file.environments}

    @property
    def title(self) -> str:
        """The title of the case."""
        return self.file.title

    @property
    def name(self) -> str:
        """The name of the case as a folder has it."""
        return self.file.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the environments in the order of the case file."""
        return tuple(self._environments)

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The environments in the order of the case file."""
        return tuple(self._environments.values())

    def __getitem__(self, name: str) -> Environment:
        found = self._environments.get(name)
        if found is None:
            self.file.environment(name)
            raise UsageError(f"there is no environment {name!r}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._environments)

    def __len__(self) -> int:
        return len(self._environments)

    def __contains__(self, name: object) -> bool:
        return name in self._environments

    def chain(self, name: str) -> ChainEvidence:
        """Return a chain with what its repository says; one that cannot be read is empty and holds the problem."""
        if name not in self._chains:
            self._chains[name] = chain_of(self.file.chain(name))
        return self._chains[name]

    def diagnoses(self, names: Iterable[str] | None = None) -> dict[str, Diagnosis]:
        """Return the diagnoses of these environments (default: all) by name, in the order of the case file."""
        fleet = self.fleet(names)
        for name, diagnosis in fleet.diagnoses.items():
            diagnosis.events, diagnosis.exhibits = self[name].events, self[name].evidence.exhibits
        return dict(fleet.diagnoses)

    def fleet(self, names: Iterable[str] | None = None) -> Fleet:
        """Return the diagnoses of these environments (default: all) together, with what they have in common."""
        from forensics.diagnosis import Fleet

        return Fleet(self.document(names))

    def document(self, names: Iterable[str] | None = None) -> Document:
        """Return the ``forensics/fleet/1`` document of these environments (default: all)."""
        chosen = self._chosen(names)
        case = {"title": self.title, "incident": self.file.incident}
        engine = _engine()
        with ExitStack() as stack:
            workshops: dict[str, Any] = {}
            for item in chosen:
                if item.known_document() is None:
                    name = item.spec.chain
                    if name not in workshops:
                        shop = engine.Workshop(
                            self.chain(name), cache=self.workspace.cache, trust=self.trust, scratch=self.scratch
                        )
                        workshops[name] = stack.enter_context(shop)
                    item.conclude(workshops[name])
                if self.progress is not None:
                    self.progress(item.name)
            return dict(engine.fleet(case, [item.document for item in chosen]))

    def matrix(self) -> pd.DataFrame:
        """Return which migration really ran where: one row a migration, one column an environment.

        The words are ``yes``, ``no``, ``partial`` and ``unknown``, and nothing where an environment tells nothing.
        """
        return self.fleet().matrix()

    def _chosen(self, names: Iterable[str] | None) -> list[Environment]:
        if names is None:
            return list(self.environments)
        wanted = {self[name].name for name in names}
        return [item for item in self.environments if item.name in wanted]

    def _chain_key(self, name: str) -> str:
        if name not in self._chain_keys:
            self._chain_keys[name] = digest([encode(self.chain(name)), surroundings(self.file.chain(name))])
        return self._chain_keys[name]

    @cached_property
    def _toolmark(self) -> str:
        return toolmark()

    def __repr__(self) -> str:
        return f"Case({self.title!r}, {len(self)} environments: {', '.join(self)})"

    def _repr_html_(self) -> str:
        return self.fleet()._repr_html_()


class Environment:
    """One database of a case. `Case` makes it; nothing is read before it is asked for."""

    def __init__(self, case: Case, spec: EnvironmentSpec) -> None:
        self.case = case
        self.spec = spec
        self._evidence: Evidence | None = None
        self._content = ""
        self._diagnosis: Diagnosis | None = None
        self._document: Document | None = None

    @property
    def name(self) -> str:
        """The name of the environment."""
        return self.spec.name

    @property
    def evidence(self) -> Evidence:
        """Everything that was read, acquired on first use; see `acquire` for taking it anew."""
        if self._evidence is None:
            self._evidence = self._current()
        return self._evidence

    def acquire(self) -> Evidence:
        """Read the database anew and return the evidence; what was derived from the old one is derived again."""
        before = self._before()
        found = acquisition.acquire(self.spec, self.case.file, self.chain_evidence.chain)
        self._taken(found)
        # A database that changed while it was read must not pass for an unchanged one at the next run.
        after = self._before()
        if self.case.workspace.keeps_evidence and self.case.saved is None and self.spec.evidence is None:
            key = f"{after} {self._content}" if after and after == before else ""
            with suppress(OSError):
                store(found, self.case.workspace.evidence_of(self.name), key=key)
        return found

    @property
    def snapshot(self) -> views.Snapshot:
        """The schema. Raises `DatabaseUnreadable` where it could not be read."""
        from forensics.views import Snapshot

        found = self.evidence
        if found.snapshot is None:
            raise DatabaseUnreadable(f"{self.name}: {found.problem}", remedy=found.remedy)
        return Snapshot(found.snapshot)

    @property
    def history(self) -> views.History:
        """What the tracker says: the one that belongs to the chain. Raises `DatabaseUnreadable` as `snapshot` does."""
        from forensics.views import History

        if not self.evidence.histories:
            raise DatabaseUnreadable(f"{self.name}: {self.evidence.problem}", remedy=self.evidence.remedy)
        return History(self.evidence.histories[0])

    @property
    def chain(self) -> views.Chain:
        """The migrations that belong to this environment."""
        from forensics.views import Chain

        return Chain(self.chain_evidence)

    @property
    def chain_evidence(self) -> ChainEvidence:
        """The chain as `forensics.diagnose` takes it."""
        return self.case.chain(self.spec.chain)

    @property
    def key(self) -> str:
        """What the diagnosis depends on, as one digest. A database that has not changed is not read for it."""
        if not self._content and not self._unchanged():
            self._current()
        return self._key(self._content)

    @property
    def document(self) -> Document:
        """The ``forensics/diagnosis/1`` document."""
        return self.known_document() or self.conclude()

    def known_document(self) -> Document | None:
        """Return the document if it is known already, without replaying anything."""
        if self._document is None:
            found = self.case.workspace.kept("diagnosis", self.key)
            self._document = self._judged(found) if found is not None else None
        return self._document

    def conclude(self, workshop: Any = None) -> Document:
        """Diagnose, in a workshop that other environments share or in one of its own, and keep the document."""
        found: Document = _engine().diagnose(
            self.evidence, self.chain_evidence, workshop=workshop, cache=self.case.workspace.cache,
            trust=self.case.trust, scratch=self.case.scratch,
        )  # fmt: skip
        self.case.workspace.keep("diagnosis", self.key, found)
        self._document = judged = self._judged(found)
        return judged

    def _judged(self, document: Document) -> Document:
        """Return the document with the answers to the case's criteria: whoever changes one waits for no replay."""
        asked = self.case.file.criteria_of(self.name)
        if not asked:
            return document
        key = digest([self.key, self._content, [encode(item) for item in asked]])
        kept = self.case.workspace.kept("criteria", key)
        if kept is None:
            from forensics.conclusions.criteria import judge

            kept = {"criteria": judge(asked, self.evidence, document)}
            self.case.workspace.keep("criteria", key, kept)
        return {**document, **kept}

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis, with its events and exhibits for the figures."""
        from forensics.diagnosis import Diagnosis

        if self._diagnosis is None:
            self._diagnosis = Diagnosis(self.document, events=self.events, exhibits=self.evidence.exhibits)
        return self._diagnosis

    @property
    def events(self) -> tuple[Any, ...]:
        """Everything dated, as records in their order of time."""
        from forensics.timeline import timeline

        return timeline(self.evidence, self.chain_evidence, zone=self.spec.zones.events)

    def timeline(self) -> pd.DataFrame:
        """Return everything dated: at (UTC), source, actor, message, ref, level, assumed, precision, migration."""
        from forensics.frames import timeline

        return timeline(self.events)

    def _key(self, content: str) -> str:
        case = self.case
        ground = [case.scratch.bin, case.scratch.url]
        # What criteria asked of the rows and the logs stands behind the colon: no diagnosis follows from it.
        told = content.partition(":")[0]
        return digest([told, case._chain_key(self.spec.chain), case.trust, ground, case._toolmark])

    def _taken(self, found: Evidence) -> None:
        self._evidence = found
        self._diagnosis = self._document = None
        # Neither the moment of reading nor rows of users' data, which change a file's hash, make another diagnosis.
        told = digest(encode(replace(found, acquired_at=None, exhibits=(), observations=())))
        self._content = f"{told}:{digest(encode(found.observations))}"

    def _current(self) -> Evidence:
        case = self.case
        if case.saved is not None and self.spec.evidence is None:
            self._taken(saved(self.spec, case.saved / case.workspace.evidence_of(self.name).name))
        elif not (self._unchanged() and self._loaded()):
            self.acquire()
        assert self._evidence is not None
        return self._evidence

    def _before(self) -> str:
        """Return the state of everything that `acquire` reads, or ``""`` where it cannot be told without reading."""
        found = acquisition.fingerprint(self.spec)
        if not found:
            return ""
        case = self.case
        described = [encode(item) for item in case.file.events]
        asked = [[item.kind, item.subject] for item in case.file.criteria_of(self.name)]
        spec = [self.name, self.spec.url, encode(self.spec.zones), case.file.chain(self.spec.chain).tracker, asked]
        return digest([found, spec, described, case._chain_key(self.spec.chain), case._toolmark])

    def _unchanged(self) -> bool:
        if not self.case.workspace.keeps_evidence or self.case.saved is not None or self.spec.evidence is not None:
            return False
        before = self._before()
        known, _, content = stored_key(self.case.workspace.evidence_of(self.name)).partition(" ")
        if before and known == before and content:
            self._content = content
            return True
        return False

    def _loaded(self) -> bool:
        try:
            self._taken(load(self.case.workspace.evidence_of(self.name)))
        except ForensicsError:
            return False
        return True

    def __repr__(self) -> str:
        return f"Environment({self.name!r}, {self.spec.url or 'saved evidence'!r})"

    def _repr_html_(self) -> str:
        return self.diagnosis._repr_html_()


def _engine() -> Any:
    """The module that concludes; it is loaded when there is something to conclude."""
    from importlib import import_module

    return import_module("forensics.conclusions.diagnose")
