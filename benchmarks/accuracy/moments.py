"""When the rows of a tracker were written: at the pace of people, all at once, or in several goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.accuracy.worlds import Plant

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def moments(plant: Plant) -> list[str]:
    """Return a time for each recorded migration, in the order of the rows."""
    found, at = [], START
    for place, _name in enumerate(plant.recorded):
        if plant.pace == "fast":
            at += timedelta(milliseconds=37)
        elif plant.pace == "goes":
            at += timedelta(days=9) if place % 5 == 4 else timedelta(milliseconds=210 + 31 * (place % 7))
        else:
            at += timedelta(hours=7, seconds=13)
        found.append(f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3] if plant.pace != "slow" else f"{at:%Y-%m-%d %H:%M:%S}")
    return found
