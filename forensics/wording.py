"""How states, causes and counts are said to people: one vocabulary for tables, figures and reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from forensics.model import SEVERITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of one migration in one environment: a glyph, a short word and the whole of it."""

    name: str
    glyph: str
    short: str
    words: str


_MARKS = (
    Mark(name="ran", glyph="✓", short="ran", words="ran and recorded"),
    Mark(name="never-ran", glyph="✗", short="never ran", words="recorded, but never ran"),
    Mark(name="partly", glyph="◐", short="in part", words="ran in part"),
    Mark(name="unrecorded", glyph="+", short="unrecorded", words="ran, but not recorded"),
    Mark(name="untold", glyph="?", short="cannot tell", words="recorded, but the schema cannot tell"),
    Mark(name="waiting", glyph="·", short="not applied", words="not applied"),
    Mark(name="silent", glyph="?", short="cannot tell", words="not recorded, and the schema cannot tell"),
)
MARKS: Final[Mapping[str, Mark]] = {mark.name: mark for mark in _MARKS}


def claimed(item: Mapping[str, Any]) -> bool:
    """Whether the tracker claims this very file: one of two files with the same bytes stands for the other."""
    return bool(item["recorded"]) and not item.get("copy_of")


def mark(recorded: bool, executed: str) -> Mark:
    """Return what a tracker's word and the schema's word say together."""
    if executed == "partial":
        return MARKS["partly"]
    if executed == "unknown":
        return MARKS["untold" if recorded else "silent"]
    if executed == "yes":
        return MARKS["ran" if recorded else "unrecorded"]
    return MARKS["never-ran" if recorded else "waiting"]


STATES: Final[Mapping[str, str]] = {
    "ok": "ok",
    "pending": "pending",
    "needs-fixing": "needs fixing",
    "not-initialised": "not initialised",
    "unreadable": "unreadable",
}

STATES_BY_GRAVITY: Final = ("needs-fixing", "unreadable", "pending", "ok", "not-initialised")

CAUSES: Final[Mapping[str, str]] = {
    "ahead-of-code": "the database is newer than this checkout",
    "broken-link": "a migration names a parent that is not there",
    "built-from-models": "the schema was created from the application's models, not by the migrations",
    "bulk-stamped": "tracker rows written by hand",
    "chain-cannot-build": "the chain fails by itself on an empty database",
    "cycle": "migrations depend on each other in a circle",
    "duplicate-record": "the tracker holds one version twice",
    "duplicate-version": "two files claim one version",
    "empty-migration": "the migration does nothing",
    "environment-divergence": "environments that should agree do not",
    "equivalent-chain": "another chain builds the same schema",
    "executed-not-recorded": "it ran, but the tracker does not know",
    "failed-migration": "the tracker itself marks a failure",
    "foreign-chain": "the recorded revision belongs to another chain",
    "inconsistent-history": "recorded, but what it depends on is not",
    "inserted-behind-head": "added behind what was applied already, so it never runs",
    "leftover-object": "an interrupted migration left something behind",
    "manual-change": "changed outside the migrations",
    "masked-create": "a CREATE ... IF NOT EXISTS silently did nothing",
    "missing-file": "recorded, but its file is gone",
    "modified-after-apply": "the file was changed after it had been applied",
    "multiple-bases": "the chain has several beginnings",
    "multiple-heads": "the chain has several ends",
    "name-only-difference": "the same definition under another name",
    "not-replayable": "part of the chain could not be replayed here",
    "orphan-revision": "the recorded revision is unknown everywhere",
    "out-of-order": "applied in another order than the chain's",
    "partially-executed": "some statements took effect, some did not",
    "pending": "not applied yet",
    "pending-will-fail": "the next run will fail",
    "race": "something used an object before it was there",
    "recorded-not-executed": "recorded as applied, but it never ran",
    "replay-escape": "a migration tried to reach outside its replay",
    "stale-runner": "statements of an abandoned chain still run",
    "uninitialised": "an empty database",
    "unloadable-migration": "the migration tool cannot load the file",
    "unreadable": "some evidence could not be read",
    "untracked": "tables, but no tracker",
}

ORIGINS: Final[Mapping[str, str]] = {
    "application": "the application itself",
    "models": "the application's models",
    "person": "a person, by hand",
    "unknown": "an unknown hand",
}

BASES: Final[Mapping[str, str]] = {
    "schema": "its own traces in the schema",
    "implied": "something proven needs it",
    "physical": "physical traces",
    "static": "read, not replayed",
    "none": "nothing decides",
}


INTERNAL: Final = ("explanation", "failures", "migrations", "next_failure")


def no_return(steps: Sequence[Mapping[str, Any]]) -> str:
    """Return from which step of a plan on there is no way back."""
    final = [str(step["number"]) for step in steps if step["point_of_no_return"]]
    if not final:
        return "Every step has a way back."
    if all(step["optional"] for step in steps if step["point_of_no_return"]):
        return f"Every step has a way back, save the optional step {listing(final)}: the point of no return."
    return f"Up to step {final[0]} every step has a way back: that is the point of no return."


