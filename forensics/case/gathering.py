"""The chain that a case names, read so that what is wrong with it becomes part of the evidence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from forensics.case.spec import ChainSpec
from forensics.chain.load import chain_evidence, load_chain
from forensics.errors import ForensicsError
from forensics.model import Chain, ChainEvidence, ChainProblem
from forensics.redact import redact_text

_SKIPPED = frozenset({"__pycache__", "node_modules", "venv", "env", "site-packages"})
_MOST = 5_000


def chain_of(spec: ChainSpec) -> ChainEvidence:
    """Return a chain with what its repository says; one that cannot be read is empty and holds the problem."""
    try:
        chain = load_chain(
            spec.folder,
            name=spec.name,
            tool=spec.tool,
            archived=[spec.root / item for item in spec.archived],
            hints=spec.hints,
            display=spec.path,
        )
    except ForensicsError as error:
        return ChainEvidence(
            chain=Chain(
                name=spec.name,
                tool="",
                path=spec.path,
                root=str(spec.folder),
                problems=(ChainProblem(cause="unreadable", migrations=(), detail=str(error)),),
                hints=spec.hints,
            ),
            problems=(str(error),),
        )
    git = spec.git if spec.git in ("auto", "none") else spec.root / spec.git
    sources = [Path(item) for item in spec.hints.sources]
    found = chain_evidence(chain, git=git, sources=sources)
    # What people write into the subject of a commit is shown in timelines.
    versions = tuple(replace(item, subject=redact_text(item.subject)) for item in found.versions)
    return replace(found, versions=versions)


def surroundings(spec: ChainSpec) -> list[list[object]]:
    """Return stamps of what a replay can depend on besides the migrations' own texts.

    That is other Python files in their folder and on the import path of the hints, the set-up script, and the installed
    packages of the interpreter that runs them. They are compared by size and time, not read.
    """
    roots = [str(spec.folder), *spec.hints.sys_path]
    names = [name for root in roots for name in islice(_python_files(root), _MOST)]
    return [
        _stamp(name) for name in (*names, spec.hints.setup, spec.hints.python, *_packages(spec.hints.python)) if name
    ]


def _python_files(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def _packages(python: str) -> list[str]:
    """Return the folders of installed packages; installing anything changes their time."""
    if not python:
        return [name for name in sys.path if name.endswith("-packages")]
    return sorted(str(item) for item in Path(python).parent.parent.glob("lib/python*/site-packages"))


def _stamp(name: str) -> list[object]:
    try:
        found = os.stat(name)
    except OSError:
        return [name]
    return [name, found.st_size, found.st_mtime_ns]
