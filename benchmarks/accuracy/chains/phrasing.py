"""How a change is written: as SQL of a dialect, or as operations of Alembic."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from benchmarks.accuracy.chains.generated import Writer

SQL = {
    "sqlite": {
        "integer": "INTEGER", "text": "TEXT", "filled": "TEXT NOT NULL DEFAULT ''", "real": "REAL", "flag": "BOOLEAN DEFAULT 0",
    },
    "postgresql": {
        "integer": "integer", "text": "text", "filled": "text NOT NULL DEFAULT ''", "real": "double precision",
        "flag": "boolean DEFAULT false",
    },
}  # fmt: skip
ALEMBIC = {
    "integer": "sa.Integer", "text": "sa.Text", "filled": 'sa.Text, nullable=False, server_default=""', "real": "sa.Float",
    "flag": "sa.Boolean, server_default=sa.false()",
}  # fmt: skip


class Phrases(Protocol):
    """What a chain made at random can say."""

    batches: bool
    rebuilds: bool
    retypes: bool
    triggers: bool
    hints: Mapping[str, object]

    def create(self, name: str, columns: Mapping[str, str], target: str, *, permissive: bool) -> list[str]: ...
    def add(self, name: str, column: str, kind: str) -> list[str]: ...
    def add_if_missing(self, name: str, column: str, kind: str) -> list[str]: ...
    def index(self, index: str, name: str, column: str, *, partly: bool) -> list[str]: ...
    def drop_index(self, index: str, name: str) -> list[str]: ...
    def unique(self, constraint: str, name: str, column: str) -> list[str]: ...
    def rename_column(self, name: str, old: str, new: str, kind: str) -> list[str]: ...
    def drop_column(self, name: str, column: str) -> list[str]: ...
    def retype(self, name: str, column: str, size: int) -> list[str]: ...
    def default(self, name: str, column: str, value: str) -> list[str]: ...
    def rename_table(self, name: str, new: str) -> list[str]: ...
    def drop_table(self, name: str) -> list[str]: ...
    def rebuild(self, name: str, columns: Mapping[str, str], extra: str) -> list[str]: ...
    def view(self, view: str, name: str, column: str) -> list[str]: ...
    def trigger(self, trigger: str, name: str) -> list[str]: ...
    def insert(self, name: str, number: int) -> list[str]: ...
    def apart(self, writer: Writer, random: Random) -> list[str]: ...
    def body(self, lines: list[str]) -> str: ...
    def step(self, body: str) -> str | tuple[str, str]: ...


class Script:
    """SQL scripts in numbered files."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.batches = False
        self.rebuilds = dialect == "sqlite"
        self.retypes = dialect == "postgresql"
        self.triggers = True
        self.hints: Mapping[str, object] = {}
        self._kinds = SQL[dialect]

    def create(self, name: str, columns: Mapping[str, str], target: str, *, permissive: bool) -> list[str]:
        key = "id INTEGER PRIMARY KEY" if self.dialect == "sqlite" else "id serial PRIMARY KEY"
        said = [key, *(f"{column} {self._kinds[kind]}" for column, kind in columns.items())]
        said += [f"{target}_id INTEGER REFERENCES {target}(id)"] if target else []
        return [f"CREATE TABLE {'IF NOT EXISTS ' if permissive else ''}{name} ({', '.join(said)});"]

    def add(self, name: str, column: str, kind: str) -> list[str]:
        return [f"ALTER TABLE {name} ADD COLUMN {column} {self._kinds[kind]};"]

    def add_if_missing(self, name: str, column: str, kind: str) -> list[str]:
        if self.dialect == "postgresql":
            return [f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {column} {self._kinds[kind]};"]
        return [
            "#py",
            f"if {column!r} not in [row[1] for row in conn.execute('PRAGMA table_info({name})')]:",
            f"    conn.execute({self.add(name, column, kind)[0]!r})",
            "#sql",
        ]

    def index(self, index: str, name: str, column: str, *, partly: bool) -> list[str]:
        return [f"CREATE INDEX {index} ON {name} ({column}){f' WHERE {column} IS NOT NULL' if partly else ''};"]

    def drop_index(self, index: str, name: str) -> list[str]:
        return [f"DROP INDEX {index};"]

    def unique(self, constraint: str, name: str, column: str) -> list[str]:
        return [f"CREATE UNIQUE INDEX {constraint} ON {name} (id, {column});"]

    def rename_column(self, name: str, old: str, new: str, kind: str) -> list[str]:
        return [f"ALTER TABLE {name} RENAME COLUMN {old} TO {new};"]

    def drop_column(self, name: str, column: str) -> list[str]:
        return [f"ALTER TABLE {name} DROP COLUMN {column};"]

    def retype(self, name: str, column: str, size: int) -> list[str]:
        return [f"ALTER TABLE {name} ALTER COLUMN {column} TYPE varchar({size});"]

    def default(self, name: str, column: str, value: str) -> list[str]:
        return [f"ALTER TABLE {name} ALTER COLUMN {column} SET DEFAULT '{value}';"]

    def rename_table(self, name: str, new: str) -> list[str]:
        return [f"ALTER TABLE {name} RENAME TO {new};"]

    def drop_table(self, name: str) -> list[str]:
        return [f"DROP TABLE {name};"]

    def rebuild(self, name: str, columns: Mapping[str, str], extra: str) -> list[str]:
        listed = ", ".join(["id", *columns])
        said = ", ".join(["id INTEGER PRIMARY KEY", *(f"{column} TEXT" for column in columns), f"{extra} INTEGER"])
        return [
            f"CREATE TABLE {name}_new ({said});",
            f"INSERT INTO {name}_new ({listed}) SELECT {listed} FROM {name};",
            f"DROP TABLE {name};",
            f"ALTER TABLE {name}_new RENAME TO {name};",
        ]

    def view(self, view: str, name: str, column: str) -> list[str]:
        return [f"CREATE VIEW {view} AS SELECT id, {column} FROM {name};"]

    def trigger(self, trigger: str, name: str) -> list[str]:
        if self.dialect == "sqlite":
            return [f"CREATE TRIGGER {trigger} AFTER DELETE ON {name} BEGIN SELECT 1; END;"]
        return [
            f"CREATE FUNCTION {trigger}_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;",
            f"CREATE TRIGGER {trigger} BEFORE DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION {trigger}_f();",
        ]

    def insert(self, name: str, number: int) -> list[str]:
        return [f"INSERT INTO {name} (id) VALUES ({number});"]

    def apart(self, writer: Writer, random: Random) -> list[str]:
        return writer.migration()

    def body(self, lines: list[str]) -> str:
        return "\n".join(lines) or "-- nothing"

    def step(self, body: str) -> str | tuple[str, str]:
        if "#py" not in body:
            return body
        lines, python = ["", "def upgrade(conn):"], False
        for line in body.splitlines():
            if line in ("#py", "#sql"):
                python = line == "#py"
            else:
                lines.append("    " + (line if python else f"conn.execute({line!r})"))
        return "py", "\n".join(lines)


class Operations:
    """Operations of Alembic; on SQLite what it cannot alter goes through its batch mode."""

    rebuilds = False
    retypes = True
    triggers = False
    hints: Mapping[str, object] = {}

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.batches = True

    def _batch(self, name: str, line: str) -> list[str]:
        return [f'with op.batch_alter_table("{name}") as batch:', f"    batch.{line}"]

    def create(self, name: str, columns: Mapping[str, str], target: str, *, permissive: bool) -> list[str]:
        said = ['sa.Column("id", sa.Integer, primary_key=True)']
        said += [f'sa.Column("{column}", {ALEMBIC[kind]})' for column, kind in columns.items()]
        said += [f'sa.Column("{target}_id", sa.Integer, sa.ForeignKey("{target}.id", name="fk_{name}_{target}"))'] if target else []
        line = f'op.create_table("{name}", {", ".join(said)})'
        if not permissive:
            return [line]
        return [f'if "{name}" not in sa.inspect(op.get_bind()).get_table_names():', "    " + line]

    def add(self, name: str, column: str, kind: str) -> list[str]:
        return [f'op.add_column("{name}", sa.Column("{column}", {ALEMBIC[kind]}))']

    def add_if_missing(self, name: str, column: str, kind: str) -> list[str]:
        return [
            f'if "{column}" not in [item["name"] for item in sa.inspect(op.get_bind()).get_columns("{name}")]:',
            f"    {self.add(name, column, kind)[0]}",
        ]

    def index(self, index: str, name: str, column: str, *, partly: bool) -> list[str]:
        # Batch mode renames a column, but not in the condition of an index.
        where = f', {self.dialect}_where=sa.text("{column} IS NOT NULL")' if partly and self.dialect != "sqlite" else ""
        return [f'op.create_index("{index}", "{name}", ["{column}"]{where})']

    def drop_index(self, index: str, name: str) -> list[str]:
        return [f'op.drop_index("{index}", table_name="{name}")']

    def unique(self, constraint: str, name: str, column: str) -> list[str]:
        return self._batch(name, f'create_unique_constraint("{constraint}", ["id", "{column}"])')

    def rename_column(self, name: str, old: str, new: str, kind: str) -> list[str]:
        bare = ALEMBIC[kind].partition(",")[0]
        return self._batch(name, f'alter_column("{old}", new_column_name="{new}", existing_type={bare})')

    def drop_column(self, name: str, column: str) -> list[str]:
        return self._batch(name, f'drop_column("{column}")')

    def retype(self, name: str, column: str, size: int) -> list[str]:
        return self._batch(name, f'alter_column("{column}", type_=sa.String({size}), existing_type=sa.Text)')

    def default(self, name: str, column: str, value: str) -> list[str]:
        return self._batch(name, f'alter_column("{column}", server_default="{value}", existing_type=sa.Text)')

    def rename_table(self, name: str, new: str) -> list[str]:
        return [f'op.rename_table("{name}", "{new}")']

    def drop_table(self, name: str) -> list[str]:
        return [f'op.drop_table("{name}")']

    def rebuild(self, name: str, columns: Mapping[str, str], extra: str) -> list[str]:
        return self._batch(name, f'add_column(sa.Column("{extra}", sa.Integer))')

    def view(self, view: str, name: str, column: str) -> list[str]:
        return [f'op.execute("CREATE VIEW {view} AS SELECT id, {column} FROM {name}")']

    def trigger(self, trigger: str, name: str) -> list[str]:
        return []

    def insert(self, name: str, number: int) -> list[str]:
        return [f'op.execute("INSERT INTO {name} (id) VALUES ({number})")']

    def apart(self, writer: Writer, random: Random) -> list[str]:
        table = f"apart{random.randint(100, 999)}_{len(writer.tables)}_{random.randint(100, 999)}"
        return self.create(table, {"x": "integer", "y": "text"}, "", permissive=False)

    def body(self, lines: list[str]) -> str:
        return "\n".join(lines) or "pass"

    def step(self, body: str) -> str | tuple[str, str]:
        return "py", body


def phrases(dialect: str, tool: str) -> Phrases:
    """Return how the changes of a chain are written."""
    return Operations(dialect) if tool == "alembic" else Script(dialect)