MET: Final[Mapping[bool | None, str]] = {True: "met", False: "not met", None: "cannot tell"}


def over(criteria: Sequence[Mapping[str, Any]]) -> str:
    """Return whether it is over: how many criteria are met, are not, and cannot be told."""
    met = [item["met"] for item in criteria]
    if all(met):
        return "Yes: the one criterion is met." if len(met) == 1 else f"Yes: all {len(met)} criteria are met."
    counts = {answer: met.count(answer) for answer in _OVER if answer in met}
    said = [f"{number} {_OVER[answer][number > 1]}" for answer, number in counts.items()]
    first = "No" if False in met else "Nobody can tell"
    return f"{first}: of {count(len(met), 'criterion', 'criteria')} {listing(said)}."


# What is said of one, and of several.
_OVER: Final[Mapping[bool | None, tuple[str, str]]] = {
    False: ("is not met", "are not met"),
    None: ("cannot be told", "cannot be told"),
    True: ("is met", "are met"),
}


def place(ref: str) -> str:
    """Return where a piece of evidence is found: parts of the document as such, and nothing for the replay itself."""
    if ref == "replay":
        return ""
    return f"findings.json: {ref.split(' ')[0]}" if re.split(r"[. ]", ref, maxsplit=1)[0] in INTERNAL else ref


def sure(confidence: float) -> str:
    """Return a confidence in words, with the rule's own number."""
    word = "high" if confidence >= 0.9 else "medium" if confidence >= 0.7 else "low"
    return f"{word} ({confidence:.0%})"


def cause(name: str) -> str:
    """Return a cause in plain words."""
    return CAUSES.get(name, name.replace("-", " "))


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 finding``, ``3 findings``, ``12,000 rows``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(items: Iterable[str], limit: int = 6) -> str:
    """Return ``a, b and c``; beyond the limit ``a, b and 12 more``."""
    names = list(items)
    if len(names) > limit:
        names = [*names[: limit - 1], f"{len(names) - limit + 1:,} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def spans(labels: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return labels with each run of three or more that follow each other in ``order`` as ``first to last``.

    A number that is missing between two of them ends a run: nobody would know that it is not meant.
    """
    place = {label: number for number, label in enumerate(order)}
    runs: list[list[str]] = []
    for label in labels:
        follows = bool(runs) and label in place and place.get(runs[-1][-1], -2) == place[label] - 1
        if follows and not _gap(runs[-1][-1], label):
            runs[-1].append(label)
        else:
            runs.append([label])
    return [part for run in runs for part in (run if len(run) < 3 else [f"{_quoted(run[0])} to {_quoted(run[-1])}"])]


def _gap(one: str, other: str) -> bool:
    """Whether two labels begin with numbers between which there is another number."""
    first, second = re.match(r"\d+(?=_|\Z)", one), re.match(r"\d+(?=_|\Z)", other)
    return first is not None and second is not None and int(second[0]) - int(first[0]) > 1


def _quoted(label: str) -> str:
    """Return a label that stays one thing in a sentence."""
    return f"'{label}'" if any(each.isspace() for each in label) else label


def label(item: Mapping[str, Any], seen: Mapping[str, int]) -> str:
    """Return how findings name a migration: its version where that is unique (``seen`` once), else its id."""
    return str(item["version"] if seen.get(item["version"], 0) == 1 else item["id"])


def labels(migrations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the labels of a document's migrations, in the chain's order."""
    seen: dict[str, int] = {}
    for item in migrations:
        seen[item["version"]] = seen.get(item["version"], 0) + 1
    return [label(item, seen) for item in migrations]


def headings(migrations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return labels short enough to stand above a column: of files that share a version the version and what tells them apart."""
    seen: dict[str, list[Mapping[str, Any]]] = {}
    for item in migrations:
        seen.setdefault(item["version"], []).append(item)
    found = []
    for item, named in zip(migrations, labels(migrations), strict=True):
        twins = [each for each in seen[item["version"]] if not each.get("copy_of")]
        if item.get("copy_of"):
            found.append(f"{item['version']} (copy)")
        elif len(twins) == 1:
            found.append(str(item["version"]))
        else:
            word = str(item["name"]).replace("_", " ").split(" ")[0]
            alike = [each for each in twins if str(each["name"]).replace("_", " ").split(" ")[0] == word]
            found.append(f"{item['version']} {word}" if len(alike) == 1 else named)
    return found


def thing(item: Mapping[str, Any]) -> str:
    """Return an object of a finding as people name it: ``column orders.total``."""
    table = item.get("table")
    name = item["name"] if not table or item["kind"] == "table" else f"{table}.{item['name']}"
    return f"{item['kind'].replace('_', ' ')} {name}"


def severity_rank(finding: Mapping[str, Any]) -> int:
    """Return 0 for the gravest severity, and more the milder it is."""
    return SEVERITIES.index(finding["severity"])


def urgency(finding: Mapping[str, Any]) -> tuple[int, bool]:
    """Return what findings are sorted by: severity, and of one severity what is true here before the chain's own."""
    return severity_rank(finding), finding["scope"] == "chain"
