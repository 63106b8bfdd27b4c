"""Which steps are likely to be asked for next: who replays a chain in its order goes on as he began."""

from __future__ import annotations

from collections.abc import Callable

from forensics.model import Chain
from forensics.replay.ledger import Wire
from forensics.replay.steps import Outcome, RunMigration, Step

_FURTHEST = 16


class Foresight:
    """Follows one chain. ``wire`` gives a step as the child takes it.

    Only SQL is foreseen, and the more of it the longer the chain has been followed: what nobody asks for is run in vain.
    """

    def __init__(self, chain: Chain, wire: Callable[[Step], Wire]) -> None:
        self._migrations = chain.migrations
        self._places = {migration.id: place for place, migration in enumerate(chain.migrations)}
        self._wire = wire
        self._wires: dict[int, Wire] = {}
        self._place = self._before = -1
        self._state = ""
        self._followed = 0

    def follow(self, state: str, step: Step) -> list[Wire]:
        """Take note of a step that is asked for, and return those that will follow if it goes on like this."""
        place = self._place = self._place_of(step)
        going_on = place >= 0 and (place - 1, state) == (self._before, self._state)
        self._followed = self._followed + 1 if going_on else 0
        found: list[Wire] = []
        if place >= 0:
            end = min(place + 1 + min(2 * self._followed, _FURTHEST), len(self._migrations))
            for number in range(place + 1, end):
                migration = self._migrations[number]
                if migration.language != "sql" or migration.entry:
                    break
                if number not in self._wires:
                    self._wires[number] = self._wire(RunMigration(migration=migration))
                found.append(self._wires[number])
        return found

    def came(self, outcome: Outcome) -> None:
        """Take note of what came of the step."""
        self._before, self._state = self._place, outcome.state

    def _place_of(self, step: Step) -> int:
        if not isinstance(step, RunMigration) or step.upto is not None:
            return -1
        place = self._places.get(step.migration.id, -1)
        # Another text under a name of the chain is another step.
        return place if place >= 0 and self._migrations[place] == step.migration else -1
