"""Records to JSON and back, driven by their own type annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

R = TypeVar("R")


def encode(value: Any) -> Any:
    """Return a record, a tuple of records or a plain value as JSON-able data. Fields at their default are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        data = {}
        for item in dataclasses.fields(value):
            content = getattr(value, item.name)
            default = item.default_factory() if callable(item.default_factory) else item.default
            if content != default:
                data[item.name] = encode(content)
        return data
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value


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
