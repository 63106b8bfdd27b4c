"""What is concluded: changes, findings, stories, and a diagnosis that holds them."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.model.schema import Scalar, SchemaObject

SEVERITIES = ("critical", "error", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object that differs between what was expected and what is there.

    ``state``: ``missing`` (expected, not there), ``extra`` (there, not expected), ``altered``. ``attributes`` are the
    names of the altered attributes with the two values. ``renamed_from`` is set where the same definition stands
    under another name.
    """

    state: str
    expected: SchemaObject | None
    actual: SchemaObject | None
    attributes: tuple[tuple[str, Scalar, Scalar], ...] = ()

    @property
    def subject(self) -> SchemaObject:
        """The object that the change is about."""
        item = self.actual or self.expected
        assert item is not None
        return item

    @property
    def size(self) -> int:
        """How many elementary changes it is: one, or one for each altered attribute."""
        return max(1, len(self.attributes))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """An object as findings name it."""

    kind: str
    table: str | None
    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One piece of evidence: where it comes from, what it shows, and how to find it again."""

    source: str
    detail: str
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One root cause with everything the contract asks of it. ``migrations`` are labels (`Chain.label`)."""

    cause: str
    scope: str
    severity: str
    summary: str
    evidence: tuple[Proof, ...]
    confidence: float
    would_overturn: str
    remedy: str
    prevention: str
    migrations: tuple[str, ...] = ()
    objects: tuple[ObjectRef, ...] = ()
    evidence_against: tuple[Proof, ...] = ()
    contributing: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    origin: str = ""
    id: str = ""
