"""The chain's graph: Does the graph have more than one head?"""

from __future__ import annotations

from forensics.rules.graph import graph_rule

RULE = graph_rule(
    cause="multiple-heads",
    question="Does the graph have more than one head?",
    remedy="Merge the heads after checking that they do not write the same objects.",
    prevention="Let a test refuse a second head.",
)
