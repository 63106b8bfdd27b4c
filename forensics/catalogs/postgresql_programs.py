"""The objects of PostgreSQL that are no tables: views, sequences, types and functions, each a group of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from forensics.catalogs.postgresql_expressions import expression, query
from forensics.catalogs.postgresql_names import label, literal
from forensics.catalogs.postgresql_normal import condition, default_value, spelled, type_name
from forensics.catalogs.postgresql_objects import OwnSequence, own_name
from forensics.model import Attrs, Scalar, SchemaObject, digest

Row = Sequence[Any]

_BODY = re.compile(r"^ ?AS (?:'(?:[^'\\]|''|\\.)*', )?(\$\w*\$)(.*)\1\s*\Z", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"\b(check_option|security_barrier|security_invoker)=(\w+)")
_TRUTH = {"on": "true", "1": "true", "yes": "true", "off": "false", "0": "false", "no": "false"}


def view(name: str, kind: str, text: str | None, options: str | None, comment: str) -> SchemaObject:
    """Return the object of a view or a materialised view: its meaning is its query as the server deparses it."""
    ident, own = own_name(name)
    written = (text or "").strip().removesuffix(";")
    meaning: Attrs = (("sql", query(written)),)
    said = {found[1]: _TRUTH.get(found[2].lower(), found[2].lower()) for found in _OPTION.finditer(options or "")}
    meaning += tuple(sorted(item for item in said.items() if item[1] != "false"))
    return SchemaObject(
        kind="view" if kind == "v" else "materialized_view", table=None, name=name, ident=ident,
        meaning=meaning + own, trace=(*spelled("sql", meaning[0][1], written), *_comment(comment)),
    )  # fmt: skip


def sequence_object(found: OwnSequence, owner: str, comment: str) -> SchemaObject:
    """Return the object of a sequence that is not just the inside of a column; ``owner`` is ``table.column``."""
    ident, own = own_name(found.label)
    meaning: Attrs = (("type", found.type), *found.exact)
    if owner:
        meaning += (("owned_by", owner),)
    return SchemaObject(
        kind="sequence", table=None, name=found.label, ident=ident, meaning=meaning + own, trace=_comment(comment)
    )


def enum(name: str, values: Sequence[str], comment: str) -> SchemaObject:
    """Return the object of an enumeration; the order of its values is part of its meaning."""
    ident, own = own_name(name)
    meaning: Attrs = (("values", ", ".join(map(literal, values))),)
    return SchemaObject(
        kind="enum", table=None, name=name, ident=ident, meaning=meaning + own, trace=_comment(comment)
    )


def domain(name: str, row: Row, collation: str, rules: Sequence[tuple[str, str]], comment: str) -> SchemaObject:
    """Return the object of a domain; ``rules`` are the names and definitions of its checks."""
    _, _, _, _, _, notnull, base, default, _, _ = row
    ident, own = own_name(name)
    kind = type_name(base)
    value = default_value(default, kind)
    meaning: list[tuple[str, Scalar]] = [("type", kind), ("notnull", notnull), ("default", value)]
    if collation:
        meaning.append(("collation", collation))
    if rules:
        meaning.append(("checks", " AND ".join(sorted(expression(text.removeprefix("CHECK ")) for _, text in rules))))
    trace: list[tuple[str, Scalar]] = []
    if default is not None and default != value:
        trace.append(("default", default))
    trace += [(f"check {each}", text) for each, text in rules]
    return SchemaObject(
        kind="domain", table=None, name=name, ident=ident, meaning=(*meaning, *own), trace=(*trace, *_comment(comment))
    )


def composite(name: str, fields: str, comment: str) -> SchemaObject:
    """Return the object of a composite type: a domain with its ``fields`` as SQL."""
    ident, own = own_name(name)
    return SchemaObject(
        kind="domain", table=None, name=name, ident=ident, meaning=(("composite", fields), *own),
        trace=_comment(comment),
    )  # fmt: skip


def value_range(name: str, base: str, comment: str) -> SchemaObject:
    """Return the object of a range type: a domain with the type that it ranges over."""
    ident, own = own_name(name)
    return SchemaObject(
        kind="domain", table=None, name=name, ident=ident, meaning=(("range", type_name(base)), *own),
        trace=_comment(comment),
    )  # fmt: skip


def function(schema: str, row: Row, comment: str) -> SchemaObject | None:
    """Return the object of a row of the query ``functions``, or None for an aggregate, which is not compared.

    Its name has the types of its arguments, which tell overloads apart; of the body only a digest is meaning.
    """
    _, _, short, kind, arguments, language, result, text = row
    if text is None:
        return None
    name = f"{label(schema, short)}({arguments})"
    ident, own = own_name(name)
    body = _BODY.search(text)
    # A body without quotation marks is kept as a query and deparsed like a view.
    code = body[2] if body else query(text.partition("\n")[2])
    head = text[: body.start()] if body else text
    meaning: list[tuple[str, Scalar]] = [("language", language), ("returns", result)]
    if kind != "f":
        meaning.append(("procedure" if kind == "p" else "window", True))
    said = " ".join(head.split("LANGUAGE", 1)[-1].split()[1:]) if body else ""
    defaults = condition(head.partition("\n")[0].partition(short)[2].lstrip('"'))
    if " DEFAULT " in defaults:
        meaning.append(("arguments", defaults))
    if said:
        meaning.append(("options", said))
    meaning.append(("body", digest("\n".join(line.rstrip() for line in code.strip().splitlines()))[:16]))
    return SchemaObject(
        kind="function", table=None, name=name, ident=ident, meaning=(*meaning, *own),
        trace=(("definition", text.strip()), *_comment(comment)),
    )  # fmt: skip


def _comment(text: str) -> Attrs:
    return (("comment", text),) if text else ()
