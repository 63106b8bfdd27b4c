"""The page of the documentation: what was measured, the tables, and every miss by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.accuracy.tables import DEPTHS, baselines, cell, family, markdown, summary

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.accuracy.running import Order

HEAD = """# How right the diagnosis is

Made by `python -m benchmarks.accuracy`; do not edit it by hand. Databases are built with a chain of migrations, faults are planted
in them, one, two or three, and `diagnose` is asked what happened. What is right follows from the building alone, never from the
toolkit; where the evidence cannot tell, the right answer is that it cannot.

A case is *right* where everything is: what is said of every migration, every finding at `warning` or above with its cause and its
migration and none besides, the objects that were changed from outside, the reconstruction, and the next failure. The columns:
*executed*, migrations with the right answer; *precision* and *recall*, of pairs of cause and migration; *objects*, tables and other
objects changed from outside that a finding names; *rebuilt*, stories that rebuild the schema; *abstained*, undecidable migrations of
which that is said, and *guessed*, those of which it is not; *withheld*, migrations that the evidence decides and the diagnosis did
not; *next failure*, the migration and the error of the next run.
"""


def page(scores: pd.DataFrame, order: Order, reasons: Mapping[str, str]) -> str:
    """Return the page. ``reasons`` say of cases, by a part of their name, why they come out wrong."""
    scores = scores.assign(depth=scores["depth"].map(lambda item: DEPTHS.get(item, str(item))), family=scores["kind"].map(family))
    alone = scores[scores["depth"] == "single"]
    control = scores["control"]
    told = int((scores[control]["said"] > 0).sum())
    words = (
        f"{len(scores)} cases on {scores['chain'].nunique()} chains, seed {order.seed}, at most {order.limit or 'all'} of each depth for "
        f"each chain. Controls: {int(control.sum())}, of which {told} have a finding at `warning` or above."
    )
    parts = [
        HEAD,
        words + "\n",
        "## By depth and dialect\n\n" + markdown(summary(scores, ["depth", "dialect"])),
        "## By chain\n\n" + markdown(summary(scores, ["chain", "dialect", "tool"])),
        "## By fault\n\nSingle faults.\n\n" + markdown(summary(alone, ["family", "dialect"])),
    ]
    if (scores["alembic_check"] != "").any():
        parts.append(
            "## What other tools can answer\n\nNeither looks at migrations: they compare two schemas. Both were given the schema that the "
            "chain builds, as if it were the models.\n\n" + markdown(baselines(scores))
        )
    wrong = scores[~scores["ok"]]
    lines = [
        f"- **{cell(row.name_)}** ({row.kind}): {cell(row.misses)}" + _reason(str(row.name_), reasons)
        for row in wrong.rename(columns={"name": "name_"}).itertuples(index=False)
    ]
    parts.append(f"## Misses\n\n{len(wrong)} of {len(scores)}.\n\n" + "\n".join(lines))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _reason(name: str, reasons: Mapping[str, str]) -> str:
    found = next((text for part, text in reasons.items() if part in name), "")
    return f" *{found}*" if found else ""
