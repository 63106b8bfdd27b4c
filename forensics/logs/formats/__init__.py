"""The formats that can be read, one small file each.

A format is a module of this folder with a ``FORMAT``, or an entry point of the group ``forensics.logs`` that names
one, so that another package can add its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from forensics.logs.entry import Format


@cache
def formats() -> tuple[Format, ...]:
    """Return every format in the order in which they are tried on a line."""
    names = sorted(item.name for item in pkgutil.iter_modules(__path__))
    found: list[Format] = [importlib.import_module(f"{__name__}.{name}").FORMAT for name in names]
    found += [point.load() for point in sorted(entry_points(group="forensics.logs"), key=lambda item: item.name)]
    return tuple(sorted(found, key=lambda item: (item.rank, item.name)))
