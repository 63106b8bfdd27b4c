"""The causes that can be found, one small file each.

A rule is a module of this folder with a ``RULE``, or an entry point of the group ``forensics.rules`` that names one, so
that another package can add its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from forensics.errors import UsageError
from forensics.rules.base import Rule

NOT_RULES = {"advice", "base", "facts", "graph", "logged", "moments", "numbering", "shapes", "writing"}


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule by its cause, in alphabetical order. Two rules for one cause are an error."""
    modules = sorted(item.name for item in pkgutil.iter_modules(__path__) if item.name not in NOT_RULES)
    found: list[Rule] = [importlib.import_module(f"{__name__}.{name}").RULE for name in modules]
    found += [point.load() for point in sorted(entry_points(group="forensics.rules"), key=lambda item: item.name)]
    known: dict[str, Rule] = {}
    for rule in found:
        if rule.cause in known:
            raise UsageError(f"two rules for the cause {rule.cause!r}", remedy="uninstall or rename one of them")
        known[rule.cause] = rule
    return dict(sorted(known.items()))
