"""How a diagnosis compares with what was planted: one case, one row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.accuracy.truth import Truth
from benchmarks.accuracy.worlds import Pair, Plant

GRAVE = ("critical", "error", "warning")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One diagnosed plant. Counts are of migrations (``executed`` ...) and of pairs of cause and migration (``want`` ...).

    ``undecided`` are migrations of which the evidence cannot tell whether they ran, ``abstained`` those of them of which the
    diagnosis says so. ``misses`` say what came out wrong; a case without any is right.
    """

    chain: str
    dialect: str
    tool: str
    kind: str
    depth: int
    name: str
    length: int
    control: bool
    visible: bool
    ambiguous: bool
    migrations: int
    executed: int
    undecided: int
    abstained: int
    guessed: int
    withheld: int
    want: int
    found: int
    said: int
    right: int
    objects: int
    objects_found: int
    reconstructed: bool
    next_expected: bool
    next_right: bool
    seconds: float
    replay_seconds: float
    tried: int
    misses: tuple[str, ...]
    alembic_check: str = ""
    sqlalchemy_diff: str = ""

    def row(self) -> dict[str, Any]:
        """Return the score as a row of a table."""
        return {**asdict(self), "misses": " | ".join(self.misses), "ok": not self.misses}


def score(
    plant: Plant,
    right: Truth,
    found: dict[str, Any],
    *,
    rebuilt: tuple[str, ...] = (),
    seconds: float = 0.0,
    replay_seconds: float = 0.0,
    tried: int = 0,
) -> Score:
    """Compare a document with the truth."""
    said = {item["id"]: item["executed"] for item in found["migrations"]}
    labels = {item["version"]: item["id"] for item in found["migrations"]}
    have = pairs(found, labels)
    misses: list[str] = []
    for name, answers in right.executed.items():
        if said.get(name) not in answers and not (said.get(name) is None and plant.today is not None):
            misses.append(f"executed {name}: {said.get(name)} instead of {'/'.join(sorted(answers))}")
    chosen = [choice for choice in right.either if choice <= have]
    if right.either and not chosen:
        misses.append(f"none of {[sorted(choice) for choice in right.either]}")
    misses += [f"finding missing: {pair}" for pair in sorted(right.want - have)]
    extra = sorted(have - right.want - right.may)
    misses += [f"finding too many: {pair}" for pair in extra]
    expected, there = _objects(right, found)
    if expected and ("manual-change", "") in right.want and expected - there:
        misses.append(f"objects not named: {sorted(expected - there)}")
    told = found["explanation"]
    reconstructed = bool(told and told["reconstructed"])
    if told and not reconstructed:
        misses.append(f"not reconstructed: residual {[item['name'] for item in told['residual']]}")
    misses += rebuilt
    misses += _others(plant, right, found, labels)
    foreseen = found.get("next_failure") or {}
    next_expected = bool(right.failing) and right.foreseeable and not right.ambiguous
    next_right = next_expected and labels.get(foreseen.get("version"), "") == right.failing[0][0]
    if next_right and not _alike(foreseen.get("error") or "", right.failing[0][1]):
        misses.append(f"next failure: {foreseen.get('error')!r} instead of {right.failing[0][1]!r}")
        next_right = False
    undecided = [name for name, answers in right.executed.items() if answers == {"unknown"}]
    return Score(
        chain=plant.source.name, dialect=plant.source.dialect, tool=plant.source.tool, kind=" + ".join(sorted(plant.kinds)),
        depth=len(plant.kinds), name=plant.name, length=len(plant.source.ids),
        control=bool(plant.kinds) and all(kind.startswith("control") for kind in plant.kinds),
        visible=right.visible, ambiguous=right.ambiguous, migrations=len(right.executed),
        executed=sum(said.get(name) in answers for name, answers in right.executed.items()),
        undecided=len(undecided), abstained=sum(said.get(name) == "unknown" for name in undecided),
        guessed=sum(said.get(name) in ("yes", "no", "partial") for name in undecided),
        withheld=sum(said.get(name) == "unknown" and "unknown" not in answers for name, answers in right.executed.items()),
        want=len(right.want), found=len(right.want & have), said=len(have), right=len(have) - len(extra),
        objects=len(expected), objects_found=len(expected & there), reconstructed=reconstructed,
        next_expected=next_expected, next_right=next_right, seconds=round(seconds, 3),
        replay_seconds=round(replay_seconds, 3), tried=tried, misses=tuple(misses),
    )  # fmt: skip


def pairs(found: dict[str, Any], labels: dict[str, str]) -> set[Pair]:
    """Return the cause and the migration of every finding at warning or above that is about the environment."""
    return {
        (item["cause"], labels.get(name, name))
        for item in found["findings"]
        if item["severity"] in GRAVE and item["scope"] == "environment"
        for name in item["migrations"] or [""]
    }


def _objects(right: Truth, found: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the tables, and what is no table's, that changes from outside touched, and those that findings name."""
    expected = {(owner or name).casefold() for _kind, owner, name in right.touched}
    there = {
        part.casefold()
        for item in found["findings"]
        for ref in item["objects"]
        for part in (ref.get("table") or "", ref["name"], ref["name"].partition("(")[0])
        if part
    }
    return expected, there


def _others(plant: Plant, right: Truth, found: dict[str, Any], labels: dict[str, str]) -> Iterator[str]:
    told = found["explanation"]
    if bool(told and told["ties"]) < plant.tied:
        yield "no ties"
    if plant.tied and any(item["severity"] in ("critical", "error") for item in found["findings"]):
        yield "accused in spite of a tie"
    if plant.before is not None:
        name, expected = plant.before
        places = [
            labels.get(item["before"], item["before"])
            for item in told["outside"]
            if any(ref["name"] == name for ref in item["objects"])
        ]
        if places != [expected]:
            yield f"outside {name} placed before {places} instead of {expected}"


def _alike(one: str, other: str) -> bool:
    def bare(text: str) -> str:
        first = text.strip().splitlines()[0] if text.strip() else ""
        return first.partition(") ")[2] if first.startswith("(") else re.sub(r"^\w+Error: ", "", first).strip("'")

    return bare(one)[:40] == bare(other)[:40]
