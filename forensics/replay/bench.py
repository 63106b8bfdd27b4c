"""The bench: one child process and what it holds, led from state to state."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from forensics.errors import ReplayError
from forensics.model import Chain
from forensics.replay.child import Child, ChildLost, start
from forensics.replay.ledger import Ledger, Row, Wire, identity

_VERSION_TABLE = (
    'CREATE TABLE "{name}" (\n\tversion_num VARCHAR(32) NOT NULL, \n'
    '\tCONSTRAINT "{name}_pkc" PRIMARY KEY (version_num)\n)'
)
# As many bytes of requests may be under way as surely fit into a pipe, so that neither side ever waits to be read.
_UNDER_WAY = 1 << 15
_PATIENCE = 2.0  # for a step that nobody asked for
Reply = dict[str, Any]
Tried = list[list[Any]]


def configuration(chain: Chain, tracker: tuple[str, ...], isolation: str, dialect: str = "sqlite") -> dict[str, Any]:
    """Return what a child must know before its first step. An Alembic chain has Alembic's own table as its tracker."""
    hints = chain.hints
    if not tracker and chain.tool == "alembic":
        schema, _, name = (hints.version_table or "alembic_version").replace('"', '""').rpartition(".")
        made = _VERSION_TABLE.format(name=name)
        tracker = (made,)
        if schema and dialect == "postgresql":
            placed = made.replace("CREATE TABLE ", f'CREATE TABLE "{schema}".', 1)
            tracker = (f'CREATE SCHEMA IF NOT EXISTS "{schema}"', placed)
    python = any(item.language == "python" for item in chain.migrations)
    return {
        "dialect": dialect,
        "tool": chain.tool,
        "tracker": tracker,
        "root": chain.root,
        "isolation": isolation,
        "site": bool(python or hints.setup or hints.models or dialect == "postgresql"),
        "keep": [*hints.sys_path, hints.setup, os.path.dirname(hints.env_file), hints.config_file],
        "hints": {
            "runner": hints.runner,
            "entry": hints.entry,
            "setup": hints.setup,
            "sys_path": hints.sys_path,
            "naming_convention": hints.naming_convention,
            "models": hints.models,
            "transaction": hints.transaction,
            "version_table": hints.version_table,
            "driver": hints.driver,
            "env_py": hints.env_py,
            "env_file": hints.env_file,
            "config_file": hints.config_file,
        },
    }


