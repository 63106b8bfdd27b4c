"""Evidence on disk: one JSON file and the hash that shows whether it was changed since."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from forensics.case.spec import EnvironmentSpec
from forensics.errors import AcquisitionError, EvidenceChanged, ForensicsError
from forensics.model import Evidence, decode, encode

_FILE = "evidence.json"
_SUMS = "SHA256SUMS"
_SCHEMA = "forensics/evidence/1"


def store(evidence: Evidence, folder: Path, *, key: str = "") -> None:
    """Write the evidence of one environment into a folder of its own, in place of what was there.

    ``key`` is kept beside it for `stored_key`. Raises `OSError` where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # ASCII only: names in a database need not be valid text, and what is escaped survives every tool. A field a line:
    # indenting all of it takes twenty times as long.
    fields = ",\n".join([f"  {json.dumps(name)}: {json.dumps(item)}" for name, item in encode(evidence).items()])
    content = f'{{\n "schema": {json.dumps(_SCHEMA)},\n "evidence": {{\n{fields}\n }}\n}}\n'.encode("ascii")
    sums = f"{hashlib.sha256(content).hexdigest()}  {_FILE}\n".encode("ascii")
    for name, data in ((_FILE, content), (_SUMS, sums), ("key", key.encode("ascii"))):
        write(folder / name, data)


def load(folder: Path) -> Evidence:
    """Read evidence that `store` wrote.

    Raises
    ------
    AcquisitionError
        There is none, or it was written by another version.
    EvidenceChanged
        A file differs from its recorded hash, or the hash is missing.
    """
    name = f"{folder.name}/{_FILE}"
    try:
        content = (folder / _FILE).read_bytes()
        lines = [line.split(None, 1) for line in (folder / _SUMS).read_text("utf-8").splitlines() if line]
        sums = {file: recorded for recorded, file in lines}
    except (FileNotFoundError, NotADirectoryError):
        if (folder / _FILE).exists():
            raise EvidenceChanged(f"{folder.name}/{_SUMS} is missing", remedy="acquire the evidence again") from None
        raise AcquisitionError(
            f"there is no saved evidence in {folder.name}", remedy="run the command once without --evidence"
        ) from None
    except (OSError, ValueError) as error:
        raise AcquisitionError(
            f"{name} cannot be read: {getattr(error, 'strerror', None) or error}", remedy="acquire it again"
        ) from None
    if sums.get(_FILE) != hashlib.sha256(content).hexdigest():
        raise EvidenceChanged(f"{name} differs from its recorded hash", remedy="acquire the evidence again")
    try:
        document = json.loads(content)
        if document["schema"] != _SCHEMA:
            raise KeyError(document["schema"])
        return decode(Evidence, document["evidence"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AcquisitionError(
            f"{name} was written by another version of forensics", remedy="acquire the evidence again"
        ) from None


def saved(spec: EnvironmentSpec, folder: Path) -> Evidence:
    """Return the evidence saved in a folder, as ``unreadable`` where there is none or it was changed."""
    try:
        return replace(load(folder), environment=spec.name)
    except ForensicsError as error:
        return Evidence(
            environment=spec.name, url=spec.url, dialect=None, state="unreadable", problem=error.what,
            remedy=error.remedy,
        )  # fmt: skip


def stored_key(folder: Path) -> str:
    """Return the key that `store` was given, or ``""``."""
    try:
        return (folder / "key").read_text("ascii")
    except (OSError, ValueError):
        return ""


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that whoever reads it at the same time sees one state of it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(handle, "wb") as target:
            target.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
