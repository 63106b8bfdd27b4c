"""The bench for PostgreSQL: its child tells which objects a step touched, and only those are read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from forensics.case.spec import ScratchSpec
from forensics.errors import ReplayError
from forensics.model import Group
from forensics.replay.bench import Bench, Reply, Tried
from forensics.replay.child import Child, start
from forensics.replay.images import Image, Reading, as_rows, number_of
from forensics.replay.inside.postmaster import NoServer, choose, prepared
from forensics.replay.ledger import Ledger, Wire, identity
from forensics.replay.lent import Lent


class Own:
    """A private server of our own programs. Raises `ReplayError` where there are none."""

    def __init__(self, version: int | None, bin: str) -> None:
        try:
            self._bin, self.version = choose(version, bin or None)
        except NoServer as error:
            raise ReplayError(error.what, remedy=error.remedy) from error
        prefix = os.path.dirname(self._bin)
        self._keep = [prefix, os.path.dirname(prefix) + ".libs"]

    @property
    def identity(self) -> str:
        """What replays on it depend on."""
        return str({"bin": self._bin, "version": self.version, "keep": self._keep})

    def open(self) -> dict[str, Any]:
        """Return what a child must know to start its server: the programs, and a cluster to copy."""
        try:
            ready = prepared(self._bin)
        except NoServer as error:
            raise ReplayError(error.what, remedy=error.remedy) from error
        return {"bin": self._bin, "version": self.version, "ready": ready, "keep": [*self._keep, ready]}

    def close(self) -> None:
        """Do nothing: the server ends with its child."""


def lender(version: int | None, scratch: ScratchSpec) -> Own | Lent:
    """Return where scratch databases come from. Raises `ReplayError` where there is nothing."""
    return Lent(scratch) if scratch.url else Own(version, scratch.bin)


class PostgresBench(Bench):
    """Leads a child with a private PostgreSQL. What is held is told by the child: it drops what others displace."""

    foresees = False  # names are still to be asked for when a step is done, and a later one may take them away

    def __init__(
        self,
        ledger: Ledger,
        config: dict[str, Any],
        python: str,
        environment: Mapping[str, str],
        time_limit: float,
        started: Callable[[dict[str, Any], str], None],
    ) -> None:
        self._lender: Own | Lent = config["postgres"]
        super().__init__(ledger, config, python, environment, time_limit, started)
        self._images: dict[int, Image] = {}
        self._before: Image | None = None
        self._reading = Reading(number_of(self._lender.version), self._rows_of)

    def close(self) -> None:
        """End the child process and its server."""
        super().close()
        self._lender.close()
        self._images.clear()

    def child(self) -> Child:
        """Return the running child. Raises `ReplayError` where none can be started."""
        if self._retire:
            self.close()
        if self._child is None:
            config = {**self.config, "postgres": self._lender.open()}
            config["keep"] = [*config["keep"], *config["postgres"]["keep"]]
            child = self._child = start(self._python, config, self._environment)
            self.folder = child.folder
            hello = child.hello
            if self._goes_without(hello):
                return self.child()
            before = self._reading.whole()
            child.ask({"op": "settle", **self._reading.templates()}, self.time_limit)
            image = self._reading.whole()
            self._hidden = frozenset(
                group.name.casefold() for oid, group in image.groups.items() if oid not in before.groups
            )
            empty = self.ledger.state(self._numbers_of(image), "", None)
            self._hold(empty, 0, image)
            self._started(hello, empty)
        return self._child

    def _rows_of(self, statements: list[str]) -> list[list[tuple[Any, ...]]]:
        assert self._child is not None
        return as_rows(self._child.ask({"op": "ask", "sql": statements}, self.time_limit)[0]["rows"])

    def _hold(self, key: str, number: int, image: Image) -> None:
        self._held.setdefault(key, number)
        self._images.setdefault(number, image)

    def _send(self, state: str, wire: Wire) -> tuple[Reply, Tried]:
        self._before = self._images[self._held[state]]
        reply, tried = super()._send(state, wire)
        for number in reply.get("lost", ()):
            self._images.pop(number, None)
        return reply, tried

    def _take(self, state: str, wire: Wire, reply: Reply, known: str | None) -> str:
        if "captured" not in reply:
            return state
        captured = reply["captured"]
        assert self._before is not None
        image = self._reading.after(self._before, captured) if captured else self._reading.whole()
        numbers = self._numbers_of(image)
        was = self.ledger.states[state]
        data = was.data
        # What is touched and not to be seen (a grant, a policy, a role) is told by its history, as rows are.
        unseen = bool(captured) and tuple(numbers) == was.rows
        if reply["changed"] or (data and reply["moved"]) or unseen:
            data = self.ledger.history(data, identity(wire))
        key = known or self.ledger.state(numbers, data, (state, wire))
        self._hold(key, reply["state"], image)
        return key

    def _numbers_of(self, image: Image) -> list[int]:
        known = self.ledger.group_numbers
        found = []
        for group in image.groups.values():
            item = known.get(id(group))
            found.append(item if item is not None else self._number(group))
        numbers = [number for name, number, _ in sorted(found, key=_by_name) if name.casefold() not in self._hidden]
        return [*numbers, *(self.ledger.number((kind, name, text, None)) for kind, name, text in image.beside)]

    def _number(self, group: Group) -> tuple[str, int, Group]:
        number = self.ledger.number(("group", group.name, group.trace, None))
        self.ledger.groups.setdefault(number, group)
        # The group stays in it, so that its identity is nobody else's.
        item = self.ledger.group_numbers[id(group)] = (group.name, number, group)
        return item


_by_name = itemgetter(0, 1)
