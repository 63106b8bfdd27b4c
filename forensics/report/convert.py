"""Executed notebooks -> one report: Markdown with figures beside it, and HTML that holds everything."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.exporters import TemplateExporter
from nbformat.v4 import new_notebook

from forensics.errors import ReportError
from forensics.markdown import escape, html_text
from forensics.report import notebooks
from forensics.report.html import render
from forensics.report.trim import within

ROOM = 60_000
_TEMPLATES = Path(__file__).parent / "template"


def convert(executed: Sequence[Any], *, title: str) -> Mapping[str, bytes]:
    """Return the files of a report by their relative names (``.md``, ``.html``, ``figures/*.png``), from its notebooks.

    The Markdown is at most 60,000 characters long. Nothing in it depends on when or where the notebooks ran.
    """
    cells = [cell for notebook in executed for cell in notebooks.shown(notebook)]
    merged = new_notebook(cells=cells)
    files: dict[str, bytes] = {}
    for cell in cells:
        for output in cell.get("outputs", ()):
            picture = output.get("data", {}).get("image/png")
            if picture:
                name = output.metadata["image/png"]["name"]
                files[f"figures/{name}.png"] = base64.b64decode(picture)
    text = within(_exporter("md").from_notebook_node(merged)[0].strip(), ROOM - 1) + "\n"
    page = _exporter("html").from_notebook_node(merged, resources={"title": title, "style": _style()})[0]
    return {".md": text.encode(), ".html": page.encode(), **files}


def check(notebook: Any, name: str) -> None:
    """Raise `ReportError` where a cell of an executed notebook wrote to stderr."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise failure(name, number, cell, "wrote to stderr", output.text)


def failure(name: str, number: int, cell: Any, what: str, text: str) -> ReportError:
    """Return the error that names the notebook, the cell and the last lines of what it said."""
    last = "\n".join(text.strip().splitlines()[-4:])
    source = cell["source"].strip().splitlines()
    where = f"notebook {name}.ipynb, cell {number + 1} ({source[-1] if source else ''})"
    return ReportError(f"{where} {what}: {last}", remedy=f"open it with: jupyter lab notebooks/{name}.ipynb")


def warm() -> None:
    """Load everything that a conversion needs, so that a process forked afterwards starts at once."""
    convert([new_notebook(cells=[])], title="")


@cache
def _exporter(kind: str) -> TemplateExporter:
    return TemplateExporter(
        template_name="forensics",
        template_file=f"report.{kind}.j2",
        extra_template_basedirs=[str(_TEMPLATES)],
        filters={"html": render, "html_text": html_text, "alt": escape},
    )


@cache
def _style() -> str:
    return (_TEMPLATES / "forensics" / "report.css").read_text(encoding="utf-8").strip()
