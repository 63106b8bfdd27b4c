"""Catalogue rows -> groups: one table, view, sequence, type or function with everything that belongs to it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from forensics.catalogs.postgresql_ddl import statements
from forensics.catalogs.postgresql_keys import constraint, index
from forensics.catalogs.postgresql_names import label, spell, spell_all
from forensics.catalogs.postgresql_normal import bound as partition_bound
from forensics.catalogs.postgresql_normal import numbers, spelled
from forensics.catalogs.postgresql_objects import (
    Names,
    OwnSequence,
    Row,
    column,
    column_form,
    distinct,
    own_name,
    sequence,
    trigger,
)
from forensics.catalogs.postgresql_programs import (
    composite,
    domain,
    enum,
    function,
    sequence_object,
    value_range,
    view,
)
from forensics.model import Attrs, Group, Scalar, SchemaObject, Snapshot, made
from forensics.sqltext import name_key

# No collation, and the database's own (DEFAULT_COLLATION_OID).
_USUAL_COLLATIONS = frozenset((0, 100))
_NONE: Mapping[int, str] = {}
_OTHERS = ("policies", "rules", "statistics", "event triggers", "publications", "operators", "casts", "aggregates")


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What a database holds.

    ``groups`` by the object identifier of their table (view, type ...), in the order of creation. ``columns`` are the
    names of the columns of every ordinary table, ``closed`` the schemas that the reader may not use.
    """

    version: str
    groups: Mapping[int, Group]
    columns: Mapping[str, tuple[str, ...]]
    facts: tuple[tuple[str, Scalar], ...]
    internal: tuple[str, ...]
    closed: tuple[str, ...]

    def snapshot(self) -> Snapshot:
        """Return it as a snapshot."""
        return Snapshot(
            dialect="postgresql",
            server_version=self.version,
            groups=tuple(self.groups.values()),
            facts=self.facts,
            internal=self.internal,
        )


