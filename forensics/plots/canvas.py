"""A sheet to draw on: sizes in pixels, text that always fits, and a PNG that is the same every time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forensics.palette import Ink

Line = tuple[float, float, float, float]

WIDTH: Final = 960
SHARPNESS: Final = 1.6
INK: Final = "#1f2328"
QUIET: Final = "#656d76"
LINE: Final = "#d8dde3"
ALARM: Final = "#b8330c"


class Plot:
    """A finished figure: its picture, its name (of the file in a report) and the words that stand for it.

    A notebook shows the picture; ``figure`` is the matplotlib figure for those who want to go on drawing.
    """

    def __init__(self, figure: Figure, *, name: str, alt: str) -> None:
        self.figure = figure
        self.name = name
        self.alt = alt

    @cached_property
    def png(self) -> bytes:
        """The picture, without any metadata."""
        target = io.BytesIO()
        self.figure.savefig(target, format="png", dpi=self.figure.dpi, metadata={"Software": None})
        return target.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file and return its path."""
        target = Path(path)
        target.write_bytes(self.png)
        return target

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        import base64

        width, height = (round(size * self.figure.dpi / SHARPNESS) for size in self.figure.get_size_inches())
        data = {"image/png": base64.b64encode(self.png).decode("ascii"), "text/plain": self.alt}
        return data, {"image/png": {"width": width, "height": height, "alt": self.alt, "name": self.name}}

    def __repr__(self) -> str:
        return f"<Plot {self.name}: {self.alt}>"


class Sheet:
    """A white sheet of a fixed width; x grows to the right, y downwards, both in pixels."""

    def __init__(self, height: float, width: float = WIDTH) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 96, height / 96), dpi=96 * SHARPNESS, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)

    def box(self, x: float, y: float, width: float, height: float, ink: Ink, *, line: float = 0.8) -> None:
        """Draw a filled box."""
        from matplotlib.patches import Rectangle

        patch = Rectangle((x, y), width, height, facecolor=ink.fill, edgecolor=ink.edge, linewidth=line)
        if ink.hatch:
            patch.set_hatch(ink.hatch)
        self._axes.add_patch(patch)

    def frame(self, x: float, y: float, width: float, height: float, colour: str, *, line: float = 2) -> None:
        """Draw the outline of a box."""
        from matplotlib.patches import Rectangle

        self._axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=line))

    def disc(self, x: float, y: float, radius: float, fill: str, edge: str) -> None:
        """Draw a filled disc."""
        from matplotlib.patches import Circle

        self._axes.add_patch(Circle((x, y), radius, facecolor=fill, edgecolor=edge, linewidth=1, zorder=3))

    def lines(self, pieces: Sequence[Line], colour: str = LINE, width: float = 0.8) -> None:
        """Draw straight lines, each from x, y to x, y."""
        from matplotlib.collections import LineCollection

        ends = [((x1, y1), (x2, y2)) for x1, y1, x2, y2 in pieces]
        self._axes.add_collection(LineCollection(ends, colors=colour, linewidths=width), autolim=False)

    def write(
        self, x: float, y: float, text: str, *, size: float = 12, colour: str = INK, align: str = "left",
        bold: bool = False, room: float | None = None, upright: bool = False, halo: str = "",
    ) -> None:  # fmt: skip
        """Write one line, centred on the height ``y``; cut with an ellipsis where it is longer than ``room``."""
        shown = clip(text, room, size=size, bold=bold) if room is not None else plain(text)
        if not shown:
            return
        item = self._axes.text(
            x, y, shown, fontsize=size * 0.75, color=colour, fontweight="bold" if bold else "normal",
            ha="center" if upright else align, va="bottom" if upright else "center_baseline",
            rotation=90 if upright else 0, parse_math=False, family="DejaVu Sans", zorder=4,
        )  # fmt: skip
        if halo:
            item.set_bbox({"facecolor": halo, "edgecolor": "none", "pad": 1.2, "alpha": 0.92})


@lru_cache(maxsize=4)
def _face(bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")))


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    return frozenset(_face(False).get_charmap())


def plain(text: str) -> str:
    """Return text that the font can show on one line; what it cannot show becomes a box."""
    flat = " ⏎ ".join(text.splitlines()) if "\n" in text or "\r" in text else text
    known = _known()
    return "".join(each if ord(each) in known and each.isprintable() else "□" for each in flat)


@lru_cache(maxsize=8192)
def extent(text: str, size: float = 12, bold: bool = False) -> float:
    """Return how many pixels wide a text is once it is on the sheet."""
    face = _face(bold)
    face.set_size(size * 0.75, 96)
    face.set_text(plain(text), 0.0)
    return float(face.get_width_height()[0]) / 64


def clip(text: str, room: float, *, size: float = 12, bold: bool = False) -> str:
    """Return as much of the text as fits into ``room`` pixels, with an ellipsis where it was cut."""
    shown = plain(text[:400])
    if extent(shown, size, bold) <= room:
        return shown
    low, high = 0, len(shown)
    while low < high:
        middle = (low + high + 1) // 2
        if extent(shown[:middle].rstrip() + "…", size, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return shown[:low].rstrip() + "…" if low else ""
