"""What is known of states and steps: contents by key, how each came about, the outcome of every step that was run."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.model import Group
from forensics.replay.steps import Outcome, RunMigration, Step

Row = tuple[str, str, str, str | None]
Wire = dict[str, Any]
# A state, the rows that were appended to it, and those that stand in the place of a table's row of it.
Growth = tuple[str, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One content of a database: its rows of ``sqlite_master`` (by number), what its data came from, and its origin.

    ``origin`` is the state and the step that led here first, None for the empty state.
    """

    rows: tuple[int, ...]
    data: str
    origin: tuple[str, Wire] | None


class Ledger:
    """States, rows and outcomes. Two states of equal schema and equal data history are one.

    A row is one of ``sqlite_master``, or for PostgreSQL stands for a group (in ``groups``), a schema or an extension.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.states: dict[str, State] = {}
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.texts: dict[str, str] = {}
        self.wires: dict[str, Wire] = {}
        self.groups: dict[int, Group] = {}
        self.group_numbers: dict[int, tuple[str, int, Group]] = {}
        self.grown: dict[str, Growth] = {}
        self._seals: dict[str, Any] = {}
        self._numbers: dict[Row, int] = {}
        self._digests: list[bytes] = []

    def number(self, row: Row) -> int:
        """Return the number of a row of ``sqlite_master``, the same for equal rows."""
        found = self._numbers.get(row)
        if found is None:
            found = self._numbers[row] = len(self.rows)
            self.rows.append(row)
            self._digests.append(hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest())
        return found

    def state(
        self, rows: Sequence[int], data: str, origin: tuple[str, Wire] | None, grown: Growth | None = None
    ) -> str:
        """Return the key of a content, and remember how it came about if it is new.

        ``grown`` says from which state it grew, where the content came about in that way.
        """
        before = self._seals.get(grown[0]) if grown and not grown[2] else None
        seal = before.copy() if before else hashlib.sha256()
        seal.update(b"".join([self._digests[row] for row in (grown[1] if before and grown else rows)]))
        full = seal.copy()
        full.update(data.encode())
        key = full.hexdigest()[:40]
        self._seals[key] = seal
        if key not in self.states:
            self.states[key] = State(rows=tuple(rows), data=data, origin=origin)
        if grown and grown[0] != key:
            self.grown.setdefault(key, grown)
        return key

    def name(self, wire: Wire) -> str:
        """Return the identity of a step, and remember the step by it."""
        found = identity(wire)
        self.wires.setdefault(found, wire)
        return found

    @staticmethod
    def history(data: str, step: str) -> str:
        """Return the data history that a step adds itself to."""
        return hashlib.sha256(f"{data}\n{step}".encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def wire(self, step: Step, tool: str, path: str) -> Wire:
        """Return a step as the child takes it, with the hash of its text in place of the text."""
        if not isinstance(step, RunMigration):
            return {"kind": "ddl", "sql": list(step.statements)}
        text = step.migration.content.text
        sha = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self.texts[sha] = text
        kind = "sql" if step.migration.language == "sql" else "alembic" if tool == "alembic" else "python"
        wire: Wire = {"kind": kind, "sha": sha}
        if step.upto is not None:
            wire["upto"] = step.upto
        if kind != "sql":
            wire["path"] = path
        if step.migration.entry:
            wire["entry"] = step.migration.entry
        return wire

    def path_to(self, key: str, held: Container[str]) -> list[tuple[str, Wire, str]]:
        """Return the steps (from, step, to) that lead to a state from the nearest one that is held."""
        steps: list[tuple[str, Wire, str]] = []
        while key not in held:
            origin = self.states[key].origin
            if origin is None:
                break
            steps.append((origin[0], origin[1], key))
            key = origin[0]
        return steps[::-1]


def identity(wire: Wire) -> str:
    """Return what tells one step from another: the text, how far, and for Python the file."""
    if "sql" in wire:
        seal = hashlib.sha256(repr(wire["sql"]).encode("utf-8", "surrogatepass"))
        return f"{wire['kind']}:{seal.hexdigest()[:32]}"
    sha = wire.get("sha", "")[:32]
    return ":".join([wire["kind"], sha, str(wire.get("upto", "")), wire.get("entry", ""), wire.get("path", "")])
