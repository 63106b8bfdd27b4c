"""What a story costs: deviations from the tracker, outside changes, and what it leaves unexplained.

The unit is one migration that the tracker is wrong about. A change from outside costs twice that, each elementary change
for itself, because it leaves no record anywhere; a statement of the application that is known to be in its code is expected and
costs next to nothing. Traces (declared types, column order, stored text) only decide between stories that are otherwise as good.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.compare import Ruler
from forensics.explain.story import Outside, Played, Run, State
from forensics.explain.subject import Subject

DEVIATION = 1.0
NEIGHBOUR = 0.25
PARTIAL = 2.0
PICKED = 3.0
INTERRUPTED = 1.0
FAILED = 1.2
FAILED_UNRECORDED = 0.3
OUTSIDE = 2.0
KNOWN = 0.05
TRACE = 0.55
LAYOUT = 0.3
TEXT = 0.15
DISORDER = 0.35
LATE_FAILURE = 1.35
CONFIRMED = 0.12
UNHEARD = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of a story, in parts. Two stories are ties when their totals are equal."""

    deviations: float
    outside: float
    residual: float
    soft: float
    meaning: int

    @property
    def total(self) -> float:
        """The sum by which stories are compared."""
        return round(self.deviations + self.outside + self.residual + self.soft, 4)

    @property
    def hard(self) -> float:
        """The sum without the traces."""
        return round(self.deviations + self.outside + self.residual, 4)


def cost(
    played: Played, subject: Subject, ruler: Ruler, silent: frozenset[str], spare: frozenset[str] = frozenset()
) -> Cost:
    """Return what a story costs.

    ``silent`` are migrations that change no schema object: they cost next to nothing either way, but where one cannot run that the
    tracker claims, something stands in the wrong place. ``spare`` are groups of the models that no migration mentions.
    """
    order = subject.order
    deviations = outside = 0.0
    full: set[str] = set()
    partly: set[str] = set()
    furthest = -1
    for line in played.told:
        if isinstance(line.step, Outside):
            outside += line.step.weight if not line.error else 50.0
            continue
        name = line.step.migration
        if order[name] < furthest:
            deviations += DISORDER if not line.error else LATE_FAILURE
        furthest = max(furthest, order[name])
        if line.status == "full":
            full.add(name)
        elif isinstance(line.step, Run) and line.step.statements is not None:
            deviations += 50.0 if line.error else _part(subject, name, line.step.statements)
            partly.add(name)
        elif line.status == "partial":
            deviations += FAILED if name in subject.recorded else FAILED_UNRECORDED
            partly.add(name)
    deviations += _deviating(subject, full, silent | partly)
    deviations += CONFIRMED * sum(name not in full for name in subject.confirmed)
    deviations += UNHEARD * sum(name not in full for name in silent & subject.recorded)
    residual, soft, meaning = remainder(played.final, subject.live, ruler)
    residual -= _by_models(played.final, subject, ruler, spare)
    return Cost(deviations, outside, residual, soft, meaning)


def _deviating(subject: Subject, full: set[str], silent: frozenset[str]) -> float:
    """Return the price of the migrations about which the tracker is wrong: neighbours that are wrong in one way are one event."""
    total = 0.0
    before = ""
    for item in subject.migrations:
        if item.id in silent:
            continue
        ran, recorded = item.id in full, item.id in subject.recorded
        way = "" if ran == recorded else "ran" if ran else "did not"
        if way:
            total += NEIGHBOUR if way == before else DEVIATION
        before = way
    return total


def _part(subject: Subject, name: str, statements: tuple[int, ...]) -> float:
    """Return the price of a part of a migration. The next one to run is where a run that broke off leaves a part."""
    if not _stopped(statements):
        return PICKED
    return INTERRUPTED if name == subject.upcoming else PARTIAL


def _stopped(statements: tuple[int, ...]) -> bool:
    """Whether these are the first statements of a migration, as a run that stops leaves them."""
    return statements == tuple(range(1, len(statements) + 1))


def _by_models(final: State, subject: Subject, ruler: Ruler, spare: frozenset[str]) -> float:
    """Return what is saved because tables that no step makes are the models' to the letter: `create_all` adds what is missing."""
    saved = 0.0
    for name in spare - final.keys():
        live = subject.live.get(name)
        if live is not None and ruler.measure((subject.models or {}).get(name), live).exact:
            saved += OUTSIDE * ruler.measure(None, live).price - KNOWN
    return saved


def remainder(final: State, live: State, ruler: Ruler) -> tuple[float, float, int]:
    """Return the price of what is unexplained, the price of differing traces, and the elementary differences."""
    residual = soft = 0.0
    meaning = 0
    for name in final.keys() | live.keys():
        rebuilt, there = final.get(name), live.get(name)
        found = ruler.measure(rebuilt, there)
        if found.exact:
            continue
        meaning += found.meaning
        residual += OUTSIDE if there is None else OUTSIDE * found.price
        soft += TRACE * found.trace + LAYOUT * found.layout + TEXT * found.text
    return residual, soft, meaning
