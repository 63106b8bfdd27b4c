"""What is right of a planted fault: it follows from the building alone, never from the toolkit."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import lru_cache

from fault_chains import Source
from fault_worlds import Act, Built, Plant, Run, Sql, built, pieces


def truth(plant: Plant, made: Built) -> dict[str, frozenset[str]]:
    """Say for each migration which answers are right."""
    ran: dict[str, str] = {}
    for act, error, changed in zip(plant.acts, made.errors, made.changed, strict=True):
        if isinstance(act, Run):
            ran[act.migration] = "yes" if not error else "partial" if changed else "failed" if _real(error) else "nothing"
    counts = not plant.vacuum and not any(isinstance(act, Sql) for act in plant.acts)
    said = {name: ran.get(name, "no") for name in plant.source.ids}
    # Those that could be left out, or put in, while every stored text stays.
    twins: dict[str, Built] = {}
    with contextlib.ExitStack() as stack:
        for name, answer in said.items():
            if answer in ("yes", "no"):
                other = stack.enter_context(built(replace(plant, acts=_toggled(plant, {name: answer == "no"}))))
                if not _fails_otherwise(made, other) and other.master(cookie=False) == made.master(cookie=False):
                    twins[name] = other
        answers = {name: _right(plant, made, name, said, twins, counts) for name in said}
    return {name: plant.executed.get(name, answer) for name, answer in answers.items()}


def _right(
    plant: Plant, made: Built, name: str, said: dict[str, str], twins: dict[str, Built], counts: bool
) -> frozenset[str]:
    answer = said[name]
    if answer == "failed":
        return frozenset({"no", "unknown"} if name in silent_together(plant.source) else {"no"})
    if answer == "nothing":
        with built(replace(plant, acts=_toggled(plant, {name: True}))) as other:
            return frozenset({"unknown"} if other.master() == made.master() else {"no"})
    if answer == "partial":
        right = {"partial"}
        for whole in (True, False):
            with built(replace(plant, acts=_toggled(plant, {name: whole}))) as other:
                alike = not _fails_otherwise(made, other) and other.master(cookie=False) == made.master(cookie=False)
                right |= {"yes" if whole else "no", "unknown"} if alike else set()
        return frozenset(right)
    if name in silent_together(plant.source) and (not counts or said != dict.fromkeys(said, "yes")):
        return frozenset({"unknown", answer})
    if name not in twins:
        return frozenset({answer})
    if not counts:
        return frozenset({"unknown"} if plant.vacuum else {"unknown", answer})
    if twins[name].master() == made.master():
        return frozenset({"unknown"})
    for other in twins:  # another one in its place leaves the very same database
        if said[other] != answer and other != name:
            with built(replace(plant, acts=_toggled(plant, {name: answer == "no", other: answer == "yes"}))) as swapped:
                if not _fails_otherwise(made, swapped) and swapped.master() == made.master():
                    return frozenset({"unknown"})
    stopped = any(isinstance(act, Run) and act.upto is not None for act in plant.acts)
    others = any(other != name and was == "no" and other in twins for other, was in said.items())
    if stopped or others or _part_of_another(plant, made, name, said):
        return frozenset({"unknown", answer})
    return frozenset({answer})


@lru_cache(maxsize=64)
def _silent_together(source: tuple[str, tuple[tuple[str, str], ...], str]) -> frozenset[str]:
    chain = Source(name=source[0], files=dict(source[1]), tool=source[2])
    plant = Plant(name="", source=chain, acts=tuple(map(Run, chain.ids)), recorded=())
    found: set[str] = set()
    with built(plant) as made:
        for name in chain.ids:
            gone = {name}
            for _round in chain.ids:
                with built(replace(plant, acts=_toggled(plant, dict.fromkeys(gone, False)))) as other:
                    failing = {act.migration for act, error in zip(other.acts, other.errors, strict=True) if error}
                    extra = {row[1] for row in other.master(cookie=False)[0]} - {row[1] for row in made.master()[0]}
                    if not failing and other.master(cookie=False) == made.master(cookie=False):
                        found |= gone if len(gone) > 1 else set()
                        break
                writers = {item for item in chain.ids if any(word in chain.files[chain.by_id[item]] for word in extra)}
                if not (failing | writers) - gone:
                    break
                gone |= failing | writers
    return frozenset(found)


def silent_together(source: Source) -> frozenset[str]:
    """Return the migrations that some together can be left out of a chain without any trace in its schema."""
    return _silent_together((source.name, tuple(source.files.items()), source.tool))


def _part_of_another(plant: Plant, made: Built, name: str, said: dict[str, str]) -> bool:
    """Whether the same database comes about where this one did the opposite and another one stopped half-way."""
    acts = _toggled(plant, {name: said[name] == "no"})
    for at, act in enumerate(acts):
        file = plant.source.by_id[act.migration] if isinstance(act, Run) else ""
        if isinstance(act, Run) and act.migration != name and file.endswith(".sql"):
            for upto in range(1, len(pieces(plant.source.files[file]))):
                with built(replace(plant, acts=(*acts[:at], replace(act, upto=upto), *acts[at + 1 :]))) as other:
                    if not _fails_otherwise(made, other) and other.master() == made.master():
                        return True
    return False


def _toggled(plant: Plant, wanted: dict[str, bool]) -> tuple[Act, ...]:
    """Return the acts with some migrations run whole, at their place, or not at all."""
    order = {item: at for at, item in enumerate(plant.source.ids)}
    acts = plant.acts
    for name, runs in wanted.items():
        found = (at for at, act in enumerate(acts) if isinstance(act, Run) and act.migration == name)
        place = next(found, None)
        acts = tuple(act for act in acts if not (isinstance(act, Run) and act.migration == name))
        if place is None:
            later = (at for at, act in enumerate(acts) if isinstance(act, Run) and order[act.migration] > order[name])
            place = next(later, len(acts))
        acts = (*acts[:place], Run(name), *acts[place:]) if runs else acts
    return acts


def _fails_otherwise(made: Built, other: Built) -> bool:
    """Whether something fails in one of two databases that does not in the other."""
    before = {_who(act): _real(error) for act, error in zip(made.acts, made.errors, strict=True)}
    after = {_who(act): _real(error) for act, error in zip(other.acts, other.errors, strict=True)}
    own = {_who(act) for act in made.acts} ^ {_who(act) for act in other.acts}
    return any(after[key] != before.get(key, False) for key in after) or any(after.get(key, False) for key in own)


def _real(error: str) -> bool:
    return bool(error) and error != "interrupted"


def _who(act: Act) -> object:
    return act.migration if isinstance(act, Run) else act


def fails_next(plant: Plant) -> tuple[list[str], bool]:
    """Return which pending migrations fail when they are run on a copy, in order, and whether it is the schema that decides.

    What fails because of rows cannot be foreseen without reading them.
    """
    today = plant.today or plant.source
    taken = {name.partition("_")[0] for name in plant.recorded}
    pending = [name for name in today.ids if name.partition("_")[0] not in taken]
    if today.tool == "alembic":
        pending = today.ids[today.ids.index(plant.recorded[-1]) + 1 :] if plant.recorded else today.ids
    with built(replace(plant, acts=(*plant.acts, *map(Run, pending)), vacuum=False)) as after:
        errors = list(zip(pending, after.errors[len(plant.acts) :], strict=True))
    failing = [name for name, error in errors if error]
    return failing, not any("constraint failed" in error for _name, error in errors)
