"""Catalogues: one file a database dialect, which turns what a database says of itself into a `Snapshot`."""

from __future__ import annotations

from forensics.catalogs.reader import Reader

__all__ = ["Reader"]
