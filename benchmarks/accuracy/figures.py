"""Figures of the scores, for the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.accuracy.tables import DEPTHS, family, summary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RIGHT, WRONG = "#2a7f62", "#c8553d"


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def by_fault(scores: pd.DataFrame) -> Figure:
    """Return bars: the share of right cases of each family of single faults, by dialect, with how many there are."""
    alone = scores[scores["depth"] == 1].assign(family=lambda part: part["kind"].map(family))
    table = summary(alone, ["family", "dialect"])
    names = sorted(table["family"].unique(), reverse=True)
    figure, axes = _figure(9, 0.34 * len(names) + 1.2)
    for number, dialect in enumerate(sorted(table["dialect"].unique())):
        part = table[table["dialect"] == dialect].set_index("family")
        there = [name for name in names if name in part.index]
        places = [names.index(name) + 0.2 - 0.4 * number for name in there]
        shares = [float(part.loc[name, "right"]) for name in there]
        axes.barh(places, shares, height=0.38, label=dialect, color=("#3b6ea5", "#d19a2a")[number % 2])
        for place, name in zip(places, there, strict=True):
            axes.annotate(f"{part.loc[name, 'cases']}", (0.005, place), va="center", fontsize=7, color="white")
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of cases in which everything is right")
    axes.legend(loc="lower left", fontsize=8)
    return figure


def by_depth(scores: pd.DataFrame) -> Figure:
    """Return bars: right and wrong cases with one, two and three faults at once, by dialect."""
    figure, axes = _figure(6, 3)
    groups = [(dialect, depth) for dialect in sorted(scores["dialect"].unique()) for depth in sorted(scores["depth"].unique())]
    for place, (dialect, depth) in enumerate(groups):
        part = scores[(scores["dialect"] == dialect) & (scores["depth"] == depth)]
        share = float(part["ok"].mean()) if len(part) else 0.0
        axes.bar(place, share, color=RIGHT)
        axes.bar(place, 1 - share, bottom=share, color=WRONG)
        axes.annotate(f"{100 * share:.1f} %\nof {len(part)}", (place, 0.5), ha="center", color="white", fontsize=8)
    axes.set_xticks(range(len(groups)), [f"{dialect}\n{DEPTHS.get(depth, depth)}" for dialect, depth in groups], fontsize=8)
    axes.set_ylim(0, 1)
    return figure


def by_length(scores: pd.DataFrame) -> Figure:
    """Return points: how long a diagnosis takes against the plain replay of its chain, by the length of the chain."""
    figure, axes = _figure(6, 3.4)
    for number, dialect in enumerate(sorted(scores["dialect"].unique())):
        part = scores[(scores["dialect"] == dialect) & (scores["replay_seconds"] > 0)]
        ratio = part["seconds"] / part["replay_seconds"]
        axes.scatter(part["length"], ratio, s=9, alpha=0.5, label=dialect, color=("#3b6ea5", "#d19a2a")[number % 2])
    axes.axhline(5, color=WRONG, linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("migrations in the chain")
    axes.set_ylabel("diagnosis / plain replay")
    axes.legend(fontsize=8)
    return figure
