"""Letters as outlines: text that measures itself, that always fits, and that a whole figure draws in one go.

matplotlib lays out and draws a figure's text letter by letter, which takes longer than all the rest; outlines that were
looked up once are put together here instead. The font comes with matplotlib, so the letters are the same everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.path import Path

_EM: Final = 64
_UNKNOWN: Final = "□"


@lru_cache(maxsize=2)
def _face(bold: bool) -> Any:
    from io import BytesIO
    from pathlib import Path as File

    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    # From memory: a file that stays open would be read by every forked child at one common place.
    path = File(get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    face = FT2Font(BytesIO(path.read_bytes()))
    face.set_size(_EM, 72)
    return face


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    return frozenset(_face(False).get_charmap()) & frozenset(_face(True).get_charmap())


@lru_cache(maxsize=4096)
def _glyph(letter: str, bold: bool) -> tuple[float, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return how far a letter moves on, and its outline, in ems."""
    from matplotlib.ft2font import LoadFlags

    face = _face(bold)
    glyph = face.load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    vertices, codes = face.get_path()
    return glyph.linearHoriAdvance / 65536 / _EM, vertices / _EM, codes


def plain(text: str) -> str:
    """Return text that the font can show on one line; what it cannot show becomes a box."""
    flat = " ⏎ ".join(text.splitlines()) if len(text.splitlines()) > 1 else text
    known = _known()
    return "".join(each if ord(each) in known and each.isprintable() else _UNKNOWN for each in flat)


@lru_cache(maxsize=8192)
def extent(text: str, size: float = 12, bold: bool = False) -> float:
    """Return how many pixels wide a text is once it is on the sheet."""
    return size * sum(_glyph(letter, bold)[0] for letter in plain(text))


def clip(text: str, room: float, *, size: float = 12, bold: bool = False) -> str:
    """Return as much of the text as fits into ``room`` pixels, with an ellipsis where it was cut."""
    shown = plain(text[:400])
    if extent(shown, size, bold) <= room:
        return shown
    used = extent("…", size, bold)
    for place, letter in enumerate(shown):
        used += size * _glyph(letter, bold)[0]
        if used > room:
            return shown[:place].rstrip() + "…" if place else ""
    return shown


def outline(text: str, x: float, y: float, *, size: float, bold: bool = False, upright: bool = False) -> Path | None:
    """Return the outline of a text whose baseline begins at ``x``, ``y`` (downwards); None for nothing but spaces."""
    import numpy as np
    from matplotlib.path import Path

    shapes, codes, along = [], [], 0.0
    for letter in text:
        advance, vertices, kinds = _glyph(letter, bold)
        if len(kinds):
            shapes.append(vertices + np.array([along, 0.0]))
            codes.append(kinds)
        along += advance
    if not shapes:
        return None
    points = np.concatenate(shapes) * size
    across, up = points[:, 0], points[:, 1]
    placed = (x - up, y - across) if upright else (x + across, y - up)
    return Path(np.column_stack(placed), np.concatenate(codes))
