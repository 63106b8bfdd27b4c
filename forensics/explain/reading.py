"""A migration that may not or cannot run here, reduced to what its text spells out: plain operations and literal SQL.

The reduced text runs in its place on the scratch database, so that later migrations find what they build on. Nothing is made
up: what the text does not spell out is left out, and then it says that it is not whole. Whatever is concluded that
way has the basis ``static``.
"""

from __future__ import annotations

import ast
import copy
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace

from forensics.model import Content, Migration
from forensics.replay.scope import harmless, operations_only

_DEPTH = 4
_MOST = 200
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)
_LITERALS = ("text", "DDL")
_QUIET = re.compile(r"(?:^|\.)(?:print|debug|info|warning|warn|error|log|commit|close|flush|sleep)$")
# What only asks, opens or describes: whatever comes of it, the schema stays as it is.
_ASKS = re.compile(
    r"^op\.get_(?:bind|context)$|(?:^|\.)(?:inspect|from_engine|get_\w+|has_\w+|fetch\w+|scalar\w*|first|one|all|connect|begin|Session"
    r"|sessionmaker|query|table|column|Table|Column|MetaData|select|len|list|dict|set|sorted|str|int|now|utcnow|uuid4)$"
)
_SCHEMA = re.compile(r"\b(?:op\.|batch|create|drop|alter|add_column|execute|upgrade)", re.IGNORECASE)


class Unreadable(Exception):
    """The text spells nothing out that could be run."""


def reduced(migration: Migration, dialect: str) -> tuple[Migration, bool] | None:
    """Return a migration with only what its text spells out, and whether that is all of it; None where it is nothing.

    ``dialect`` decides branches that ask for it. Nothing is run.
    """
    if migration.language != "python":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(migration.content.text)
        reader = _Reducer(tree, dialect, migration.entry or "upgrade")
        text = reader.text()
    except (SyntaxError, ValueError, RecursionError, MemoryError, Unreadable):
        return None
    if not operations_only(text):
        return None
    content = Content(text=text, sha256=migration.content.sha256, md5=migration.content.md5, origin=migration.content.origin)
    return replace(migration, content=content), reader.whole


