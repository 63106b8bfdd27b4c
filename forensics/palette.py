"""The colours of marks and severities: told apart by people who see colours differently, and never used alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """How a mark is drawn: what fills it, what is written on it, its edge, and a hatch where it needs one."""

    fill: str
    text: str
    edge: str
    hatch: str = ""


MARKS: Final[Mapping[str, Ink]] = {
    "ran": Ink(fill="#d5e5f0", text="#1f4d70", edge="#b9d2e3"),
    "never-ran": Ink(fill="#b8330c", text="#ffffff", edge="#8f2606"),
    "partly": Ink(fill="#f5b942", text="#4a2f00", edge="#c98f17", hatch="////"),
    "unrecorded": Ink(fill="#6a4c93", text="#ffffff", edge="#50376f"),
    "untold": Ink(fill="#e4e4e4", text="#4d4d4d", edge="#bdbdbd", hatch="...."),
    "waiting": Ink(fill="#ffffff", text="#6b7280", edge="#cdd2d8"),
    "silent": Ink(fill="#ffffff", text="#6b7280", edge="#cdd2d8", hatch="...."),
}

SEVERITIES: Final[Mapping[str, Ink]] = {
    "critical": Ink(fill="#b8330c", text="#ffffff", edge="#8f2606"),
    "error": Ink(fill="#f5b942", text="#4a2f00", edge="#c98f17"),
    "warning": Ink(fill="#fbe6b3", text="#4a2f00", edge="#dcbf74"),
    "info": Ink(fill="#e4e4e4", text="#3d3d3d", edge="#bdbdbd"),
}

STATES: Final[Mapping[str, Ink]] = {
    "ok": MARKS["ran"],
    "pending": MARKS["waiting"],
    "needs-fixing": MARKS["never-ran"],
    "not-initialised": SEVERITIES["info"],
    "unreadable": MARKS["unrecorded"],
}
