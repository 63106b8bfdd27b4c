"""The chain's graph: Does the graph have more than one base?"""

from __future__ import annotations

from forensics.model import Chain, ChainProblem
from forensics.rules.graph import graph_rule


def _meant(chain: Chain, problem: ChainProblem) -> str:
    if len(chain.heads) == 1:
        return "they all lead to one head"
    unnamed = [name for name in problem.migrations if not chain.by_id[name].labels]
    return "the further ones have a branch label, as separate lines do" if len(unnamed) < 2 else ""


RULE = graph_rule(
    cause="multiple-bases",
    question="Does the graph have more than one base?",
    remedy="Give the later base a parent, or, where it is meant as a line of its own, a branch label.",
    prevention="Let a test refuse a second base.",
    meant=_meant,
)
