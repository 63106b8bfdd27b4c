"""The chain's graph: Does the graph run in a circle?"""

from __future__ import annotations

from forensics.rules.graph import graph_rule

RULE = graph_rule(
    cause="cycle",
    question="Does the graph run in a circle?",
    remedy="Break the circle at the file that was edited last.",
    prevention="Load the whole graph in a test.",
)
