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
from forensics.plots.strip import strip
from forensics.report.abroad import foreign, logged
from forensics.report.analysis import migrations, story
from forensics.report.conclusions import findings, next_failure, prevention, what_to_do
from forensics.report.facts import assumptions, chronicle, exhibits, what_was_read
from forensics.report.overview import environments, groups, next_steps, overview
from forensics.report.plan import criteria, plan
from forensics.report.summary import summary
from forensics.report.text import Section

__all__ = [
    "Section", "assumptions", "chain", "chronicle", "criteria", "environments", "exhibits", "findings", "foreign", "groups", "logged",
    "matrix", "migrations",
    "next_failure", "next_steps", "overview", "plan", "prevention", "story", "summary", "timeline", "what_to_do",
    "what_was_read",
]  # fmt: skip


def matrix(source: Diagnosis | Fleet) -> Plot | None:
    """Draw which migration ran where; None where no migration is known."""
    known = source.marks and not source.silent if isinstance(source, Diagnosis) else source.diagnoses
    return draw_matrix(source) if known else None


def chain(diagnosis: Diagnosis) -> Plot | None:
    """Draw what the tracker implies of the chain that it speaks of in place of the active one; None where it speaks of none."""
    told = next((item["chains"][0] for item in diagnosis.document.get("foreign") or () if item["chains"]), None)
    if told is None:
        return None
    rows = [{**item, "copy_of": None} for item in told["migrations"]]
    document = {**diagnosis.document, "migrations": rows, "next_failure": None, "first_run": None, "failures": []}
    title = f"{diagnosis.environment}: what the tracker implies, what the schema shows"
    return strip(Diagnosis(document), title=title, subtitle=f"the chain {told['path']}", name="other_chain")


def timeline(events: Sequence[Event]) -> Plot | None:
    """Draw what happened when; None where nothing happened."""
    return draw_timeline(events) if events else None
