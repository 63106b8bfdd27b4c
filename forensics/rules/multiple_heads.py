"""The chain's graph: Does the graph have more than one head?"""

from __future__ import annotations

from forensics.adapters.revisions import lineage
from forensics.model import Chain, ChainProblem
from forensics.rules.graph import graph_rule


def _meant(chain: Chain, problem: ChainProblem) -> str:
    lines = [lineage(chain.by_id, name) for name in problem.migrations]
    apart = all(not one & other for place, one in enumerate(lines) for other in lines[:place])
    labelled = sum(any(chain.by_id[name].labels for name in line) for line in lines)
    return "each is a line of its own with a branch label" if apart and labelled >= len(lines) - 1 else ""


RULE = graph_rule(
    cause="multiple-heads",
    question="Does the graph have more than one head?",
    remedy="Merge the heads after checking that they do not write the same objects.",
    prevention="Let a test refuse a second head.",
    meant=_meant,
)
