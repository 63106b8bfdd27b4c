"""The replays of one chain on disk: a file for each configuration, believed while all it came from is unchanged."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forensics.model import Chain, Group, decode, encode
from forensics.replay.ledger import Ledger, State
from forensics.replay.steps import Attempt, Outcome, Statement

_FORMAT = 1
_KEPT = 24
_PASSING = ("timeout", "died", "untrusted")
_HERE = Path(__file__).parent


def signature(chain: Chain, tracker: tuple[str, ...], isolation: str, dialect: str = "sqlite", server: str = "") -> str:
    """Return a digest of all that an outcome depends on beside the state and the step.

    The hints, the interpreter and what is installed for it (by the times of its files and folders), and the runner.
    """
    python = Path(chain.hints.python or sys.executable)
    prefix = python.parent.parent
    places = [python, python.resolve(), prefix / "pyvenv.cfg", *sorted(prefix.glob("lib*/python*/site-packages"))]
    if chain.hints.setup:
        places.append(Path(chain.hints.setup))
    seal = hashlib.sha256()
    for part in (
        _FORMAT, chain.tool, chain.root, encode(chain.hints), tracker, isolation, dialect, server, _runner(),
        [(str(item), _stamp(item)) for item in places],
    ):  # fmt: skip
        seal.update(json.dumps(part, sort_keys=True, default=str).encode())
    return seal.hexdigest()[:24]


def _runner() -> str:
    seal = hashlib.sha256()
    # The catalogues too: what is kept of PostgreSQL are objects in their normal form, and a new one would differ from it.
    read = [*_HERE.parent.glob("catalogs/*.py"), *_HERE.glob("bench*.py"), _HERE / "ledger.py", _HERE / "images.py"]
    for path in sorted([*_HERE.glob("inside/*.py"), *read]):
        seal.update(path.read_bytes())
    return seal.hexdigest()


def _stamp(path: str | Path) -> list[int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


class Store:
    """One cache file. ``hello`` is what the child said of itself; ``files`` are the project's files that were read."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"replay-{name}.json"
        self.hello: dict[str, Any] = {}
        self.empty = ""
        self.files: dict[str, list[int] | None] = {}
        self.loads: dict[str, str] = {}
        self._raw: dict[tuple[str, str], Any] = {}
        self._pool: list[str] = []
        self._keys: list[str] = []

    def load(self, ledger: Ledger) -> None:
        """Fill a ledger from the file. A file that is missing, damaged or out of date counts as none."""
        try:
            data = json.loads(self.path.read_bytes())
            files = data["files"]
            if data["format"] != _FORMAT or any(_stamp(path) != stamp for path, stamp in files.items()):
                return
            pool, keys, wires = data["pool"], [item[0] for item in data["states"]], data["wires"]
            states = {
                key: State(rows=tuple(rows), data=history, origin=at and (keys[at[0]], wires[at[1]][1]))
                for key, rows, history, at in data["states"]
            }
            raw = {(keys[item[0]], wires[item[1]][0]): item for item in data["outcomes"]}
            rows = [(kind, name, table, None if at is None else pool[at]) for kind, name, table, at in data["rows"]]
            texts = {sha: pool[text] for sha, text in data["texts"].items()}
            hello, empty = data["hello"], data["empty"]
            groups = {int(at): decode(Group, group) for at, group in data["groups"].items()}
            loads = dict(data["loads"])
            if empty not in states or not isinstance(hello, dict):
                return
        except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError):
            return
        for row in rows:
            ledger.number(row)
        ledger.states.update(states)
        ledger.groups.update(groups)
        ledger.texts.update(texts)
        ledger.wires.update(wires)
        self.hello, self.empty, self.files, self.loads = hello, empty, files, loads
        self._raw, self._pool, self._keys = raw, pool, keys

    def find(self, state: str, step: str) -> Outcome | None:
        """Return a stored outcome."""
        item = self._raw.get((state, step))
        if item is None:
            return None
        pool = self._pool
        _, _, after, statements, total, failed, error, tried, place, failure, hint, stopped = item
        return Outcome(
            before=state,
            state=self._keys[after],
            statements=tuple(
                Statement(sql=pool[sql], parameters=given, ddl=ddl, omitted=omitted)
                for sql, given, ddl, omitted in statements
            ),
            total=total,
            failed=failed,
            error=error,
            attempts=tuple(
                Attempt(kind=kind, target=target, message=text, place=at) for kind, target, text, at in tried
            ),
            place=place,
            failure=failure,
            hint=hint,
            stopped=stopped,
        )

    def forget(self) -> None:
        """Forget what was stored: it came from another system than the one that runs now."""
        self._raw.clear()
        self.loads.clear()
        self.files.clear()

    def read(self, files: Iterable[str]) -> None:
        """Note that these files were read by what is replayed."""
        for path in files:
            self.files.setdefault(path, _stamp(path))

    def save(self, ledger: Ledger) -> None:
        """Write the file in one move. A folder that cannot be written is no error: there is no cache then."""
        pool: dict[str, int] = {}

        def pooled(text: str) -> int:
            return pool.setdefault(text, len(pool))

        for state, step in self._raw:
            if (state, step) not in ledger.outcomes and (found := self.find(state, step)) is not None:
                ledger.outcomes[state, step] = found
        keys = {key: number for number, key in enumerate(ledger.states)}
        wires = {name: number for number, name in enumerate(ledger.wires)}
        data = {
            "format": _FORMAT,
            "hello": {name: self.hello[name] for name in sorted(self.hello) if isinstance(self.hello[name], str)},
            "empty": self.empty,
            "files": self.files,
            "loads": self.loads,
            "rows": [[*row[:3], None if row[3] is None else pooled(row[3])] for row in ledger.rows],
            "groups": {str(number): encode(group) for number, group in ledger.groups.items()},
            "texts": {sha: pooled(text) for sha, text in ledger.texts.items()},
            "states": [
                [key, item.rows, item.data, item.origin and [keys[item.origin[0]], wires[ledger.name(item.origin[1])]]]
                for key, item in ledger.states.items()
            ],
            "wires": list(ledger.wires.items()),
            "outcomes": [
                [
                    keys[state], wires[step], keys[item.state],
                    [[pooled(one.sql), one.parameters, one.ddl, one.omitted] for one in item.statements],
                    item.total, item.failed, item.error, [list(dataclasses.astuple(one)) for one in item.attempts],
                    item.place, item.failure, item.hint, item.stopped,
                ]
                for (state, step), item in ledger.outcomes.items()
                if item.failure not in _PASSING
            ],
        }  # fmt: skip
        data["pool"] = list(pool)
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".replay-")
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(data, file, separators=(",", ":"))
            os.replace(name, self.path)
            self._prune()

    def _prune(self) -> None:
        files = sorted(self.path.parent.glob("replay-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in files[_KEPT:]:
            path.unlink()
