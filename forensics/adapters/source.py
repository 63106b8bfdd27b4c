"""Migration files in Python, read as text: what they define and what they set, without running them."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the top level of a Python file says.

    ``functions`` and ``classes`` are in the order of the file, ``constants`` are the names that are set to literals
    (or to another such name), ``open_ended`` says that it imports ``*`` and may define anything.
    """

    docstring: str = ""
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    constants: tuple[tuple[str, Any], ...] = ()
    open_ended: bool = False
    problem: str = ""

    @property
    def values(self) -> Mapping[str, Any]:
        """The constants by their name; the last assignment counts, as it does in Python."""
        return dict(self.constants)

    def defines(self, name: str) -> bool:
        """Whether the module has this name once it is loaded, as far as its text tells."""
        return self.open_ended or name in self.names


def read_source(text: str) -> Source:
    """Return what a Python file says. One that cannot be parsed has only a ``problem``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        return Source(problem=f"has a syntax error in line {error.lineno or 1}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Source(problem=f"cannot be parsed: {error or type(error).__name__}")
    functions: list[str] = []
    classes: list[str] = []
    names: set[str] = set()
    constants: dict[str, Any] = {}
    open_ended = False
    for node in _statements(tree.body):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                functions.append(name)
                names.add(name)
            case ast.ClassDef(name=name):
                classes.append(name)
                names.add(name)
            case ast.Import(names=aliases):
                names.update(alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
                open_ended = open_ended or any(alias.name == "*" for alias in aliases)
            case ast.Assign(targets=targets, value=value):
                _assign(targets, value, names, constants)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _assign([target], value, names, constants)
    return Source(
        docstring=(ast.get_docstring(tree) or "").strip(),
        functions=tuple(dict.fromkeys(functions)),
        classes=tuple(dict.fromkeys(classes)),
        names=frozenset(names),
        constants=tuple(constants.items()),
        open_ended=open_ended,
    )


def configured_table(text: str) -> str:
    """Return ``schema.table`` (or the table alone) that the calls of ``configure`` in a text name, where they agree.

    Only literals and names that the file sets to literals count; anything else gives nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    known = read_source(text).values
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "configure":
            given = {item.arg: item.value for item in node.keywords if item.arg}
            parts = [_said(given.get(name), known) for name in ("version_table_schema", "version_table")]
            if "version_table" in given or "version_table_schema" in given:
                found.add(".".join(part for part in (parts[0], parts[1] or "alembic_version") if part))
    return found.pop() if len(found) == 1 else ""


def _said(node: ast.expr | None, known: Mapping[str, Any]) -> str:
    try:
        value = _literal(node, known) if node is not None else ""
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError):
        return ""
    return value if isinstance(value, str) else ""


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        for block in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(node, block, []))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield from _statements(handler.body)


def _assign(targets: list[ast.expr], value: ast.expr, names: set[str], constants: dict[str, Any]) -> None:
    for target in targets:
        if isinstance(target, ast.Name):
            names.add(target.id)
            try:
                constants[target.id] = _literal(value, constants)
            except (ValueError, TypeError, KeyError, RecursionError, MemoryError):
                constants.pop(target.id, None)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for part, item in zip(target.elts, value.elts, strict=True):
                _assign([part], item, names, constants)


def _literal(value: ast.expr, constants: Mapping[str, Any]) -> Any:
    if isinstance(value, ast.Name):
        return constants[value.id]
    if isinstance(value, ast.Tuple | ast.List):
        return tuple(_literal(item, constants) for item in value.elts)
    return ast.literal_eval(value)
