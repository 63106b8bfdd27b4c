"""Two schemas, each with who made what: a chain replayed from empty, or a database as it is. What differs, and whose doing it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from forensics.diff import Difference, name_only, outermost
from forensics.explain.blame import Blame, blame
from forensics.explain.player import Player
from forensics.explain.reference import Reference, reference
from forensics.explain.static import Unreplayed
from forensics.explain.story import Told
from forensics.model import Chain, Change, Key, Snapshot
from forensics.replay.lab import Lab

LabMaker = Callable[[Chain], Lab]


@dataclass(frozen=True, kw_only=True)
class Failing:
    """One migration that fails when its chain runs alone from empty, with what is behind it."""

    migration: str
    file: str
    statement: str
    error: str
    because: Blame | None = None
    supplied: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a comparison.

    ``kind`` is ``chain``, ``environment``, ``snapshot`` or ``database``. ``makers`` tells the migration that left an object as
    it is, by the object's identity; empty where no chain was replayed. ``failures`` are why a chain does not build from
    empty; its ``snapshot`` is then what it builds as far as it goes, with what each migration needs supplied.
    ``ignored`` are tables that are a migration tool's own.
    """

    name: str
    kind: str
    snapshot: Snapshot
    makers: Mapping[Key, str] = field(default_factory=dict)
    failures: tuple[Failing, ...] = ()
    not_run: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    path: str = ""

    @property
    def builds(self) -> bool | None:
        """Whether the chain builds an empty database; None where the side is no chain, or could not be replayed whole."""
        return None if self.kind != "chain" or self.not_run else not self.failures

    def maker(self, key: Key) -> str:
        """Return the migration that made an object as it is here or that took it away; empty where nothing tells."""
        return self.makers.get(key, "")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs between two sides: drift, and apart from it what has only another name, another order or another spelling."""

    left: Side
    right: Side
    difference: Difference

    @property
    def equal(self) -> bool:
        """Whether both mean the same."""
        return not self.difference.changes

    @property
    def changes(self) -> tuple[Change, ...]:
        """The drift, without the insides of tables that are themselves missing or extra."""
        return outermost(self.difference.changes)


def compare(left: Side, right: Side) -> Comparison:
    """Compare two sides. ``missing`` means: on the left only; ``extra``: on the right only."""
    ignored = frozenset(name.casefold() for name in (*left.ignored, *right.ignored))
    one, other = left.snapshot.without(ignored), right.snapshot.without(ignored)
    return Comparison(left=left, right=right, difference=name_only(one, other))


def compare_chains(one: Chain, other: Chain, lab: LabMaker) -> Comparison:
    """Build both chains from nothing, each in a laboratory of its own, and compare what comes out.

    A chain that fails by itself is compared as far as it goes, and says so (`Side.failures`).
    """
    sides = []
    for chain in (one, other):
        with lab(chain) as made:
            sides.append(built(chain, made))
    return compare(sides[0], sides[1])


def built(chain: Chain, lab: Lab) -> Side:
    """Return what a chain builds from nothing, with the migration that made each object."""
    player = Player(lab, chain.by_id)
    found = reference(player, chain.migrations)
    state = found.final if found.failures else found.natural
    groups = tuple(sorted(state.values(), key=lambda group: group.name.casefold()))
    makers = {key: chain.label(writings[-1].migration) for key, writings in found.provenance.items() if writings}
    refused = player.refused()
    return Side(
        name=chain.name,
        kind="chain",
        path=chain.path,
        snapshot=Snapshot(dialect=lab.dialect, server_version=lab.server_version, groups=groups),
        makers=makers,
        failures=failings(chain, found, refused),
        not_run={chain.label(name): why for name, why in refused.items()},
    )


def failings(chain: Chain, found: Reference, refused: Mapping[str, str]) -> tuple[Failing, ...]:
    """Return the migrations that fail in the chain's own order, without those that could not be run here at all."""
    missed = Unreplayed(chain.by_id, refused)
    return tuple(
        _failing(chain, found, line)
        for line in found.failures
        if line.migration not in refused and not missed.explains(line)
    )


def _failing(chain: Chain, found: Reference, line: Told) -> Failing:
    item = chain.by_id[line.migration]
    because = blame(found, line)
    if because is not None and because.migration:
        because = Blame(because.how, because.kind, because.name, chain.label(because.migration))
    return Failing(
        migration=chain.label(line.migration),
        file=item.file or item.id,
        statement=line.failed,
        error=line.error,
        because=because,
        supplied=tuple(step.group for step in found.supplies.get(line.migration, ())),
    )
