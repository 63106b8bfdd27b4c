"""Whether a Python migration does nothing but call Alembic's operations, so that it may run without isolation."""

from __future__ import annotations

import ast
import sys

_IMPORTS = ("alembic", "sqlalchemy", "typing", "collections", "__future__", "datetime", "decimal", "enum", "uuid")
_UNSAFE = frozenset({"get_bind", "get_context", "invoke", "run_async", "implementation_for", "register_operation"})
_ENGINES = frozenset({"create_engine", "engine_from_config", "create_async_engine"})
_WITHIN = frozenset({
    "dialects", "postgresql", "mysql", "mssql", "oracle", "sqlite", "expression", "func", "schema", "sql", "types",
})  # fmt: skip
_NODES = (
    ast.Module, ast.Import, ast.ImportFrom, ast.alias, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.arguments,
    ast.arg, ast.Expr, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.Load, ast.Store, ast.keyword, ast.List,
    ast.Tuple, ast.Dict, ast.With, ast.withitem, ast.Pass, ast.Return, ast.UnaryOp, ast.USub, ast.UAdd, ast.Not,
    ast.Subscript, ast.BinOp, ast.BitOr, ast.Add, ast.Sub, ast.JoinedStr, ast.FormattedValue,
)  # fmt: skip


def operations_only(text: str) -> bool:
    """Whether a migration's text is straight-line calls of ``op`` and ``sa``: no control flow, no bind, no helper.

    A text that does not parse is not. Reading it runs nothing.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    roots: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, _NODES) or not harmless(node):
            return False
        if isinstance(node, ast.Import | ast.ImportFrom):
            roots.update(item.asname or item.name.split(".")[0] for item in node.names)
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            roots.add(node.optional_vars.id)
    return all(_root(node.func) in roots for node in ast.walk(tree) if isinstance(node, ast.Call))


def harmless(node: ast.AST) -> bool:
    """Whether one part of a text reaches for nothing but Alembic's operations and SQLAlchemy's names."""
    if isinstance(node, ast.Import):
        return all(item.name.split(".")[0] in _IMPORTS for item in node.names)
    if isinstance(node, ast.ImportFrom):
        # A module hands out what it imports itself: ``from datetime import sys``.
        modules = {item.name for item in node.names} & (sys.stdlib_module_names - set(_IMPORTS))
        engines = {item.name for item in node.names} & _ENGINES
        return not node.level and (node.module or "").split(".")[0] in _IMPORTS and not modules and not engines
    if isinstance(node, ast.Attribute):
        inner = node.value
        within = not isinstance(inner, ast.Attribute) or inner.attr in _WITHIN
        return within and node.attr not in _UNSAFE | _ENGINES and not node.attr.startswith("_")
    return not (isinstance(node, ast.FunctionDef) and node.decorator_list)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""
