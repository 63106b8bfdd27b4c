"""How far a rebuilt group of objects is from the live one, at four levels of evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from forensics.model import Group, Key, SchemaObject

Value = tuple[object, object]


@dataclass(frozen=True, slots=True)
class Distance:
    """Elementary differences in meaning; differences that leave the meaning alone; column order; stored text.

    ``price`` is what the differences in meaning count when stories are compared: who alters an object alters it at once.
    """

    meaning: int = 0
    trace: int = 0
    layout: int = 0
    text: int = 0
    price: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether nothing at all differs."""
        return not (self.meaning or self.trace or self.layout or self.text)


SAME = Distance()
# What can be the same under another name.
NAMED = ("index", "trigger")
# What is known by its structure, and can be given another one under its name.
CONSTRAINTS = ("check", "unique", "foreign_key", "primary_key")
FURTHER = 0.2


def value(item: SchemaObject | None) -> Value | None:
    """Return what is compared of an object: its meaning and its traces."""
    return None if item is None else (item.meaning, item.trace)


def elementary(before: SchemaObject | None, after: SchemaObject | None) -> int:
    """Count the elementary changes between two states of one object: one, or one for each altered attribute.

    An index or a trigger can only be made anew, and all at once.
    """
    if before is None or after is None:
        return 0 if before is after else 1
    if before.meaning == after.meaning:
        return 0 if before.trace == after.trace else 1
    if before.kind in NAMED:
        return 1
    old, new = dict(before.meaning), dict(after.meaning)
    return sum(old.get(name) != new.get(name) for name in old.keys() | new.keys())


def changed(
    before: Group | None, after: Group | None
) -> Iterable[tuple[Key, SchemaObject | None, SchemaObject | None]]:
    """Yield every object that differs in meaning or trace between two states of a group."""
    if before is after:
        return
    old = before.by_key if before else {}
    new = after.by_key if after else {}
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if value(was) != value(now):
            yield key, was, now


class Ruler:
    """Measures distances to one live schema, each pair of groups only once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Distance] = {}
        self._kept: list[Group | None] = []

    def measure(self, rebuilt: Group | None, live: Group | None) -> Distance:
        """Return the distance between a rebuilt group and the live one."""
        if rebuilt is live:
            return SAME
        key = (id(rebuilt), id(live))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = distance(rebuilt, live)
            self._kept += (rebuilt, live)
        return found


def distance(rebuilt: Group | None, live: Group | None) -> Distance:
    """Return the distance between two states of a group."""
    if rebuilt is None or live is None:
        there = rebuilt or live
        return Distance(meaning=len(there.objects), price=len(there.objects)) if there else SAME
    if rebuilt.text == live.text and rebuilt.trace == live.trace:
        return SAME
    meaning = trace = 0
    price = 0.0
    gone: list[tuple[str, object]] = []
    new: list[tuple[str, object]] = []
    remade: list[tuple[str, str, bool]] = []
    for key, was, now in changed(rebuilt, live):
        if was is None or now is None or was.meaning != now.meaning:
            count = elementary(was, now)
            meaning += count
            price += 1 + FURTHER * (count - 1) if count else 0
            if key[0] in NAMED and now is None and was is not None:
                gone.append((key[0], was.meaning))
            elif key[0] in NAMED and was is None and now is not None:
                new.append((key[0], now.meaning))
            elif key[0] in CONSTRAINTS and (was is None) != (now is None):
                remade.append((key[0], was.name if was else now.name if now else "", was is None))
        else:
            trace += 1
    twice = sum(min(gone.count(item), new.count(item)) for item in set(gone))  # another name is one change, not two
    meaning -= twice
    again = sum((kind, name, True) in remade for kind, name, is_new in remade if not is_new)
    return Distance(
        meaning=meaning,
        price=price - twice - again,
        trace=trace,
        layout=int(rebuilt.layout != live.layout and not meaning),
        text=int(rebuilt.written != live.written and not meaning),
    )
