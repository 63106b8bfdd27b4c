"""Chains made from texts, for the tests of the replay."""

from __future__ import annotations

import hashlib
from pathlib import Path

from forensics.model import Chain, Content, Hints, Migration
from forensics.replay.lab import Lab, Outcome, RunMigration, RunStatements

OPS = "from alembic import context, op\nimport sqlalchemy as sa\n\nrevision = 'r'\ndown_revision = None\n\n"


def content(text: str) -> Content:
    data = text.encode("utf-8", "surrogatepass")
    return Content(text=text, sha256=hashlib.sha256(data).hexdigest(), md5=hashlib.md5(data).hexdigest())


def migration(name: str, text: str, entry: str = "") -> Migration:
    """One migration; ``name`` is its file."""
    stem, _, suffix = name.rpartition(".")
    language = "sql" if suffix == "sql" else "python"
    return Migration(id=stem, version=stem, name=stem, file=name, content=content(text), language=language, entry=entry)


def chain(
    files: dict[str, str], root: Path | str = "/nowhere/migrations", tool: str = "numbered", **hints: object
) -> Chain:
    """A chain of these texts. It is trusted, so that the tests are the same where there is no isolation."""
    made = tuple(migration(name, text) for name, text in files.items())
    return Chain(
        name="main",
        tool=tool,
        path="migrations",
        root=str(root),
        migrations=made,
        hints=Hints(**{"trust": True, **hints}),
    )  # type: ignore[arg-type]


def run(lab: Lab, name: str, state: str = "", upto: int | None = None) -> Outcome:
    return lab.run(state or lab.empty, RunMigration(migration=lab.chain.by_id[name], upto=upto))


def outside(lab: Lab, *statements: str, state: str = "") -> Outcome:
    return lab.run(state or lab.empty, RunStatements(statements=statements))


def names(lab: Lab, state: str) -> list[str]:
    return [row[1] for row in lab.master(state)]
