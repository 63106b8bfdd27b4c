"""Whether a Python migration does nothing but call Alembic's operations, so that it may run without isolation."""

from __future__ import annotations

import ast

_IMPORTS = ("alembic", "sqlalchemy", "typing", "collections", "__future__", "datetime", "decimal", "enum", "uuid")
_UNSAFE = frozenset({"get_bind", "get_context", "invoke", "run_async", "implementation_for", "register_operation"})
_ENGINES = frozenset({"create_engine", "engine_from_config", "create_async_engine"})
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
        if not isinstance(node, _NODES):
            return False
        if isinstance(node, ast.Import):
            if any(item.name.split(".")[0] not in _IMPORTS for item in node.names):
                return False
            roots.update(item.asname or item.name.split(".")[0] for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or (node.module or "").split(".")[0] not in _IMPORTS:
                return False
            roots.update(item.asname or item.name for item in node.names)
        elif isinstance(node, ast.Attribute) and (node.attr in _UNSAFE | _ENGINES or node.attr.startswith("_")):
            return False
        elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            roots.add(node.optional_vars.id)
        elif isinstance(node, ast.FunctionDef) and node.decorator_list:
            return False
    if roots & _ENGINES:
        return False
    return all(_root(node.func) in roots for node in ast.walk(tree) if isinstance(node, ast.Call))


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""
