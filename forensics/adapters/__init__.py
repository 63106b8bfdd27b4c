"""The migration tools that are known: one module each in this folder, and entry points ``forensics.adapters``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from forensics.adapters.base import Adapter
from forensics.errors import UsageError


@cache
def adapters() -> Mapping[str, Adapter]:
    """Return every adapter by its name, in alphabetical order.

    Adding a tool is adding a module with an ``ADAPTER``, here or in another package that declares an entry point.
    Two adapters of one name raise `UsageError`.
    """
    found: dict[str, tuple[Adapter, str]] = {}
    for item in pkgutil.iter_modules(__path__, prefix=__name__ + "."):
        adapter = getattr(importlib.import_module(item.name), "ADAPTER", None)
        if isinstance(adapter, Adapter):
            _add(found, adapter, item.name)
    for point in entry_points(group="forensics.adapters"):
        loaded = point.load()
        adapter = getattr(loaded, "ADAPTER", loaded)
        if not isinstance(adapter, Adapter):
            raise UsageError(
                f"The entry point {point.name} ({point.value}) is not an adapter",
                remedy="let it name a module with an ADAPTER, or an Adapter",
            )
        _add(found, adapter, point.value)
    return MappingProxyType({name: found[name][0] for name in sorted(found)})


def _add(found: dict[str, tuple[Adapter, str]], adapter: Adapter, where: str) -> None:
    if adapter.name in found:
        raise UsageError(
            f"Two adapters are called {adapter.name}: {found[adapter.name][1]} and {where}",
            remedy="uninstall one of the two packages",
        )
    found[adapter.name] = (adapter, where)


__all__ = ["Adapter", "adapters"]
