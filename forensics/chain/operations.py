"""What the text of a migration would do, read without running it: SQL pieces, and Alembic's operations from the AST."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from forensics.chain.identity import Identity, identities
from forensics.sqltext import name_key, split_script

_MOST = 500  # turns of a loop over literals
_BACK = ("downgrade", "down", "rollback", "backward", "reverse")
# Operation -> (verb, kind, place of the name, place of the table or None), as positional arguments of `op`.
_CALLS = {
    "create_table": ("create", "table", 0, None), "drop_table": ("drop", "table", 0, None),
    "rename_table": ("rename", "table", 0, None), "add_column": ("add", "column", 1, 0),
    "drop_column": ("drop", "column", 1, 0), "alter_column": ("alter", "column", 1, 0),
    "create_index": ("create", "index", 0, 1), "drop_index": ("drop", "index", 0, 1),
    "create_unique_constraint": ("add", "constraint", 0, 1), "create_foreign_key": ("add", "constraint", 0, 1),
    "create_check_constraint": ("add", "constraint", 0, 1), "create_primary_key": ("add", "constraint", 0, 1),
    "create_exclude_constraint": ("add", "constraint", 0, 1), "drop_constraint": ("drop", "constraint", 0, 1),
}  # fmt: skip
_NAMES = {
    "table": ("table_name", "old_table_name"), "column": ("column_name", "column"), "index": ("index_name",),
    "constraint": ("constraint_name",),
}  # fmt: skip
_TABLES = ("table_name", "source_table")
_VERBS = ("create", "drop", "alter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing that a migration does: a statement (``sql``) or an operation, with the line where it stands.

    ``forward`` is False for what only its way back does.
    """

    identities: tuple[Identity, ...]
    sql: str = ""
    line: int = 0
    forward: bool = True