class _Reducer:
    """Goes through a revision. ``whole`` becomes False where something is left out that could change the schema."""

    def __init__(self, tree: ast.Module, dialect: str, entry: str) -> None:
        self.whole = True
        self._dialect = dialect
        self._known = {"op", "sa", "True", "False", "None"}
        self._heads: list[ast.stmt] = []
        self._functions: dict[str, ast.FunctionDef] = {}
        self._values: dict[str, ast.expr] = {}
        for node in tree.body:
            self._head(node)
        found = self._functions.get(entry)
        if found is None:
            raise Unreadable
        self._body, _ = self._block(found.body, {}, 0)

    def text(self) -> str:
        """Return the reduced revision."""
        if not self._body:
            raise Unreadable
        names = [*self._heads, *ast.parse("from alembic import op\nimport sqlalchemy as sa").body]
        run = ast.parse("def upgrade():\n    pass").body[0]
        assert isinstance(run, ast.FunctionDef)
        run.body = self._body
        return ast.unparse(ast.fix_missing_locations(ast.Module(body=[*names, run], type_ignores=[]))) + "\n"

    def _head(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                if harmless(node):
                    self._heads.append(node)
                    self._known.update(item.asname or item.name.split(".")[0] for item in node.names)
            case ast.FunctionDef(name=name):
                self._functions[name] = node
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                if self._plain(value, {}):
                    self._heads.append(ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value))
                    self._known.add(name)
                    self._values[name] = value

    def _block(self, body: Iterable[ast.stmt], names: Mapping[str, ast.expr], depth: int) -> tuple[list[ast.stmt], bool]:
        """Return what is left of a block, and whether it ends the function."""
        own = dict(names)
        found: list[ast.stmt] = []
        for node in body:
            if len(found) > _MOST:
                self.whole = False
                break
            if isinstance(node, ast.Return | ast.Raise):
                return found, True
            more, ends = self._statement(node, own, depth)
            found += more
            if ends:
                return found, True
        return found, False

    def _statement(self, node: ast.stmt, names: dict[str, ast.expr], depth: int) -> tuple[list[ast.stmt], bool]:
        match node:
            case ast.Expr(value=ast.Call() as call):
                return self._call(call, names, depth), False
            case ast.Expr() | ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
                return [], False
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                return self._assigned(name, value, names, depth), False
            case ast.With(items=[ast.withitem(context_expr=ast.Call() as call, optional_vars=target)], body=body):
                return self._with(node, call, target, body, names, depth), False
            case ast.If(test=test, body=body, orelse=other):
                return self._if(test, body, other, names, depth)
            case ast.For(target=target, iter=items, body=body):
                return self._for(target, items, body, names, depth), False
            case ast.Try(body=body):
                self.whole = False
                return self._block(body, names, depth)
            case ast.FunctionDef(name=name):
                self._functions[name] = node
                return [], False
        self._left_out(node)
        return [], False

    def _left_out(self, node: ast.AST) -> None:
        if _SCHEMA.search(ast.unparse(node)):
            self.whole = False

    def _assigned(self, name: str, value: ast.expr, names: dict[str, ast.expr], depth: int) -> list[ast.stmt]:
        path = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        acts = path.startswith("op.") and path not in ("op.f", "op.inline_literal")
        if not acts and self._plain(value, names):
            names[name] = self._filled(value, names)
            return []
        names.pop(name, None)
        self._values.pop(name, None)
        self._known.discard(name)
        if not isinstance(value, ast.Call) or _ASKS.search(path):
            return []
        return self._call(value, names, depth)  # a table that is made has a name of its own, too

    def _call(self, call: ast.Call, names: Mapping[str, ast.expr], depth: int) -> list[ast.stmt]:
        path = ast.unparse(call.func)
        if path == "op.bulk_insert":
            return []  # rows, and not the schema
        if path.startswith("op.get_bind().") or path.split(".")[-1] in ("execute", "exec_driver_sql", "executescript"):
            return self._execute(call, names)
        if isinstance(call.func, ast.Attribute) and self._plain(call, names):
            made = self._filled(call, names)
            assert isinstance(made, ast.Call)
            made.keywords = [item for item in made.keywords if item.arg != "postgresql_concurrently"]
            return [ast.Expr(made)]
        if isinstance(call.func, ast.Name) and (called := self._functions.get(call.func.id)) is not None and depth < _DEPTH:
            bound = self._bound(called, call, names)
            if bound is not None:
                return self._block(called.body, bound, depth + 1)[0]
        if not _QUIET.search(path):
            self.whole = False
        return []

    def _execute(self, call: ast.Call, names: Mapping[str, ast.expr]) -> list[ast.stmt]:
        filled = self._filled(call, names)
        sql = _sql_of(filled) if isinstance(filled, ast.Call) else None
        if sql is None:
            if self._plain(call, names) and ast.unparse(call.func) == "op.execute":
                return [ast.Expr(self._filled(call, names))]
            self.whole = False
            return []
        if _reads(sql) or len(call.args) > 1 or ":" in _bare(sql):
            return []  # rows, and not the schema
        made = ast.parse("op.execute(sa.text(''))", mode="eval").body
        assert isinstance(made, ast.Call)
        assert isinstance(made.args[0], ast.Call)
        made.args[0].args = [ast.Constant(_CONCURRENTLY.sub("", sql))]
        made.args = [ast.Constant(_CONCURRENTLY.sub("", sql))]
        return [ast.Expr(made)]

    def _with(
        self, node: ast.With, call: ast.Call, target: ast.expr | None, body: list[ast.stmt], names: Mapping[str, ast.expr], depth: int
    ) -> list[ast.stmt]:
        path = ast.unparse(call.func)
        if path == "op.batch_alter_table" and isinstance(target, ast.Name) and self._plain(call, names):
            self._known.add(target.id)
            inner = self._block(body, names, depth)[0]
            item = ast.withitem(context_expr=self._filled(call, names), optional_vars=target)
            return [ast.With(items=[item], body=inner)] if inner else []
        if path.endswith(("autocommit_block", "begin", "begin_nested", "begin_transaction", "connect", "suppress")):
            return self._block(body, names, depth)[0]
        self._left_out(node)
        return []

    def _if(
        self, test: ast.expr, body: list[ast.stmt], other: list[ast.stmt], names: Mapping[str, ast.expr], depth: int
    ) -> tuple[list[ast.stmt], bool]:
        known = self._decided(test)
        if known is not None:
            return self._block(body if known else other, names, depth)
        before = self.whole
        either = [self._block(each, names, depth)[0] for each in (body, other)]
        self.whole = before and self.whole and not any(either)
        # What asks whether something is missing makes it in an empty database.
        missing = isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn | ast.Is))
        return (either[0] if missing else [] if either[0] and either[1] else either[1]), False

    def _decided(self, test: ast.expr) -> bool | None:
        """Return what a condition comes to that asks for the dialect, or whether it runs offline."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                known = self._decided(inner)
                return None if known is None else not known
            case ast.BoolOp(op=kind, values=values):
                answers = [self._decided(item) for item in values]
                if isinstance(kind, ast.And):
                    return False if False in answers else True if None not in answers else None
                return True if True in answers else False if None not in answers else None
            case ast.Compare(left=left, ops=[kind], comparators=[right]) if re.search(r"dialect(?:\.name)?$", ast.unparse(left)):
                try:
                    said = ast.literal_eval(right)
                except ValueError:
                    return None
                if isinstance(kind, ast.Eq | ast.In):
                    return self._dialect in (said if isinstance(said, tuple | list | set) else (said,))
                if isinstance(kind, ast.NotEq | ast.NotIn):
                    return self._dialect not in (said if isinstance(said, tuple | list | set) else (said,))
            case ast.Call() if ast.unparse(test).endswith("is_offline_mode()"):
                return False
            case ast.Constant(value=bool() as value):
                return value
        return None

    def _for(self, target: ast.expr, items: ast.expr, body: list[ast.stmt], names: Mapping[str, ast.expr], depth: int) -> list[ast.stmt]:
        turns = self._filled(items, names)
        if isinstance(turns, ast.Name):
            turns = self._values.get(turns.id, turns)
        found: list[ast.stmt] = []
        if not isinstance(turns, ast.List | ast.Tuple | ast.Set) or not self._plain(turns, names):
            self._left_out(ast.Module(body=list(body), type_ignores=[]))
            return []
        for item in turns.elts:
            bound = _unpacked(target, item)
            if bound is None:
                self.whole = False
                return found
            found += self._block(body, {**names, **bound}, depth)[0]
        return found

    def _bound(self, called: ast.FunctionDef, call: ast.Call, names: Mapping[str, ast.expr]) -> dict[str, ast.expr] | None:
        """Return the parameters of a function of the file with what a call gives for them; None where that is not plain."""
        wanted = [item.arg for item in (*called.args.args, *called.args.kwonlyargs)]
        given = dict(zip(wanted, call.args, strict=False))
        given.update({item.arg: item.value for item in call.keywords if item.arg})
        standing = called.args.defaults
        for name, value in zip(wanted[len(called.args.args) - len(standing) : len(called.args.args)], standing, strict=False):
            given.setdefault(name, value)
        for item, standing_for in zip(called.args.kwonlyargs, called.args.kw_defaults, strict=True):
            if standing_for is not None:
                given.setdefault(item.arg, standing_for)
        if called.args.vararg or called.args.kwarg or any(item.arg is None for item in call.keywords):
            return None
        # A connection that is handed on is nothing that the text spells, and need not be.
        return {name: self._filled(value, names) for name, value in given.items() if self._plain(value, names)}

    def _plain(self, node: ast.expr, names: Mapping[str, ast.expr]) -> bool:
        """Whether an expression holds nothing but literals, calls of known modules, and what is known already."""
        filled = self._filled(node, names)
        parts = list(ast.walk(filled))
        if not all(harmless(part) for part in parts if isinstance(part, ast.expr)):
            return False
        if any(isinstance(part, ast.Lambda | ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.IfExp) for part in parts):
            return False
        return {part.id for part in parts if isinstance(part, ast.Name)} <= self._known

    @staticmethod
    def _filled(node: ast.expr, names: Mapping[str, ast.expr]) -> ast.expr:
        """Return an expression with the names in it that stand for something replaced by that."""

        class Filler(ast.NodeTransformer):
            def visit_Name(self, part: ast.Name) -> ast.expr:
                """Return what a name stands for."""
                return copy.deepcopy(names[part.id]) if part.id in names else part

        made: ast.expr = Filler().visit(copy.deepcopy(node))
        return made


def _sql_of(call: ast.Call) -> str | None:
    """Return the literal SQL that a call executes, else None."""
    if not call.args:
        return None
    first = call.args[0]
    if isinstance(first, ast.Call) and ast.unparse(first.func).split(".")[-1] in _LITERALS and first.args:
        first = first.args[0]
    return _literal(first)


def _literal(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [_literal(left), _literal(right)]
        case ast.JoinedStr(values=values):
            parts = [_literal(item.value if isinstance(item, ast.FormattedValue) else item) for item in values]
        case _:
            return None
    return "".join(map(str, parts)) if all(item is not None for item in parts) else None


def _reads(sql: str) -> bool:
    return sql.lstrip().lower().startswith(("select", "insert", "update", "delete", "show", "with"))


def _bare(sql: str) -> str:
    """Return SQL without its texts, comments and casts, in which a colon would name a parameter."""
    return re.sub(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|--[^\n]*|::|:=", "", sql, flags=re.DOTALL)


def _unpacked(target: ast.expr, item: ast.expr) -> dict[str, ast.expr] | None:
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, ast.Tuple) and isinstance(item, ast.Tuple | ast.List) and len(item.elts) == len(target.elts):
        return {part.id: value for part, value in zip(target.elts, item.elts, strict=True) if isinstance(part, ast.Name)}
    return None