class Assembly:
    """The rows of all queries, being put together."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self.rows = rows
        self.schemas: dict[int, str] = {row[0]: row[1] for row in rows["schemas"]}
        self.members = {row[0] for row in rows["members"]}
        self.relations = {row[0]: row for row in rows["relations"] if row[1] in self.schemas}
        self.labels = {oid: label(self.schemas[row[1]], row[2]) for oid, row in self.relations.items()}
        if len({text.casefold() for text in self.labels.values()}) < len(self.labels):
            self._tell_apart()
        self.comments: dict[tuple[str, int, int], str] = {(row[0], row[1], row[2]): row[3] for row in rows["comments"]}
        self.defaults: dict[int, dict[int, str]] = defaultdict(dict)
        for relation, number, text in rows["defaults"]:
            self.defaults[relation][number] = text
        self._forms: dict[tuple[Any, ...], tuple[Attrs, Attrs]] = {}
        self.parents: dict[int, list[int]] = defaultdict(list)
        for child, parent in rows["inheritance"]:
            self.parents[child].append(parent)

    def _tell_apart(self) -> None:
        """Quote the labels that are another one but for the case of their letters, unless they are lower case."""
        count = Counter(text.casefold() for text in self.labels.values())
        for oid, text in self.labels.items():
            if count[text.casefold()] > 1 and text != text.casefold():
                row = self.relations[oid]
                self.labels[oid] = label(self.schemas[row[1]], row[2], quoted=True)

    @cached_property
    def columns(self) -> Mapping[int, list[Row]]:
        """The rows of the columns of each relation."""
        found: dict[int, list[Row]] = defaultdict(list)
        for row in self.rows["columns"]:
            found[row[0]].append(row)
        return found

    @cached_property
    def owned(self) -> Mapping[tuple[int, int], tuple[Row, OwnSequence]]:
        """The sequence that a column owns."""
        return {
            (row[10], row[11]): (row, sequence(row, self.schemas))
            for row in self.rows["sequences"]
            if row[10] is not None and row[1] in self.schemas
        }

    @cached_property
    def names(self) -> Names:
        """What identifiers stand for."""
        types: dict[tuple[int, int], tuple[str, int]] = {}
        for oid, modifier, text, collation, hidden in self.rows["named types"]:
            types[oid, modifier] = (text if hidden else text.removeprefix("public."), collation)
        named: dict[tuple[str, int], str] = {}
        for kind, oid, space, name, usual in self.rows["named"]:
            full = spell(name) if space in ("", "pg_catalog", "public") else f"{spell(space)}.{spell(name)}"
            named[kind, oid] = "" if usual else full
        vectors = {row[8] for row in self.rows["indexes"]}
        odd = {row[0] for row in self.rows["columns"] if row[8] not in _USUAL_COLLATIONS}
        return Names(
            tables=self.labels,
            columns={oid: {row[1]: row[2] for row in rows} for oid, rows in self.columns.items()},
            types=types,
            named=named,
            classes={text: tuple([named.get(("class", oid), "") for oid in numbers(text)]) for text in vectors},
            collations=lambda oid: {row[1]: row[8] for row in self.columns.get(oid, ())},
            collated=frozenset(odd),
            plain=frozenset(
                text for text in {row[10] for row in self.rows["indexes"]} if not set(numbers(text)) - _USUAL_COLLATIONS
            ),
        )

    def comment(self, catalogue: str, oid: int, number: int = 0) -> str:
        """Return the comment on an object (or a column of it), or nothing."""
        return self.comments.get((catalogue, oid, number), "") if self.comments else ""

    def catalogue(self, server: Row) -> Catalogue:
        """Put everything together; ``server`` is the row of the query about the server."""
        number, version, standby, timestamps, encoding = server
        found = dict(sorted([*self._relations(), *self._sequences(), *self._types(), *self._functions()]))
        tables = {
            self.labels[oid]: tuple([each[2] for each in self.columns.get(oid, ())])
            for oid, row in self.relations.items()
            if row[3] in "rpf" and oid not in self.members
        }
        extensions = [(name, version) for _, name, version, _ in self.rows["extensions"]]
        others = [f"{count} {what}" for what, count in zip(_OTHERS, self.rows["others"][0], strict=True) if count]
        internal = [self.labels[oid] for oid in self.members if oid in self.labels]
        closed = tuple(sorted(name for _, name, usable in self.rows["schemas"] if not usable))
        facts: list[tuple[str, Scalar]] = [
            ("server_version_num", number), ("encoding", encoding), ("standby", standby),
            ("track_commit_timestamp", timestamps),
            *((f"extension {name}", version) for name, version in extensions),
        ]  # fmt: skip
        if others:
            facts.append(("not compared", ", ".join(others)))
        if closed:
            facts.append(("schemas without access", spell_all(closed)))
        return Catalogue(
            version=version.split()[0],
            groups=found,
            columns=tables,
            facts=tuple(facts),
            internal=tuple(sorted([*internal, *(f"extension {name}" for name, _ in extensions)])),
            closed=closed,
        )

    def _relations(self) -> Iterator[tuple[int, Group]]:
        parts_: dict[str, dict[int, list[Row]]] = {}
        for kind, place in (("constraints", 1), ("indexes", 1), ("triggers", 0)):
            found = parts_[kind] = defaultdict(list)
            for row in self.rows[kind]:
                found[row[place]].append(row)
        # The index behind a primary key, a unique or an exclusion constraint is that constraint.
        behind = {row[7] for rows in parts_["constraints"].values() for row in rows if row[3] in ("p", "u", "x")}
        self._by_index = {row[0]: row for row in self.rows["indexes"] if row[0] in behind}
        for oid, row in self.relations.items():
            kind = row[3]
            if oid in self.members or kind == "c" or not row[11]:
                continue
            name = self.labels[oid]
            if kind in "vm":
                head = [view(name, kind, row[9], row[8], self.comment("pg_class", oid))]
            else:
                head = [self._table(oid, row), *self._columns(oid, row)]
                head += self._constraints(oid, name, parts_["constraints"].get(oid, ()))
            for each in parts_["indexes"].get(oid, ()):
                if each[0] not in self._by_index:
                    head.append(index(name, each, self.names, self.comment("pg_class", each[0])))
            head += [trigger(name, each) for each in parts_["triggers"].get(oid, ())]
            yield oid, _group(name, head)

    def _table(self, oid: int, row: Row) -> SchemaObject:
        _, _, _, kind, persistence, partition, secured, forced, options, key, bound, _ = row
        name = self.labels[oid]
        meaning: list[tuple[str, Scalar]] = []
        if persistence == "u":
            meaning.append(("persistence", "unlogged"))
        if kind == "f":
            meaning.append(("foreign", True))
        parents = [self.labels.get(each, "?") for each in self.parents.get(oid, ())]
        if key is not None:
            meaning.append(("partition_by", key))
        if partition:
            meaning += [("partition_of", ", ".join(parents)), ("bound", partition_bound(bound))]
        elif parents:
            meaning.append(("inherits", ", ".join(parents)))
        if secured:
            meaning.append(("row_security", "forced" if forced else "enabled"))
        ident, own = own_name(name)
        trace: list[tuple[str, Scalar]] = [("storage", options)] if options else []
        trace += spelled("bound", partition_bound(bound), bound)
        if said := self.comment("pg_class", oid):
            trace.append(("comment", said))
        return made("table", None, name, ident, (*meaning, *own), tuple(trace))

    def _columns(self, oid: int, relation: Row) -> list[SchemaObject]:
        name = self.labels[oid]
        inherited: dict[str, tuple[Any, ...]] = {}
        if relation[5] or oid in self.parents:
            # A partition (or an heir) has its parent's columns; only a default or a NOT NULL of its own is worth saying.
            for parent in self.parents.get(oid, ()):
                above = self.defaults.get(parent, _NONE)
                for row in self.columns.get(parent, ()):
                    inherited[row[2]] = (row[5], above.get(row[1]))
        weak = self._unproven.get(oid, ())
        own_defaults = self.defaults.get(oid, _NONE)
        forms, plain = self._forms, self._plain
        simple = not weak and not self.comments
        found: list[SchemaObject] = []
        for position, row in enumerate(self.columns.get(oid, ()), start=1):
            _, number, own, _, _, notnull, identity, _, _, local = row
            default = own_defaults.get(number)
            if not local and own not in inherited:
                continue
            if inherited and (notnull, default) == inherited.get(own):
                continue
            owned = None
            serial = False
            if identity or (default is not None and default.startswith("nextval(")):
                owned = self._drawn(oid, number)
                serial = owned is not None and not identity and owned.default == default
                if not identity and not serial:
                    owned = None
            key = (row[3:9], serial, None if serial else default)
            form = forms.get(key)
            if form is None:
                shown = (*row[:6], "d", *row[7:]) if serial else row
                form = forms[key] = column_form(shown, None if serial else default, self.names)
            if owned is None and simple and own in plain:
                found.append(made("column", name, own, own, form[0], form[1], position))
            else:
                said = self.comment("pg_class", oid, number)
                found.append(column(name, row, position, form, owned, serial, said, number in weak))
        return found

    def _drawn(self, oid: int, number: int) -> OwnSequence | None:
        """Return the sequence that a column owns."""
        found = self.owned.get((oid, number))
        return found[1] if found else None

    @cached_property
    def _plain(self) -> set[str]:
        """The names of columns that are their own identity."""
        return {name for name in {row[2] for row in self.rows["columns"]} if name_key(name) == name}

    @cached_property
    def _unproven(self) -> Mapping[int, set[int]]:
        """The columns whose NOT NULL is not valid for the rows that are there (PostgreSQL 18)."""
        found: dict[int, set[int]] = defaultdict(set)
        for row in self.rows["constraints"]:
            if row[3] == "n":
                found[row[1]].update(numbers(row[13]))
        return found

    def _constraints(self, oid: int, name: str, rows: Iterable[Row]) -> Iterator[SchemaObject]:
        for row in rows:
            said = self.comment("pg_constraint", row[0])
            made = constraint(name, row, self.names, self._by_index.get(row[7]), said)
            if made is not None:
                yield made

    def _sequences(self) -> Iterator[tuple[int, Group]]:
        for row in self.rows["sequences"]:
            oid, schema, relation, number = row[0], row[1], row[10], row[11]
            if schema not in self.schemas or oid in self.members:
                continue
            owner = ""
            if relation is not None:
                if relation not in self.relations or relation in self.members:
                    continue
                own = next((each for each in self.columns.get(relation, ()) if each[1] == number), None)
                found = self.owned[relation, number][1]
                if own is not None and (own[6] or self.defaults.get(relation, _NONE).get(number) == found.default):
                    continue
                owner = f"{self.labels[relation]}.{own[2] if own else '?'}"
            found = sequence(row, self.schemas)
            yield oid, _group(found.label, [sequence_object(found, owner, self.comment("pg_class", oid))])

    def _types(self) -> Iterator[tuple[int, Group]]:
        values: dict[int, list[str]] = defaultdict(list)
        for oid, text in self.rows["labels"]:
            values[oid].append(text)
        rules: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for oid, name, text in self.rows["rules"]:
            rules[oid].append((name, text))
        for row in self.rows["types"]:
            oid, schema, name, kind, relation = row[:5]
            if schema not in self.schemas or oid in self.members or relation in self.members:
                continue
            named = label(self.schemas[schema], name)
            said = self.comment("pg_type", oid)
            if kind == "e":
                made = enum(named, values[oid], said)
            elif kind == "d":
                collation = self.names.named.get(("collation", row[8]), "") if row[8] else ""
                made = domain(named, row, collation, rules[oid], said)
            elif kind == "c":
                fields = [
                    f"{spell(each[2])} {self.names.types.get((each[3], each[4]), ('unknown', 0))[0]}"
                    for each in self.columns.get(relation, ())
                ]
                made = composite(named, ", ".join(fields), said)
            else:
                made = value_range(named, row[6], said)
            yield oid, _group(named, [made])

    def _functions(self) -> Iterator[tuple[int, Group]]:
        for row in self.rows["functions"]:
            made = function(self.schemas[row[1]], row, self.comment("pg_proc", row[0]))
            if made is not None:
                yield row[0], _group(made.name, [made])


class _Group(Group):
    """A group whose statements are made when somebody asks for them: of a healthy database nobody does."""

    def __init__(self, *, name: str, objects: tuple[SchemaObject, ...], source: tuple[str, ...] | None = None) -> None:
        own = self.__dict__
        own["name"], own["objects"] = name, objects
        if source is not None:
            own["source"] = source

    @cached_property
    def source(self) -> tuple[str, ...]:
        return statements(self.objects)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Group):
            return NotImplemented
        return (self.name, self.objects, self.source) == (other.name, other.objects, other.source)

    def __hash__(self) -> int:
        return hash((self.name, self.objects))


def _group(name: str, objects: list[SchemaObject]) -> Group:
    return _Group(name=name, objects=tuple(distinct(objects)) if len(objects) > 1 else tuple(objects))


