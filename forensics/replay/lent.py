"""A server that the case file lends for the replay (``[scratch] postgresql``): asked, checked, used, and left as it was.

All that speaks with it is `forensics.replay.gate`, a process of its own that outlives this one for as long as it takes to
clean up. A server that also holds one of the case's environments is refused before anything is made on it.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forensics.acquire.identity import same_place, system_identifier
from forensics.acquire.postgresql import parameters
from forensics.case.spec import ScratchSpec
from forensics.errors import AcquisitionError, CaseError, ReplayError
from forensics.redact import redact_text, url_secrets
from forensics.replay.inside.postmaster import memory

_GATE = Path(__file__).with_name("gate.py")
_LIMIT = 90.0
_OLDEST = 130000
_PLACE = "[scratch] postgresql"
_WITHOUT = "or leave `postgresql` out of [scratch]: a private server is made then"


class Lent:
    """The server of the case file. It is opened for a child and closed with it; nothing of ours stays on it.

    Raises `ReplayError` where it cannot be used, and `CaseError` where it must not be.
    """

    def __init__(self, spec: ScratchSpec) -> None:
        if spec.problem:
            raise CaseError(spec.problem, remedy=spec.remedy)
        self._spec = spec
        self._secrets = url_secrets(spec.address)
        self._given = parameters(spec.address)
        if self._given.get("sslmode", "") in ("require", "verify-ca", "verify-full"):
            raise self._failed("no encryption", None)
        for name, address in spec.others:
            if same_place(self._given, parameters(address)):
                raise self._forbidden(name)
        self._folder = ""
        self._end: Any = None
        self._config: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.open()

    @property
    def identity(self) -> str:
        """What replays on it depend on."""
        return f"lent {self.facts['version']} {self.facts['system']} {self.facts['super']}"

    @property
    def version(self) -> str:
        """The version of the server."""
        return str(self.facts["version"]).split()[0]

    @property
    def keep(self) -> list[str]:
        """What must stay visible for a child beside its own."""
        return []

    def open(self) -> dict[str, Any]:
        """Return what a child must know of the server; the gate to it is opened where it is closed."""
        if self._end is None or not self._end.alive:
            self._start()
        return self._config

    def close(self) -> None:
        """Close the gate; it removes what was made on the server, and this waits until it has."""
        if self._end is not None:
            self._end()

    def _start(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="forensics-gate-", dir=memory())
        process = subprocess.Popen(
            [sys.executable, str(_GATE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
            env=_environment(), start_new_session=True,
        )  # fmt: skip
        self._end = weakref.finalize(self, _end, process, self._folder, os.getpid())
        try:
            self.facts = self._asked(process, {"parameters": self._given, "folder": self._folder})
            self._check()
            made = self._asked(process, {"go": True})
        except (ReplayError, CaseError):
            self._end()
            raise
        self._config = {
            "bin": "", "version": self.version, "ready": "", "keep": [self._folder],
            "lent": {"socket": self._folder, **made},
        }  # fmt: skip

    def _asked(self, process: subprocess.Popen[bytes], request: Mapping[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        line = b""
        try:
            process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            process.stdin.flush()
            end = time.monotonic() + _LIMIT
            ready, _, _ = select.select([process.stdout.fileno()], [], [], max(0.0, end - time.monotonic()))
            line = process.stdout.readline() if ready else b""
            if not ready:
                raise ReplayError(f"the server of {_PLACE} did not answer within {_LIMIT:g} seconds", remedy=_remedy())
        except OSError:
            pass
        if not line:
            raise ReplayError(f"the process that speaks with the server of {_PLACE} ended", remedy=_remedy())
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise self._failed(str(reply["error"]), reply.get("state"))
        return reply

    def _check(self) -> None:
        facts = self.facts
        if facts["number"] < _OLDEST:
            raise ReplayError(f"the server of {_PLACE} is PostgreSQL {self.version}", remedy="lend one from version 13 on")
        if facts["standby"]:
            raise ReplayError(f"the server of {_PLACE} is a standby, on which nothing can be made", remedy=_remedy())
        if not (facts["super"] or facts["createdb"]):
            raise ReplayError(f"the role of {_PLACE} may not make databases", remedy=f"ALTER ROLE ... CREATEDB, {_WITHOUT}")
        for name, address in self._spec.others if self._spec.asks else ():
            try:
                other = system_identifier(address)
            except AcquisitionError:
                continue  # one that cannot be reached now is compared by its address alone
            if other == facts["system"]:
                raise self._forbidden(name)

    def _forbidden(self, name: str) -> CaseError:
        return CaseError(
            f"the server of {_PLACE} ({self._spec.url}) is the one that environment {name!r} lives on",
            remedy=f"lend a server that holds nothing of value, {_WITHOUT}",
        )

    def _failed(self, said: str, state: str | None) -> ReplayError:
        lines = redact_text(said, [*self._secrets, self._given.get("user", "")]).splitlines()
        words = re.sub(r"^.*failed: ", "", lines[0]) if lines else "it said nothing"
        if state in ("28000", "28P01") and self._given.get("user", "\0") not in said and "forensics_" in said:
            return ReplayError(
                f"the server of {_PLACE} lets the role that is made for the replay not log in: {words}",
                remedy="let it in in pg_hba.conf, or give the address of a role that is no superuser and may make databases",
            )
        if re.search(r"no encryption|SSL off|requires? encryption|insecure connection", said):
            return ReplayError(
                f"the server of {_PLACE} insists on an encrypted connection, which the replay does not use",
                remedy=f"lend a server that is local, {_WITHOUT}",
            )
        return ReplayError(f"the server of {_PLACE} cannot be used: {words}", remedy=_remedy())


def _remedy() -> str:
    return f"check the address, {_WITHOUT}"


def _environment() -> dict[str, str]:
    """Return what libpq may look at: what the user has set for it, and where their password file is."""
    kept = ("HOME", "PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    return {key: value for key, value in os.environ.items() if key in kept or key.startswith("PG")}


def _end(process: subprocess.Popen[bytes], folder: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a copy of the process that started it: not its to end
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
