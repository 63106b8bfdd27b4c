"""The sections of a report, as notebooks call them: ``show.summary(diagnosis)`` and so on.

Each is a pure function of a diagnosis (or a fleet, or events) and gives Markdown that a notebook renders, or None where
there is nothing to say; a report leaves a heading out when nothing stands below it.
"""

from __future__ import annotations

from collections.abc import Sequence

from forensics.diagnosis import Diagnosis, Fleet
from forensics.model import Event
from forensics.plots import Plot
from forensics.plots import matrix as draw_matrix
from forensics.plots import timeline as draw_timeline
from forensics.report.analysis import migrations, story
from forensics.report.conclusions import findings, next_failure, prevention, what_to_do
from forensics.report.facts import assumptions, chronicle, exhibits, what_was_read
from forensics.report.overview import environments, groups, next_steps, overview
from forensics.report.summary import summary
from forensics.report.text import Section

__all__ = [
    "Section", "assumptions", "chronicle", "environments", "exhibits", "findings", "groups", "matrix", "migrations",
    "next_failure", "next_steps", "overview", "prevention", "story", "summary", "timeline", "what_to_do",
    "what_was_read",
]  # fmt: skip


def matrix(source: Diagnosis | Fleet) -> Plot | None:
    """Draw which migration ran where; None where no migration is known."""
    known = source.marks and not source.silent if isinstance(source, Diagnosis) else source.diagnoses
    return draw_matrix(source) if known else None


def timeline(events: Sequence[Event]) -> Plot | None:
    """Draw what happened when; None where nothing happened."""
    return draw_timeline(events) if events else None
