"""Time several ways of doing one thing in turn, each run in a process of its own, and compare them run by run."""

from __future__ import annotations

import os
import statistics
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Way = Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One way: its median in seconds, its ratio to the first way of its round, and what is asked of it."""

    what: str
    seconds: float
    ratio: float
    target: float | None = None


class Watch:
    """Measures only what stands inside ``with watch:``, where a way has something to prepare first."""

    def __init__(self) -> None:
        self.taken: float | None = None
        self._begun = 0.0

    def __enter__(self) -> Watch:
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.taken = time.perf_counter() - self._begun


watch = Watch()


def compare(
    ways: Mapping[str, Way], *, rounds: int = 9, targets: Mapping[str, float] | None = None, forked: bool = True
) -> list[Line]:
    """Run every way once a round, ``rounds`` times, and return a line for each; the first is what they are compared with.

    Each run is a fork of this process: whatever a way remembers is forgotten, so every run is the first one. The ratio
    is the median of the ratios within a round, so that a machine that is busy for a while weighs on all ways alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways.items())
    for number in range(rounds):
        turn = number % len(order)
        for name, way in [*order[turn:], *order[:turn]]:
            taken[name].append(_forked(way) if forked else _timed(way))
    base = taken[order[0][0]]
    return [
        Line(
            what=name,
            seconds=statistics.median(times),
            ratio=statistics.median([one / other for one, other in zip(times, base, strict=True)]),
            target=(targets or {}).get(name),
        )
        for name, times in taken.items()
    ]


def _timed(way: Way) -> float:
    watch.taken = None
    begun = time.perf_counter()
    way()
    whole = time.perf_counter() - begun
    return whole if watch.taken is None else watch.taken


def _forked(way: Way) -> float:
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            os.write(writing, struct.pack("d", _timed(way)))
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(writing)
    data = os.read(reading, 8)
    os.close(reading)
    os.waitpid(child, 0)
    if len(data) != 8:
        raise RuntimeError("a run failed")
    return float(struct.unpack("d", data)[0])


@contextmanager
def scratch() -> Iterator[str]:
    """Give a folder in memory, where there is one, and remove it."""
    import tempfile

    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="forensics-bench-", dir=place) as folder:
        yield folder