@lru_cache(maxsize=4096)
def pieces(language: str, text: str) -> tuple[Piece, ...]:
    """Return the definitions that the text of a migration spells out; nothing for a file that cannot be parsed.

    In Python these are the operations of Alembic whose names are literals, constants or items of literal loops, and
    the statements in string literals.
    """
    if language == "sql":
        return tuple(_sql(text, 0, True))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        reader = _Reader()
        reader.block(tree.body, {}, True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(reader.found)


def _sql(text: str, line: int, forward: bool) -> Iterator[Piece]:
    for sql in split_script(text):
        found = identities(sql)
        if found:
            yield Piece(identities=found, sql=sql, line=line, forward=forward)


@dataclass(slots=True)
class _Reader:
    """Walks through the statements of a file with what its names are known to hold."""

    found: list[Piece] = field(default_factory=list)
    batches: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def block(self, body: list[ast.stmt], known: Mapping[str, object], forward: bool) -> None:
        names = dict(known)
        for node in body:
            self.statement(node, names, forward)

    def statement(self, node: ast.stmt, names: dict[str, object], forward: bool) -> None:
        match node:
            case ast.Expr(value=ast.Constant()):
                return  # a docstring; "drop table x again" in it is no statement
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.block(node.body, names, forward and node.name.lower() not in _BACK)
            case ast.For():
                self.expression(node.iter, names, forward)
                turns = _items(node.iter, names)
                for item in turns[:_MOST] if turns else [None]:
                    self.block(node.body, {**names, **_bound(node.target, item)}, forward)
            case ast.With() | ast.AsyncWith():
                for part in node.items:
                    self.batch(part, names)
                    self.expression(part.context_expr, names, forward)
                self.block(node.body, names, forward)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(
                target=ast.Name(id=name), value=ast.expr() as value
            ):
                names[name] = _value(value, names)
                if kind := _type_name(value, names):
                    self.types[name] = kind
                self.expression(value, names, forward)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.expression(child, names, forward)
                for block in ("body", "orelse", "finalbody"):
                    if inner := getattr(node, block, None):
                        self.block(inner, names, forward)
                for handler in getattr(node, "handlers", ()):
                    self.block(handler.body, names, forward)

    def batch(self, part: ast.withitem, names: Mapping[str, object]) -> None:
        call, target = part.context_expr, part.optional_vars
        if isinstance(call, ast.Call) and _method(call) == "batch_alter_table" and isinstance(target, ast.Name):
            table = _argument(call, 0, _TABLES, names)
            self.batches[target.id] = table or ""

    def expression(self, node: ast.expr, names: Mapping[str, object], forward: bool) -> None:
        for child in _inside(node):
            if isinstance(child, ast.Call):
                self.call(child, names, forward)
            elif isinstance(child, ast.Constant | ast.JoinedStr | ast.BinOp):
                text = _value(child, names)
                if isinstance(text, str) and text.lstrip().lower().startswith((*_VERBS, "--", "/*")):
                    self.found += _sql(text, child.lineno, forward)

    def call(self, call: ast.Call, names: Mapping[str, object], forward: bool) -> None:
        method = _method(call)
        if method in ("create", "drop") and isinstance(call.func, ast.Attribute):
            owner = call.func.value
            kind = self.types.get(owner.id, "") if isinstance(owner, ast.Name) else _type_name(owner, names)
            if kind:
                self.note(Identity(method, "type", kind), call, forward)
            return
        if method not in _CALLS or not isinstance(call.func, ast.Attribute):
            return
        verb, kind, name_at, table_at = _CALLS[method]
        base = call.func.value
        batch = base.id if isinstance(base, ast.Name) and base.id in self.batches else None
        shift = 0 if batch is None or table_at is None else -1
        table = self.batches[batch] if batch is not None else ""
        if batch is None and table_at is not None:
            table = _argument(call, table_at, _TABLES, names) or ""
        place = name_at + shift if table_at is not None and table_at < name_at else name_at
        adds = method == "add_column"
        name = _column(call, place, names) if adds else _argument(call, place, _NAMES[kind], names)
        if name is None:
            return
        if method == "alter_column" and _keyword(call, "new_column_name") is not None:
            verb = "rename"
        guarded = any(_true(_keyword(call, word)) for word in ("if_exists", "if_not_exists"))
        owner_table = name_key(table) if kind in ("column", "constraint") else ""
        self.note(Identity(verb, kind, name_key(name), owner_table, guarded), call, forward)
        if method == "create_table":
            self.columns(call, name, names, forward)

    def columns(self, call: ast.Call, table: str, names: Mapping[str, object], forward: bool) -> None:
        """Note what comes with a new table: an index for each column that asks for one, and the types of its enums."""
        for argument in call.args[1:]:
            for child in ast.walk(argument):
                if not isinstance(child, ast.Call):
                    continue
                if _method(child) == "Column" and _true(_keyword(child, "index")):
                    column = _argument(child, 0, ("name",), names)
                    if column:
                        self.note(Identity("create", "index", name_key(f"ix_{table}_{column}")), child, forward)
                elif kind := _type_name(child, names):
                    self.note(Identity("create", "type", kind), child, forward)

    def note(self, identity: Identity, node: ast.expr, forward: bool) -> None:
        self.found.append(Piece(identities=(identity,), line=node.lineno, forward=forward))


def _inside(node: ast.expr) -> Iterator[ast.AST]:
    """Yield an expression and those in it, but not the parts of a text that is put together."""
    yield node
    if not isinstance(node, ast.JoinedStr | ast.BinOp):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _inside(child)
            elif isinstance(child, ast.keyword):
                yield from _inside(child.value)


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _argument(call: ast.Call, place: int, keywords: tuple[str, ...], names: Mapping[str, object]) -> str | None:
    node = call.args[place] if 0 <= place < len(call.args) else None
    if node is None:
        node = next((found for name in keywords if (found := _keyword(call, name)) is not None), None)
    value = _value(node, names) if node is not None else None
    return value if isinstance(value, str) else None


def _column(call: ast.Call, place: int, names: Mapping[str, object]) -> str | None:
    node = call.args[place] if place < len(call.args) else _keyword(call, "column")
    return _argument(node, 0, ("name",), names) if isinstance(node, ast.Call) else None


def _type_name(node: ast.expr, names: Mapping[str, object]) -> str:
    """Return the name of the type that ``Enum(..., name="x")`` means, unless it says that it makes none."""
    if not isinstance(node, ast.Call) or _method(node) not in ("Enum", "ENUM"):
        return ""
    named = _keyword(node, "name")
    value = _value(named, names) if named is not None else None
    off = [_keyword(node, word) for word in ("create_type", "native_enum")]
    silent = any(isinstance(item, ast.Constant) and item.value is False for item in off[1:])
    return name_key(value) if isinstance(value, str) and not silent else ""


def _value(node: ast.expr, names: Mapping[str, object]) -> object:
    """Return the text (or the list of texts) that an expression is known to be, else None."""
    match node:
        case ast.Constant(value=value):
            return value if isinstance(value, str) else None
        case ast.Name(id=name):
            return names.get(name)
        case ast.Call() if _method(node) in ("f", "text", "quoted_name", "dedent") and node.args:
            return _value(node.args[0], names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [_value(left, names), _value(right, names)]
        case ast.JoinedStr(values=values):
            parts = [_value(item.value if isinstance(item, ast.FormattedValue) else item, names) for item in values]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_value(item, names) for item in items]
        case _:
            return None
    return "".join(map(str, parts)) if all(isinstance(item, str) for item in parts) else None


def _items(node: ast.expr, names: Mapping[str, object]) -> list[object]:
    value = _value(node, names)
    return value if isinstance(value, list) else []


def _bound(target: ast.expr, item: object) -> dict[str, object]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, ast.Tuple) and isinstance(item, list) and len(item) == len(target.elts):
        return {part.id: value for part, value in zip(target.elts, item, strict=True) if isinstance(part, ast.Name)}
    return {}
