"""Text for a terminal: coloured only there, wrapped, and with nothing in it that the terminal would obey."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import TextIO

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2", "alarm": "1;31"}
SEVERITY = {"critical": "alarm", "error": "red", "warning": "yellow", "info": "dim"}
STATE = {"ok": "green", "pending": "cyan", "needs-fixing": "red", "not-initialised": "dim", "unreadable": "yellow"}


def visible(text: object) -> str:
    """Return text as one line whose control characters are shown and not obeyed; line breaks become ``⏎``."""
    line = str(text).replace("\r\n", "\n").replace("\n", "⏎").replace("\t", " ")
    return _UNSEEN.sub(lambda match: f"\\x{ord(match[0]):02x}", line)


class Console:
    """A stream for people. Colour is used on a terminal only, and not where ``NO_COLOR`` is set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.terminal = stream.isatty()
        self._colour = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size((100, 40)).columns if self.terminal else 100
        self.width = max(40, min(columns, 120))

    def paint(self, text: str, colour: str) -> str:
        """Return text in a colour, or as it is."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour and colour in _COLOURS else text

    def glyph(self, symbol: str, plain: str) -> str:
        """Return a symbol where the stream can show it, else its plain stand-in."""
        try:
            symbol.encode(self._stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return plain
        return symbol

    def line(self, text: str = "") -> None:
        """Write one line as it is."""
        self._stream.write(text + "\n")

    def paragraph(self, text: str, *, indent: str = "", hanging: str | None = None, colour: str = "") -> None:
        """Write text wrapped to the width; names and statements in it are never broken inside."""
        lines = textwrap.wrap(
            visible(text), self.width, initial_indent=indent, subsequent_indent=indent if hanging is None else hanging,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for line in lines or [indent.rstrip()]:
            self.line(self.paint(line, colour))

    def field(self, name: str, text: str, *, indent: str = "    ", width: int = 10) -> None:
        """Write a named piece of text: the name once, the text beside it."""
        head = f"{indent}{name:<{width}}"
        lines = textwrap.wrap(
            visible(text), max(20, self.width - len(head)), break_long_words=False, break_on_hyphens=False
        )  # fmt: skip
        for number, line in enumerate(lines or [""]):
            self.line((self.paint(head, "dim") if number == 0 else " " * len(head)) + line)

    def statement(self, sql: str, *, indent: str = "      ", limit: int = 8) -> None:
        """Write SQL line by line as it is spelled, cut with a count where it is long."""
        lines = sql.strip().splitlines()
        for line in lines[:limit]:
            self.line(indent + self.paint(visible(line.expandtabs(4)), "dim"))
        if len(lines) > limit:
            self.line(f"{indent}... {len(lines) - limit} more lines")


def columns(rows: Iterable[tuple[str, ...]]) -> list[int]:
    """Return the width of each column of a table."""
    return [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
