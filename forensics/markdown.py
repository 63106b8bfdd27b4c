"""Markdown that hostile names cannot break: escaped text, code spans, pipe tables."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]#~$!@])|([<>&|])")
_ORDINARY = re.compile(r"(?<=[A-Za-z0-9])\\([_@])(?=[A-Za-z0-9])")
_BLOCK = re.compile(r"^(\s*)([-+=:]|\d+[.)](?=\s|$))")
_LINK = re.compile(r"(?<=[A-Za-z])://|(?<=www)\.", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Markdown(str):
    """Text that is Markdown already, so that `table` leaves it alone."""

    __slots__ = ()


def escape(text: object) -> Markdown:
    """Return plain text as one line of Markdown that shows exactly that text, also inside a table.

    Nothing in it acts: no emphasis, link, HTML, table cell or heading. Line breaks become ``⏎``; characters that do not
    show (control characters, those that turn the direction of writing) are shown by their code.
    """
    line = _visible(str(text))
    line = _SPECIAL.sub(lambda match: f"\\{match[1]}" if match[1] else f"&#{ord(match[2])};", line)
    line = _ORDINARY.sub(r"\1", line)
    line = _LINK.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", line)
    return Markdown(_BLOCK.sub(lambda match: f"{match[1]}{_escaped_block(match[2])}", line))


def code(text: object) -> Markdown:
    """Return text as a code span that works inside a table too, whatever is in it."""
    line = _visible(str(text))
    if not line.strip():
        return Markdown("<code>&#32;</code>")
    if re.search(r"[`|\\]", line) or line != line.strip():
        inner = re.sub(r"[^A-Za-z0-9 ]", lambda match: f"&#{ord(match[0])};", line)
        return Markdown(f"<code>{inner}</code>")
    return Markdown(f"`{line}`")


def block(text: str, language: str = "") -> Markdown:
    """Return text as a fenced block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{_UNSEEN.sub(_code_point, text).rstrip()}\n{fence}")


def table(headers: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """Return a GFM pipe table. Cells that are not `Markdown` are escaped; None is an empty cell."""
    lines = [_row(headers), _row([Markdown("---")] * len(headers))]
    lines.extend(_row(row) for row in rows)
    return Markdown("\n".join(lines))


def html_text(text: object) -> str:
    """Return text escaped for HTML, quotes included."""
    return html.escape(_UNSEEN.sub(_code_point, str(text)), quote=True)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Markdown):
        return re.sub(r"\s*\n\s*", "<br>", value)
    return escape(value)


def _visible(text: str) -> str:
    return _UNSEEN.sub(_code_point, re.sub(r"\r\n|\r|\n", "⏎", text).replace("\t", " "))


def _code_point(match: re.Match[str]) -> str:
    return f"␛{ord(match[0]):04X}"


def _escaped_block(marker: str) -> str:
    return f"{marker[:-1]}\\{marker[-1]}"
