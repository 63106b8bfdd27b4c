"""The records that everything else is made of: frozen, slotted, and the same in memory and on disk."""

from __future__ import annotations

from forensics.model.codec import decode, encode
from forensics.model.evidence import ChainEvidence, Evidence, Exhibit, Observation, SourceStatement
from forensics.model.finding import SEVERITIES, Change, Finding, ObjectRef, Proof
from forensics.model.migration import (
    Applied,
    Chain,
    ChainProblem,
    Content,
    Event,
    FileVersion,
    Hints,
    History,
    Migration,
)
from forensics.model.schema import KINDS, Attrs, Group, Key, Scalar, SchemaObject, Snapshot, by_kind_of, digest, made
from forensics.model.writers import Moment, RowWritten, Writers, Written

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Applied",
    "Attrs",
    "Chain",
    "ChainEvidence",
    "ChainProblem",
    "Change",
    "Content",
    "Event",
    "Evidence",
    "Exhibit",
    "FileVersion",
    "Finding",
    "Group",
    "Hints",
    "History",
    "Key",
    "Migration",
    "Moment",
    "ObjectRef",
    "Observation",
    "Proof",
    "RowWritten",
    "Scalar",
    "SchemaObject",
    "Snapshot",
    "SourceStatement",
    "Writers",
    "Written",
    "by_kind_of",
    "decode",
    "digest",
    "encode",
    "made",
]
