"""One environment: what its tracker says above what its schema shows, and each contradiction spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.plots.canvas import ALARM, QUIET, WIDTH, Plot, Sheet, clipped
from forensics.plots.lettering import extent
from forensics.plots.matrix import Columns, Key, bar, runs, stopper
from forensics.wording import MARKS, Mark

_MARGIN: Final = 16
_LEFT: Final = 132
_CONTRADICTIONS: Final = ("never-ran", "partly", "unrecorded")
_LIMIT: Final = 14
_SEEN: Final = {
    "ran": "all of it", "never-ran": "no trace", "partly": "a part", "unrecorded": "all of it",
    "waiting": "not applied",
}  # fmt: skip


def strip(diagnosis: Diagnosis, *, title: str = "", subtitle: str = "", name: str = "matrix") -> Plot:
    """Draw one environment in two rows; what agrees stays quiet, what does not is named below its columns."""
    rows = diagnosis.document.get("migrations", ())
    columns = Columns.fit(diagnosis.headings, left=_LEFT)
    notes = [run for run in runs(diagnosis.marks) if run[2] and run[2].name in _CONTRADICTIONS]
    failure = diagnosis.stop or {}
    stop = next((place for place, item in enumerate(rows) if item["id"] == failure.get("migration")), None)
    top = 62 + (columns.head if rows else 0)
    below = top + 68
    shown = sorted(sorted(notes, key=lambda run: -run[1])[:_LIMIT], key=lambda run: run[0])
    used = [mark for mark in MARKS.values() if mark in diagnosis.marks and mark.name in ("untold", "silent", "waiting")]
    if columns.width * 3 >= 70 and not {"untold", "silent"} & {mark.name for mark in used}:
        used = []
    legend = Key.of(used)
    height = below + 24 * (len(shown) + (len(notes) > _LIMIT) + (stop is not None)) + 6 + legend.height
    sheet = Sheet(height if rows else 112)
    title = title or f"{diagnosis.environment}: what the tracker says, what the schema shows"
    sheet.write(_MARGIN, 22, title, size=17, bold=True, room=WIDTH - 2 * _MARGIN)
    sheet.write(_MARGIN, 44, subtitle or _subtitle(diagnosis), size=12, colour=QUIET, room=WIDTH - 2 * _MARGIN)
    if not rows:
        sheet.write(_MARGIN, 82, "No migration can be shown here.", size=13, colour=QUIET)
        return Plot(sheet.done(), name=name, alt=_alt(diagnosis))
    marked = frozenset(each for run in notes for each in range(run[0], run[0] + run[1]))
    columns.draw(sheet, top, marked)
    sheet.write(_MARGIN, top + 13, "the tracker says", size=12)
    sheet.write(_MARGIN, top + 45, "the schema shows", size=12)
    for run in runs([MARKS["ran" if wording.claimed(item) else "waiting"] for item in rows]):
        bar(sheet, columns, top, run, words=("applied",) if wording.claimed(rows[run[0]]) else ("not applied",))
    for run in runs(diagnosis.marks):
        stops_here = stop is not None and run[0] <= stop < run[0] + run[1]
        bar(sheet, columns, top + 32, run, words=("",) if stops_here and run[1] > 1 else _seen(run[2]))
    if stop is not None:
        stopper(sheet, columns, top + 32, stop, room=0, mark=diagnosis.marks[stop])
    y = below
    for start, length, mark in shown:
        assert mark is not None
        labels = diagnosis.labels[start : start + length]
        _note(sheet, columns, y, start, length, f"{_span(labels)} {mark.glyph} {mark.words}")
        y += 24
    if len(notes) > _LIMIT:
        sheet.write(_LEFT, y, f"and {wording.count(len(notes) - _LIMIT, 'more place')}, see the table of migrations", colour=QUIET)
        y += 24
    if stop is not None:
        _note(sheet, columns, y, stop, 1, f"{diagnosis.labels[stop]} ! the next run stops here: {failure['error']}")
        y += 24
    legend.draw(sheet, y + 8)
    return Plot(sheet.done(), name=name, alt=_alt(diagnosis))


def _subtitle(diagnosis: Diagnosis) -> str:
    """Return how many migrations contradict the tracker, short enough to stand on one line."""
    counts = [(mark, sum(each is mark for each in diagnosis.marks)) for mark in MARKS.values() if mark.name in _CONTRADICTIONS]
    told = [f"{number} {mark.words}" for mark, number in counts if number]
    if not told:
        return diagnosis.verdict
    failure = diagnosis.document.get("next_failure") or {}
    text = f"{wording.count(len(diagnosis.marks), 'migration')}: {'; '.join(told)}"
    return text + (f"; the next run stops at {failure['version']}" if failure else "")


def _seen(mark: Mark | None) -> Sequence[str]:
    """Return what the schema alone shows, longest wording first."""
    if mark is None or mark.name not in _SEEN:
        return ("? cannot tell", "?")
    return (f"{mark.glyph} {_SEEN[mark.name]}", _SEEN[mark.name])


def _span(labels: Sequence[str]) -> str:
    return wording.listing(wording.spans(labels, labels))


def _note(sheet: Sheet, columns: Columns, y: float, start: int, length: int, words: str) -> None:
    """Draw a bracket below the columns it speaks of, and the words beside it on the side that has room."""
    x, right = columns.x(start) + 2, columns.x(start + length) - 2
    sheet.lines([(x, y - 5, x, y), (x, y, right, y), (right, y - 5, right, y)], colour=ALARM, width=1.4)
    width = extent(words, 12)
    if right + 8 + width <= WIDTH - _MARGIN or WIDTH - right > x - _MARGIN:
        sheet.write(right + 8, y, words, colour=ALARM, room=WIDTH - _MARGIN - right - 8)
    else:
        sheet.write(max(x - 8, _MARGIN), y, words, colour=ALARM, align="right", room=x - 8 - _MARGIN)


def _alt(diagnosis: Diagnosis) -> str:
    told = "; ".join(f"{mark.words}: {wording.listing(labels)}" for mark, labels in diagnosis.marked.items())
    return clipped(f"{diagnosis.environment}: what the tracker says and what the schema shows. {told}")
