"""Whole processes: the command line that only says something, and reports from nothing to the last file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Line

SAMPLE = Path(__file__).parents[1] / "data_samples" / "architect"
_PLAIN = (
    "import pandas as pd\nimport matplotlib.pyplot as plt",
    "table = pd.DataFrame({'a': range(20), 'b': range(20)})\ntable",
    "figure, axes = plt.subplots()\naxes.plot(table['a'], table['b'])\nplt.show()",
)


def _run(*command: str, folder: str | None = None) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)


def words(rounds: int) -> dict[str, list[Line]]:
    """Measure ``--help`` and ``--version``."""
    python = sys.executable
    return {
        "The command line": measure.compare(
            {
                "python -c pass": lambda: _run(python, "-c", "pass"),
                "forensics --help": lambda: _run(python, "-m", "forensics", "--help"),
                "forensics --version": lambda: _run(python, "-m", "forensics", "--version"),
            },
            rounds=rounds,
            targets={"forensics --help": 4.0, "forensics --version": 4.0},
            forked=False,
        )
    }


def reports(rounds: int) -> dict[str, list[Line]]:
    """Measure the reports of the sample: of one environment, and of all twelve, whose diagnoses are known."""
    with measure.scratch() as folder:
        notebook = Path(folder) / "plain.ipynb"
        cells = [
            {"cell_type": "code", "execution_count": None, "id": f"c{n}", "metadata": {}, "outputs": [], "source": text}
            for n, text in enumerate(_PLAIN)
        ]
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        notebook.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        case = ("--case", str(SAMPLE / "forensics.toml"))
        papermill = (sys.executable, "-m", "papermill", str(notebook), os.path.join(folder, "out.ipynb"))
        forensics = (sys.executable, "-m", "forensics", *case, "report")
        _run(*forensics, "--all", "--output", folder)
        one, all_ = "one report: notebook, Markdown, HTML", "twelve reports"
        return {
            "A report from an empty process": measure.compare(
                {"papermill alone": lambda: _run(*papermill), one: lambda: _run(*forensics, "env3", "--output", folder)},
                rounds=rounds,
                targets={one: 0.8},
                forked=False,
            ),
            "Twelve reports from an empty process": measure.compare(
                {
                    "papermill alone, twelve times": lambda: [_run(*papermill) for _ in range(12)],
                    all_: lambda: _run(*forensics, "--all", "--output", folder),
                },
                rounds=max(1, rounds // 3),
                targets={all_: 0.15},
                forked=False,
            ),
        }
