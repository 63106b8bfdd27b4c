"""Random schemas of SQLite, written in one way or another, and with one small change of meaning."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

_TYPES = {
    "INTEGER": ("INTEGER", "int", "INT8", "MEDIUMINT", "BIGINT UNSIGNED", '"INTEGER"'),
    "TEXT": ("TEXT", "varchar(30)", "VARCHAR", "CLOB", "nvarchar (9)", "CHARACTER(20)", "[text]"),
    "REAL": ("REAL", "double precision", "FLOAT", "DOUBLE"),
    "NUMERIC": ("NUMERIC", "decimal(9,2)", "BOOLEAN", "DATETIME", "Date"),
    "BLOB": ("BLOB", "", "blob"),
}
_DEFAULTS = {
    "INTEGER": {"3": ("3", "'3'", "(3)", "+3", "0x3", "( 3 )"), "-1": ("-1", "(-1)", "- 1", "'-1'")},
    "TEXT": {"x": ("'x'", '"x"', "('x')"), "": ("''", '""'), "5": ("5", "'5'")},
    "REAL": {"0": ("0", "0.0", "'0'", "(0.00)")},
    "NUMERIC": {
        "now": ("CURRENT_TIMESTAMP", "current_timestamp", "(datetime('now'))", "(strftime('%Y-%m-%d %H:%M:%S','now'))"),
        "1": ("1", "TRUE", "'1'", "true"),
    },
    "BLOB": {"y": ("x'00ff'", "X'00FF'")},
}


@dataclass(frozen=True)
class Column:
    name: str
    affinity: str
    notnull: bool = False
    default: str = ""
    nocase: bool = False
    unique: bool = False
    more_than: int | None = None
    parent: str = ""
    cascade: bool = False


@dataclass(frozen=True)
class Index:
    name: str
    column: str
    unique: bool = False
    lower: bool = False
    where: int | None = None


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = field(default=())
    view: int | None = None
    watched: bool = False


def schema(seed: int) -> list[Table]:
    """Return random tables; each may refer to those before it."""
    chance = random.Random(seed)
    found: list[Table] = []
    for number in range(chance.randint(1, 3)):
        columns = []
        for place in range(chance.randint(1, 5)):
            affinity = chance.choice(list(_TYPES))
            columns.append(Column(
                chance.choice(("c", "Order", "group", "ünd", "two words")) + str(place), affinity,
                notnull=chance.random() < 0.3,
                default=chance.choice(["", *_DEFAULTS[affinity]]), nocase=affinity == "TEXT" and chance.random() < 0.3,
                unique=chance.random() < 0.2, more_than=chance.choice((None, None, chance.randint(0, 9))),
                parent=chance.choice([table.name for table in found]) if found and chance.random() < 0.3 else "",
                cascade=chance.random() < 0.5,
            ))  # fmt: skip
        indexes = tuple(
            Index(f"ix_{number}_{place}", chance.choice(columns).name, chance.random() < 0.3, chance.random() < 0.3,
                  chance.choice((None, 1)))
            for place in range(chance.randint(0, 2))
        )  # fmt: skip
        found.append(Table(
            chance.choice(("t", "Table", "ärger")) + str(number), tuple(columns), indexes,
            chance.choice((None, 4)), chance.random() < 0.3,
        ))  # fmt: skip
    return found


def changed(tables: list[Table], seed: int) -> tuple[list[Table], str]:
    """Return the schema with one change of meaning, and the name of the table that it is in."""
    chance = random.Random(seed)
    at = chance.randrange(len(tables))
    table = tables[at]
    place = chance.randrange(len(table.columns))
    column = table.columns[place]
    columns = [
        replace(column, notnull=not column.notnull),
        replace(column, unique=not column.unique),
        replace(column, more_than=(column.more_than or 0) + 1),
        replace(column, affinity=chance.choice([name for name in _TYPES if name != column.affinity]), default="", nocase=False),
        replace(column, name=column.name + "_"),
    ]
    if column.default:
        columns.append(replace(column, default=""))
    if column.affinity == "TEXT":
        columns.append(replace(column, nocase=not column.nocase))
    if column.parent:
        columns += [replace(column, parent=""), replace(column, cascade=not column.cascade)]
    options = [replace(table, columns=(*table.columns[:place], each, *table.columns[place + 1 :])) for each in columns]
    options += [replace(table, columns=(*table.columns, Column("extra", "TEXT"))), replace(table, watched=not table.watched)]
    options.append(replace(table, view=None if table.view else 4))
    if table.view:
        options.append(replace(table, view=5))
    for number, index in enumerate(table.indexes):
        rest = (*table.indexes[:number], *table.indexes[number + 1 :])
        options += [replace(table, indexes=rest)] + [replace(table, indexes=(*rest, each)) for each in (
            replace(index, unique=not index.unique), replace(index, lower=not index.lower),
            replace(index, where=None if index.where else 2),
        )]  # fmt: skip
    other = chance.choice(options)
    gone = {each.name for each in table.columns} - {each.name for each in other.columns}
    if gone:  # a column under another name takes its indexes with it
        other = replace(other, indexes=tuple(each for each in other.indexes if each.column not in gone))
    return [*tables[:at], other, *tables[at + 1 :]], table.name


class Speller:
    """Writes schemas down: plainly without a seed, and in some other way with one."""

    def __init__(self, seed: int | None = None) -> None:
        self.plain = seed is None
        self.chance = random.Random(seed)

    def one(self, options: tuple[str, ...]) -> str:
        return options[0] if self.plain else self.chance.choice(options)

    def words(self, text: str) -> str:
        """Return keywords in any case, with any white space and comments between them."""
        if self.plain:
            return text
        spaces = (" ", " ", "\n  ", "\t", " /* it's (a ) */ ", " -- \"b,\n")
        return "".join(self.chance.choice(spaces) if letter == " " else self.chance.choice((letter, letter.lower())) for letter in text)

    def name(self, text: str) -> str:
        quoted = '"' + text + '"'
        if self.plain:
            return quoted
        folded = "".join(self.chance.choice((letter.lower(), letter.upper())) if letter.isascii() else letter for letter in text)
        ways = [f'"{folded}"', f"[{folded}]", f"`{folded}`"]
        return self.chance.choice([*ways, folded] if " " not in text and not text.startswith(("Table", "order")) else ways)

    def script(self, tables: list[Table]) -> str:
        statements = []
        for table in tables:
            statements += self.table(table)
            extra = [self.index(table, each) for each in table.indexes]
            first = table.columns[0].name
            if table.view:
                words = self.words("CREATE VIEW"), self.words("AS SELECT"), self.words("FROM"), self.words("WHERE")
                extra.append(f"{words[0]} {self.name('v_' + table.name)} {words[1]} {self.name(first)} {words[2]} {self.name(table.name)}"
                             f" {words[3]} {self.name(first)} > {table.view}")  # fmt: skip
            if table.watched:
                each = self.one(("", self.words(" FOR EACH ROW")))
                timing = self.one(("BEFORE INSERT ON", "INSERT ON"))
                extra.append(f"{self.words('CREATE TRIGGER')} {self.name('g_' + table.name)} {self.words(timing)}"
                f" {self.name(table.name)}{each}"
                             f" {self.words('BEGIN SELECT')} 1; END")  # fmt: skip
            if not self.plain:
                self.chance.shuffle(extra)
            statements += extra
        return ";\n".join(statements) + ";"

    def table(self, table: Table) -> list[str]:
        columns = list(table.columns)
        later: list[str] = []
        if not self.plain:
            self.chance.shuffle(columns)
            last = columns[-1]
            simple = not (last.notnull or last.unique or last.parent or last.default == "now")
            if len(columns) > 1 and simple and self.chance.random() < 0.4:
                columns.pop()
                spelled, inline, _ = self.column(last, apart=False)
                later.append(f"{self.words('ALTER TABLE')} {self.name(table.name)} {self.words('ADD COLUMN')} {spelled} {inline}".strip())
        lines, apart = [], []
        for column in columns:
            spelled, inline, rest = self.column(column, apart=True)
            lines.append(f"{spelled} {inline}".strip())
            apart += rest
        if not self.plain:
            self.chance.shuffle(apart)
        name = "a passing name" if not self.plain and self.chance.random() < 0.3 else table.name
        made = [f"{self.words('CREATE TABLE')} {self.name(name)} ({', '.join([*lines, *apart])})"]
        if name != table.name:
            made.append(f"{self.words('ALTER TABLE')} {self.name(name)} {self.words('RENAME TO')} \"{table.name}\"")
        return made + later

    def column(self, column: Column, apart: bool) -> tuple[str, str, list[str]]:
        """Return a column and its type, what stands behind it, and the constraints that stand at the end of the table."""
        types = _TYPES[column.affinity]
        parts, rest = [], []
        if column.notnull:
            parts.append(self.words("NOT NULL"))
        elif not self.plain and self.chance.random() < 0.1:
            parts.append("NULL")
        if column.default:
            parts.append(f"{self.words('DEFAULT')} {self.one(_DEFAULTS[column.affinity][column.default])}")
        elif not self.plain and self.chance.random() < 0.1:
            parts.append(self.words("DEFAULT NULL"))
        if column.nocase:
            parts.append(self.words("COLLATE NOCASE"))
        elif not self.plain and self.chance.random() < 0.1:
            parts.append(self.words("COLLATE BINARY"))
        name = self.name(column.name)
        constraints = []
        if column.unique:
            constraints.append((self.words("UNIQUE"), f"{self.words('UNIQUE')} ({self.name(column.name)})"))
        if column.more_than is not None:
            check = f"{self.words('CHECK')} ({self.compare(name, column.more_than)})"
            constraints.append((check, check))
        if column.parent:
            target = f"{self.words('REFERENCES')} {self.name(column.parent)} (id)"
            action = self.words(" ON DELETE CASCADE") if column.cascade else self.one(("", self.words(" ON UPDATE NO ACTION")))
            constraints.append((target + action, f"{self.words('FOREIGN KEY')} ({self.name(column.name)}) {target}{action}"))
        for number, (inside, outside) in enumerate(constraints):
            label = "" if self.plain or self.chance.random() < 0.5 else f"CONSTRAINT own_{number} "
            if apart and not self.plain and self.chance.random() < 0.5:
                rest.append(label + outside)
            else:
                parts.append(label + inside)
        if not self.plain:
            # A name is that of the constraint after it, so only whole parts change their places.
            self.chance.shuffle(parts)
        return f"{name} {self.one(types)}", " ".join(parts), rest

    def index(self, table: Table, index: Index) -> str:
        own = self.name(index.column)
        key = f"lower({own})" if index.lower else own
        key = self.one((key, f"{key} ASC", f"({key})"))
        where = f" {self.words('WHERE')} {self.compare(own, index.where)}" if index.where else ""
        unique = "UNIQUE " if index.unique else ""
        head = self.words(f"CREATE {unique}INDEX")
        return f"{head} {self.one(('', 'IF NOT EXISTS '))}{self.name(index.name)} ON {self.name(table.name)} ({key}){where}"

    def compare(self, name: str, number: int) -> str:
        return self.one((f"{name} > {number}", f"({name}) > ({number})", f"(({name}>{number}))", f"{name} > 0x{number:x}"))
