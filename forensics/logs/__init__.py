"""Logs of many formats, read in one pass; each format is one small file of the folder ``formats``."""

from __future__ import annotations

from forensics.logs.reading import Told, read
from forensics.logs.sift import sift

__all__ = ["Told", "read", "sift"]
