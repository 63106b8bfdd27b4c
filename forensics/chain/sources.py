"""The application's code, searched as text for the DDL that it runs by itself."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from forensics.chain.content import read_content, readable
from forensics.model import SourceStatement
from forensics.sqltext import split_script, statement_target

_KINDS = frozenset({"table", "index", "view", "trigger"})
_HEAD = re.compile(
    r"\b(?:CREATE\s+(?:(?:TEMP|TEMPORARY|UNIQUE|VIRTUAL|OR\s+REPLACE)\s+)*(?:TABLE|INDEX|VIEW|TRIGGER)|ALTER\s+TABLE)\s",
    re.IGNORECASE,
)
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env", "dist", "build"})
_LITERALS = re.compile(
    r"(?P<comment>/\*.*?\*/|(?<![:\w'\"`])//[^\n]*)"
    r"|<<[~-]?(?P<mark>['\"`]?)(?P<tag>[A-Z_]+)(?P=mark)[^\n]*\n(?P<heredoc>.*?)^\s*(?P=tag)\b"
    r"|`(?P<back>(?:[^`\\]|\\.)*)`"
    r"|\"(?P<double>(?:[^\"\\]|\\.)*)\""
    r"|'(?P<single>(?:[^'\\]|\\.)*)'",
    re.DOTALL | re.MULTILINE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_SUFFIXES = frozenset({".py", ".sql", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".rb", ".go"})


def find_ddl(paths: Sequence[Path], *, exclude: Sequence[Path] = ()) -> tuple[SourceStatement, ...]:
    """Return the DDL statements of the application's code; see `scan`."""
    return scan(paths, exclude=exclude)[0]


def scan(paths: Sequence[Path], *, exclude: Sequence[Path] = ()) -> tuple[tuple[SourceStatement, ...], tuple[str, ...]]:
    """Return every CREATE and ALTER TABLE statement in the string literals of the code, and what could not be read.

    ``paths`` are files and folders; what lies under ``exclude`` (the migrations themselves) is left out. Python is
    read by its syntax tree, so literals that are glued together are one and documentation strings do not count;
    ``.sql`` files are read whole; of JavaScript, TypeScript, Ruby and Go the literals are scanned. A literal with
    placeholders is not a statement. Nothing is imported or run. The order is that of the files and lines.
    """
    found: list[SourceStatement] = []
    problems: list[str] = []
    left_out = [path.resolve() for path in exclude]
    for path in paths:
        if not path.exists():
            problems.append(f"There is no application code {path.name}")
            continue
        base = path.absolute().parent
        for file in _files(path):
            if any(file.resolve().is_relative_to(place) for place in left_out):
                continue
            content, problem = read_content(file, python=file.suffix == ".py")
            if problem:
                problems.append(f"{_shown(file, base)} {problem}")
            elif _HEAD.search(content.text):
                found += _statements(content.text, file.suffix, _shown(file, base))
    return tuple(found), tuple(problems)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix in _SUFFIXES and file.is_file():
                yield file


def _shown(file: Path, base: Path) -> str:
    return readable(file.absolute().relative_to(base).as_posix())


def _statements(text: str, suffix: str, shown: str) -> Iterator[SourceStatement]:
    literals = _python(text) if suffix == ".py" else [(1, text)] if suffix == ".sql" else _scanned(text)
    for line, literal in literals:
        if not _HEAD.search(literal):
            continue
        place = 0
        for piece in split_script(literal):
            place = max(literal.find(piece, place), place)
            target = statement_target(piece)
            wanted = (target.verb == "create" and target.kind in _KINDS) or (target.verb, target.kind) == (
                "alter",
                "table",
            )
            if wanted and target.name and _whole(piece):
                at = line + literal.count("\n", 0, place)
                yield SourceStatement(sql=piece, table=target.table or target.name, ref=f"{shown}:{at}")
            place += len(piece)


def _whole(piece: str) -> bool:
    # Prose such as "create table first" begins like a statement but goes on like a sentence.
    return bool(
        re.search(r"\(|\b(?:AS\s+(?:SELECT|WITH|VALUES)|BEGIN|ADD|DROP|RENAME|ALTER|USING)\b", piece, re.IGNORECASE)
    )


def _python(text: str) -> Iterator[tuple[int, str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    # A bare string is documentation: nothing runs it. The parts of an f-string are no literals of their own.
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        value: str | None = None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            value = node.value
        elif isinstance(node, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in node.values):
            value = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        if value is not None and isinstance(node, ast.Constant | ast.JoinedStr):
            found.append((node.lineno, value))
    yield from sorted(found)


def _scanned(text: str) -> Iterator[tuple[int, str]]:
    for match in _LITERALS.finditer(text):
        name = match.lastgroup if match.lastgroup in ("heredoc", "back", "double", "single") else None
        if match["heredoc"] is not None:
            name = "heredoc"
        if name is None:
            continue
        literal = match[name]
        if "${" in literal or "#{" in literal:
            continue
        line = 1 + text.count("\n", 0, match.start(name))
        if name in ("double", "single"):
            literal = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), literal, flags=re.DOTALL)
        yield line, literal
