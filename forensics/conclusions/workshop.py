"""The replays of one chain, kept while many environments are looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forensics.case.spec import ScratchSpec
from forensics.conclusions.harvested import with_harvest
from forensics.errors import ReplayError
from forensics.explain.masks import statements
from forensics.explain.player import Player
from forensics.explain.reading import reduced
from forensics.explain.reference import Reference, reference
from forensics.explain.story import State
from forensics.model import ChainEvidence, Evidence, Migration, Snapshot, digest
from forensics.replay.absent import NoLab
from forensics.replay.lab import Attempt, Harvest, Lab
from forensics.sqltext import statement_target


class Workshop:
    """The replays of one chain, shared by every environment that follows it. A context manager."""

    def __init__(
        self,
        source: ChainEvidence,
        *,
        cache: Path | None = None,
        trust: bool = False,
        dialect: str = "sqlite",
        version: int | None = None,
        scratch: ScratchSpec | None = None,
    ) -> None:
        self.source = source
        self._scratch = scratch
        self._dialect, self._version = dialect, version
        self._cache, self._trust = cache, trust
        self._lab: Lab | NoLab | None = None
        self._tracker: tuple[str, ...] = ()
        self._benches: dict[tuple[str, ...], tuple[Player, Reference]] = {}
        self._models: tuple[State | None, tuple[str, ...]] | None = None
        self._troubles: tuple[tuple[str, str], ...] = ()
        self._others: dict[str, Workshop] = {}
        self._informed: tuple[Workshop, Harvest] | None = None

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child process of the replays, if there is one."""
        if self._lab is not None:
            self._lab.close()
        for shop in self._others.values():
            shop.close()
        if self._informed is not None and self._informed[0] is not self:
            self._informed[0].close()

    def other(self, source: ChainEvidence) -> Workshop:
        """Return the workshop of another chain that databases of this one turn out to follow."""
        key = digest([source.chain.path, [item.content.sha256 for item in source.chain.migrations]])
        if key not in self._others:
            self._others[key] = self._like(source)
        return self._others[key]

    def _like(self, source: ChainEvidence) -> Workshop:
        return Workshop(
            source, cache=self._cache, trust=self._trust, dialect=self._dialect, version=self._version,
            scratch=self._scratch,
        )  # fmt: skip

    def speaking(self, snapshot: Snapshot) -> Workshop:
        """Return the workshop of this chain for the dialect, and the major version, of a database."""
        major = int(found[0]) if (found := re.match(r"\d+", snapshot.server_version)) else None
        version = major if snapshot.dialect == "postgresql" else None
        if (snapshot.dialect, version) == (self._dialect, self._version):
            return self
        key = f"{snapshot.dialect} {version}"
        if key not in self._others:
            self._others[key] = Workshop(
                self.source, cache=self._cache, trust=self._trust, dialect=snapshot.dialect, version=version,
                scratch=self._scratch,
            )  # fmt: skip
        return self._others[key]

    def informed(self) -> tuple[Workshop, Harvest]:
        """Return the workshop whose replays know what ``env.py`` says (this one where that is nothing), and what it says."""
        if self._informed is None:
            said = self.lab.harvest()
            chain = self.source.chain
            hints = with_harvest(chain.hints, said)
            source = replace(self.source, chain=replace(chain, hints=hints))
            self._informed = (self if hints == chain.hints else self._like(source), said)
        return self._informed

    @property
    def lab(self) -> Lab | NoLab:
        """The laboratory, made when it is first needed; one in which nothing runs where there is no other."""
        if self._lab is None:
            try:
                self._lab = Lab(
                    self.source.chain,
                    dialect=self._dialect,
                    version=self._version,
                    scratch=self._scratch,
                    cache=self._cache,
                    trust=self._trust,
                    tracker=self._tracker,
                )
                self._lab.open()
            except ReplayError as error:
                self.close()
                self._lab = NoLab(self.source.chain, self._dialect, error.what, error.remedy)
        return self._lab

    def furnish(self, evidence: Evidence) -> None:
        """Have the tracker's own table on the scratch database too, as migrations may write to it.

        The first environment that has one decides; a chain that makes the table itself gets none.
        """
        table = (evidence.histories[0].table or "") if evidence.histories else ""
        group = evidence.snapshot.by_name.get(table.casefold()) if evidence.snapshot else None
        if self._lab is not None or group is None or self.source.chain.tool != "numbered":
            return
        made = {
            target.name.casefold()
            for item in self.source.chain.migrations
            for target in map(statement_target, statements(item))
            if target.verb == "create" and target.kind == "table"
        }
        if group.name.casefold() not in made:
            self._tracker = group.source

    def bench(self, migrations: Sequence[Migration]) -> tuple[Player, Reference]:
        """Return what plays stories with these texts, and what the chain with these texts builds by itself."""
        key = tuple(item.content.sha256 for item in migrations)
        found = self._benches.get(key)
        if found is None:
            contents = {item.id: item for item in migrations}
            player = Player(self.lab, contents, self.source.chain.by_id)
            built = reference(player, migrations, self.models()[0] or {})
            found = self._benches[key] = self._read(player, built, migrations)
        return found

    def _read(
        self, player: Player, built: Reference, migrations: Sequence[Migration]
    ) -> tuple[Player, Reference]:  # fmt: skip
        """Let what the texts spell out of migrations that could not be run take their place."""
        refused = player.refused()
        if not refused or isinstance(self.lab, NoLab):
            return player, built
        spelled = {name: made for name in refused if (made := reduced(player.contents[name], self._dialect))}
        if not spelled:
            return player, built
        player = player.instead(refused, {name: made[0] for name, made in spelled.items()})
        built = reference(player, migrations, self.models()[0] or {})
        player.read = frozenset(
            name for name, (_, whole) in spelled.items() if whole and name in built.told and not built.told[name].error
        )
        return player, built

    def models(self) -> tuple[State | None, tuple[str, ...]]:
        """Return what the models build, and the statements that build it; (None, ()) where no models are named."""
        if self._models is None:
            outcome = self.lab.models()
            if outcome is None or outcome.error:
                self._models = (None, ())
                if outcome is not None:
                    place = f"{outcome.place}: " if outcome.place else ""
                    hint = f" ({outcome.hint})" if outcome.hint else ""
                    named = ", ".join(self.source.chain.hints.models)
                    self._troubles += (("models", f"{named}: {place}{outcome.error}{hint}"),)
            else:
                state = Player.state(self.lab.schema(outcome.state))
                self._models = (state, tuple(item.sql.strip() for item in outcome.statements if item.ddl))
        return self._models

    @property
    def troubles(self) -> tuple[tuple[str, str], ...]:
        """The hints that failed, so that the replay went without them, each with the reason."""
        return (*self.lab.troubles, *self._troubles)

    def attempts(self, player: Player) -> dict[str, tuple[Attempt, ...]]:
        """Return what each migration tried to reach beside the scratch database, by its id."""
        found: dict[str, dict[tuple[str, str], Attempt]] = {}
        for name, attempt in player.attempts:
            found.setdefault(name, {}).setdefault((attempt.kind, attempt.target), attempt)
        return {name: tuple(items.values()) for name, items in sorted(found.items())}
