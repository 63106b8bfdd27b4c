from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest
import small_case

from forensics.report import notebooks

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def test_these_are_the_notebooks() -> None:
    assert sorted(notebooks.NAMES) == NAMES
    assert notebooks.folder() == FOLDER


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_clean(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []
    assert not re.search(r"/home/|/Users/|/work/|/tmp/|C:\\\\", text)
    assert json.loads(text)["nbformat_minor"] == 5


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_words_that_stay(name: str) -> None:
    ids = [cell.id for cell in read(name).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]*", each) for each in ids)


@pytest.mark.parametrize("name", NAMES)
def test_title_then_parameters_then_the_case(name: str) -> None:
    title, parameters, opening, *_ = read(name).cells
    assert title.cell_type == "markdown"
    assert title.source.startswith("# ")
    assert parameters.metadata.tags == ["parameters"]
    assert all(re.fullmatch(r"\w+: \w+ = .+  # .+", line) for line in parameters.source.splitlines())
    assert "fx.open_case(case" in opening.source


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_hold_library_calls_only(name: str) -> None:
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 10
            kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
            assert not kinds & {ast.For, ast.If, ast.While, ast.FunctionDef, ast.Lambda, ast.Try, ast.With}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_name_a_case_and_never_a_url(name: str) -> None:
    found = papermill.inspect_notebook(FOLDER / f"{name}.ipynb")
    assert {"case", "evidence", "trust"} <= set(found)
    assert found["case"]["default"] == '"sample:architect"'
    assert all(each["help"] for each in found.values())
    assert "://" not in read(name).cells[1].source


def cell(kind: str, source: str, *, outputs: int = 0, tags: tuple[str, ...] = ()) -> nbformat.NotebookNode:
    made = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)
    made.metadata["tags"] = list(tags)
    if kind == "code":
        made.outputs = [nbformat.v4.new_output("display_data", data={"text/markdown": "x"})] * outputs
    return made


def test_a_report_leaves_out_headings_with_nothing_below() -> None:
    cells = [
        cell("markdown", "# For people", tags=("interactive",)),
        cell("markdown", "## Empty"), cell("code", "a"),
        cell("markdown", "## Full"), cell("markdown", "### Empty too"), cell("code", "b"),
        cell("markdown", "### Filled"), cell("code", "c", outputs=1),
        cell("markdown", "## Last"),
        cell("code", "d", outputs=1, tags=("interactive",)),
    ]  # fmt: skip
    shown = notebooks.shown(nbformat.v4.new_notebook(cells=cells))
    assert [each.source for each in shown] == ["## Full", "### Filled", "c"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_plain_papermill_runs_a_notebook(name: str, tmp_path: Path) -> None:
    parameters = {"case": str(small_case.build(tmp_path, "liar"))}
    if name != "fleet":
        parameters["environment"] = "liar"
    done = papermill.execute_notebook(
        FOLDER / f"{name}.ipynb", tmp_path / "out.ipynb", parameters=parameters, progress_bar=False
    )
    outputs = [output for each in done.cells if each.cell_type == "code" for output in each.outputs]
    assert not [output for output in outputs if output.output_type in ("stream", "error")]
    assert any("image/png" in output.data for output in outputs)
    if name != "timeline":
        assert any("needs fixing" in output.data.get("text/markdown", "") for output in outputs)
