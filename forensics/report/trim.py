"""A last guard on the length of a report: what is longest gives way first, with a count of what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

_POINTER = "the rest is in [findings.json](findings.json) and [timeline.csv](timeline.csv)"
_FENCE = re.compile(r"\s*(`{3,})")


def within(text: str, room: int) -> str:
    """Return Markdown of at most ``room`` characters: as it is where it fits, else with its longest tables shortened.

    A block is never cut in the middle of a row or a line, and a fence is never left open.
    """
    parts = list(blocks(text))
    left_out: dict[int, int] = {}
    while sum(map(len, parts)) + 2 * len(parts) + 120 * len(left_out) > room:
        place = max(range(len(parts)), key=lambda number: len(parts[number]))
        lines = parts[place].split("\n")
        if len(lines) < 5:
            return _ended(parts, room)
        fenced = bool(_FENCE.match(lines[0]))
        head, tail = (lines[:1], lines[-1:]) if fenced else (lines[:2], [])
        body = lines[len(head) : len(lines) - len(tail)]
        kept = body[: len(body) // 2]
        left_out[place] = left_out.get(place, 0) + len(body) - len(kept)
        parts[place] = "\n".join([*head, *kept, *tail])
    for place in sorted(left_out, reverse=True):
        parts.insert(place + 1, f"{left_out[place]:,} lines are left out here: {_POINTER}.")
    return "\n\n".join(parts)


def blocks(text: str) -> Iterator[str]:
    """Yield what blank lines separate; a fence with everything inside it is one block."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if match and not fence:
            fence = match[1]
        elif match and line.strip() == fence:
            fence = ""
        if line or fence:
            lines.append(line)
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def _ended(parts: list[str], room: int) -> str:
    """Return as many blocks as fit, and where the rest is."""
    kept: list[str] = []
    used = 200
    for block in parts:
        used += len(block) + 2
        if used > room:
            break
        kept.append(block)
    return "\n\n".join([*kept, f"The report ends here: {_POINTER}."])
