"""The child process as its parent sees it: started on demand, one request at a time, killed when it takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from forensics.errors import ReplayError

_BOOT = Path(__file__).with_name("inside") / "boot.py"
_START_LIMIT = 120.0


class ChildLost(Exception):
    """The child is gone. ``reason`` is ``timeout`` or ``died``; ``attempts`` are those it had reported."""

    def __init__(self, reason: str, detail: str, attempts: list[list[Any]]) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.attempts = attempts


def start(python: str, config: dict[str, Any], environment: Mapping[str, str]) -> Child:
    """Start a child with the best isolation that the system offers.

    ``config["isolation"]`` is ``auto`` or ``guard``. Raises `ReplayError` where none can be started.
    """
    if config["isolation"] == "auto":
        child = Child(python, {**config, "isolation": "namespaces"}, environment)
        if "unavailable" not in child.hello:
            return child
        child.close()
    return Child(python, {**config, "isolation": "guard"}, environment)


class Child:
    """One process that runs migrations. ``hello`` is what it said of itself when it started."""

    def __init__(self, python: str, config: dict[str, Any], environment: Mapping[str, str]) -> None:
        self.folder = tempfile.mkdtemp(prefix="forensics-", dir=_memory())
        self._buffer = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        scratch, home, work = (os.path.join(self.folder, name) for name in ("scratch", "home", "work"))
        for path in (scratch, home, work):
            os.mkdir(path)
        variables = {name: value.replace("{scratch}", scratch) for name, value in environment.items()}
        try:
            self._process = subprocess.Popen(
                [python, "-S", "-s", str(_BOOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=work,
                env={
                    "PATH": os.defpath,
                    "HOME": home,
                    "TMPDIR": scratch,
                    "LANG": "C.UTF-8",
                    "TZ": "UTC",
                    "PYTHONHASHSEED": "0",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONNOUSERSITE": "1",
                    "PYTHONUTF8": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "OMP_NUM_THREADS": "1",
                    **variables,
                },
                start_new_session=True,
            )
        except OSError as error:
            _remove(self._errors, self.folder)
            raise ReplayError(
                f"the interpreter {python} could not be started: {error.strerror}",
                remedy="check `python` in the case file",
            ) from error
        # Also when nobody closes it: nothing stays behind when the program ends.
        self._end = weakref.finalize(self, _end, self._process, self._errors, self.folder)
        # The folder above ``bin`` is the virtual environment: the interpreter learns of it only in `site.main`.
        keep = [*config["keep"], os.path.dirname(os.path.dirname(os.path.abspath(python)))]
        config = {**config, "keep": keep, "folder": self.folder, "scratch": scratch, "home": home, "work": work}
        try:
            self.hello = self.ask(config, _START_LIMIT)[0]
        except ChildLost as lost:
            detail = self._last_words() or lost.detail
            self.close()
            what = f"the replay process did not start: {detail}"
            raise ReplayError(what, remedy="check `python` and `setup`") from lost
        if "trouble" in self.hello:
            self.close()
            raise ReplayError(self.hello["trouble"], remedy=self.hello["remedy"])

    def ask(self, request: dict[str, Any], limit: float) -> tuple[dict[str, Any], list[list[Any]]]:
        """Send a request and return the reply and the refused attempts that came before it. Raises `ChildLost`."""
        if self._process.poll() is not None:
            raise ChildLost("idle", "the process had ended before", [])
        self.post(request)
        return self.receive(limit)

    def post(self, request: dict[str, Any]) -> int:
        """Send a request without waiting for its reply. Return its size; more than a pipe holds must not be under way."""
        assert self._process.stdin is not None
        line = json.dumps(request).encode("ascii") + b"\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError as error:
            raise ChildLost("idle", str(error), []) from error
        return len(line)

    def receive(self, limit: float) -> tuple[dict[str, Any], list[list[Any]]]:
        """Return the next reply and the refused attempts that came before it. Raises `ChildLost`."""
        attempts: list[list[Any]] = []
        end = time.monotonic() + limit
        while True:
            line = self._line(end, attempts, limit)
            reply: dict[str, Any] = json.loads(line)
            if "attempt" not in reply:
                return reply, attempts
            attempts.append(reply["attempt"])

    def _line(self, end: float, attempts: list[list[Any]], limit: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        parts = [self._buffer]
        self._buffer = b""
        while b"\n" not in parts[-1]:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise ChildLost("timeout", f"it was still running after {limit:g} s", attempts)
            part = os.read(pipe, 1 << 20)
            if not part:
                raise ChildLost("died", "the process that ran it ended without an answer", attempts)
            parts.append(part)
        line, _, self._buffer = b"".join(parts).partition(b"\n")
        return line

    def close(self) -> None:
        """End the process, whatever it is doing, and remove its folder."""
        self._end()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        errors = [line for line in lines if re.match(r"[\w.]*(?:Error|Exception|Unavailable|Trouble)\b", line)]
        return (errors or lines or [""])[-1]


def _remove(errors: IO[bytes], folder: str) -> None:
    errors.close()
    shutil.rmtree(folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes], errors: IO[bytes], folder: str) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _remove(errors, folder)


def _memory() -> str | None:
    """Return a folder in memory for scratch files, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
