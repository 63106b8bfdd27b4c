"""Scripts in their statements, as the tools of each dialect would send them."""

from __future__ import annotations

import re
import sqlite3

_TOKEN = re.compile(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|;|.", re.S)


def pieces(script: str, dialect: str) -> list[str]:
    """Split a script into its statements; what only reads is left out."""
    found = _sqlite(script) if dialect == "sqlite" else _postgresql(script)
    return [piece.strip() for piece in found if _does(piece)]


def _does(piece: str) -> bool:
    code = re.sub(r"--[^\n]*|/\*.*?\*/", "", piece, flags=re.S).strip(" \n\t;")
    return bool(code) and not re.match(r"(?i)(select|explain)\b", code)


def _sqlite(script: str) -> list[str]:
    found, text = [], ""
    for part in re.split(r"(?<=;)", script + ";"):
        text += part
        if sqlite3.complete_statement(text):
            found.append(text)
            text = ""
    return found


def _postgresql(script: str) -> list[str]:
    found, text = [], ""
    for token in _TOKEN.finditer(script):
        text += token[0]
        if token[0] == ";":
            found.append(text)
            text = ""
    return [*found, text]
