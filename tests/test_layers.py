"""The house: imports go down only, rooms stay small, and the package knows nothing of its samples."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "forensics"
SAMPLES = PACKAGE.parent / "data_samples"

# From the ground up. A room imports from its own floor and from those below; circles are not allowed anywhere.
FLOORS = {
    "words and records": "errors model clock console frames markdown palette redact sqltext wording",
    "what there is to read": "adapters catalogs chain diff events history logs timeline",
    "the case and its evidence": "acquire case",
    "replay": "replay",
    "explanation": "explain",
    "conclusions": "conclusions rules",
    "what people hold": "auditing comparison diagnosis glance opening plots session views",
    "reports": "report",
    "the way in": "forensics cli commands __main__",
}
FLOOR = {name: number for number, names in enumerate(FLOORS.values()) for name in names.split()}
LONGEST = 400


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(name: str) -> str:
    """Return the part of a module's name that has a floor."""
    return name.split(".")[1] if "." in name else name


@cache
def imports(name: str, *, at_once: bool = False) -> tuple[str, ...]:
    """Return the modules of the package that a module imports, at any time or at once, but not for the sake of types."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    return tuple(dict.fromkeys(found for found in _imports(tree, at_once) if found != name))


def _imports(node: ast.AST, at_once: bool) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if at_once and isinstance(node, ast.FunctionDef):
        return
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "forensics":
        for item in node.names:
            inner = f"{node.module}.{item.name}"
            yield inner if inner in MODULES else str(node.module)
    if isinstance(node, ast.Import):
        yield from (item.name for item in node.names if item.name in MODULES)
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, at_once)


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name in MODULES} == set(FLOOR)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_only(name: str) -> None:
    own = FLOOR[room(name)]
    up = [other for other in imports(name) if other != "forensics" and FLOOR[room(other)] > own]
    assert up == [], f"{name} stands on floor {own}"


def test_no_imports_go_in_a_circle() -> None:
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above[above.index(name) :], name))
        if name not in done:
            for other in imports(name, at_once=True):
                if other != "forensics":
                    walk(other, (*above, name))
            done.add(name)

    for name in MODULES:
        walk(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_rooms_are_small(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_replay_child_stands_alone() -> None:
    """It runs in interpreters that have nothing of this package."""
    inside = [name for name in MODULES if ".inside." in name]
    assert inside
    assert {other for name in inside for other in imports(name) if ".inside" not in other} == set()


def planted() -> Iterator[str]:
    """Yield names that only a sample can have: of its tables, its migrations and itself."""
    for sample in SAMPLES.iterdir():
        if not sample.is_dir():
            continue
        yield sample.name
        for path in sample.rglob("*"):
            if path.suffix in (".sql", ".py") and path.is_file():
                yield from re.findall(
                    r"(?i)create table (?:if not exists )?[\"'`]?(\w+_\w+)", path.read_text("utf-8", "replace")
                )
                number = re.fullmatch(r"\d+_(\w+_\w+)", path.stem)
                if number:
                    yield number[1]


# What is not a sample's own: trackers of known tools, what every server knows, and what anybody calls a migration.
COMMON = {
    "current_schema",
    "schema_versions",
    "schema_version",
    "schema_migrations",
    "alembic_version",
    "migration_history",
    "initial_schema",
}


def test_the_package_knows_nothing_of_its_samples() -> None:
    words = {name.casefold() for name in planted()} - COMMON
    assert len(words) > 30
    for path in [*MODULES.values(), *PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.json")]:
        text = re.sub(r"sample:\w+", "", path.read_text(encoding="utf-8"))
        there = words & {word.casefold() for word in re.findall(r"\w+", text)}
        assert there == set(), path.relative_to(PACKAGE.parent)
