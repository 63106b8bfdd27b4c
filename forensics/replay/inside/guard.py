"""The guard: connects, files, processes and networks that a migration reaches for are refused and written down.

Interception gives good messages; the isolation of `sandbox` carries the weight. What is refused raises an error that is
both an ``OSError`` and an ``sqlite3.OperationalError``, since projects live with those.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

_ATTACH = 24
_PROCESS = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
)  # fmt: skip
_NETWORK = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.utime", "shutil.rmtree", "shutil.move",
)  # fmt: skip
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST = 50


class Refused(sqlite3.OperationalError, OSError):
    """The replay does not let a migration do this."""


class Guard:
    """Watch one process. ``report`` is called with (kind, target, message, line) for each refused attempt."""

    def __init__(self, scratch: str, database: str, report: Callable[[str, str, str, int], None]) -> None:
        self.scratch = os.path.join(os.path.realpath(scratch), "")
        self.database = os.path.realpath(database)
        self.report = report
        self.armed = False
        self.place = ""
        self.read: set[str] = set()
        self.allowed: frozenset[Any] = frozenset()  # addresses of the scratch server
        self._count = 0
        self._inside = threading.local()
        self._handlers: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "sqlite3.connect": self._connect,
            "sqlite3.load_extension": self._extension,
            "sqlite3.enable_load_extension": self._extension,
            "open": self._open,
            "os.kill": self._kill,
            **{name: self._changing(name) for name in _CHANGES},
            **{name: self._denying("process", name) for name in _PROCESS},
            **{name: self._denying("network", name) for name in _NETWORK},
        }

    def install(self) -> None:
        """Hook into the interpreter, for good."""
        sys.addaudithook(self._audit)

    def arm(self, place: str) -> None:
        """Begin to watch; ``place`` is the file whose lines are named."""
        self.place = place
        self._count = 0
        self.armed = True

    def disarm(self) -> None:
        """Stop watching, for the child's own work."""
        self.armed = False

    def authorizer(self, action: int, first: str | None, *rest: str | None) -> int:
        """Deny ATTACH of anything but a private, nameless database (which is what VACUUM attaches)."""
        if action == _ATTACH and first not in ("", ":memory:"):
            self.note("attach", first or "an expression", "ATTACH is refused in a replay")
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    def refuse(self, kind: str, target: object, message: str) -> None:
        """Write an attempt down and raise `Refused`."""
        self.note(kind, str(target), message)
        raise Refused(message)

    def note(self, kind: str, target: str, message: str) -> None:
        """Write an attempt down."""
        self._count += 1
        if self._count <= _MOST:
            self.report(kind, target, message, self._line())

    def _line(self) -> int:
        frame = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename == self.place:
                return frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        return 0

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        handler = self._handlers.get(event)
        if handler is None or getattr(self._inside, "busy", False):
            return
        self._inside.busy = True
        try:
            handler(args)
        finally:
            self._inside.busy = False

    def _within(self, path: Any) -> bool:
        name = os.path.realpath(os.fsdecode(path))
        return name.startswith(self.scratch) or name == os.devnull

    def _connect(self, args: tuple[Any, ...]) -> None:
        target = args[0]
        name = os.fsdecode(target) if isinstance(target, (str, bytes, os.PathLike)) else str(target)
        bare = name[5:].split("?")[0] if name.startswith("file:") else name
        if bare in ("", ":memory:") or name.startswith("file::memory:") or "mode=memory" in name:
            return
        if os.path.realpath(bare) != self.database:
            self.refuse("connect", name, "a replay opens the scratch database only")

    def _open(self, args: tuple[Any, ...]) -> None:
        path, mode, flags = args[0], args[1], args[2]
        if isinstance(path, int) or path is None:
            return
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & _WRITE_FLAGS)
        if not writes:
            self.read.add(os.path.abspath(os.fsdecode(path)))
        elif not self._within(path):
            self.refuse("file", os.fsdecode(path), "a replay writes to its scratch folder only")

    def _changing(self, name: str) -> Callable[[tuple[Any, ...]], None]:
        def check(args: tuple[Any, ...]) -> None:
            paths = args[:2] if name in ("os.rename", "os.link", "shutil.move") else args[:1]
            for path in paths:
                if not isinstance(path, int) and not self._within(path):
                    why = f"a replay changes nothing outside its scratch folder ({name})"
                    self.refuse("file", os.fsdecode(path), why)

        return check

    def _denying(self, kind: str, name: str) -> Callable[[tuple[Any, ...]], None]:
        def deny(args: tuple[Any, ...]) -> None:
            if name == "socket.connect" and isinstance(args[1], (str, tuple)) and args[1] in self.allowed:
                return
            target = args[1] if name == "socket.connect" and len(args) > 1 else args[0] if args else name
            self.refuse(kind, target, f"a replay starts no process and reaches no network ({name})")

        return deny

    def _extension(self, args: tuple[Any, ...]) -> None:
        self.refuse("file", args[-1], "a replay loads no SQLite extension")

    def _kill(self, args: tuple[Any, ...]) -> None:
        if args[0] != os.getpid():
            self.refuse("process", args[0], "a replay signals no other process")
