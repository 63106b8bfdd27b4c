"""What stands in the place of a laboratory where there is none: no scratch database for the dialect, no child, no server.

Nothing runs in it, and every migration says why. What can be told without a replay is told from the texts.
"""

from __future__ import annotations

from collections.abc import Iterable

from forensics.errors import ReplayError
from forensics.model import Chain, Migration, Snapshot
from forensics.replay.inside import pg_script, script
from forensics.replay.ledger import Row
from forensics.replay.steps import Harvest, Outcome, RunStatements, Step

_EMPTY = "nothing"


class NoLab:
    """A `Lab` in which nothing can be run. ``why`` says so for every migration, ``remedy`` what to do."""

    server_version = ""
    isolation = "none"
    lent = False
    empty = _EMPTY

    def __init__(self, chain: Chain, dialect: str, why: str, remedy: str = "") -> None:
        self.chain = chain
        self.dialect = dialect
        self.why = why
        self.remedy = remedy

    @property
    def caveat(self) -> str:
        """That nothing was replayed, and why."""
        return f"nothing was replayed: {self.why}"

    @property
    def troubles(self) -> tuple[tuple[str, str], ...]:
        """What hints failed: none was tried."""
        return ()

    def close(self) -> None:
        """Do nothing."""

    def run(self, state: str, step: Step) -> Outcome:
        """Return that it did not run."""
        return Outcome(before=state, state=state, error=self.why, failure="absent", hint=self.remedy)

    def master(self, state: str) -> tuple[Row, ...]:
        """Return nothing."""
        return ()

    def schema(self, state: str) -> Snapshot:
        """Return a schema without anything in it."""
        return Snapshot(dialect=self.dialect)

    def statements(self, migration: Migration) -> tuple[str, ...]:
        """Return the statements of an SQL migration that could change something, in order; nothing for Python."""
        if migration.language != "sql":
            return ()
        language = pg_script if self.dialect == "postgresql" else script
        return tuple(piece for piece in language.split_script(migration.content.text) if not language.is_read(piece))

    def seed(self, rows: Iterable[Row | str]) -> str:
        """Return the empty state. Raises `ReplayError` where anything is to be made in it."""
        if any(True for _ in rows):
            raise ReplayError(self.why, remedy=self.remedy)
        return _EMPTY

    def load_problems(self) -> dict[str, str]:
        """Return nothing: no migration was tried."""
        return {}

    def models(self) -> Outcome | None:
        """Return that they were not built, where the hints name models."""
        return self.run(_EMPTY, RunStatements(statements=())) if self.chain.hints.models else None

    def harvest(self) -> Harvest:
        """Return why ``env.py`` was not run."""
        return Harvest(error=self.why)
