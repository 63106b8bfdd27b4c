"""What a chain of the benchmark is: its files, its tool and its dialect. Nothing of the toolkit is imported here."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

HEAD = "from alembic import op\nimport sqlalchemy as sa\n\nrevision = {revision!r}\ndown_revision = {parent!r}\n\n\n"
DOWN = "\n\n\ndef downgrade():\n    pass\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A chain as its files: file name to text, in the order in which its tool runs them.

    ``application`` are files of the application's code, ``hints`` what a case file would say of the chain, ``models`` the
    SQL with which the application's models make their tables, ``imports`` whether its files need an installed package.
    """

    name: str
    files: Mapping[str, str]
    tool: str = "numbered"
    dialect: str = "sqlite"
    application: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, str]:
        """The file of each migration, in the chain's order."""
        if self.tool != "alembic":
            return {name.rpartition(".")[0]: name for name in self.files}
        found: dict[str, str] = {}
        waiting = {identity(text)[0]: (name, identity(text)[1]) for name, text in self.files.items()}
        while waiting:
            ready = [key for key, (_name, parents) in waiting.items() if not set(parents) - found.keys()]
            if not ready:
                raise ValueError(f"{self.name}: the parents of {sorted(waiting)} are not there")
            found[ready[0]] = waiting.pop(ready[0])[0]
        return found

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the migrations in the chain's order."""
        return tuple(self.by_id)

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The parents of each revision; of a numbered migration the one before it."""
        if self.tool == "alembic":
            return {key: identity(self.files[name])[1] for key, name in self.by_id.items()}
        return {key: self.ids[:at][-1:] for at, key in enumerate(self.ids)}

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What two sources with the same files have in common."""
        return (self.dialect, self.tool, tuple(self.files.items()))

    def text(self, migration: str) -> str:
        """Return the text of a migration's file."""
        return self.files[self.by_id[migration]]

    def version(self, migration: str) -> str:
        """Return what the tracker holds for a migration."""
        return migration if self.tool == "alembic" else migration.partition("_")[0]

    def heads(self, recorded: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of some revisions that no other one of them descends from."""
        inner = {parent for item in recorded for parent in self.parents.get(item, ())}
        return tuple(item for item in recorded if item not in inner)


def identity(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the revision and the parents that a file of Alembic declares."""
    found: dict[str, Any] = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision"):
                found[target.id] = ast.literal_eval(node.value)
    down = found.get("down_revision")
    parents = () if down is None else (down,) if isinstance(down, str) else tuple(down)
    return str(found["revision"]), tuple(map(str, parents))


def numbered(
    name: str,
    *steps: str | tuple[str, str],
    application: str = "",
    dialect: str = "sqlite",
    hints: Mapping[str, object] | None = None,
) -> Source:
    """Return a chain of numbered files; a step is SQL, or ``("py", text)``."""
    files = {}
    for number, step in enumerate(steps, 1):
        kind, text = step if isinstance(step, tuple) else ("sql", step)
        files[f"{number:03d}_step.{kind}"] = text.strip() + "\n"
    code = {"app.py": application} if application else {}
    return Source(name=name, files=files, application=code, dialect=dialect, hints=hints or {})


def alembic(
    name: str, *bodies: str, dialect: str = "sqlite", parents: Mapping[int, tuple[int, ...]] | None = None
) -> Source:
    """Return a chain of Alembic revisions from the bodies of their ``upgrade``.

    Each follows the one before it, except where ``parents`` says otherwise (by number, from 1).
    """
    files: dict[str, str] = {}
    for number, body in enumerate(bodies, 1):
        said = (parents or {}).get(number, (number - 1,) if number > 1 else ())
        names = tuple(f"a{item:03d}" for item in said)
        parent = None if not names else names[0] if len(names) == 1 else names
        lines = "\n".join("    " + line if line else "" for line in body.strip().splitlines())
        head = HEAD.format(revision=f"a{number:03d}", parent=parent)
        files[f"a{number:03d}_step.py"] = f"{head}def upgrade():\n{lines}{DOWN}"
    return Source(name=name, files=files, tool="alembic", dialect=dialect)
