"""Which migrations contain a statement: those of the active chain, of archived and other chains, and lost texts in git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from forensics.chain.identity import Identity, identities, normal
from forensics.chain.operations import pieces
from forensics.model import Chain, ChainEvidence, Event, Migration

Recorded = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One migration that contains a statement.

    ``where``: ``active``, ``archived:<name>``, ``foreign:<name>`` or ``git:<commit>``. ``by``: ``exact`` where its text
    (or what a replay recorded of it) has the normal form, ``object`` where an operation does the same to the same
    object. ``forward`` is False where only its way back contains it.
    """

    where: str
    chain: str
    migration: str
    label: str
    file: str
    by: str
    line: int = 0
    forward: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A statement of a log entry with the migrations that contain it; none where no migration does."""

    event: Event
    statement: str
    places: tuple[Place, ...]

    @property
    def active(self) -> bool:
        """Whether the active chain contains it, as far as can be told."""
        return any(place.where == "active" for place in self.places)


class Statements:
    """The definitions of a chain and of everything beside it, ready to be asked for a statement.

    Beside the active chain these are the archived ones and those elsewhere in the repository. ``recorded`` are
    statements that a replay recorded, by where (``active``, ``archived:<name>``, ``foreign:<name>``) and migration id.
    The texts in git are read only when a statement is in no chain.
    """

    def __init__(self, source: ChainEvidence, *, recorded: Recorded | None = None) -> None:
        self._source = source
        chain = source.chain
        self._chains = [("active", chain)]
        self._chains += [(f"archived:{item.name}", item) for item in chain.archived]
        self._chains += [(f"foreign:{item.name}", item) for item in source.elsewhere]
        self._table = _Table()
        for where, item in self._chains:
            for migration in item.migrations:
                texts = (recorded or {}).get(where, {}).get(migration.id, ())
                self._table.add(where, item.path, migration, item.label(migration.id), texts)

    @property
    def chains(self) -> Mapping[str, Chain]:
        """The chains by where they are."""
        return dict(self._chains)

    def find(self, sql: str) -> tuple[Place, ...]:
        """Return the migrations that contain a statement: the exact ones of each chain first, else those by object."""
        return self._table.find(sql) or self._lost.find(sql)

    def made_by(self, kind: str, name: str) -> tuple[Place, ...]:
        """Return the migrations that create an object on their way forward."""
        return self._about("create", kind, name, "")

    def added_by(self, table: str, column: str) -> tuple[Place, ...]:
        """Return the migrations that add a column to a table that is there already."""
        return self._about("add", "column", column, table)

    def _about(self, verb: str, kind: str, name: str, table: str) -> tuple[Place, ...]:
        found: dict[Place, None] = {}
        for guarded in (False, True):
            about = self._table.objects.get(Identity(verb, kind, name, table, guarded), ())
            found.update(dict.fromkeys(place for place in about if place.forward))
        return tuple(found)

    @cached_property
    def _lost(self) -> _Table:
        table = _Table()
        known = {item.content.sha256 for _, chain in self._chains for item in chain.migrations}
        for version in (*self._source.versions, *self._source.beyond):
            if version.content is None or version.content.sha256 in known:
                continue
            known.add(version.content.sha256)
            name = version.path.rpartition("/")[2].rpartition(".")[0]
            python = version.path.endswith(".py")
            item = Migration(
                id=name, version=name, name=name, file=version.path, content=version.content,
                language="python" if python else "sql",
            )  # fmt: skip
            table.add(f"git:{version.commit[:12]}", f"git:{version.commit[:12]}", item, name, ())
        return table


class _Table:
    def __init__(self) -> None:
        self.exact: dict[str, list[Place]] = {}
        self.objects: dict[Identity, list[Place]] = {}

    def add(self, where: str, chain: str, item: Migration, label: str, recorded: Sequence[str]) -> None:
        """Take the definitions of one migration."""

        def place(by: str, line: int, forward: bool) -> Place:
            return Place(where=where, chain=chain, migration=item.id, label=label, file=item.file or item.id, by=by,
                         line=line, forward=forward)  # fmt: skip

        for sql in recorded:
            self.exact.setdefault(normal(sql), []).append(place("exact", 0, True))
        for piece in pieces(item.language, item.content.text):
            if piece.sql:
                self.exact.setdefault(normal(piece.sql), []).append(place("exact", piece.line, piece.forward))
            for identity in piece.identities:
                self.objects.setdefault(identity, []).append(place("object", piece.line, piece.forward))

    def find(self, sql: str) -> tuple[Place, ...]:
        """Return every migration with the statement, once each way, those with its very text before the others."""
        about = identities(sql)
        exact = self.exact.get(normal(sql), ())
        by_object = [self.objects.get(identity, ()) for identity in about]
        loose = [
            place for place in (by_object[0] if by_object else ())
            if all(any(other.where == place.where and other.migration == place.migration for other in found)
                   for found in by_object)
        ]  # fmt: skip
        found: dict[tuple[str, str, bool], Place] = {}
        for place in (*exact, *loose):
            found.setdefault((place.where, place.migration, place.forward), place)
        return tuple(found.values())


def match(events: Iterable[Event], statements: Statements) -> tuple[Matched, ...]:
    """Match each definition that a log holds to the migrations that contain it, in the order of the events.

    Statements that define nothing are left out.
    """
    memo: dict[str, tuple[Place, ...]] = {}
    found = []
    for event in events:
        if event.source != "log" or not event.statement or not identities(event.statement):
            continue
        if event.statement not in memo:
            memo[event.statement] = statements.find(event.statement)
        found.append(Matched(event=event, statement=event.statement, places=memo[event.statement]))
    return tuple(found)

