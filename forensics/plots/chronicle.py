"""What happened when: time runs down the page, each source has its lane, and every line says what it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from forensics import wording
from forensics.model import Event
from forensics.plots.bursts import Burst, bursts
from forensics.plots.canvas import ALARM, INK, LINE, QUIET, WIDTH, Plot, Sheet, clipped

_LANES: Final = {
    "tracker": ("tracker", "#1f4d70"),
    "git": ("git", "#6a4c93"),
    "file": ("files", "#8a6d3b"),
    "log": ("log", "#3d7f74"),
    "human": ("people", "#7a7f87"),
}
_MARGIN: Final = 16
_TIME: Final = 96
_LANE: Final = 58
_ROW: Final = 24
_GAP: Final = timedelta(minutes=20)
_LIMIT: Final = 48


def timeline(events: Any) -> Plot:
    """Draw a timeline of events, of a timeline frame, or of an `Environment` or `Diagnosis`.

    Events of one source at one instant, and messages that repeat, are one mark with a count. All times are UTC; which
    zone was assumed for which source stands below.
    """
    items = tuple(_events(events))
    shown = bursts(items)
    cut, shown = max(0, len(shown) - _LIMIT), shown[:_LIMIT]
    sources = list(dict.fromkeys([*(each for each in _LANES if any(b.source == each for b in shown)),
                                  *(b.source for b in shown)]))  # fmt: skip
    lines = _layout(shown)
    top = 86
    height = top + (lines[-1][0] + _ROW if lines else 30) + 46 + (20 if cut else 0)
    sheet = Sheet(height)
    sheet.write(_MARGIN, 22, "What happened when", size=17, bold=True)
    sheet.write(_MARGIN, 44, _subtitle(items), size=12, colour=QUIET, room=WIDTH - 2 * _MARGIN)
    lane = {source: _MARGIN + _TIME + _LANE * (number + 0.5) for number, source in enumerate(sources)}
    text = _MARGIN + _TIME + _LANE * len(sources) + 8
    bottom = top + (lines[-1][0] + _ROW / 2 if lines else 0)
    for source, x in lane.items():
        name, colour = _LANES.get(source, (source, QUIET))
        sheet.write(x, 70, name, size=11, bold=True, colour=colour, align="center", room=_LANE - 4)
        sheet.lines([(x, top - 4, x, bottom)], colour=LINE, width=1.2)
    for y, day, pause, burst in lines:
        _line(sheet, top + y, day, pause, burst, lane[burst.source], text)
    foot = bottom + 24
    if cut:
        sheet.write(_MARGIN, foot, f"{cut} more in timeline.csv", size=11, colour=QUIET)
        foot += 20
    sheet.write(_MARGIN, foot, _zones(items), size=11, colour=QUIET, room=WIDTH - 2 * _MARGIN)
    return Plot(sheet.done(), name="timeline", alt=_alt(items, shown))


def _events(source: Any) -> Iterable[Event]:
    found = getattr(source, "events", source)
    if not hasattr(found, "itertuples"):
        return tuple(found)
    return tuple(
        Event(
            at=None if row.at is None or row.at != row.at else row.at.to_pydatetime(),
            source=row.source, actor=row.actor, message=row.message, ref=row.ref, level=row.level,
            assumed=row.assumed, precision=1.0 if row.precision != row.precision else float(row.precision),
            environment=row.environment, migration=row.migration,
        )
        for row in found.astype({"precision": "float64"}).itertuples(index=False)
    )  # fmt: skip


def _layout(shown: Iterable[Burst]) -> list[tuple[float, str, str, Burst]]:
    """Return for each burst its height on the page, the day it opens, the pause before it, and itself."""
    lines: list[tuple[float, str, str, Burst]] = []
    y, before, day = 0.0, None, ""
    for burst in shown:
        today = f"{burst.start:%Y-%m-%d}" if burst.start else "time unknown"
        opens = today != day
        pause = ""
        if lines:
            y += _ROW
            if burst.start and before and burst.start - before >= _GAP:
                pause = _length(burst.start - before)
                y += 16
        if opens:
            y += 22 if not pause else 12
        lines.append((y, today if opens else "", pause, burst))
        day = today
        before = max(filter(None, (before, burst.end)), default=None)
    return lines


def _line(sheet: Sheet, y: float, day: str, pause: str, burst: Burst, x: float, text: float) -> None:
    if day:
        sheet.write(_MARGIN, y - 20, day, size=12, bold=True)
    if pause:
        sheet.write(text, y - 20, f"{pause} later", size=10.5, colour=QUIET)
    if burst.start:
        sheet.write(_MARGIN, y, f"{burst.start.astimezone(UTC):%H:%M:%S}", size=12, colour=QUIET)
    many = len(burst.events)
    colour = ALARM if burst.alarming else _LANES.get(burst.source, ("", QUIET))[1]
    if many > 1:
        sheet.disc(x, y, 10.5, colour, "white")
        words = f"{many}" if many < 1000 else f"{many // 1000}k"
        sheet.write(x, y, words, size=10 if many < 100 else 8.5, colour="white", bold=True, align="center")
    else:
        sheet.disc(x, y, 5.5, colour, "white")
        if burst.alarming:
            sheet.write(x, y, "!", size=9, colour="white", bold=True, align="center")
    sheet.write(text, y, burst.text, colour=ALARM if burst.alarming else INK, room=WIDTH - _MARGIN - text)


def _length(span: timedelta) -> str:
    """Return a stretch of time in its two greatest units."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return wording.count(minutes, "minute")
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return wording.count(days, "day") if days > 3 or not hours else f"{wording.count(days, 'day')} {hours} h"


def _subtitle(events: Iterable[Event]) -> str:
    times = [event.at for event in events if event.at is not None]
    if not times:
        return "Nothing dated was found."
    head = wording.count(len(times), "dated event")
    return f"{head} from {_stamp(min(times))} to {_stamp(max(times))}, all times UTC"


def _stamp(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def _zones(events: Iterable[Event]) -> str:
    """Return which zone was assumed for which source."""
    found: dict[str, list[str]] = {}
    for event in events:
        if event.assumed and event.assumed not in found.setdefault(event.source, []):
            found[event.source].append(event.assumed)
    told = [f"{_LANES.get(name, (name,))[0]}: {' and '.join(zones)}" for name, zones in sorted(found.items()) if zones]
    return f"Assumed where a time has no zone of its own: {'; '.join(told)}." if told else ""


def _alt(events: tuple[Event, ...], shown: Iterable[Burst]) -> str:
    parts = [f"{_stamp(each.start) if each.start else 'unknown time'} {each.source}: {each.text}" for each in shown]
    return clipped(f"What happened when. {_subtitle(events)}. " + ". ".join(parts))
