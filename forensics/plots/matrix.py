"""Which migration really ran where: environments down, migrations across, every state named on the spot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from forensics import palette, wording
from forensics.diagnosis import Diagnosis, Fleet
from forensics.palette import Ink
from forensics.plots.canvas import ALARM, LINE, QUIET, WIDTH, Plot, Sheet, clipped
from forensics.plots.lettering import extent
from forensics.wording import Mark

_ROW: Final = 34
_BAR: Final = 24
_MARGIN: Final = 16
_ABSENT: Final = Ink(fill="#f6f7f9", text=QUIET, edge=LINE)
_SILENT_STATES: Final[Mapping[str, str]] = {
    "not-initialised": "empty database: nothing was applied here",
    "unreadable": "could not be read",
}


def matrix(source: Any) -> Plot:
    """Draw which migration ran where, for a `Fleet`, a `Case`, an `Environment` or a `Diagnosis`.

    Of a fleet it shows one row an environment; of one environment what its tracker says above what its schema
    shows, with every contradiction spelled out below.
    """
    chosen = source.fleet() if hasattr(source, "fleet") else getattr(source, "diagnosis", source)
    if isinstance(chosen, Diagnosis):
        from forensics.plots.strip import strip

        return strip(chosen)
    if not isinstance(chosen, Fleet):
        raise TypeError(f"a Fleet, Case, Environment or Diagnosis is needed, not {type(source).__name__}")
    return _fleet(chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the migrations stand on the sheet: the left edge, the width of one, and their labels."""

    left: float
    width: float
    labels: tuple[str, ...]

    @classmethod
    def fit(cls, labels: Sequence[str], left: float) -> Columns:
        """Return columns that fill the sheet, though not so wide that a few migrations look like many."""
        width = min((WIDTH - _MARGIN - left) / max(1, len(labels)), 72)
        return cls(left=left, width=width, labels=tuple(labels))

    def x(self, number: int) -> float:
        """The left edge of a column."""
        return self.left + number * self.width

    @property
    def right(self) -> float:
        """The right edge of the last column."""
        return self.x(len(self.labels))

    @property
    def head(self) -> float:
        """How much height the labels need."""
        longest = max((min(extent(label, 11), 110) for label in self.labels), default=0)
        return 20 if longest + 6 <= self.width * self._every else longest + 8

    @property
    def _every(self) -> int:
        """Every how many columns a label stands: all of them, unless they would touch each other."""
        return next((step for step in (1, 2, 5, 10, 20, 50, 100) if step * self.width >= 16), 200)

    def draw(self, sheet: Sheet, y: float, marked: frozenset[int] = frozenset()) -> None:
        """Write the labels so that they end above ``y``."""
        upright, step, last = self.head > 20, self._every, len(self.labels) - 1
        for number, label in enumerate(self.labels):
            if number != last and (number % step or last - number < step <= last):
                continue
            colour = ALARM if number in marked else QUIET
            middle = self.x(number) + self.width / 2
            if upright:
                sheet.write(middle, y - 5, label, size=11, colour=colour, room=110, upright=True)
            else:
                sheet.write(middle, y - 11, label, size=11, colour=colour, align="center", room=self.width * step)


def runs(marks: Sequence[Mark | None]) -> Iterator[tuple[int, int, Mark | None]]:
    """Yield stretches of one mark: where each begins, how long it is, and the mark."""
    start = 0
    for found, items in groupby(marks):
        length = sum(1 for _ in items)
        yield start, length, found
        start += length


