"""What the verbs share: opening the case as the options say, and the exit code of what was found."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from forensics.model import SEVERITIES

if TYPE_CHECKING:
    from forensics.session import Case


def open_for(options: argparse.Namespace) -> Case:
    """Open the case that the options name."""
    from forensics.opening import open_case

    return open_case(options.case, evidence=options.evidence, trust=options.trust_migrations)


def exit_code(documents: Iterable[Mapping[str, Any]], fail_on: str = "error") -> int:
    """Return 3 where some evidence could not be read, else 1 for findings at or above a severity, else 0."""
    found = [item for document in documents for item in document["findings"]]
    if unread(documents):
        return 3
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return 1 if any(item["severity"] in grave for item in found) else 0


def unread(documents: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether some evidence could not be read."""
    return any(
        document["environment"]["state"] == "unreadable"
        or any(item["cause"] == "unreadable" for item in document["findings"])
        for document in documents
    )
