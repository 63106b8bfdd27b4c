"""The chain's graph: Does the graph have more than one base?"""

from __future__ import annotations

from forensics.rules.graph import graph_rule

RULE = graph_rule(
    cause="multiple-bases",
    question="Does the graph have more than one base?",
    remedy="Give the later base a parent, or move it to a folder of its own.",
    prevention="Let a test refuse a second base.",
)
