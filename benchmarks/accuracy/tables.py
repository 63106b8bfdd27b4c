"""The scores as tables: a DataFrame, a summary by whatever is asked, and the page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from benchmarks.accuracy.scoring import Score

if TYPE_CHECKING:
    import pandas as pd

DEPTHS = {1: "single", 2: "pair", 3: "triple"}
COLUMNS = ("cases", "right", "executed", "precision", "recall", "objects", "rebuilt", "abstained", "guessed", "withheld", "next failure")


def frame(scores: Iterable[Score]) -> pd.DataFrame:
    """Return the scores, one row a case."""
    import pandas as pd

    return pd.DataFrame([item.row() for item in scores])


def summary(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return rates for each group: of cases, of migrations, of findings; empty where there was nothing to be right about."""
    import pandas as pd

    rows = []
    for key, part in scores.groupby(list(by), sort=True):
        total = part.sum(numeric_only=True)
        expected = part[part["next_expected"]]
        rows.append(
            {
                **dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True)),
                "cases": len(part),
                "right": part["ok"].mean(),
                "executed": _share(total["executed"], total["migrations"]),
                "precision": _share(total["right"], total["said"]),
                "recall": _share(total["found"], total["want"]),
                "objects": _share(total["objects_found"], total["objects"]),
                "rebuilt": part["reconstructed"].mean(),
                "abstained": _share(total["abstained"], total["undecided"]),
                "guessed": int(total["guessed"]),
                "withheld": int(total["withheld"]),
                "next failure": expected["next_right"].mean() if len(expected) else float("nan"),
            }
        )
    return pd.DataFrame(rows, columns=[*by, *COLUMNS])


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def baselines(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what each tool can say at all: whether it sees that anything is wrong, and whether it is silent on controls."""
    import pandas as pd

    shows = scores[scores["visible"] & ~scores["control"] & (scores["want"] > 0)]
    control = scores[scores["control"]]
    rows = []
    for tool, column in (("alembic check", "alembic_check"), ("sqlalchemy-diff", "sqlalchemy_diff")):
        told = shows[shows[column].isin(["same", "differs"])]
        quiet = control[control[column].isin(["same", "differs"])]
        rows.append(
            {
                "tool": tool, "cases": len(told), "sees a difference": (told[column] == "differs").mean() if len(told) else float("nan"),
                "silent on controls": (quiet[column] == "same").mean() if len(quiet) else float("nan"),
                "gives up": int(scores[column].str.startswith("error").sum()), "names the migration": 0.0,
            }
        )  # fmt: skip
    own = {
        "tool": "forensics diagnose", "cases": len(shows), "sees a difference": (shows["said"] > 0).mean(),
        "silent on controls": (control["said"] == 0).mean() if len(control) else float("nan"), "gives up": 0,
        "names the migration": _share(shows["found"].sum(), shows["want"].sum()),
    }  # fmt: skip
    return pd.DataFrame([own, *rows])


def family(kind: str) -> str:
    """Return the family of a kind of fault, for tables that shall not have a hundred rows."""
    return kind.partition(":")[0] if kind.startswith(("control", "by hand")) else kind


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown: rates in percent, nothing where there is nothing."""
    lines = [" | ".join(map(str, table.columns)), " | ".join("---" for _ in table.columns)]
    for row in table.itertuples(index=False):
        lines.append(" | ".join(cell(value) for value in row))
    return "\n".join(f"| {line} |" for line in lines)


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, float):
        return "" if value != value else f"{100 * value:.1f} %" if value < 1 else "100 %"
    return str(value).replace("|", "\\|").replace("\n", " ")
