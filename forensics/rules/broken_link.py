"""The chain's graph: Does a migration name a parent that is not there?"""

from __future__ import annotations

from forensics.rules.graph import graph_rule

RULE = graph_rule(
    cause="broken-link",
    question="Does a migration name a parent that is not there?",
    remedy="Restore the missing file from git, or correct the link where no environment has run it.",
    prevention="Load the whole graph in a test.",
)