def bar(sheet: Sheet, columns: Columns, y: float, run: tuple[int, int, Mark | None], words: Sequence[str] = ()) -> None:
    """Draw one stretch with the longest wording that fits inside it, else its glyph in each cell."""
    start, length, found = run
    if found is None:
        return
    ink = palette.MARKS[found.name]
    x, width = columns.x(start), columns.width * length
    sheet.box(x, y, width, _BAR, ink)
    if columns.width >= 6:
        cuts = [(columns.x(start + each), y, columns.x(start + each), y + _BAR) for each in range(1, length)]
        sheet.lines(cuts, colour=ink.edge, width=0.6)
    for text in words or (f"{found.glyph} {found.words}", f"{found.glyph} {found.short}", found.short):
        if length > 1 and extent(text, 11.5) + 10 <= width:
            sheet.write(x + width / 2, y + _BAR / 2, text, size=11.5, colour=ink.text, align="center", halo=ink.fill)
            return
    if columns.width >= 9:
        for each in range(length):
            middle = columns.x(start + each) + columns.width / 2
            halo = ink.fill if ink.hatch else ""
            sheet.write(middle, y + _BAR / 2, found.glyph, size=12, colour=ink.text, align="center", halo=halo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What the marks mean, said once below a figure: one place (x, row) for each entry."""

    places: tuple[tuple[float, int, Ink | None, str, str], ...]

    @classmethod
    def of(cls, marks: Sequence[Mark], *, stop: bool = False) -> Key:
        """Return the key to these marks, and to the place where the next run stops."""
        entries: list[tuple[Ink | None, str, str]] = [
            *((palette.MARKS[each.name], each.glyph, each.words) for each in marks),
            *([(None, "!", "or a red frame: the next run stops here")] if stop else []),
        ]
        places, x, row = [], float(_MARGIN), 0
        for ink, glyph, words in entries:
            width = 44 + extent(words, 11)
            if x + width > WIDTH - _MARGIN and x > _MARGIN:
                x, row = float(_MARGIN), row + 1
            places.append((x, row, ink, glyph, words))
            x += width
        return cls(places=tuple(places))

    @property
    def height(self) -> float:
        """How much height it needs."""
        return 22.0 * (self.places[-1][1] + 1) if self.places else 0.0

    def draw(self, sheet: Sheet, top: float) -> None:
        """Write it, its first line centred on ``top``."""
        for x, row, ink, glyph, words in self.places:
            y = top + 22 * row
            colour, halo = ALARM, ""
            if ink is None:
                sheet.frame(x, y - 8, 18, 16, ALARM)
            else:
                sheet.box(x, y - 8, 18, 16, ink)
                colour, halo = ink.text, ink.fill if ink.hatch else ""
            sheet.write(x + 9, y, glyph, size=11, colour=colour, align="center", bold=ink is None, halo=halo)
            sheet.write(x + 25, y, words, size=11, colour=QUIET)


def stopper(sheet: Sheet, columns: Columns, y: float, number: int, *, room: int, mark: Mark | None) -> None:
    """Frame the migration at which the next run stops; ``room`` columns to its right are free for the words."""
    x = columns.x(number)
    sheet.frame(x + 1, y + 1, max(columns.width - 2, 4), _BAR - 2, ALARM)
    if columns.width >= 9 and mark is not None and mark.name in ("waiting", "silent"):
        middle = x + columns.width / 2
        sheet.write(middle, y + _BAR / 2, "!", size=12, colour=ALARM, bold=True, align="center", halo="white")
    words = "← the next run stops here"
    if extent(words, 11) + 10 <= room * columns.width:
        sheet.write(x + columns.width + 5, y + _BAR / 2, words, size=11, colour=ALARM, halo="white")


def _fleet(fleet: Fleet) -> Plot:
    found = {
        name: dict(zip((item["id"] for item in each.document["migrations"]), each.marks, strict=True))
        for name, each in fleet.diagnoses.items()
    }
    names: dict[str, str] = fleet.labels
    room = min(max((extent(name, 13, True) for name in found), default=0) + 14, 220)
    columns = Columns.fit(list(fleet.headings.values()), left=_MARGIN + max(room, 110))
    top = 62 + (columns.head if names else 0)
    stops = {name: _next_stop(each, list(names)) for name, each in fleet.diagnoses.items()}
    shown = [found[name] for name, each in fleet.diagnoses.items() if not each.silent]
    used = [item for item in wording.MARKS.values() if any(item in each.values() for each in shown)]
    legend = Key.of(used, stop=any(each is not None for each in stops.values()))
    sheet = Sheet(top + _ROW * max(1, len(found)) + 12 + legend.height)
    sheet.write(_MARGIN, 22, "Which migration really ran where", size=17, bold=True)
    gaps = any(item not in found[name] for name, each in fleet.diagnoses.items() if found[name] and not each.silent for item in names)
    said = fleet.verdict + (" A gap in a row: no such file there, and no row of the tracker." if gaps else "")
    sheet.write(_MARGIN, 44, said, size=12, colour=QUIET, room=WIDTH - 2 * _MARGIN)
    columns.draw(sheet, top)
    stretches: list[tuple[int, int, Mark | None]]
    for number, (name, each) in enumerate(fleet.diagnoses.items()):
        y = top + number * _ROW
        sheet.write(_MARGIN, y + 8, name, size=13, bold=True, room=columns.left - _MARGIN - 8)
        colour = ALARM if each.state in ("needs-fixing", "unreadable") else QUIET
        sheet.write(_MARGIN, y + 22, wording.STATES[each.state], size=10.5, colour=colour)
        if not found[name] or each.silent:
            width = max(columns.right, columns.left + 300) - columns.left
            sheet.box(columns.left, y + 2, width, _BAR, _ABSENT)
            words = _SILENT_STATES.get(each.state, "nothing is known of its migrations")
            words += f"; its first run will stop at {each.stop['version']}" if each.stop else ""
            sheet.write(columns.left + 10, y + 2 + _BAR / 2, words, size=11.5, colour=QUIET)
            continue
        stop = stops[name]
        stretches = list(runs([found[name].get(item) for item in names]))
        for run in stretches:
            stops_here = stop is not None and run[0] <= stop < run[0] + run[1]
            bar(sheet, columns, y + 2, run, words=("",) if stops_here and run[1] > 1 else ())
            if stop is not None and stops_here:
                stopper(sheet, columns, y + 2, stop, room=run[0] + run[1] - stop - 1, mark=run[2])
    legend.draw(sheet, top + _ROW * len(found) + 16)
    return Plot(sheet.done(), name="matrix", alt=_alt(fleet))


def _next_stop(diagnosis: Diagnosis, ids: Sequence[str]) -> int | None:
    failure = diagnosis.stop or {}
    return ids.index(failure["migration"]) if failure.get("migration") in ids else None


def _alt(fleet: Fleet) -> str:
    parts = []
    for name, each in fleet.diagnoses.items():
        told = "; ".join(f"{mark.words}: {wording.listing(labels)}" for mark, labels in each.marked.items())
        parts.append(f"{name}: {told or wording.STATES[each.state]}")
    return clipped(f"Which migration really ran where. {fleet.verdict} " + ". ".join(parts) + ".")