class Bench:
    """Start a child when there is something to run, lead it to the state wanted, and replace it when it is lost.

    ``started`` is called with what a new child says of itself and with the key of its empty state.
    """

    def __init__(
        self,
        ledger: Ledger,
        config: dict[str, Any],
        python: str,
        environment: Mapping[str, str],
        time_limit: float,
        started: Callable[[dict[str, Any], str], None],
    ) -> None:
        self.ledger = ledger
        self.config = config
        self.time_limit = time_limit
        self._python = python or sys.executable
        self._environment = environment
        self._started = started
        self._child: Child | None = None
        self._held: dict[str, int] = {}
        self._sent: set[str] = set()
        self._numbers: list[int] = []
        self._hidden: frozenset[str] = frozenset()
        self._retire = False
        self._troubles: dict[str, Reply] = {}
        self._ahead: deque[tuple[Wire, int]] = deque()
        self._tip = ""
        self._last = -1
        self._ready: dict[tuple[str, str], tuple[Reply, Tried, str]] = {}
        self.folder = ""

    def close(self) -> None:
        """End the child process; the next request starts another."""
        if self._child is not None:
            self._child.close()
        self._child = None
        self._held.clear()
        self._sent.clear()
        self._numbers.clear()
        self._ahead.clear()
        self._ready.clear()
        self._retire = False

    def child(self) -> Child:
        """Return the running child. Raises `ReplayError` where none can be started."""
        if self._retire:
            self.close()
        if self._child is None:
            child = self._child = start(self._python, self.config, self._environment)
            self.folder = child.folder
            hello = child.hello
            if self._goes_without(hello):
                return self.child()
            there = {tuple(row) for row in hello["before"]["rows"]}
            self._hidden = frozenset(str(row[2]).lower() for row in hello["rows"] if tuple(row) not in there)
            self._rows(hello["before"])
            empty = self.ledger.state(self._rows(hello), "", None)
            self._held[empty] = 0
            self._started(hello, empty)
        return self._child

    def _goes_without(self, hello: dict[str, Any]) -> bool:
        """Take note of the hints that failed in a new child. True where it is to be replaced by one without set-up script.

        What the script did before it failed must not stay.
        """
        if hello["setup"]:
            self._troubles["setup"] = hello["setup"]
            self.close()
            self.config = {**self.config, "hints": {**self.config["hints"], "setup": ""}}
            return True
        if hello["convention"]:
            self._troubles["naming_convention"] = hello["convention"]
        hello["troubles"] = json.dumps(self._troubles)
        return False

    def ask(self, request: dict[str, Any]) -> tuple[Reply, Tried]:
        """Send a request that needs no state. Raises `ChildLost`, after which there is no child."""
        self._drain()
        try:
            return self.child().ask(request, self.time_limit)
        except ChildLost as lost:
            self.close()
            if lost.reason == "idle":
                return self.child().ask(request, self.time_limit)
            raise

    def run(self, state: str, wire: Wire, following: Iterable[Wire] = ()) -> tuple[Reply, Tried, str]:
        """Run a step from a state; return the reply, the refused attempts, and the key of the state that it led to.

        A child that does not hold the state is led there first, from the nearest state on the way that it holds.
        The steps that are likely to follow are sent ahead, so that the child need not wait to be asked for them.
        Raises `ChildLost` where the step itself ended the child.
        """
        found = self._foreseen(state, wire)
        if found is None:
            self._drain()
            found = self._ready.pop((state, identity(wire)), None) or self._asked(state, wire)
        reply, _, key = found
        if self.foresees and "error" not in reply and not reply["stopped"] and key in self._held:
            self._foresee(key, following)
        return found

    foresees = True  # whether steps can be sent ahead

    def _foresee(self, key: str, following: Iterable[Wire]) -> None:
        """Send the steps that are likely to follow on the state of this key, which is where the child is."""
        if self._child is None or self._retire:
            return
        if not self._ahead and self._held[key] != self._last:
            return
        self._tip = key
        for place, wire in enumerate(following):
            if place < len(self._ahead):
                if self._ahead[place][0] != wire:
                    return
            elif sum(size for _, size in self._ahead) < _UNDER_WAY - len(self._text(wire)) * 6:
                with contextlib.suppress(ChildLost):  # it is told of when its reply is asked for
                    self._ahead.append((wire, self._child.post(self._request(None, wire))))

    def _foreseen(self, state: str, wire: Wire) -> tuple[Reply, Tried, str] | None:
        """Return what came of a step that was sent ahead, or None."""
        if not self._ahead or state != self._tip or self._ahead[0][0] != wire:
            return None
        try:
            return self._next(self.time_limit)
        except ChildLost as lost:
            self.close()
            if lost.reason != "idle":
                raise
        return None

    def _next(self, limit: float) -> tuple[Reply, Tried, str] | None:
        """Take the next reply to what was sent ahead; None where the child had no reason to run it."""
        assert self._child is not None
        wire, _ = self._ahead[0]
        reply, tried = self._child.receive(limit)
        self._ahead.popleft()
        self._lose(reply)
        if reply.get("skipped") or reply.get("missing"):
            return None
        self._last = reply["state"]
        self._tip = self._take(self._tip, wire, reply, None)
        return reply, tried, self._tip

    def _drain(self) -> None:
        """Take the replies to all that was sent ahead; they are kept for when somebody asks for them after all."""
        try:
            while self._ahead:
                state, wire = self._tip, self._ahead[0][0]
                found = self._next(min(self.time_limit, _PATIENCE))
                if found is not None:
                    self._ready[state, identity(wire)] = found
        except ChildLost:
            self.close()

    def _asked(self, state: str, wire: Wire) -> tuple[Reply, Tried, str]:
        words = "the replay process keeps losing what it is told to keep"
        for _ in range(4):
            try:
                self.child()
                if self._lead(state):
                    reply, tried = self._send(state, wire)
                    if not reply.get("missing"):
                        self._retire = bool(reply.get("retire"))
                        return reply, tried, self._take(state, wire, reply, None)
                    self._forget(state)
                    words = str(reply.get("words") or words)
            except ChildLost as lost:
                self.close()
                if lost.reason != "idle":
                    raise
        raise ReplayError(words, remedy="try again")

    def _lead(self, state: str) -> bool:
        for origin, step, target in self.ledger.path_to(state, self._held):
            reply, _ = self._send(origin, step)
            if reply.get("missing"):
                self._forget(origin)
                return False
            self._take(origin, step, reply, target)
            if origin in self._held:
                self._held.setdefault(target, self._held[origin])
            elif target not in self._held:
                return False
        return True

    def _forget(self, state: str) -> None:
        if self._held.get(state):  # the empty state is always there
            del self._held[state]

    def _send(self, state: str, wire: Wire) -> tuple[Reply, Tried]:
        reply, tried = self.child().ask(self._request(self._held[state], wire), self.time_limit)
        self._lose(reply)
        self._last = reply.get("state", -1)
        return reply, tried

    def _text(self, wire: Wire) -> str:
        return self.ledger.texts.get(wire.get("sha", ""), "") if wire.get("sha") not in self._sent else ""

    def _request(self, number: int | None, wire: Wire) -> dict[str, Any]:
        request: dict[str, Any] = {"op": "run", "from": number, "step": wire}
        sha = wire.get("sha")
        if sha and sha not in self._sent:
            request["text"] = self.ledger.texts[sha]
            self._sent.add(sha)
        return request

    def _lose(self, reply: Reply) -> None:
        lost = set(reply.get("lost", ()))
        if lost:
            self._held = {key: number for key, number in self._held.items() if number not in lost}

    def _take(self, state: str, wire: Wire, reply: Reply, known: str | None) -> str:
        """Remember where the child keeps the content that a step led to, and return its key.

        ``known`` is the key that the same step led to before: a step that is not deterministic is held to it.
        """
        if "rows" not in reply:
            return state
        was = self.ledger.states[state]
        found = self._rows(reply)
        turned = self._turned(reply)
        rows = found if "master" in reply else [*self._replaced(was.rows, turned), *found]
        data = was.data
        if reply["changed"] or (data and reply["moved"]):
            data = self.ledger.history(data, identity(wire))
        grown = None if "master" in reply else (state, tuple(found), turned)
        key = known or self.ledger.state(rows, data, (state, wire), grown)
        self._held.setdefault(key, reply["state"])
        return key

    def _turned(self, reply: Reply) -> tuple[int, ...]:
        return tuple(number for index in reply.get("turned", ()) if (number := self._numbers[index]) >= 0)

    def _replaced(self, rows: Sequence[int], turned: tuple[int, ...]) -> Sequence[int]:
        """Put the rows of tables that were changed in the place of what they were."""
        if not turned:
            return rows
        known = self.ledger.rows
        now = {known[number][1]: number for number in turned}
        return [now.get(known[row][1], row) if known[row][0] == "table" else row for row in rows]

    def _rows(self, reply: Reply) -> list[int]:
        for row in reply["rows"]:
            item: Row = (row[0], row[1], row[2], row[3])
            self._numbers.append(-1 if self._internal(item) else self.ledger.number(item))
        indexes = reply["master"] if "master" in reply else reply["added"]
        return [number for index in indexes if (number := self._numbers[index]) >= 0]

    def _internal(self, row: Row) -> bool:
        return row[1].lower().startswith("sqlite_") or row[2].lower() in self._hidden
