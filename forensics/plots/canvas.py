"""A sheet to draw on: sizes in pixels, text that always fits, and a PNG that is the same every time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forensics.plots.lettering import clip, extent, outline, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline

    from forensics.palette import Ink

Line = tuple[float, float, float, float]

WIDTH: Final = 960
SHARPNESS: Final = 1.6
INK: Final = "#1f2328"
QUIET: Final = "#656d76"
LINE: Final = "#d8dde3"
ALARM: Final = "#b8330c"


def clipped(alt: str, limit: int = 500) -> str:
    """Return the words that stand for a figure, short enough to be listened to."""
    return alt if len(alt) <= limit else alt[: limit - 1].rstrip() + "…"


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
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        canvas: Any = FigureCanvasAgg(self.figure)
        canvas.draw()
        width, height = canvas.get_width_height(physical=True)
        picture = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        target = io.BytesIO()
        picture.convert("RGB").save(target, format="png", compress_level=4)
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
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 96, height / 96), dpi=96 * SHARPNESS, facecolor="white")
        # No axes: their limits would be worked out anew for every letter.
        self._place = Affine2D().scale(1 / width, -1 / height).translate(0, 1) + self.figure.transFigure
        # Boxes of one ink and letters of one colour are drawn in one go at the end: hundreds of artists are slow.
        self._boxes: dict[Ink, list[Line]] = {}
        self._letters: dict[str, list[Outline]] = {}

    def box(self, x: float, y: float, width: float, height: float, ink: Ink) -> None:
        """Draw a filled box."""
        self._boxes.setdefault(ink, []).append((x, y, x + width, y + height))

    def frame(self, x: float, y: float, width: float, height: float, colour: str, *, line: float = 2) -> None:
        """Draw the outline of a box."""
        from matplotlib.patches import Rectangle

        self._add(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=line, zorder=3))

    def disc(self, x: float, y: float, radius: float, fill: str, edge: str) -> None:
        """Draw a filled disc."""
        from matplotlib.patches import Circle

        self._add(Circle((x, y), radius, facecolor=fill, edgecolor=edge, linewidth=1, zorder=3))

    def lines(self, pieces: Sequence[Line], colour: str = LINE, width: float = 0.8) -> None:
        """Draw straight lines, each from x, y to x, y."""
        from matplotlib.collections import LineCollection

        ends = [((x1, y1), (x2, y2)) for x1, y1, x2, y2 in pieces]
        self._add(LineCollection(ends, colors=colour, linewidths=width, zorder=2))

    def write(
        self, x: float, y: float, text: str, *, size: float = 12, colour: str = INK, align: str = "left",
        bold: bool = False, room: float | None = None, upright: bool = False, halo: str = "",
    ) -> None:  # fmt: skip
        """Write one line, centred on the height ``y``; cut with an ellipsis where it is longer than ``room``.

        An upright line runs upwards from ``y``, centred on ``x``. A halo of that colour keeps what is below away.
        """
        text = text.replace("`", "")
        shown = clip(text, room, size=size, bold=bold) if room is not None else plain(text)
        width = extent(shown, size, bold)
        drop = 0.365 * size
        if upright:
            path = outline(shown, x + drop, y, size=size, bold=bold, upright=True)
        else:
            left = x - width * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
            if halo and shown:
                self._ground(left - 3, y - 0.62 * size, width + 6, 1.24 * size, halo)
            path = outline(shown, left, y + drop, size=size, bold=bold)
        if path is not None:
            self._letters.setdefault(colour, []).append(path)

    def done(self) -> Figure:
        """Put boxes and letters on the sheet and return it."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Outline

        codes = [Outline.MOVETO, Outline.LINETO, Outline.LINETO, Outline.LINETO, Outline.CLOSEPOLY]
        for ink, corners in self._boxes.items():
            points = [
                point for x1, y1, x2, y2 in corners for point in ((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1))
            ]  # fmt: skip
            whole = Outline(points, codes * len(corners))
            patch = PathPatch(whole, facecolor=ink.fill, edgecolor=ink.edge, linewidth=0.8, zorder=1)
            if ink.hatch:
                patch.set_hatch(ink.hatch)
            self._add(patch)
        self._boxes = {}
        for colour, paths in self._letters.items():
            whole = Outline.make_compound_path(*paths)
            self._add(PathPatch(whole, facecolor=colour, edgecolor="none", linewidth=0, zorder=5))
        self._letters = {}
        return self.figure

    def _add(self, artist: Any) -> None:
        artist.set_transform(self._place)
        self.figure.add_artist(artist)

    def _ground(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        from matplotlib.patches import Rectangle

        self._add(Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", zorder=4))
