"""Records to JSON and back, driven by their own type annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

R = TypeVar("R")


def encode(value: Any) -> Any:
    """Return a record, a tuple of records or a plain value as JSON-able data. Fields at their default are left out."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in _PLAIN else encode(item) for item in value]
    fields = _fields(kind)
    if fields is not None:
        data = {}
        for name, default, make in fields:
            content = getattr(value, name)
            if content is not default and content != (default if make is None else make()):
                data[name] = content if type(content) in _PLAIN else encode(content)
        return data
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


_PLAIN = frozenset((str, int, bool, float, type(None)))


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, Callable[[], Any] | None], ...] | None:
    """Return the fields of a record with their defaults, or how these are made; None for what is no record."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple([
        (item.name, item.default, item.default_factory if callable(item.default_factory) else None)
        for item in dataclasses.fields(kind)
    ])


def decode(kind: type[R], data: Any) -> R:
    """Return the record of type ``kind`` that `encode` turned into ``data``."""
    return typing.cast(R, _decode(kind, data))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _decode(hints[name], item) for name, item in data.items()})
    if kind is datetime:
        return datetime.fromisoformat(data)
    origin = typing.get_origin(kind)
    if origin is tuple and isinstance(data, list):
        inner = typing.get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_decode(inner[0], item) for item in data)
        return tuple(_decode(part, item) for part, item in zip(inner, data, strict=True))
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(kind):
            if part is type(None):
                if data is None:
                    return None
            elif isinstance(data, list) != (typing.get_origin(part) is tuple):
                continue
            elif data is not None:
                return _decode(part, data)
    return data
