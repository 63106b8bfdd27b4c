"""What a rule is: a cause, the question that it answers, and a function from facts to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from forensics.model import Finding
from forensics.rules.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cause. ``severity`` is the contract's default; ``check`` may lower it, and its finding says why."""

    cause: str
    severity: str
    question: str
    check: Callable[[Facts], Iterable[Finding]]
