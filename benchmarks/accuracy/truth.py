"""What is right of a database that was built: it follows from the building alone, never from the toolkit.

A migration's right answer is what happened. Where the same database, to the letter of everything that can be read of it, comes about
as well with the opposite, it is ``unknown``; where only weak evidence tells the two apart, both the answer and ``unknown`` are right.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.splitting import pieces
from benchmarks.accuracy.worlds import Act, Built, Name, Pair, Plant, Run, Sql, clean, real

RIVALS = 4
Answers = dict[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What counts as right of one plant.

    ``failing`` are the pending migrations that fail at the next run, in order, with their errors; ``foreseeable`` is false where rows
    decide. ``touched`` are the objects that changes from outside left different, ``ambiguous`` says that another story is as good.
    """

    executed: Answers
    want: frozenset[Pair]
    may: frozenset[Pair]
    either: tuple[frozenset[Pair], ...]
    failing: tuple[tuple[str, str], ...] = ()
    foreseeable: bool = True
    touched: frozenset[Name] = frozenset()
    visible: bool = True
    ambiguous: bool = False


@dataclass
class Judge:
    """Says what is right of the plants of one chain, and remembers what they share."""

    site: Site
    source: Source
    _together: dict[object, frozenset[str]] = field(default_factory=dict)
    _texts: dict[object, str] = field(default_factory=dict)

    def alike(self, plant: Plant, others: Iterable[Plant]) -> list[Plant]:
        """Return those of some plants that come to the same database, with the same record, as another one."""
        return [
            other
            for other in others
            if other.name != plant.name
            and (other.recorded, other.archived, other.source.key) == (plant.recorded, None, plant.source.key)
            and _files(other) == _files(plant)
            and self._text(other) == self._text(plant)
        ]

    def truth(self, plant: Plant, rivals: Iterable[Plant] = ()) -> Truth:
        """Return what is right of a plant. ``rivals`` are simpler stories that may come to the same database."""
        if plant.archived is not None:
            return Truth(executed=plant.executed, want=plant.want, may=plant.may, either=plant.either)
        own = self._own(plant)
        made = own[0]
        found = self._wanted(plant, *own[1:])
        if all(kind.startswith("control") for kind in plant.kinds):  # no story is simpler than that nothing happened
            return found
        looked_at = 0
        for other in rivals:
            if looked_at == RIVALS:
                break
            if other.name == plant.name or other.source.key != plant.source.key or _files(other) != _files(plant):
                continue
            if other.recorded != plant.recorded or (other.checksums, other.application) != (plant.checksums, plant.application):
                continue
            if self._text(other) == _digest(made):
                looked_at += 1
                theirs = self._wanted(other, *self._own(other)[1:])
                found = _either(found, theirs)
        return found

    def _text(self, plant: Plant) -> str:
        key = (plant.source.key, plant.acts)
        if key not in self._texts:
            self._texts[key] = _digest(self._build(plant))
        return self._texts[key]

    def _build(self, plant: Plant) -> Built:
        return self.site.build(plant.source, plant.acts)

    def _own(self, plant: Plant) -> tuple[Built, Answers, tuple[tuple[str, str], ...], dict[Act, set[Name]]]:
        """Build a plant with its variants; return it, the answers, what fails next, and what each change from outside left."""
        names = plant.source.ids
        ran: dict[str, str] = {}
        pending = _pending(plant)
        outside = [act for act in plant.acts if isinstance(act, Sql)]
        bare = tuple(act for act in plant.acts if not isinstance(act, Sql))
        ran_whole = {act.migration for act in plant.acts if isinstance(act, Run) and act.upto is None}
        toggles = [plant.toggled({name: name not in ran_whole}) for name in names]
        others = [*toggles, *(plant.without(act) for act in outside), bare, (*plant.acts, *map(Run, pending))]
        today = plant.today or plant.source
        chain = plant.source if all(name in plant.source.by_id for name in pending) else today
        made, *variants = self.site.variants(_merged(plant.source, chain), plant.acts, others)
        for act, error, changed in zip(made.acts, made.errors, made.changed, strict=True):
            if isinstance(act, Run):
                said = "yes" if not error else "partial" if changed else "failed" if real(error) else "nothing"
                if ran.get(act.migration) != "yes":
                    ran[act.migration] = said
        said_of = {name: ran.get(name, "no") for name in names}
        twins = dict(zip(names, variants, strict=False))
        undone = {
            act
            for name, twin in twins.items()
            if twin.like(made) and not _fails_otherwise(made, twin)
            for act, error in zip(twin.acts, twin.errors, strict=True)
            if isinstance(act, Sql) and error
        }
        left: dict[Act, set[Name]] = {
            act: set() if act in undone else made.differs(other)
            for act, other in zip(outside, variants[len(names) :], strict=False)
        }
        after = variants[-1]
        failing = tuple(
            (name, error) for name, error in zip(pending, after.errors[len(plant.acts) :], strict=True) if real(error)
        )
        come = self._come_together(plant, made, said_of, twins)
        answers = {name: plant.executed.get(name, self._right(plant, made, name, said_of, twins)) for name in names}
        answers |= {name: answers[name] | {"unknown"} for name in come if name not in plant.executed}
        return made, answers, failing, left

    def _right(
        self, plant: Plant, made: Built, name: str, said: dict[str, str], twins: dict[str, Built]
    ) -> frozenset[str]:
        answer = said[name]
        counts = plant.after == "" and self.site.dialect == "sqlite" and not any(isinstance(act, Sql) for act in plant.acts)
        together = self._silent(plant.source) if answer != "yes" or set(said.values()) != {"yes"} or not counts else frozenset()
        if answer == "failed":
            return frozenset({"no", "unknown"} if name in together else {"no"})
        if answer == "nothing":
            whole = twins[name]
            return frozenset({"unknown"} if whole.same(made) else {"no", "unknown"} if whole.like(made) else {"no"})
        twin = twins.get(name, made)
        alike = not _fails_otherwise(made, twin) and twin.like(made)
        if answer == "partial":
            absent = self.site.build(plant.source, plant.toggled({name: False}))
            right = {"partial"}
            right |= {"yes", "unknown"} if alike else set()
            right |= {"no", "unknown"} if not _fails_otherwise(made, absent) and absent.like(made) else set()
            return frozenset(right)
        if not alike:
            doubtful = name in together or (answer == "yes" and self._gone_together(plant, made, name, twin))
            return frozenset({"unknown", answer} if doubtful else {answer})
        if not counts and answer == "yes" and name not in plant.recorded:
            return frozenset({"unknown", "yes", "no"})  # neither a trace nor a record: that it never ran is the simplest story
        if not counts:
            nothing = plant.after == "" and twin.same(made) and not any(isinstance(act, Sql) for act in plant.acts)
            return frozenset({"unknown"} if plant.after or nothing else {"unknown", answer})
        if twin.same(made):
            return frozenset({"unknown"})
        for other in twins:  # another one in its place leaves the very same database
            if said[other] != answer and said[other] in ("yes", "no") and other != name and twins[other].like(made):
                swapped = self.site.build(plant.source, plant.toggled({name: answer == "no", other: answer == "yes"}))
                if not _fails_otherwise(made, swapped) and swapped.same(made):
                    return frozenset({"unknown"})
        stopped = any(isinstance(act, Run) and act.upto is not None for act in plant.acts)
        others = any(other != name and was == "no" and twins[other].like(made) for other, was in said.items())
        if stopped or others or self._part_of_another(plant, made, name, said):
            return frozenset({"unknown", answer})
        return frozenset({answer} if name not in together else {answer, "unknown"})

    def _come_together(self, plant: Plant, made: Built, said: dict[str, str], twins: dict[str, Built]) -> set[str]:
        """Return migrations that did not run and could have, as another one of them takes all away that one of them makes."""
        absent = [name for name, answer in said.items() if answer == "no"]
        found: set[str] = set()
        for name in absent:
            twin = twins[name]
            extra = {item[2] for item in twin.objects.keys() - made.objects.keys() if item[0] != "column"}
            if not extra or _fails_otherwise(made, twin) or (plant.after == "" and self.site.dialect == "sqlite"):
                continue
            for other in absent[absent.index(name) + 1 :]:
                text = plant.source.text(other)
                if re.search(r"(?i)drop", text) and any(word in text for word in extra):
                    both = self.site.build(plant.source, plant.toggled({name: True, other: True}))
                    if both.like(made) and not _fails_otherwise(made, both):
                        found |= {name, other}
        return found

    def _gone_together(self, plant: Plant, made: Built, name: str, twin: Built) -> bool:
        """Whether a migration, and those that fail without it, can all be left out of this database without any trace."""
        gone, other = {name}, twin
        for _round in range(8):
            failing = {act.migration for act, error in zip(other.acts, other.errors, strict=True) if real(error) and isinstance(act, Run)}
            failing -= {act.migration for act, error in zip(made.acts, made.errors, strict=True) if real(error) and isinstance(act, Run)}
            if not failing:
                return other.like(made) and not _fails_otherwise(made, other)
            gone |= failing
            other = self.site.build(plant.source, plant.toggled(dict.fromkeys(gone, False)))
        return False

    def _part_of_another(self, plant: Plant, made: Built, name: str, said: dict[str, str]) -> bool:
        """Whether the same database comes about where this one did the opposite and another one stopped half-way."""
        acts = plant.toggled({name: said[name] == "no"})
        others: list[Sequence[Act]] = []
        for at, act in enumerate(acts):
            file = plant.source.by_id[act.migration] if isinstance(act, Run) else ""
            if isinstance(act, Run) and act.migration != name and file.endswith(".sql"):
                for upto in range(1, len(pieces(plant.source.files[file], self.site.dialect))):
                    others.append((*acts[:at], replace(act, upto=upto), *acts[at + 1 :]))
        _main, *found = self.site.variants(plant.source, acts, others)
        return any(not _fails_otherwise(made, other) and other.same(made) for other in found)

    def _silent(self, source: Source) -> frozenset[str]:
        """Return the migrations that some together can be left out of a chain without any trace in its schema."""
        if source.key in self._together:
            return self._together[source.key]
        plant, found = clean(source), set[str]()
        made = self._build(plant)
        for name in source.ids:
            gone = {name}
            for _round in range(8):
                other = self.site.build(source, plant.toggled(dict.fromkeys(gone, False)))
                failing = {act.migration for act, error in zip(other.acts, other.errors, strict=True) if error and isinstance(act, Run)}
                if not failing and other.like(made):
                    found |= gone if len(gone) > 1 else set()
                    break
                extra = {item[2] for item in other.objects.keys() - made.objects.keys()}
                writers = {item for item in source.ids if any(word in source.text(item) for word in extra)}
                if not (failing | writers) - gone:
                    break
                gone |= failing | writers
        return self._together.setdefault(source.key, frozenset(found))

    def _wanted(
        self,
        plant: Plant,
        executed: Answers,
        failing: tuple[tuple[str, str], ...],
        left: dict[Act, set[Name]],
    ) -> Truth:
        want, may = set(plant.want), set(plant.may)
        for name, answers in executed.items():
            recorded = name in plant.recorded
            if recorded and answers == {"no"}:
                want.add(("recorded-not-executed", name))
            if answers == {"partial"}:
                want.add(("partially-executed", name))
            if answers == {"yes"} and not recorded:
                want.add(("executed-not-recorded", name))
            if recorded and "no" in answers:
                may.add(("recorded-not-executed", name))
            if not recorded and "yes" in answers:
                may.add(("executed-not-recorded", name))
            if "partial" in answers:
                may |= {("partially-executed", name), *(("leftover-object", item) for item in ("", *executed))}
        touched: set[Name] = set()
        swapped = {name for choice in plant.either for _cause, name in choice}
        # Where it cannot be told of one of two that it ran, it cannot be told either that it ran late.
        either = list(plant.either) if all(set(executed.get(name, ())) == {"yes"} for name in swapped) else []
        for choice in plant.either:
            may |= choice
        for act, names in left.items():
            assert isinstance(act, Sql)
            cause = (act.cause, act.told)
            may |= {cause, ("manual-change", ""), *((act.cause, name) for name in ([act.told] if act.told else executed))}
            if names and act.cause == "masked-create" and self.site.dialect == "postgresql":
                # No stored text tells a table that was there before from one that somebody altered later.
                touched |= names
                either.append(frozenset({cause}))
                either.append(frozenset({("manual-change", "")}))
            elif names:
                touched |= names
                want |= {cause} if act.cause not in ("invalid-object", "name-only-difference", "create_all") else set()
        foreseeable = not any("constraint" in error or "violat" in error or "null value" in error for _name, error in failing[:1])
        if failing:
            may |= {("pending-will-fail", name) for name, _error in failing}
            if foreseeable:
                want.add(("pending-will-fail", failing[0][0]))
        for choice in either:
            may |= choice
        return Truth(
            executed=executed, want=frozenset(want), may=frozenset(may), either=tuple(either), failing=failing,
            foreseeable=foreseeable, touched=frozenset(touched), visible=bool(touched) or not left,
        )  # fmt: skip


