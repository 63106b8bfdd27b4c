"""What sections are made of: Markdown that shows itself in a notebook, and that never grows beyond its room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from forensics.markdown import Markdown, code, escape, table

__all__ = ["Section", "bullets", "clip", "codes", "cut_table", "fit", "prose", "section"]


class Section(str):
    """A piece of a report in Markdown; a notebook renders it."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return str(self)


def section(*parts: str | None) -> Section | None:
    """Return the parts that say something, with a blank line between them; None where none does."""
    said = [part for part in parts if part]
    return Section("\n\n".join(said)) if said else None


def clip(text: object, limit: int = 400) -> str:
    """Return plain text that is at most ``limit`` characters long, cut with an ellipsis."""
    plain = str(text)
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def codes(items: Iterable[object], limit: int = 12) -> Markdown:
    """Return names as code spans; beyond the limit with the count of the rest."""
    names = list(items)
    shown = ", ".join(code(clip(name, 200)) for name in names[:limit])
    return Markdown(f"{shown} and {len(names) - limit:,} more" if len(names) > limit else shown)


def prose(text: object, limit: int = 800) -> Markdown:
    """Return what a rule says as Markdown: plain text, in which what stands in backticks is code."""
    parts = re.split(r"`([^`\n]+)`", clip(text, limit))
    return Markdown("".join(code(part) if place % 2 else escape(part) for place, part in enumerate(parts)))


def bullets(items: Iterable[str]) -> str:
    """Return Markdown texts as a list; a text of several lines stays in its item."""
    return "\n".join("- " + item.replace("\n", "\n  ") for item in items)


def cut_table(headers: Sequence[object], rows: Sequence[Sequence[object]], *, limit: int, more: str) -> str:
    """Return a table of at most ``limit`` rows, and below it how many were left out and where all of them are."""
    shown = table(headers, [[_cell(cell) for cell in row] for row in rows[:limit]])
    if len(rows) <= limit:
        return shown
    return f"{shown}\n\n{escape(f'{len(rows) - limit:,} of {len(rows):,} rows are left out here')}: {more}."


def fit(blocks: Iterable[str], *, room: int, more: str) -> str:
    """Return as many blocks as fit into ``room`` characters, and where the others are."""
    kept: list[str] = []
    every = list(blocks)
    for block in every:
        if kept and sum(map(len, kept)) + len(block) > room:
            break
        kept.append(block)
    if len(kept) < len(every):
        kept.append(f"{len(every) - len(kept):,} more are left out here: {more}.")
    return "\n\n".join(kept)


def _cell(value: object) -> object:
    return value if value is None or isinstance(value, Markdown) else prose(value, 400)