def _either(one: Truth, other: Truth) -> Truth:
    """Return what is right where two stories come to one database: what either of them says."""
    names = one.executed.keys() | other.executed.keys()
    executed = {
        name: mine if mine == theirs else mine | theirs | {"unknown"}
        for name in names
        for mine, theirs in [(one.executed.get(name, frozenset()), other.executed.get(name, frozenset()))]
    }
    choices = one.either if one.ambiguous else (one.want,)
    return replace(
        one, executed=executed, want=one.want & other.want, may=one.may | other.may | one.want | other.want,
        either=(*choices, other.want), ambiguous=True, touched=one.touched & other.touched,
    )  # fmt: skip


def _digest(made: Built) -> str:
    return hashlib.sha256(repr(made.text).encode()).hexdigest()


def _files(plant: Plant) -> object:
    return (plant.today or plant.source).key


def _merged(source: Source, today: Source) -> Source:
    if today is source:
        return source
    return replace(source, files={**source.files, **{name: text for name, text in today.files.items() if name not in source.files}})


def _pending(plant: Plant) -> tuple[str, ...]:
    today = plant.today or plant.source
    taken = {plant.source.version(name) for name in plant.recorded if name in plant.source.by_id} | set(plant.recorded)
    return tuple(name for name in today.ids if today.version(name) not in taken and name not in plant.recorded)


def _fails_otherwise(made: Built, other: Built) -> bool:
    """Whether a migration fails in one of two databases that does not in the other; something by hand that fails was not done."""
    before = {act.migration: real(error) for act, error in zip(made.acts, made.errors, strict=True) if isinstance(act, Run)}
    after = {act.migration: real(error) for act, error in zip(other.acts, other.errors, strict=True) if isinstance(act, Run)}
    own = before.keys() ^ after.keys()
    return any(after[key] != before.get(key, False) for key in after) or any(after.get(key, False) for key in own)
